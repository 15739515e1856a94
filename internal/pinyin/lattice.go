package pinyin

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	pinyindict "github.com/mozillazg/go-pinyin"
	"golang.org/x/text/unicode/norm"
)

const (
	// MaxCharacters is how many Chinese characters of a text are spelt: its first.
	MaxCharacters = 32
	// MaxBeginnings is how many Beginnings a text has at most, for which Lattice sees. Ordinary
	// remarks of MaxCharacters have some hundreds.
	MaxBeginnings = 3000
	// MaxLattice is how many bytes the lattice of a text has at most. That of a name has some 20.
	MaxLattice = MaxCharacters * 32
)

// What a lattice is written with, beside letters.
const (
	characterStart = '<'
	readingEnd     = ','
	textEnd        = ';'
)

// Lattice returns the readings of each Chinese character of a text, which must be folded by package
// fold: "<", and then each reading followed by ",". 李广 is "<li,<guang,yan,an,". It is "" where no
// character has a reading.
//
// Readings are without tone, most usual first, with v for ü; lve and nve stand as lue and nue too.
// A text keeps its first MaxCharacters characters. Where these could be spelt in so many ways that
// Beginnings would have more than MaxBeginnings (counted as if no two were the same), each
// character keeps only as many readings, the most usual, as stay within. No ordinary text does.
func Lattice(folded string) string {
	var all [MaxCharacters]*character
	text := all[:0]
	known := characters()
	for _, r := range folded {
		if r < utf8.RuneSelf {
			continue
		}
		if c := known[r]; c != nil {
			text = append(text, c)
			if len(text) == MaxCharacters {
				break
			}
		}
	}
	most := maxReadings
	for most > 1 && countBeginnings(text, most) > MaxBeginnings {
		most--
	}
	size := 0
	for _, c := range text {
		size += c.mostUsual(most).size
	}
	var b strings.Builder
	b.Grow(size)
	for _, c := range text {
		b.WriteString(c.lattice[:c.mostUsual(most).size])
	}
	return b.String()
}

// Join returns the lattice of several texts, in which nothing is found that goes from one text to
// the next.
func Join(lattices ...string) string {
	var b strings.Builder
	for _, lattice := range lattices {
		if lattice == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(textEnd)
		}
		b.WriteString(lattice)
	}
	return b.String()
}

// cutCharacter returns the readings of the first character of a lattice, which must not begin
// with textEnd, and what stands after it.
func cutCharacter(lattice string) (readings, rest string) {
	end := 1
	for end < len(lattice) && lattice[end] != characterStart && lattice[end] != textEnd {
		end++
	}
	return lattice[1:end], lattice[end:]
}

// cutReading returns the first of a character's readings, and those after it.
func cutReading(readings string) (reading, rest string) {
	reading, rest, _ = strings.Cut(readings, string(readingEnd))
	return reading, rest
}

// countBeginnings returns how many beginnings the text has at most with so many readings of each
// character: of each kind from each character on, as many as there are ways to read the characters
// that they can reach to.
func countBeginnings(text []*character, most int) int {
	total := 0
	for kind, k := range kinds {
		for i := range text {
			ways, left := 1, k.most
			for _, c := range text[i:] {
				if left <= 0 {
					break
				}
				if r := c.mostUsual(most); kind < Initials3 {
					ways *= r.count
					left -= r.shortest
				} else {
					ways *= r.initials
					left--
				}
			}
			total += ways
		}
	}
	return total
}

// maxReadings is how many readings a character of the dictionary has at most.
const maxReadings = 8

// character is how a character is read.
type character struct {
	lattice string
	first   []readings // its most usual one, its most usual two, and so on to all
}

type readings struct {
	size     int // bytes of the lattice up to these
	count    int
	initials int // how many letters these begin with
	shortest int // letters of the shortest
}

// mostUsual returns what the character's most usual readings are, at most so many.
func (c *character) mostUsual(most int) readings {
	return c.first[min(most, len(c.first))-1]
}

// characters are all that have a reading. They are made when the first text is spelt, since not
// every run of the program spells one.
var characters = sync.OnceValue(func() map[rune]*character {
	known := make(map[rune]*character, len(pinyindict.PinyinDict))
	// Forty thousand characters share some four thousand entries.
	shared := make(map[string]*character)
	for code, tones := range pinyindict.PinyinDict {
		r := rune(code)
		if !unicode.Is(unicode.Han, r) {
			continue // private use, by which old encodings' characters were carried
		}
		if r == '嗯' {
			tones = "ēn," + tones // the dictionary has only n and ng
		}
		c := shared[tones]
		if c == nil {
			c = newCharacter(tones)
			shared[tones] = c
		}
		known[r] = c
	}
	return known
})

// newCharacter returns the character that the dictionary's entry describes: zhòng,chóng.
func newCharacter(tones string) *character {
	c := &character{lattice: string(characterStart)}
	var initials string
	shortest := len("zhuang")
	for _, spelling := range spellings(tones) {
		if !strings.Contains(initials, spelling[:1]) {
			initials += spelling[:1]
		}
		shortest = min(shortest, len(spelling))
		c.lattice += spelling + string(readingEnd)
		c.first = append(c.first, readings{
			size:     len(c.lattice),
			count:    len(c.first) + 1,
			initials: len(initials),
			shortest: shortest,
		})
	}
	return c
}

// spellings returns the syllables of a dictionary's entry, each once, in ASCII: without the marks
// of their tones, with v for ü, and with ue too where that makes ve, as most people type it.
func spellings(tones string) []string {
	marked := strings.ReplaceAll(norm.NFD.String(tones), "u\u0308", "v")
	plain := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return -1
		}
		return r
	}, marked)
	var all []string
	add := func(spelling string) {
		if !slices.Contains(all, spelling) { // another tone of it may have been there
			all = append(all, spelling)
		}
	}
	for syllable := range strings.SplitSeq(plain, string(readingEnd)) {
		add(syllable)
		if initial, ok := strings.CutSuffix(syllable, "ve"); ok {
			add(initial + "ue")
		}
	}
	return all
}
