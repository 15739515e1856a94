// Package fold owns the one rule of text search: both sides are folded here, in
// Go, and the database only compares bytes, so that every server agrees.
//
// Folded text is NFKC, then Unicode's full case folding, then NFKC again: ＡＢＣ,
// abc and ABC are one text, so are ㎏ and kg, Straße and STRASSE, ｶﾞ and ガ.
// "Contains" means: the code points of the folded query stand, one after the
// other, in the folded text. That is not quite "contains what the user sees": a
// query may match within what was one letter (f finds ﬁ), and an accent that
// composes with its letter hides the bare letter (e does not find é). Chinese is
// not translated: 马 does not find 馬.
//
// Both libraries choose their tables by the Go release that compiles them. Text
// stored by another release of Unicode must be folded again; see Unicode.
package fold

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// Unicode is the release of Unicode whose rules String follows. Stored folded
	// text depends on it for letters that a newer release added.
	Unicode = norm.Version

	// MaxGrowth is the most code points that String makes of one (U+FDFA makes 18).
	// For a whole string too: String(s) has at most MaxGrowth times the code points
	// of s, since composing only shortens. A column for folded text is this many
	// times as wide as the one it is made from.
	MaxGrowth = 18
)

// String returns s folded. It is idempotent: String(String(s)) == String(s).
// It does not allocate where nothing changes, as with most Chinese text.
//
// s must be valid UTF-8, and rejecting what is not is the caller's part: here each
// byte that belongs to no code point becomes U+FFFD.
func String(s string) string {
	plain, upper := scan(s)
	switch {
	case plain && !upper:
		return s
	case plain:
		return lower(s)
	}
	return full(s)
}

// Query returns what a caller searches for: s folded, without the Unicode white
// space around it. It is "" where s is nothing but white space: no filter.
func Query(s string) string {
	// Trimmed again because folding turns some signs into a space and a mark
	// (U+00A8 into U+0020 U+0308), and such a space is as little meant as any other.
	return strings.TrimSpace(String(strings.TrimSpace(s)))
}

// scan reports whether s consists of ASCII and plain Han alone, which folding
// changes in nothing but ASCII's capitals, and whether it has such capitals.
func scan(s string) (plain, upper bool) {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			upper = upper || 'A' <= c && c <= 'Z'
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !han(r) {
			return false, upper
		}
		i += size
	}
	return true, upper
}

// han reports whether r lies in the oldest three blocks of unified ideographs, none
// of which decomposes, composes or has a case. Compatibility ideographs do.
func han(r rune) bool {
	return '\u4e00' <= r && r <= '\u9fff' || '\u3400' <= r && r <= '\u4dbf' || 0x20000 <= r && r <= 0x2a6df
}

// lower is full for text of which scan says plain.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// full is the rule itself.
func full(s string) string {
	// A Caser may not be shared between goroutines, and costs nothing to make.
	s = cases.Fold().String(norm.NFKC.String(s))
	return norm.NFKC.String(strings.Map(cherokee, s))
}

// cherokee folds the one script that cases.Fold gets wrong: it exchanges Cherokee's
// capitals and small letters, so that the two never meet. Unicode folds the small
// letters, which came late, to the capitals.
func cherokee(r rune) rune {
	switch {
	case '\uab70' <= r && r <= '\uabbf':
		return r - '\uab70' + '\u13a0'
	case '\u13f8' <= r && r <= '\u13fd':
		return r - '\u13f8' + '\u13f0'
	}
	return r
}
