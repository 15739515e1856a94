package writer

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Kind is what a record describes. The order of the kinds is the order in which records refer to
// one another.
type Kind int

// The kinds, with the contract's object that each is and the table that holds it.
const (
	Business Kind = iota // businesses
	Manager              // managers
	Employee             // has_one_employee, employees
	Customer             // has_one_customer, contacts
	Tag                  // tag[], tags
	Follow               // data[] without has_one_*, follows
	kinds
)

var kindNames = [kinds]string{"business", "manager", "employee", "customer", "tag", "follow"}

// String returns the kind's name in an import file.
func (k Kind) String() string {
	if k < 0 || k >= kinds {
		return "Kind(" + strconv.Itoa(int(k)) + ")"
	}
	return kindNames[k]
}

// KindOf returns the kind of this name, false where there is none.
func KindOf(name string) (Kind, bool) {
	for k, n := range kindNames {
		if n == name {
			return Kind(k), true
		}
	}
	return 0, false
}

// Columns returns the fields that a record of this kind may have, in the contract's order; a Record
// has one value for each. The slice is shared: do not write to it.
func (k Kind) Columns() []Column { return tables[k].columns[:tables[k].given] }

// Field returns the index of this field in Columns, -1 where the kind has none.
func (k Kind) Field(name string) int {
	if i, ok := tables[k].fields[name]; ok {
		return i
	}
	return -1
}

// Check returns what is wrong with a record as can be seen without the database: every wrong field
// of it.
func (k Kind) Check(record Record) []Rejection {
	_, rejected := tables[k].check([]Record{record})
	return rejected
}

// Record is one value for each of its kind's Columns. An absent value keeps what is stored, and
// takes the column's default in a new row.
type Record []Value

// NewRecord returns a record of this kind whose values are all absent.
func NewRecord(k Kind) Record { return make(Record, tables[k].given) }

// Value is one field of a record: absent (the zero Value), null, or a text or a number as its
// Column's type has it. With IfNew it is for a new row only: a stored one keeps what it has.
type Value struct {
	Text string
	Int  int64
	Is   Presence
}

// Presence says whether a record has a field.
type Presence uint8

// Whether a record has a field.
const (
	Absent Presence = iota
	Null
	Present
	IfNew
	IfChanged // only where the record changes the row in another field
)

// Text returns a text value.
func Text(s string) Value { return Value{Text: s, Is: Present} }

// Int returns a number value.
func Int(n int64) Value { return Value{Int: n, Is: Present} }

// ForNew returns v for a new row only.
func ForNew(v Value) Value {
	v.Is = IfNew
	return v
}

// FirstMadeID is where ids begin that stand in for one that is not known, as that of a contact whose
// row is missing. Of two rows of one key such a one gives way to any other.
const FirstMadeID = 1 << 40

// WhereChanged returns v for a row that the record changes in another field: a new row takes the
// column's default.
func WhereChanged(v Value) Value {
	v.Is = IfChanged
	return v
}

// Type is what a column holds, and so what a record may bring for it.
type Type uint8

// The types.
const (
	ID         Type = iota // a row's id, from 1
	Number32               // any 32-bit number
	Unsigned32             // any unsigned 32-bit number
	Number64               // any 64-bit number
	Seconds                // a time in unix seconds, from 0; one in milliseconds is floored
	Standing               // a follow's status: 1 or -1
	Source                 // add_way: an unsigned 32-bit number, written as text in digits; an empty one is 0
	Plain                  // any text
	Userid                 // an employee's userid: printable ASCII
	Key                    // external_userid or a tag's id: no white space, no comma
	Keys                   // tag ids, comma-separated
	Texts                  // a JSON array, of texts mostly
	Date                   // YYYY-MM-DD hh:mm:ss, China time
)

// Number says whether values of this type are in Value.Int and not in Value.Text; a record brings a
// Source as text and the table holds it as a number.
func (t Type) Number() bool { return t <= Source }

// Column is one field of a kind.
type Column struct {
	Name     string // the contract's and the table's
	Type     Type
	Max      int  // the most characters of a text
	Nullable bool // may be null

	required bool   // part of the natural key: every record has it
	unstored bool   // checked, not stored: uniacid
	text     string // the default of a text
	number   int64  // the default of a number
	now      bool   // the default is the writer's clock
}

