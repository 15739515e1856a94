package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/internal/writer"
)

// Saved answers of getList: one JSON document, or one after the other, in any layout. Their rows
// bring has_one_customer and has_one_employee, and beside them are the tags and the employees.

// answerBegins is how much white space may come before the first answer.
const answerBegins = 4096

// beginsAnswer says whether the text begins as an answer does, and not as a record: its first key
// is one of the envelope's. It waits for no more than that key.
func beginsAnswer(r *bufio.Reader) bool {
	for n := 1; n <= answerBegins; n = max(n+1, min(r.Buffered(), answerBegins)) {
		text, err := r.Peek(n)
		if err != nil {
			return false
		}
		text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\ufeff")), " \t\r\n")
		if len(text) == 0 {
			continue
		}
		if text[0] != '{' && text[0] != 0xef {
			return false
		}
		text = bytes.TrimLeft(text[1:], " \t\r\n")
		if len(text) == 0 {
			continue
		}
		if text[0] != '"' {
			return false
		}
		if key, _, whole := bytes.Cut(text[1:], []byte{'"'}); whole {
			return slices.Contains([]string{"result", "msg", "data"}, string(key))
		}
	}
	return false
}

// answer is an answer of getList as far as it is read.
type answer struct {
	Result *int64 `json:"result"`
	Msg    string `json:"msg"`
	Data   page   `json:"data"`
}

type page struct {
	Data     []json.RawMessage `json:"data"`
	Tag      []json.RawMessage `json:"tag"`
	Employee []json.RawMessage `json:"employee"`
}

// UnmarshalJSON takes the list that stands in place of a page in an answer that is an error.
func (p *page) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '[' {
		return nil
	}
	type plain page
	return json.Unmarshal(text, (*plain)(p))
}

// answers reads saved answers; read is told after each.
func (r *reader) answers(name string, text *bufio.Reader, read func()) error {
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = text.Discard(len(mark))
	}
	lines := &lineCounter{r: text}
	a := answers{reader: r, seen: map[uint64]struct{}{}, seed: maphash.MakeSeed()}
	for d := json.NewDecoder(lines); ; {
		var next answer
		err := d.Decode(&next)
		read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		a.place = Place{Source: name, Line: lines.at(d.InputOffset())}
		syntax, isSyntax := errors.AsType[*json.SyntaxError](err)
		_, isType := errors.AsType[*json.UnmarshalTypeError](err)
		switch {
		case isSyntax:
			// What follows cannot be told from it.
			return errors.Join(r.bad(a.place, flaw{message: "is no answer of getList: " + syntax.Error()}), r.send())
		case isType:
			err = r.bad(a.place, flaw{message: "is no answer of getList: " + err.Error()})
		case errors.Is(err, io.ErrUnexpectedEOF):
			return errors.Join(r.bad(a.place, flaw{message: "is no answer of getList: it ends too early"}), r.send())
		case err != nil:
			return errors.Join(r.send(), fmt.Errorf("%s: %w", a.place, err))
		case next.Result == nil || *next.Result != 1:
			err = r.bad(a.place, flaw{message: "is an answer that says what went wrong: " + strconv.Quote(next.Msg)})
		default:
			err = a.page(&next.Data)
		}
		if err != nil {
			return err
		}
	}
}

// lineCounter knows the lines of what was read lately.
type lineCounter struct {
	r      io.Reader
	offset int64
	ends   []int64 // the offsets of line ends that are not passed yet
	passed int64
}

func (c *lineCounter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	for i := range n {
		if b[i] == '\n' {
			c.ends = append(c.ends, c.offset+int64(i))
		}
	}
	c.offset += int64(n)
	return n, err
}

// at returns the line of an offset, which is not before that of the call before.
func (c *lineCounter) at(offset int64) int64 {
	i := 0
	for i < len(c.ends) && c.ends[i] < offset {
		i++
	}
	c.passed += int64(i)
	c.ends = c.ends[i:]
	return c.passed + 1
}

