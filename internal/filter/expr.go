package filter

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf8"

	gendb "example.com/wechatcustomers/gen/db"
)

// kind is the first byte of a set's name: what it is a set of.
type kind byte

const (
	kindLive     kind = 'l' // every live follow
	kindMember   kind = 'u' // member 0, who is no member: the others are found by the contacts' index
	kindAddWay   kind = 'a'
	kindTag      kind = 'T' // a tag's id; * for any tag
	kindEmployee kind = 'e'
	kindType     kind = 't'
	kindStatus   kind = 's'
	kindGender   kind = 'g'
	kindDay      kind = 'd' // a day of createtime, China time
	kindDays     kind = 'D' // 32 of them
	kindName     kind = 'n' // one, two or three letters that follow one another in the contact's name
	kindRemark   kind = 'r' // the same in the remark
	kindNotes    kind = 'k' // the same in the other texts that search[keyword] looks at
	kindMobile   kind = 'm' // the same in the digits of a telephone number
	kindPinyin   kind = 'p' // how what is spelt in pinyin from one of the characters of name or remark on begins
)

// Kinds are the first bytes of the names of sets whose values are counted, by what they count.
const (
	Status   = byte(kindStatus)
	Type     = byte(kindType)
	AddWay   = byte(kindAddWay)
	Gender   = byte(kindGender)
	Employee = byte(kindEmployee)
	Tag      = byte(kindTag)
)

// AnyTag stands for any tag at all among tag ids.
const AnyTag = "*"

// appendNumber appends a number to a set's name, so that names are in the order of their numbers.
func appendNumber(name []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(name, uint64(n)^1<<63)
}

// Number returns the number that a set's name ends with after its kind.
func Number(name []byte) int64 {
	return int64(binary.BigEndian.Uint64(name[1:]) ^ 1<<63)
}

// Op says how an Expr makes its rows.
type Op int

const (
	Value   Op = iota // the rows of one set
	Between           // the rows of any set whose name is in a range
	Rows              // rows that an index of the base tables tells
	Any               // the rows of any of Of
	All               // the rows of all of Of
	Not               // the live rows that are not of Of
	Match             // the rows of all of Of; those of Doubt, or all without it, only if they meet Filter
)

// Expr is how the rows of a filter are made of sets.
type Expr struct {
	Op          Op
	First, Last string // the name of the set, or the range of names, both inclusive
	Source      Source
	Of          []Expr
	Doubt       *Expr
	Filter      Filter
}

// Source reads the rows of an Expr from an index of the base tables' own. The ids are in any order,
// and may be of deleted rows.
type Source func(ctx context.Context, q *gendb.Queries, crop uint32) ([]uint64, error)

// Live is every live row.
func Live() Expr { return Expr{Op: Value, First: string(kindLive)} }

// OfKind is the range of all sets of a kind.
func OfKind(k byte) Expr { return Expr{Op: Between, First: string(k), Last: string(k + 1)} }

// OfTag is the set of a tag's rows.
func OfTag(id string) Expr { return value(kindTag, id) }

// OfEmployee is the set of the rows of an employee, whose userid is in small letters.
func OfEmployee(userid string) Expr { return value(kindEmployee, userid) }

// Months and Days are the sets of 32 days and of one day of createtime that a range of seconds
// touches.
func Months() Expr { return OfKind(byte(kindDays)) }

// DaysOf is the range of the days of these 32.
func DaysOf(month int64) Expr {
	return Expr{
		Op:    Between,
		First: numbered(kindDay, month<<monthBits),
		Last:  numbered(kindDay, month<<monthBits|(1<<monthBits-1)),
	}
}

// SecondsOf returns the first and the last second of a day of createtime.
func SecondsOf(day int64) (from, to int64) {
	from, to = day*daySeconds-zoneSeconds, day*daySeconds-zoneSeconds+daySeconds-1
	if day == dayOf(math.MinInt64) {
		from = math.MinInt64
	}
	if day == dayOf(math.MaxInt64) {
		to = math.MaxInt64
	}
	return from, to
}

func value(k kind, v string) Expr { return Expr{Op: Value, First: string(k) + v} }

func numbered(k kind, n int64) string { return string(appendNumber([]byte{byte(k)}, n)) }

func number(k kind, n int64) Expr { return Expr{Op: Value, First: numbered(k, n)} }

// beginning is the range of all sets of a kind whose values begin so.
func beginning(k kind, prefix string) Expr {
	return Expr{Op: Between, First: string(k) + prefix, Last: string(k) + prefix + "\xff"}
}

func anyOf(of ...Expr) Expr {
	if len(of) == 1 {
		return of[0]
	}
	return Expr{Op: Any, Of: of}
}

func allOf(of ...Expr) Expr {
	if len(of) == 1 {
		return of[0]
	}
	return Expr{Op: All, Of: of}
}

func values(k kind, list []string) []Expr {
	of := make([]Expr, len(list))
	for i, v := range list {
		of[i] = value(k, v)
	}
	return of
}

// gramLetters returns the most letters that sets of a kind tell of. Telephone numbers have but ten.
func gramLetters(k kind) int {
	if k == kindMobile {
		return 4
	}
	return 3
}

// grams names the sets of a text: each run of up to gramLetters that follow one another in it; and
// the empty run where one that is a letter shorter than the longest stands in it twice.
//
// A longer text is looked up by all of its longest runs. Each of these overlaps the next in a run
// that is a letter shorter: where no such run stands in a row's text twice, its runs can only
// follow one another as they do in the text that is looked for. So only the rows of the empty run
// have to be looked at.
func (n *namer) grams(k kind, text string) {
	longest := gramLetters(k)
	starts := n.starts[:0] // of the last letters
	n.overlaps = n.overlaps[:0]
	for i, r := range text {
		if r == separator {
			starts = starts[:0]
			continue
		}
		if len(starts) == longest {
			starts = append(starts[:0], starts[1:]...)
		}
		starts = append(starts, i)
		end := i + utf8.RuneLen(r)
		for j, start := range starts {
			n.value(k, text[start:end])
			if len(starts)-j == longest-1 {
				n.overlaps = append(n.overlaps, text[start:end])
			}
		}
	}
	n.starts = starts
	slices.Sort(n.overlaps)
	for i := 1; i < len(n.overlaps); i++ {
		if n.overlaps[i] == n.overlaps[i-1] {
			n.value(k, "")
			break
		}
	}
}

// containing returns the rows in which a text stands. looked is the filter by which rows are looked
// at where sets do not settle it.
func containing(k kind, text string, looked Filter) Expr {
	letters := []rune(text)
	longest := gramLetters(k)
	if len(letters) <= longest {
		return value(k, text)
	}
	var grams []string
	for i := range letters[longest-1:] {
		grams = append(grams, string(letters[i:i+longest]))
	}
	slices.Sort(grams)
	doubt := value(k, "")
	return Expr{Op: Match, Of: values(k, slices.Compact(grams)), Doubt: &doubt, Filter: looked}
}
