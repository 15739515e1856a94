package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"example.com/wechatcustomers/internal/writer"
)

// flaw is what is wrong with a line: the kind of record, "" where it is not known; the field, ""
// where it is the record as a whole; and why, to be read after the name.
type flaw struct {
	kind, field, message string
	halved               bool // of a string: its JSON is right, its text is not
}

// decode returns the record of one line: {"kind":{"field":value,…}}, where a value is a text, a
// whole number or null, as the kind's columns have it, or what WeCom and others write for it (value
// says what). It returns every field that is wrong; where the line as a whole is, that alone.
//
// It is a parser of its own because the rules are stricter than encoding/json's: that one takes
// unknown and repeated keys, keys in another case, halves of surrogate pairs and invalid UTF-8.
// Ranges and lengths are the writer's to check: they are asked for here where a field is wrong
// already, so that all are named at once.
func decode(line []byte) (writer.Kind, writer.Record, []flaw) {
	p := parser{text: line}
	if !utf8.Valid(line) {
		return 0, nil, []flaw{{message: "is not valid UTF-8"}}
	}
	p.space()
	if !p.take('{') {
		return 0, nil, []flaw{{message: "is not a JSON object"}}
	}
	if p.space(); p.peek() == '}' {
		return 0, nil, []flaw{{message: "names no kind of record"}}
	}
	name, wrong := p.key()
	if wrong != nil {
		return 0, nil, []flaw{*wrong}
	}
	kind, known := writer.KindOf(string(name))
	if !known {
		return 0, nil, []flaw{{field: string(name), message: "is no known kind of record; there are business, manager, employee, customer, tag and follow"}}
	}
	record, wrong := p.record(kind)
	if wrong == nil {
		wrong = p.end()
	}
	return kind, record, p.all(kind, record, wrong)
}

// all returns what is wrong with a record that was read: the whole of it, or its fields.
func (p *parser) all(kind writer.Kind, record writer.Record, whole *flaw) []flaw {
	if whole != nil {
		whole.kind = kind.String()
		return []flaw{*whole}
	}
	if len(p.wrong) == 0 {
		return nil
	}
	flaws := p.wrong
	for _, r := range kind.Check(record) {
		if !slices.ContainsFunc(flaws, func(f flaw) bool { return f.field == r.Field }) {
			flaws = append(flaws, flaw{kind: kind.String(), field: r.Field, message: r.Message})
		}
	}
	return flaws
}

// end reads what closes the line.
func (p *parser) end() *flaw {
	p.space()
	if p.take(',') {
		return &flaw{message: "has another key beside it"}
	}
	if !p.take('}') {
		return p.broken()
	}
	p.space()
	if p.at != len(p.text) {
		return &flaw{message: "has text after it"}
	}
	return nil
}

// parser reads JSON from text.
type parser struct {
	text  []byte
	at    int
	hold  []byte // the text of a string with escapes
	wrong []flaw // of single fields

	answer             bool // text is a part of an answer of getList
	customer, employee writer.Record
}

func (p *parser) broken() *flaw {
	if p.at >= len(p.text) {
		return &flaw{message: "is not JSON: it ends too early"}
	}
	return &flaw{message: "is not JSON at byte " + strconv.Itoa(p.at+1)}
}