// FromMillis is where times begin that are in milliseconds: in seconds it would be the year 5138.
const FromMillis = 1e11

// maxID keeps ids exact in JavaScript, where the list is read.
const maxID = 1<<53 - 1

// longestTagID is the width of tags.tag_id, in characters. follow_sets.name has room for it.
const longestTagID = 100

// check makes v what the column stores, or says why it cannot be.
func (c *Column) check(v *Value) string {
	switch v.Is {
	case Absent:
		if c.required {
			return "is missing"
		}
		return ""
	case Null:
		if !c.Nullable {
			return "must not be null"
		}
		return ""
	}
	switch c.Type {
	case ID:
		if v.Int < 1 || v.Int > maxID {
			return "must be 1 to " + strconv.Itoa(maxID)
		}
	case Number32:
		if v.Int < math.MinInt32 || v.Int > math.MaxInt32 {
			return "must be a 32-bit number"
		}
	case Unsigned32:
		low := int64(0)
		if c.required && c.Name != "uid" {
			low = 1 // the ids of enterprises and mall accounts
		}
		if v.Int < low || v.Int > math.MaxUint32 {
			return fmt.Sprintf("must be %d to %d", low, uint32(math.MaxUint32))
		}
	case Number64:
	case Seconds:
		if v.Int >= FromMillis {
			v.Int /= 1000
		}
		if v.Int < 0 || v.Int >= FromMillis {
			return "must be a time in unix seconds, from 0"
		}
	case Standing:
		if v.Int != 1 && v.Int != -1 {
			return "must be 1 or -1"
		}
	case Source:
		var n int64
		if v.Text != "" { // the original's column is a text: what has not been set
			var ok bool
			if n, ok = digits(v.Text); !ok {
				return "must be digits, at most " + strconv.Itoa(math.MaxUint32)
			}
		}
		*v = Value{Int: n, Is: v.Is}
	case Date:
		if !isDate(v.Text) {
			return "must be a date as YYYY-MM-DD hh:mm:ss"
		}
	default:
		return c.checkText(v.Text)
	}
	return ""
}

func (c *Column) checkText(s string) string {
	// Characters are what the column counts; bytes are an upper bound for them and cost nothing.
	if len(s) > c.Max && utf8.RuneCountInString(s) > c.Max {
		return "is longer than " + strconv.Itoa(c.Max) + " characters"
	}
	if strings.IndexByte(s, 0) >= 0 {
		return "must not contain NUL"
	}
	if !utf8.ValidString(s) {
		return "must be UTF-8"
	}
	switch c.Type {
	case Userid:
		for i := range len(s) {
			if s[i] <= ' ' || s[i] > '~' {
				return "must be printable ASCII without spaces"
			}
		}
	case Key:
		if !isKey(s) {
			return "must not contain white space or commas"
		}
	case Keys:
		if len(s) > c.Max {
			return "is longer than " + strconv.Itoa(c.Max) + " bytes"
		}
		for id := range strings.SplitSeq(s, ",") {
			if id = strings.TrimSpace(id); !isKey(id) {
				return "must be tag ids without white space, separated by commas"
			}
			if len(id) > longestTagID && utf8.RuneCountInString(id) > longestTagID {
				return "has a tag id longer than " + strconv.Itoa(longestTagID) + " characters"
			}
		}
	}
	if c.Type == Texts && s != "[]" {
		if !strings.HasPrefix(s, "[") || !json.Valid([]byte(s)) {
			return `must be a JSON list, as ["13800000001"]`
		}
	}
	if s == "" && c.required {
		return "must not be empty"
	}
	return ""
}

func isKey(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) < 0
}

// digits returns the number that s spells in ASCII digits alone, false where it is none or does not
// fit 32 bits.
func digits(s string) (int64, bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, n <= math.MaxUint32
}

// isDate says whether s is a real date and time in the servers' range. China has no daylight saving
// in the range that matters, so every wall clock exists.
func isDate(s string) bool {
	// time.Parse takes fractions of seconds that the layout does not name.
	if len(s) != len(time.DateTime) || s < "1000" {
		return false
	}
	_, err := time.Parse(time.DateTime, s)
	return err == nil
}
