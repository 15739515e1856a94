// Package pinyin owns the one rule of search by pinyin: which search text finds a Chinese text by
// how it is spelt, the regular expression by which a database asks the same, and the beginnings of
// spellings that an index is made from. It is pure: where any of these are kept is another's part.
//
// A text is found by its pinyin without tones, from any of its characters on, either spelt whole,
// where the last syllable may be cut short (李一天: liyitian, yitian, liyit), or by initials (lyt,
// yt), in every reading of each character (曾 is ceng and zeng). It is not found by what begins
// within a syllable (iyi), nor by a mixture of whole syllables and initials (liyt). Only Chinese
// characters are spelt; all else in a text is skipped (王 小A明 is wangxiaoming).
//
// The characters and their readings are those of github.com/mozillazg/go-pinyin. It knows rare
// readings too (王 is also yu), so a text may be found by more than one expects.
package pinyin

import (
	"math/bits"
	"strings"
	"unicode"
)

// MaxQuery is how many letters a search text has at most.
const MaxQuery = 40

// Query returns the letters that a search text is compared by, or "" where it cannot be pinyin and
// finds nothing by it. The search text must be folded by package fold.
//
// White space, apostrophes and hyphens only separate syllables (xi'an) and are dropped; ü becomes
// v. What remains must be one to MaxQuery ASCII letters.
func Query(folded string) string {
	var letters strings.Builder
	for _, r := range folded {
		switch {
		case r == 'ü':
			r = 'v'
		case unicode.IsSpace(r), strings.ContainsRune("'’-‐", r):
			continue
		case r < 'a' || 'z' < r:
			return ""
		}
		if letters.Len() == MaxQuery {
			return ""
		}
		letters.WriteByte(byte(r))
	}
	return letters.String()
}

// Matches reports whether q, of Query, finds one of the texts of the lattice, of Lattice or Join.
// It is the rule itself, which Pattern and Candidates are tested by. "" finds nothing.
func Matches(lattice, q string) bool {
	if q == "" || len(q) > MaxQuery {
		return false
	}
	// Bit n of whole says that the characters up to here, from one of them on, are spelt q[:n];
	// likewise for initials. Every character may be the first.
	var whole, initials uint64
	for lattice != "" {
		if lattice[0] == textEnd {
			whole, initials, lattice = 0, 0, lattice[1:]
			continue
		}
		var readings string
		readings, lattice = cutCharacter(lattice)
		wholeBefore, initialsBefore := whole|1, initials|1
		whole, initials = 0, 0
		for readings != "" {
			var reading string
			reading, readings = cutReading(readings)
			for set := wholeBefore; set != 0; set &= set - 1 {
				n := bits.TrailingZeros64(set)
				if strings.HasPrefix(reading, q[n:]) {
					return true
				}
				if strings.HasPrefix(q[n:], reading) {
					whole |= 1 << (n + len(reading))
				}
			}
			for set := initialsBefore; set != 0; set &= set - 1 {
				if n := bits.TrailingZeros64(set); q[n] == reading[0] {
					initials |= 1 << (n + 1)
				}
			}
		}
		if initials>>len(q)&1 == 1 {
			return true
		}
	}
	return false
}
