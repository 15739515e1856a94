package pinyin

import (
	"math/bits"
	"slices"
)

// The kinds of beginnings: of whole spellings and of initials, cut at so many letters. They may be
// stored: the numbers stay.
const (
	Whole3 = iota
	Whole6
	Whole10
	Initials3
	Initials6
)

// kinds are the spellings that have a beginning of each kind, those of more than above letters, and
// how many letters it has at most.
var kinds = [...]struct{ above, most int }{
	Whole3:    {0, 3},
	Whole6:    {3, 6},
	Whole10:   {6, 10},
	Initials3: {0, 3},
	Initials6: {3, 6},
}

// Range is those beginnings of one kind whose letters begin with a prefix.
type Range struct {
	Kind   int
	Prefix string
	// Settled says that every lattice with such a beginning matches. Otherwise some do, and
	// Matches or Pattern tells which.
	Settled bool
}

// Candidates returns where an index of Beginnings must look for q, of Query: whatever lattice q
// matches has a beginning in one of the ranges. Where there are none, q matches nothing.
func Candidates(q string) []Range {
	if q == "" || len(q) > MaxQuery {
		return nil
	}
	ranges := make([]Range, 0, 2)
	if canBeWhole(q) {
		ranges = append(ranges, candidates(q, Whole3, Whole10))
	}
	if canBeInitials(q) {
		ranges = append(ranges, candidates(q, Initials3, Initials6))
	}
	return ranges
}

// candidates returns the range of the first kind, from one to another, that has all of q, or else
// of the last.
func candidates(q string, kind, last int) Range {
	for kind < last && len(q) > kinds[kind].most {
		kind++
	}
	most := kinds[kind].most
	return Range{Kind: kind, Prefix: q[:min(len(q), most)], Settled: len(q) <= most}
}

// Beginnings calls add with the first letters of all that is spelt, whole and by initials, from
// each character of a lattice to the end of its text: with one beginning of each kind that the
// spelling is long enough for. Each kind and letters come once, in order.
func Beginnings(lattice string, add func(kind int, letters string)) {
	var few [64]beginning
	found := few[:0]
	for lattice != "" {
		if lattice[0] == textEnd {
			lattice = lattice[1:]
			continue
		}
		found = appendSpelt(found, lattice, Whole3)
		found = appendSpelt(found, lattice, Initials3)
		_, lattice = cutCharacter(lattice)
	}
	slices.Sort(found)
	found = slices.Compact(found)

	// The letters of all are one string, of which each has its part.
	var little [512]byte
	letters := little[:0]
	for _, b := range found {
		letters = b.appendLetters(letters)
	}
	all := string(letters)
	for _, b := range found {
		n := b.size()
		add(b.kind(), all[:n])
		all = all[n:]
	}
}

// appendSpelt appends the beginnings, of this kind and those that follow it, of what is spelt by
// the lattice up to the end of its text, some twice.
func appendSpelt(found []beginning, lattice string, kind int) []beginning {
	var few, others [16]spelling
	spelt, next := append(few[:0], spelling{beginning: beginning(kind) << kindShift}), others[:0]
	for len(spelt) > 0 && lattice != "" && lattice[0] != textEnd {
		var readings string
		readings, lattice = cutCharacter(lattice)
		next = next[:0]
		for initials := uint32(0); readings != ""; {
			var reading string
			reading, readings = cutReading(readings)
			if reading == "" || reading[0] < 'a' || 'z' < reading[0] {
				continue // of no lattice
			}
			if kind == Initials3 {
				reading = reading[:1]
				bit := uint32(1) << (reading[0] - 'a')
				if initials&bit != 0 {
					continue
				}
				initials |= bit
			}
			for _, s := range spelt {
				var goesOn bool
				if found, goesOn = s.read(reading, found); goesOn {
					next = append(next, s)
				}
			}
		}
		spelt, next = next, spelt
	}
	for _, s := range spelt {
		if s.letters > kinds[s.kind()].above {
			found = append(found, s.beginning)
		}
	}
	return found
}

// spelling is what is spelt so far, as a beginning of the kind that is still to come.
type spelling struct {
	beginning

	letters int
}

// read adds a reading, and appends the beginnings that are complete with it. It reports whether
// there are longer ones to come.
func (s *spelling) read(reading string, found []beginning) ([]beginning, bool) {
	for i := range len(reading) {
		s.letters++
		s.beginning |= beginning(reading[i]-'a'+1) << (kindShift - letterBits*s.letters)
		if s.letters < kinds[s.kind()].most {
			continue
		}
		found = append(found, s.beginning)
		if s.kind() == Whole10 || s.kind() == Initials6 {
			return found, false
		}
		s.beginning += 1 << kindShift
	}
	return found, true
}

// beginning is a kind and up to ten letters in one number, so that sorting is cheap: five bits for
// each letter, the first in the highest, and the kind above them.
type beginning uint64

const (
	letterBits = 5
	kindShift  = 10 * letterBits
)

func (b beginning) kind() int { return int(b >> kindShift) }

// size returns how many letters it has.
func (b beginning) size() int {
	const all = 1<<kindShift - 1
	return 10 - bits.TrailingZeros64(uint64(b&all|1<<kindShift))/letterBits
}

func (b beginning) appendLetters(to []byte) []byte {
	for b <<= 64 - kindShift; b != 0; b <<= letterBits {
		to = append(to, 'a'-1+byte(b>>(64-letterBits)))
	}
	return to
}
