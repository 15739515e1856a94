package importer

import (
	"math"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"example.com/wechatcustomers/internal/writer"
)

// flaw is what is wrong with a line: the kind of record, "" where it is not known; the field, ""
// where it is the record as a whole; and why, to be read after the name.
type flaw struct {
	kind, field, message string
}

// decode returns the record of one line: {"kind":{"field":value,…}}, where a value is a text, a
// whole number or null, as the kind's columns have it.
//
// It is a parser of its own because the rules are stricter than encoding/json's: that one takes
// unknown and repeated keys, keys in another case, halves of surrogate pairs and invalid UTF-8.
// Ranges and lengths are the writer's to check.
func decode(line []byte) (writer.Kind, writer.Record, *flaw) {
	p := parser{text: line}
	if !utf8.Valid(line) {
		return 0, nil, &flaw{"", "", "is not valid UTF-8"}
	}
	p.space()
	if !p.take('{') {
		return 0, nil, &flaw{"", "", "is not a JSON object"}
	}
	if p.space(); p.peek() == '}' {
		return 0, nil, &flaw{"", "", "names no kind of record"}
	}
	name, wrong := p.key()
	if wrong != nil {
		return 0, nil, wrong
	}
	kind, known := writer.KindOf(string(name))
	if !known {
		return 0, nil, &flaw{"", string(name), "is no known kind of record"}
	}
	record, wrong := p.record(kind)
	if wrong == nil {
		wrong = p.end()
	}
	if wrong != nil {
		wrong.kind = kind.String()
	}
	return kind, record, wrong
}

// end reads what closes the line.
func (p *parser) end() *flaw {
	p.space()
	if p.take(',') {
		return &flaw{"", "", "has another key beside it"}
	}
	if !p.take('}') {
		return p.broken()
	}
	p.space()
	if p.at != len(p.text) {
		return &flaw{"", "", "has text after it"}
	}
	return nil
}

// parser reads JSON from text.
type parser struct {
	text []byte
	at   int
	hold []byte // the text of a string with escapes
}

func (p *parser) broken() *flaw {
	if p.at >= len(p.text) {
		return &flaw{"", "", "is not JSON: it ends too early"}
	}
	return &flaw{"", "", "is not JSON at byte " + strconv.Itoa(p.at+1)}
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

// record reads the object of a record.
func (p *parser) record(kind writer.Kind) (writer.Record, *flaw) {
	if !p.take('{') {
		return nil, &flaw{"", "", "must be an object"}
	}
	columns := kind.Columns()
	record := writer.NewRecord(kind)
	p.space()
	if p.take('}') {
		return record, nil
	}
	ignored := false
	for next := 0; ; {
		name, wrong := p.key()
		if wrong != nil {
			return nil, wrong
		}
		// Records mostly have their fields in the contract's order.
		i := next
		if i >= len(columns) || columns[i].Name != string(name) {
			i = kind.Field(string(name))
		}
		switch {
		case i >= 0:
			if record[i].Is != writer.Absent {
				return nil, &flaw{"", columns[i].Name, "is there twice"}
			}
			if wrong := p.value(&columns[i], &record[i]); wrong != nil {
				return nil, wrong
			}
			next = i + 1
		case kind == writer.Follow && string(name) == tagName:
			if ignored {
				return nil, &flaw{"", tagName, "is there twice"}
			}
			ignored = true
			var unused writer.Value
			if wrong := p.value(&writer.Column{Name: tagName, Type: writer.Plain}, &unused); wrong != nil {
				return nil, wrong
			}
		default:
			return nil, &flaw{"", string(name), "is no field of a " + kind.String()}
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

// value reads one value of a column's type.
func (p *parser) value(c *writer.Column, into *writer.Value) *flaw {
	switch b := p.peek(); {
	case b == 'n' && p.word("null"):
		into.Is = writer.Null
		return nil
	case b == '"':
		if c.Type.Number() && c.Type != writer.Source {
			return &flaw{"", c.Name, "must be a number, not a text"}
		}
		p.at++
		s, wrong := p.str()
		if wrong != nil {
			if wrong.field == "" {
				wrong.field = c.Name
			}
			return wrong
		}
		*into = writer.Text(string(s))
		return nil
	case b == '-' || '0' <= b && b <= '9':
		if !c.Type.Number() || c.Type == writer.Source {
			return &flaw{"", c.Name, "must be a text, not a number"}
		}
		n, message := p.number()
		if message != "" {
			return &flaw{"", c.Name, message}
		}
		*into = writer.Int(n)
		return nil
	case b == '{' || b == '[' || b == 't' && p.word("true") || b == 'f' && p.word("false"):
		if c.Type.Number() && c.Type != writer.Source {
			return &flaw{"", c.Name, "must be a number"}
		}
		return &flaw{"", c.Name, "must be a text"}
	default:
		return p.broken()
	}
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
			return 0, "is out of range"
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
	return 0, "is out of range"
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
					return nil, &flaw{"", "", "has half of a surrogate pair"}
				}
				low, ok := p.hex()
				if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
					return nil, &flaw{"", "", "has half of a surrogate pair"}
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