// answers is what was read of the answers of one source.
type answers struct {
	*reader
	place Place
	seed  maphash.Seed
	seen  map[uint64]struct{} // records that came already: lists ride along on every page
}

// new says whether a text of this kind has not come yet.
func (a *answers) new(kind writer.Kind, text []byte) bool {
	var h maphash.Hash
	h.SetSeed(a.seed)
	_ = h.WriteByte(byte(kind))
	_, _ = h.Write(text)
	_, there := a.seen[h.Sum64()]
	a.seen[h.Sum64()] = struct{}{}
	return !there
}

func (a *answers) page(p *page) error {
	var crop int64
	for i, text := range p.Tag {
		of, err := a.object(writer.Tag, "tag["+strconv.Itoa(i)+"]", text)
		if err != nil {
			return err
		}
		crop = max(crop, of)
	}
	for i, text := range p.Data {
		of, err := a.object(writer.Follow, "data["+strconv.Itoa(i)+"]", text)
		if err != nil {
			return err
		}
		crop = max(crop, of)
	}
	for i, text := range p.Employee {
		if err := a.name(crop, "employee["+strconv.Itoa(i)+"]", text); err != nil {
			return err
		}
	}
	return nil
}

// object takes a tag or a row with what is in it, and returns its enterprise.
func (a *answers) object(kind writer.Kind, part string, text []byte) (crop int64, err error) {
	p := parser{text: text, answer: true}
	record, wrong := p.record(kind)
	place := a.place
	place.Part = part
	if flaws := p.all(kind, record, wrong); len(flaws) > 0 {
		return 0, a.bad(place, flaws...)
	}
	crop = record[kind.Field("crop_id")].Int
	if err := a.business(place, crop, record[kind.Field("uniacid")]); err != nil {
		return 0, err
	}
	for _, inner := range []struct {
		kind   writer.Kind
		name   string
		record writer.Record
	}{{writer.Customer, "has_one_customer", p.customer}, {writer.Employee, "has_one_employee", p.employee}} {
		if inner.record == nil || !a.new(inner.kind, fmt.Append(nil, inner.record)) {
			continue
		}
		within := place
		within.Part += "." + inner.name
		if err := a.record(within, inner.kind, inner.record); err != nil {
			return 0, err
		}
	}
	if !a.new(kind, text) {
		return crop, nil
	}
	return crop, a.record(place, kind, record)
}

// business takes the enterprise that a row is of.
func (a *answers) business(place Place, crop int64, uniacid writer.Value) error {
	record := writer.NewRecord(writer.Business)
	record[businessID], record[writer.Business.Field("uniacid")] = writer.Int(crop), uniacid
	if crop == 0 || uniacid.Is != writer.Present || !a.new(writer.Business, fmt.Append(nil, record)) {
		return nil
	}
	return a.record(place, writer.Business, record)
}

// name takes an entry of the list of employees.
func (a *answers) name(crop int64, part string, text []byte) error {
	p := parser{text: text, answer: true}
	record, wrong := p.record(writer.Employee)
	place := a.place
	place.Part = part
	if wrong == nil {
		if crop == 0 {
			p.mark(writer.Employee, "business_id", "is not known: the answer has no row and no tag")
		}
		record[employeeBusiness] = writer.Int(crop)
		record[writer.Employee.Field("id")] = writer.ForNew(writer.Int(MadeID(crop, record[writer.Employee.Field("user_id")].Text)))
	}
	if flaws := p.all(writer.Employee, record, wrong); len(flaws) > 0 {
		return a.bad(place, flaws...)
	}
	if !a.new(writer.Employee, text) {
		return nil
	}
	return a.record(place, writer.Employee, record)
}

// MadeID returns the id of an employee of whom no row is known, but the name in the list: always the
// same one. It gives way to the row's own.
func MadeID(crop int64, userid string) int64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s", crop, strings.ToLower(userid))
	return writer.FirstMadeID + int64(h.Sum64()%writer.FirstMadeID)
}