func (p *parser) space() {
	for p.at < len(p.text) {
		switch p.text[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) take(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

// key reads a key, its colon and the white space around them.
func (p *parser) key() ([]byte, *flaw) {
	p.space()
	if !p.take('"') {
		return nil, p.broken()
	}
	name, wrong := p.str()
	if wrong != nil {
		return nil, wrong
	}
	p.space()
	if !p.take(':') {
		return nil, p.broken()
	}
	p.space()
	return name, nil
}

// tagName is the one field of the contract that an import reads over: it is made of the tags.
const tagName = "tag_name"

// externalType is a customer's field, and wecomType WeCom's name of it.
const (
	externalType = "external_type"
	wecomType    = "type"
)

// record reads the object of a record. What is wrong with single fields is in p.wrong.
func (p *parser) record(kind writer.Kind) (writer.Record, *flaw) {
	if !p.take('{') {
		return nil, &flaw{message: "must be an object"}
	}
	columns := kind.Columns()
	record := writer.NewRecord(kind)
	p.space()
	if p.take('}') {
		return record, nil
	}
	var seen uint64 // columns, and one more for tag_name
	for next := 0; ; {
		name, wrong := p.key()
		if wrong != nil {
			return nil, wrong
		}
		// Records mostly have their fields in the contract's order.
		i := next
		if i >= len(columns) || columns[i].Name != string(name) {
			i = kind.Field(string(name))
			switch {
			case kind == writer.Customer && string(name) == wecomType:
				i = kind.Field(externalType)
			case kind == writer.Follow && string(name) == tagName:
				i = len(columns)
			}
		}
		twice := i >= 0 && seen&(1<<i) != 0
		if i >= 0 {
			seen |= 1 << i
		}
		switch {
		case twice:
			p.mark(kind, string(name), "is there twice")
			_, wrong = p.skip()
		case i == len(columns):
			var unused writer.Value
			wrong = p.value(kind, &writer.Column{Name: tagName, Type: writer.Plain}, &unused)
		case i >= 0:
			wrong = p.value(kind, &columns[i], &record[i])
			next = i + 1
		default:
			wrong = p.other(kind, string(name))
		}
		if wrong != nil {
			return nil, wrong
		}
		p.space()
		if p.take(',') {
			continue
		}
		if p.take('}') {
			return record, nil
		}
		return nil, p.broken()
	}
}

// other reads the value of a key that is no field of the kind.
func (p *parser) other(kind writer.Kind, name string) *flaw {
	switch {
	case p.answer && kind == writer.Follow && name == "has_one_customer":
		return p.nested(writer.Customer, &p.customer)
	case p.answer && kind == writer.Follow && name == "has_one_employee":
		return p.nested(writer.Employee, &p.employee)
	case !p.answer:
		p.mark(kind, name, "is no field of a "+kind.String())
	}
	_, wrong := p.skip()
	return wrong
}

// nested reads an object within a row of an answer, or null.
func (p *parser) nested(kind writer.Kind, into *writer.Record) (wrong *flaw) {
	if p.word("null") {
		return nil
	}
	if *into, wrong = p.record(kind); wrong != nil {
		wrong.kind = kind.String()
	}
	return wrong
}

func (p *parser) mark(kind writer.Kind, field, message string) {
	p.wrong = append(p.wrong, flaw{kind: kind.String(), field: field, message: message})
}

// value reads one value of a column's type. Beside the contract's form it takes those that WeCom's
// interfaces and other programs write: arrays for lists that are texts here, a number for add_way,
// an object for external_profile, unix seconds and ISO 8601 for dates.
func (p *parser) value(kind writer.Kind, c *writer.Column, into *writer.Value) *flaw {
	start := p.at
	switch b := p.peek(); {
	case b == 'n' && p.word("null"):
		into.Is = writer.Null
		if c.Name == externalProfile {
			*into = writer.Text("null")
		}
		return nil
	case b == '"':
		p.at++
		s, wrong := p.str()
		if wrong != nil && wrong.field == "" && wrong.halved {
			p.mark(kind, c.Name, wrong.message)
			return p.rest(start)
		}
		if wrong != nil {
			return wrong
		}
		switch {
		case c.Type.Number() && c.Type != writer.Source:
			p.mark(kind, c.Name, form(c)+", not a text")
		case c.Type == writer.Date:
			*into = writer.Text(date(string(s)))
		default:
			*into = writer.Text(string(s))
		}
		return nil
	case b == '-' || '0' <= b && b <= '9':
		n, message := p.number()
		switch {
		case message != "":
			p.mark(kind, c.Name, message)
			for strings.IndexByte("0123456789+-.eE", p.peek()) >= 0 && p.at < len(p.text) {
				p.at++
			}
		case c.Type == writer.Source:
			*into = writer.Text(strconv.FormatInt(n, 10))
		case c.Type == writer.Date:
			at, message := moment(n)
			if message != "" {
				p.mark(kind, c.Name, message)
			}
			*into = writer.Text(at)
		case !c.Type.Number():
			p.mark(kind, c.Name, form(c)+", not a number")
		default:
			*into = writer.Int(n)
		}
		return nil
	}
	raw, wrong := p.skip()
	if wrong != nil {
		return wrong
	}
	if s, ok := structured(c, raw); ok {
		*into = writer.Text(s)
		return nil
	}
	p.mark(kind, c.Name, form(c))
	return nil
}

// rest reads the value that begins at start over.
func (p *parser) rest(start int) *flaw {
	p.at = start
	_, wrong := p.skip()
	return wrong
}

const externalProfile = "external_profile"

// form says what is wanted of a column's value.
func form(c *writer.Column) string {
	switch {
	case c.Type == writer.Source:
		return "must be digits"
	case c.Type.Number():
		return "must be a number"
	case c.Type == writer.Keys:
		return "must be a text, ids separated by commas, or a list of texts"
	case c.Type == writer.Texts:
		return "must be a list, or its JSON as a text"
	case c.Name == externalProfile:
		return "must be a text or an object"
	default:
		return "must be a text"
	}
}

// structured returns the text that stands for an array or object in a column, false where none
// does.
func structured(c *writer.Column, raw []byte) (string, bool) {
	switch {
	case c.Name == externalProfile && (raw[0] == '{' || raw[0] == '['), c.Type == writer.Texts && raw[0] == '[':
		var b bytes.Buffer
		err := json.Compact(&b, raw)
		return b.String(), err == nil
	case c.Type == writer.Keys && raw[0] == '[':
		var list []string
		err := json.Unmarshal(raw, &list)
		comma := slices.ContainsFunc(list, func(s string) bool { return strings.ContainsRune(s, ',') })
		return strings.Join(list, ","), err == nil && !comma
	}
	return "", false
}

// china is the zone of every date in the tables.
var china = time.FixedZone("CST", 8*60*60)

// moment returns a time in unix seconds, or milliseconds, as a date.
func moment(n int64) (at, message string) {
	if n >= writer.FromMillis {
		n /= 1000
	}
	if n < 1 || n >= writer.FromMillis {
		return "", "must be a date, or a time in unix seconds, from 1"
	}
	return time.Unix(n, 0).In(china).Format(time.DateTime), ""
}

// isoLayouts are the forms of ISO 8601 that are read; without a zone they are China's time.
var isoLayouts = []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateOnly}

// date returns a date in the form of the tables where it is one of ISO 8601, and else as it is.
func date(s string) string {
	if len(s) == len(time.DateTime) && s[10] == ' ' {
		return s
	}
	for _, layout := range isoLayouts {
		if t, err := time.ParseInLocation(layout, s, china); err == nil {
			return t.In(china).Format(time.DateTime)
		}
	}
	return s
}

// skip reads a value of any kind over, and returns its text.
func (p *parser) skip() ([]byte, *flaw) {
	d := json.NewDecoder(bytes.NewReader(p.text[p.at:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && p.at+int(syntax.Offset) < len(p.text) {
			p.at += int(max(syntax.Offset-1, 0))
		} else {
			p.at = len(p.text)
		}
		return nil, p.broken()
	}
	p.at += int(d.InputOffset())
	return raw, nil
}

func (p *parser) word(w string) bool {
	if len(p.text)-p.at >= len(w) && string(p.text[p.at:p.at+len(w)]) == w {
		p.at += len(w)
		return true
	}
	return false
}

// number reads a whole number of 64 bits, written as JSON writes them, without fraction or
// exponent.
func (p *parser) number() (int64, string) {
	negative := p.take('-')
	start := p.at
	var n uint64
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		d := uint64(p.text[p.at] - '0')
		if n > (math.MaxUint64-d)/10 {
			return 0, "must be a 64-bit number"
		}
		n = n*10 + d
		p.at++
	}
	if digits := p.at - start; digits == 0 || digits > 1 && p.text[start] == '0' {
		return 0, "is not a number of JSON"
	}
	switch p.peek() {
	case '.', 'e', 'E':
		return 0, "must be a whole number"
	}
	switch {
	case !negative && n <= math.MaxInt64:
		return int64(n), ""
	case negative && n <= math.MaxInt64:
		return -int64(n), ""
	case negative && n == math.MaxInt64+1:
		return math.MinInt64, ""
	}
	return 0, "must be a 64-bit number"
}

// str reads a string after its opening quote. The result holds until the next call.
func (p *parser) str() ([]byte, *flaw) {
	start := p.at
	for p.at < len(p.text) {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			return p.text[start : p.at-1], nil
		case c == '\\':
			p.hold = append(p.hold[:0], p.text[start:p.at]...)
			return p.escaped()
		case c < ' ':
			return nil, p.broken()
		}
		p.at++
	}
	return nil, p.broken()
}

// escaped reads on in a string that has an escape; what was before is in p.hold.
func (p *parser) escaped() ([]byte, *flaw) {
	for p.at < len(p.text) {
		c := p.text[p.at]
		switch {
		case c == '"':
			p.at++
			return p.hold, nil
		case c < ' ':
			return nil, p.broken()
		case c != '\\':
			p.hold = append(p.hold, c)
			p.at++
			continue
		}
		p.at++
		escape := p.peek()
		p.at++
		switch escape {
		case '"', '\\', '/':
			p.hold = append(p.hold, escape)
		case 'b':
			p.hold = append(p.hold, '\b')
		case 'f':
			p.hold = append(p.hold, '\f')
		case 'n':
			p.hold = append(p.hold, '\n')
		case 'r':
			p.hold = append(p.hold, '\r')
		case 't':
			p.hold = append(p.hold, '\t')
		case 'u':
			r, ok := p.hex()
			if !ok {
				return nil, p.broken()
			}
			if utf16.IsSurrogate(r) {
				if !p.take('\\') || !p.take('u') {
					return nil, &flaw{message: "has half of a surrogate pair", halved: true}
				}
				low, ok := p.hex()
				if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
					return nil, &flaw{message: "has half of a surrogate pair", halved: true}
				}
			}
			p.hold = utf8.AppendRune(p.hold, r)
		default:
			p.at -= 2
			return nil, p.broken()
		}
	}
	return nil, p.broken()
}

// hex reads the four digits of a \u escape.
func (p *parser) hex() (rune, bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.text[p.at]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
		p.at++
	}
	return r, true
}
