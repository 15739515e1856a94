package original

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/writer"
)

// Pages is the original by its own getList, page by page: one enterprise, that which was chosen.
type Pages struct {
	*GetList
	Dir      string                  // where the pages are kept that were fetched, until they are copied
	Progress func(page, pages int64) // may be nil
}

// spool is the pages fetched: lines of answers of getList with one row each, and after those of a
// page a line that has the page's fields and no row. So it can be cut off anywhere, and read row by
// row in any order.
type spool struct {
	file   *os.File
	source string
	size   int64

	last  page // the last whole one
	whole bool
	crop  int64

	follows, contacts []line
	employees, tags   []row
}

// saved is a line of a spool.
type saved struct {
	Data page `json:"data"`
}

// line is where a row is in the spool.
type line struct{ id, at, length int64 }

// maxAge is how old pages may be to go on with.
const maxAge = 24 * time.Hour

func (p Pages) open(ctx context.Context, to *sql.DB, _ *Report) (_ rows, end func() error, err error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" {
		return nil, nil, fmt.Errorf("--original: %q is no URL of getList", p.URL)
	}
	s := &spool{source: u.Scheme + "://" + u.Host + u.Path}
	sum := sha256.Sum256([]byte(p.URL))
	if err := os.MkdirAll(p.Dir, 0o700); err != nil {
		return nil, nil, err
	}
	name := filepath.Join(p.Dir, hex.EncodeToString(sum[:8])+".ndjson")
	if s.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, nil, err
	}
	end = func() error { return s.file.Close() }
	if err = s.resume(); err == nil {
		err = p.walk(ctx, s)
	}
	if err == nil {
		err = s.load(ctx, to)
	}
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return s, end, nil
}

// resume goes to where the pages end that were fetched the last time; those that are too old are
// thrown away.
func (s *spool) resume() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if time.Since(info.ModTime()) <= maxAge {
		if err := s.lines(func(at int64, text []byte) error {
			var a saved
			err := json.Unmarshal(text, &a)
			if a.Data.End {
				s.last, s.size = a.Data, at+int64(len(text))+1
				s.whole = a.Data.LastPage == 0
			}
			return err
		}); err != nil {
			return err
		}
	}
	if err := s.file.Truncate(s.size); err != nil {
		return err
	}
	_, err = s.file.Seek(s.size, io.SeekStart)
	return err
}

// lines calls f with each whole line of the file.
func (s *spool) lines(f func(at int64, text []byte) error) error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(s.file, 1<<20)
	for at := int64(0); ; {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(at, text[:len(text)-1]); err != nil {
			return err
		}
		at += int64(len(text))
	}
}

// add writes a page.
func (s *spool) add(p page) error {
	var b bytes.Buffer
	write := func(p page) error {
		text, err := json.Marshal(p)
		if err == nil {
			_, err = fmt.Fprintf(&b, `{"result":1,"msg":"ok","data":%s}`+"\n", text)
		}
		return err
	}
	for _, r := range p.Data {
		if err := write(page{CurrentPage: p.CurrentPage, PerPage: p.PerPage, Data: []json.RawMessage{r}}); err != nil {
			return err
		}
	}
	p.Data, p.End = []json.RawMessage{}, true
	if err := write(p); err != nil {
		return err
	}
	n, err := s.file.Write(b.Bytes())
	s.size += int64(n)
	return err
}

// walk fetches what is not there yet. The list is by id, newest first, and others write meanwhile:
// new rows come in on top and move the others down, so that some come twice; deleted ones move those
// below up, so that some would be passed over. Then the total has become smaller: by at most as many
// rows, and it goes back by those, and a page more. In the end it reads from the top again down to
// the first row that it knows.
func (p Pages) walk(ctx context.Context, s *spool) error {
	if s.whole {
		return nil
	}
	seen := map[int64]bool{}
	if err := s.lines(func(_ int64, text []byte) error {
		for _, id := range idsOf(text) {
			seen[id] = true
		}
		return nil
	}); err != nil {
		return err
	}
	last := s.last
	fetch := func(n int64) (page, error) {
		now, err := p.fetch(ctx, n, n == 1)
		if err != nil {
			return now, err
		}
		if p.Progress != nil {
			p.Progress(now.CurrentPage, now.LastPage)
		}
		return now, s.add(now)
	}
	for next := last.CurrentPage + 1; ; next = last.CurrentPage + 1 {
		now, err := fetch(next)
		if err != nil {
			return err
		}
		if gone := last.Total - now.Total; gone > 0 && next > 1 {
			now.CurrentPage = max(next-(gone+now.PerPage-1)/now.PerPage-2, 0)
		}
		note(seen, now.Data)
		last = now
		if now.CurrentPage >= now.LastPage {
			break
		}
	}
	for n := int64(1); ; n++ {
		now, err := fetch(n)
		if err != nil {
			return err
		}
		if note(seen, now.Data) || now.CurrentPage >= now.LastPage {
			break
		}
	}
	s.whole = true
	return s.add(page{CurrentPage: 1, PerPage: 1})
}

