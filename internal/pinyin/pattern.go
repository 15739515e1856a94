package pinyin

import (
	"strings"
	"sync"
)

const (
	// nextReading goes on from the end of a reading to the start of one of the next character.
	nextReading = ",[^<;]*<([^<;]*,)?"
	// nothing finds nothing: a character has a reading.
	nothing = "<;"
)

// Pattern returns the regular expression that finds q, of Query, in the lattices that it matches.
// It is written in what PCRE2 (MariaDB), ICU (MySQL) and package regexp have in common, and is less
// than 2 KB long.
//
// With … for nextReading, liyi is [<,]li…yi and xian is [<,]xi(…)?a(…)?n: which syllables q has is
// decided by each lattice, where the expression would have to list all divisions of q, of which
// there may be very many. The initials lt are [<,]l[^<;]*<([^t<,;][^<,;]*,)*t. Engines that go back
// to try again find little to try: a character has each reading once, and of several readings with
// one initial only the first is tried.
func Pattern(q string) string {
	if q == "" || len(q) > MaxQuery {
		return nothing
	}
	var ways []string
	if canBeWhole(q) {
		ways = append(ways, wholePattern(q))
	}
	if canBeInitials(q) {
		ways = append(ways, initialsPattern(q))
	}
	switch len(ways) {
	case 0:
		return nothing
	case 1:
		return "[<,]" + ways[0]
	}
	return "[<,](" + strings.Join(ways, "|") + ")"
}

// wholePattern finds q spelt by whole readings, after what stands before the first.
func wholePattern(q string) string {
	d := divide(q)
	var b strings.Builder
	for i := range len(q) {
		switch apart, within := d.apart>>i&1 == 1, d.within>>i&1 == 1; {
		case i == 0 || !apart:
		case within:
			b.WriteString("(" + nextReading + ")?")
		default:
			b.WriteString(nextReading)
		}
		b.WriteByte(q[i])
	}
	return b.String()
}

// initialsPattern finds q spelt by initials, after what stands before the first.
func initialsPattern(q string) string {
	var b strings.Builder
	b.WriteByte(q[0])
	for _, initial := range q[1:] {
		letter := string(initial)
		// Only readings with other initials are passed over. That leaves one way to match.
		b.WriteString("[^<;]*<([^" + letter + "<,;][^<,;]*,)*" + letter)
	}
	return b.String()
}

// canBeWhole reports whether there are syllables by which q could be spelt whole.
func canBeWhole(q string) bool {
	return divide(q).apart&1 == 1
}

// canBeInitials reports whether q could be spelt by initials, and not by one alone: that begins a
// whole spelling too.
func canBeInitials(q string) bool {
	return len(q) > 1 && !strings.ContainsAny(q, "iuv")
}

// division says how q can be divided into syllables of which the last may be cut short: bit i of
// apart, that one of them may begin at q[i]; of within, that q[i] may be in one but not begin it.
type division struct{ apart, within uint64 }

func divide(q string) division {
	known := syllables()
	// canBe reports whether q[i:j] can be one of q's syllables.
	canBe := func(i, j int) bool {
		whole, begins := known[q[i:j]]
		return whole || begins && j == len(q)
	}
	// Bit i of before says that q[:i] can be divided, of after that q[i:] can.
	var before, after uint64 = 1, 1 << len(q)
	for i := range len(q) {
		for j := i + 1; before>>i&1 == 1 && j <= min(i+longest, len(q)); j++ {
			if canBe(i, j) {
				before |= 1 << j
			}
		}
	}
	var d division
	for i := len(q) - 1; i >= 0; i-- {
		for j := i + 1; before>>i&1 == 1 && j <= min(i+longest, len(q)); j++ {
			if after>>j&1 == 1 && canBe(i, j) {
				after |= 1 << i
				d.within |= 1<<j - 1<<(i+1)
			}
		}
	}
	d.apart = before & after
	return d
}

// longest is how many letters a syllable has at most: zhuang.
const longest = 6

// syllables are all the readings of characters, true, and what these begin with, false.
var syllables = sync.OnceValue(func() map[string]bool {
	known := make(map[string]bool)
	for _, c := range characters() {
		_, readings, _ := strings.Cut(c.lattice, string(characterStart))
		for readings != "" {
			var reading string
			reading, readings = cutReading(readings)
			known[reading] = true
			for n := 1; n < len(reading); n++ {
				if whole, is := known[reading[:n]]; !is {
					known[reading[:n]] = whole
				}
			}
		}
	}
	return known
})