// note notes rows, and says whether one of them was known.
func note(seen map[int64]bool, data []json.RawMessage) (known bool) {
	for _, text := range data {
		id := idOf(text)
		known = known || seen[id]
		seen[id] = true
	}
	return known
}

func idOf(text []byte) int64 {
	var r struct {
		ID int64 `json:"id"`
	}
	_ = json.Unmarshal(text, &r)
	return r.ID
}

func idsOf(text []byte) (ids []int64) {
	var a saved
	_ = json.Unmarshal(text, &a)
	for _, r := range a.Data.Data {
		ids = append(ids, idOf(r))
	}
	return ids
}

func (p Pages) fetch(ctx context.Context, n int64, lists bool) (page, error) {
	parameters := pageParameters(n)
	// The original does not know these: its pages are what they are.
	parameters.Set("per_page", "100")
	if !lists {
		parameters.Set("omit", "tag,employee")
	}
	a, err := p.get(ctx, parameters)
	if err != nil {
		return page{}, err
	}
	now, err := a.page()
	if err == nil && now.CurrentPage != n && len(now.Data) > 0 {
		err = fmt.Errorf("the original answers page %d where page %d was asked for", now.CurrentPage, n)
	}
	now.CurrentPage, now.LastPage = n, max(now.LastPage, 1)
	if !lists {
		now.Tag, now.Employee = nil, nil
	}
	return now, err
}

// load learns where each row is.
func (s *spool) load(ctx context.Context, to *sql.DB) error {
	follows, contacts, employees := map[int64]line{}, map[int64]line{}, map[int64]row{}
	var tags, names []json.RawMessage
	err := s.lines(func(at int64, text []byte) error {
		var a saved
		if err := json.Unmarshal(text, &a); err != nil {
			return fmt.Errorf("%s: %w", s.file.Name(), err)
		}
		if a.Data.Tag != nil || a.Data.Employee != nil {
			tags, names = a.Data.Tag, a.Data.Employee
		}
		for _, text1 := range a.Data.Data {
			r, err := decodeRow(text1)
			if err != nil {
				return fmt.Errorf("%s: %w", s.file.Name(), err)
			}
			if err := s.of(r.number("crop_id")); err != nil {
				return err
			}
			where := line{r.number("id"), at, int64(len(text))}
			follows[where.id] = where
			if contact, err := decodeRow(r["has_one_customer"]); err == nil && contact != nil {
				where.id = contact.number("id")
				contacts[where.id] = where
			}
			if employee, err := decodeRow(r["has_one_employee"]); err == nil && employee != nil {
				employees[employee.number("id")] = employee.row(writer.Employee)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	byID := func(a, b line) int { return cmp.Compare(a.id, b.id) }
	for _, l := range follows {
		s.follows = append(s.follows, l)
	}
	for _, l := range contacts {
		s.contacts = append(s.contacts, l)
	}
	slices.SortFunc(s.follows, byID)
	slices.SortFunc(s.contacts, byID)
	for _, text := range tags {
		r, err := decodeRow(text)
		if err != nil {
			return err
		}
		if err := s.of(r.number("crop_id")); err != nil {
			return err
		}
		s.tags = append(s.tags, r.row(writer.Tag))
	}
	if s.crop == 0 {
		return errors.New("the original's list has no row and no tag: which enterprise it is of is not known, and nothing is copied")
	}
	s.source += " " + strconv.FormatInt(s.crop, 10)
	return s.staff(ctx, to, employees, names)
}

// of sees that all rows are of one enterprise: another may have been chosen meanwhile.
func (s *spool) of(crop int64) error {
	if s.crop != 0 && s.crop != crop {
		return fmt.Errorf("the original shows rows of enterprise %d and of %d: another was chosen meanwhile; remove %s and begin anew", s.crop, crop, s.file.Name())
	}
	s.crop = crop
	return nil
}

// staff gathers the employees: those whom rows have brought, and those of whom the list has the
// name alone, who keep what is stored of them.
func (s *spool) staff(ctx context.Context, to *sql.DB, employees map[int64]row, names []json.RawMessage) error {
	known := map[string]bool{}
	for _, r := range employees {
		s.employees = append(s.employees, r)
		known[strings.ToLower(r.values[employeeUserid].string)] = true
	}
	ids, err := storedStaff(ctx, to, s.crop)
	if err != nil {
		return err
	}
	for _, text := range names {
		r, err := decodeRow(text)
		if err != nil {
			return err
		}
		e := r.row(writer.Employee)
		userid := strings.ToLower(e.values[employeeUserid].string)
		if known[userid] {
			continue
		}
		known[userid] = true
		if e.id = ids[userid]; e.id == 0 {
			e.id = importer.MadeID(s.crop, userid)
		}
		e.partial = true
		e.values[places[writer.Employee].business] = textOf(strconv.FormatInt(s.crop, 10))
		s.employees = append(s.employees, e)
	}
	slices.SortFunc(s.employees, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	slices.SortFunc(s.tags, func(a, b row) int { return cmp.Compare(a.id, b.id) })
	return nil
}

func textOf(s string) text { return text{s, true} }

func storedStaff(ctx context.Context, to *sql.DB, crop int64) (map[string]int64, error) {
	list, err := to.QueryContext(ctx, "SELECT id, LOWER(user_id) FROM employees WHERE business_id = ?", crop)
	if err != nil {
		return nil, err
	}
	defer func() { _ = list.Close() }()
	ids := map[string]int64{}
	for list.Next() {
		var id int64
		var userid string
		if err := list.Scan(&id, &userid); err != nil {
			return nil, err
		}
		ids[userid] = id
	}
	return ids, list.Err()
}

func (s *spool) name() string { return s.source }

func (*spool) has(kind writer.Kind) bool { return kind != writer.Manager }

func (s *spool) each(_ context.Context, kind writer.Kind, _ bool, f func(row) error) error {
	switch kind {
	case writer.Employee, writer.Tag:
		list := s.tags
		if kind == writer.Employee {
			list = s.employees
		}
		for _, r := range list {
			if err := f(r); err != nil {
				return err
			}
		}
		return nil
	}
	lines := s.follows
	if kind == writer.Customer {
		lines = s.contacts
	}
	for _, l := range lines {
		b := make([]byte, l.length)
		if _, err := s.file.ReadAt(b, l.at); err != nil {
			return err
		}
		var a saved
		if err := json.Unmarshal(b, &a); err != nil || len(a.Data.Data) != 1 {
			return fmt.Errorf("%s: a line has changed: %w", s.file.Name(), err)
		}
		r, err := decodeRow(a.Data.Data[0])
		if err == nil && kind == writer.Customer {
			r, err = decodeRow(r["has_one_customer"])
		}
		if err != nil {
			return err
		}
		if err := f(r.row(kind)); err != nil {
			return err
		}
	}
	return nil
}

// forget removes the pages, which are copied.
func (s *spool) forget() error {
	err := os.Remove(s.file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// object is a row as JSON has it; nil for null.
type object map[string]json.RawMessage

func decodeRow(raw []byte) (object, error) {
	var o object
	if len(raw) == 0 {
		return nil, nil //nolint:nilnil // as null
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("a row of the original: %w", err)
	}
	return o, nil
}

func (o object) number(name string) int64 {
	n, _ := strconv.ParseInt(o.text(name).string, 10, 64)
	return n
}

// text returns a value as the original's column would have it.
func (o object) text(name string) text {
	raw, there := o[name]
	if !there || string(raw) == "null" {
		return text{}
	}
	if raw[0] != '"' {
		return text{string(raw), true}
	}
	var s string
	_ = json.Unmarshal(raw, &s) // it is a text
	return text{s, true}
}

func (o object) row(kind writer.Kind) row {
	columns := kind.Columns()
	r := row{id: o.number("id"), values: make([]text, len(columns))}
	for i := range columns {
		r.values[i] = o.text(columns[i].Name)
	}
	return r
}
