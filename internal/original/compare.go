package original

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/fold"
	"example.com/wechatcustomers/internal/paginate"
	"example.com/wechatcustomers/internal/writer"
)

// Reason is a known reason for which an answer of ours is not the original's; "" is none.
type Reason string

// The reasons.
const (
	RepeatedRows    Reason = "the original has several rows of one customer and employee"
	RepeatedContact Reason = "the original has several rows of one contact, employee or tag"
	Folding         Reason = "letters, widths and wildcards are told apart otherwise"
	NoContact       Reason = "the contact is missing or deleted in the original"
	TagsCut         Reason = "the original's tag_id is cut"
	MobilesCut      Reason = "the original's remark_mobiles is cut, or no list"
	NoDate          Reason = "the original has no created_at"
	OddValue        Reason = "the original's value cannot be stored"
	ListOrder       Reason = "the original's list of employees has no order"
	Reported        Reason = "the report of copy says so"
)

// Difference is one between the original's answer and ours.
type Difference struct {
	Request      string
	ID           int64  // of the row, 0 for the answer as a whole
	Field        string // "" for the row as a whole
	Theirs, Ours string
	Reason       Reason
}

func (d Difference) String() string {
	reason := string(d.Reason)
	if reason == "" {
		reason = "NO KNOWN REASON"
	}
	where := d.Request
	if d.ID != 0 {
		where += fmt.Sprintf(": row %d", d.ID)
	}
	if d.Field != "" {
		where += " " + d.Field
	}
	return fmt.Sprintf("%s: the original %s, here %s (%s)", where, d.Theirs, d.Ours, reason)
}

// CompareOptions say what to compare.
type CompareOptions struct {
	Original        *GetList
	Ours            http.Handler // answers as this service does
	Header          http.Header  // what signs in there
	Uniacid, CropID int64

	Requests int       // with filters, beside the whole list
	Pages    int64     // of each of these; all of them where the totals differ
	Seed     uint64    // of what is asked
	Report   io.Reader // what copy reported; nil: nothing
	// EmployeeID returns the id of an employee of ours by userid, 0 for none.
	EmployeeID func(ctx context.Context, userid string) (int64, error)

	Found    func(Difference)         // hears of each difference
	Progress func(request, pages int) // may be nil
}

// Comparison is what was compared.
type Comparison struct {
	Requests, Answers int
	Rows              int64 // of the whole list
	Known             map[Reason]int
	Unknown           int
}

// String says it in one line, for whoever decides.
func (c Comparison) String() string {
	known := 0
	var reasons []string
	for _, r := range slices.Sorted(maps.Keys(c.Known)) {
		known += c.Known[r]
		reasons = append(reasons, fmt.Sprintf("%d: %s", c.Known[r], r))
	}
	head := fmt.Sprintf("%d requests, all %d customers of the list: ", c.Requests, c.Rows)
	switch {
	case c.Unknown > 0:
		return head + fmt.Sprintf("%d differences have NO KNOWN REASON (%d have one). Do not switch over before they are understood.", c.Unknown, known)
	case known > 0:
		return head + fmt.Sprintf("the same, but for %d differences that are meant (%s). It can be switched over.", known, strings.Join(reasons, "; "))
	default:
		return head + "every answer is the same. It can be switched over."
	}
}

// Compare asks both the same and compares everything that is answered: the envelope, the fields of
// the page, the rows with all that is in them, and the lists.
func Compare(ctx context.Context, o CompareOptions) (Comparison, error) {
	c := &comparer{CompareOptions: o, pairs: map[string]int64{}, twins: map[string]bool{}, oddTags: map[string]bool{}, reported: map[writer.Kind]map[int64]bool{}}
	c.Known = map[Reason]int{}
	if err := c.readReport(); err != nil {
		return c.Comparison, err
	}
	if err := c.repeats(ctx); err != nil {
		return c.Comparison, err
	}
	asked, err := c.list(ctx, url.Values{}, true)
	if err != nil {
		return c.Comparison, err
	}
	c.Comparison.Rows = asked
	if err := c.beyond(ctx); err != nil {
		return c.Comparison, err
	}
	random := rand.New(rand.NewPCG(o.Seed, 1)) //nolint:gosec // what is asked needs no secrecy
	for i := range o.Requests {
		if _, err := c.list(ctx, c.request(random, i), false); err != nil {
			return c.Comparison, err
		}
	}
	return c.Comparison, nil
}

type comparer struct {
	CompareOptions
	Comparison

	samples  []object                       // rows of the original, to ask for what is in them
	pairs    map[string]int64               // the rows of ours
	twins    map[string]bool                // keys of which the original shows several rows
	reported map[writer.Kind]map[int64]bool // rows that copy has decided on
	unsure   []unsure
	oddTags  map[string]bool // of which the lists of both differ for a known reason
}

// unsure is a difference that another row of the key may explain, which comes later in the list.
type unsure struct {
	Difference
	pair string
}

// later is for a difference that is among the unsure ones.
const later Reason = "later"

// readReport learns which rows copy has decided on.
func (c *comparer) readReport() error {
	if c.CompareOptions.Report == nil {
		return nil
	}
	for lines := bufio.NewScanner(c.CompareOptions.Report); ; {
		if !lines.Scan() {
			return lines.Err()
		}
		parts := strings.Split(lines.Text(), "\t")
		if len(parts) < 4 {
			continue
		}
		id, err := strconv.ParseInt(parts[2], 10, 64)
		for kind, name := range tableNames {
			if name == parts[1] && err == nil {
				if c.reported[kind] == nil {
					c.reported[kind] = map[int64]bool{}
				}
				c.reported[kind][id] = true
			}
		}
	}
}

func (c *comparer) found(d Difference) {
	if d.Reason == "" {
		c.Unknown++
	} else {
		c.Known[d.Reason]++
	}
	c.Found(d)
}

// theirs returns a page of the original's.
func (c *comparer) theirs(ctx context.Context, asked url.Values, n int64) (answer, error) {
	parameters := maps.Clone(asked)
	parameters.Set("page", strconv.FormatInt(n, 10))
	c.Answers++
	if c.Progress != nil {
		c.Progress(c.Comparison.Requests, c.Answers)
	}
	return c.Original.get(ctx, parameters)
}

// ours returns a page of ours.
func (c *comparer) ours(ctx context.Context, asked url.Values, n, perPage int64) (a answer, err error) {
	parameters := maps.Clone(asked)
	parameters.Set("page", strconv.FormatInt(n, 10))
	parameters.Set("per_page", strconv.FormatInt(perPage, 10))
	parameters.Set("crop_id", strconv.FormatInt(c.CropID, 10))
	address := fmt.Sprintf("http://compare/business/%d/plugin/WechatCustomers/getList?%s", c.Uniacid, parameters.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return a, err
	}
	r.RequestURI = r.URL.RequestURI()
	r.RemoteAddr = "127.0.0.1:1"
	maps.Copy(r.Header, c.Header)
	w := httptest.NewRecorder()
	c.Ours.ServeHTTP(w, r)
	a.Status = w.Code
	if err := json.Unmarshal(w.Body.Bytes(), &a.envelope); err != nil {
		return a, fmt.Errorf("this service: HTTP %d: %w", w.Code, err)
	}
	return a, nil
}

// walk yields the rows of a list one by one, fetching pages as they are needed.
type walk struct {
	get  func(n int64) (answer, error)
	last int64 // page to read; 0: all
	hear func(page, json.RawMessage) error

	page  int64
	pages int64
	total int64
	rows  []json.RawMessage
}

// next returns the next row, nil at the end.
func (w *walk) next() (object, error) {
	for len(w.rows) == 0 {
		if w.page > 0 && (w.page >= w.pages || w.last > 0 && w.page >= w.last) {
			return nil, nil //nolint:nilnil // the end
		}
		w.page++
		a, err := w.get(w.page)
		if err != nil {
			return nil, err
		}
		p, err := a.page()
		if err != nil {
			return nil, err
		}
		if w.page == 1 {
			w.total = p.Total
		}
		w.pages, w.rows = p.LastPage, p.Data
		if err := w.hear(p, a.Data); err != nil {
			return nil, err
		}
	}
	r, err := decodeRow(w.rows[0])
	w.rows = w.rows[1:]
	return r, err
}

func (w *walk) whole() bool { return w.page >= w.pages && len(w.rows) == 0 }

// repeats reads our whole list first, so that a row of the original's that is missing is known to be
// one of several.
func (c *comparer) repeats(ctx context.Context) error {
	w := walk{hear: func(page, json.RawMessage) error { return nil }, get: func(n int64) (answer, error) {
		return c.ours(ctx, url.Values{"omit": {"tag,employee"}}, n, 100)
	}}
	for {
		r, err := w.next()
		if err != nil || r == nil {
			return err
		}
		c.pairs[pairOf(r)] = r.number("id")
	}
}

func pairOf(r object) string {
	return r.text("external_userid").string + "\x00" + strings.ToLower(r.text("userid").string)
}

// request returns the parameters of a list with filters: each of them in turn, then some at once.
func (c *comparer) request(random *rand.Rand, i int) url.Values {
	asked := url.Values{}
	if len(c.samples) == 0 {
		return url.Values{"search[status]": {"1"}}
	}
	n := 1
	if i >= 2*len(askers) {
		n = 2 + random.IntN(2)
	}
	for len(asked) < n {
		k := random.IntN(len(askers))
		if i < 2*len(askers) {
			k = i % len(askers)
		}
		askers[k](random, c.samples[random.IntN(len(c.samples))], asked)
	}
	return asked
}

// askers ask for what is in a row, each by one filter of the original's.
var askers = []func(random *rand.Rand, r object, asked url.Values){
	func(_ *rand.Rand, r object, asked url.Values) {
		status := r.number("status")
		if status != 1 && status != -1 {
			status = 1
		}
		asked.Set("search[status]", strconv.FormatInt(status, 10))
	},
	func(random *rand.Rand, r object, asked url.Values) {
		contact, _ := decodeRow(r["has_one_customer"])
		asked.Set("search[customer]", piece(random, contact.text("name").string))
	},
	func(_ *rand.Rand, r object, asked url.Values) {
		contact, _ := decodeRow(r["has_one_customer"])
		asked.Set("search[member]", strconv.FormatInt(max(contact.number("uid"), 0), 10))
	},
	func(_ *rand.Rand, r object, asked url.Values) {
		way, _ := strconv.ParseUint(r.text("add_way").string, 10, 16)
		asked.Set("search[add_way_type]", strconv.FormatUint(way, 10))
	},
	func(random *rand.Rand, r object, asked url.Values) {
		ids := filter.Split(r.text("tag_id").string)
		if len(ids) == 0 {
			ids = []string{"none"}
		}
		asked.Set("search[tags_data]", ids[random.IntN(len(ids))])
	},
	func(_ *rand.Rand, r object, asked url.Values) {
		asked.Set("search[employee_member]", cmp.Or(r.text("userid").string, "none"))
	},
	func(random *rand.Rand, r object, asked url.Values) {
		asked.Set("search[type]", strconv.Itoa(1+random.IntN(2)))
	},
	func(random *rand.Rand, r object, asked url.Values) {
		from := max(r.number("createtime"), 0)
		asked["search[time][]"] = []string{strconv.FormatInt(from, 10), strconv.FormatInt(from+random.Int64N(1<<20), 10)}
	},
	func(random *rand.Rand, r object, asked url.Values) {
		asked.Set("search[remark]", piece(random, r.text("remark").string))
	},
}

// piece returns one or two letters of a text.
func piece(random *rand.Rand, s string) string {
	letters := []rune(strings.TrimSpace(s))
	if len(letters) == 0 {
		return "a"
	}
	begin := random.IntN(len(letters))
	return cmp.Or(strings.TrimSpace(string(letters[begin:min(begin+1+random.IntN(2), len(letters))])), "a")
}

// described returns a request for people.
func described(asked url.Values) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(asked)) {
		parts = append(parts, name+"="+strings.Join(asked[name], ","))
	}
	if len(parts) == 0 {
		return "the whole list"
	}
	return strings.Join(parts, " ")
}

// list compares one list, and returns how many rows of the original's were read. Both are by id,
// newest first: rows are matched by it, so that one that is missing moves no other.
func (c *comparer) list(ctx context.Context, asked url.Values, whole bool) (n int64, err error) {
	c.Comparison.Requests++
	name := described(asked)
	both, err := c.envelopes(ctx, asked, name)
	if err != nil || !both {
		return 0, err
	}
	perPage := int64(0)
	theirs := walk{
		get: func(n int64) (answer, error) { return c.theirs(ctx, asked, n) },
		hear: func(p page, data json.RawMessage) error {
			perPage = p.PerPage
			return c.pageFields(name, "the original's", p, data, true)
		},
	}
	if !whole {
		theirs.last = max(c.Pages, 1)
	}
	t, err := theirs.next()
	if err != nil {
		return 0, err
	}
	ours := walk{
		get:  func(n int64) (answer, error) { return c.ours(ctx, asked, n, min(max(perPage, 1), 100)) },
		hear: func(p page, data json.RawMessage) error { return c.pageFields(name, "ours", p, data, false) },
	}
	o, err := ours.next()
	if err != nil {
		return 0, err
	}
	if theirs.total != ours.total {
		theirs.last = 0
	}
	if whole {
		if err := c.lists(ctx, asked); err != nil {
			return 0, err
		}
	}
	missing, extra := int64(0), int64(0)
	for last := int64(0); t != nil || o != nil && theirs.whole(); {
		switch {
		case t == nil || o != nil && o.number("id") > t.number("id"):
			extra++
			c.found(c.extra(name, asked, o))
			o, err = ours.next()
		case o == nil || t.number("id") > o.number("id"):
			missing++
			c.found(c.missing(name, asked, t))
			n++
			t, err = theirs.next()
		default:
			c.rows(name, t, o)
			n++
			if o, err = ours.next(); err == nil {
				last = t.number("id")
				t, err = theirs.next()
			}
		}
		if err != nil {
			return n, err
		}
		if t != nil && last != 0 && t.number("id") >= last {
			return n, fmt.Errorf("%s: the original's rows are not by id, newest first: %d comes after %d; or rows came in meanwhile: compare again", name, t.number("id"), last)
		}
		if whole && t != nil && (len(c.samples) < 500 || n%97 == 0) {
			c.samples = append(c.samples, t)
		}
	}
	for _, u := range c.unsure {
		if c.twins[u.pair] {
			u.Reason = RepeatedRows
		}
		c.found(u.Difference)
	}
	c.unsure = nil
	if theirs.whole() && theirs.total-ours.total != missing-extra {
		c.found(Difference{Request: name, Field: "total", Theirs: strconv.FormatInt(theirs.total, 10), Ours: strconv.FormatInt(ours.total, 10)})
	}
	return n, nil
}

// envelopes compares what the answers say of themselves, and whether both are lists.
func (c *comparer) envelopes(ctx context.Context, asked url.Values, name string) (both bool, err error) {
	theirs, err := c.theirs(ctx, asked, 1)
	if err != nil {
		return false, err
	}
	ours, err := c.ours(ctx, asked, 1, 1)
	if err != nil {
		return false, err
	}
	if theirs.Result != ours.Result || theirs.Msg != ours.Msg {
		c.found(Difference{Request: name, Field: "result", Theirs: fmt.Sprintf("%d %q", theirs.Result, theirs.Msg), Ours: fmt.Sprintf("%d %q", ours.Result, ours.Msg)})
	}
	if theirs.Result != 1 && c.Comparison.Requests == 1 {
		_, err = theirs.page()
	}
	return theirs.Result == 1 && ours.Result == 1, err
}

// beyond compares a page past the end.
func (c *comparer) beyond(ctx context.Context) error {
	const far = 9_999_999
	name := "page " + strconv.Itoa(far)
	theirs, err := c.theirs(ctx, url.Values{}, far)
	if err != nil {
		return err
	}
	ours, err := c.ours(ctx, url.Values{}, far, 15)
	if err != nil {
		return err
	}
	for of, a := range map[string]answer{"the original's": theirs, "ours": ours} {
		p, err := a.page()
		if err != nil {
			return err
		}
		if len(p.Data) > 0 {
			c.found(Difference{Request: name, Field: "data", Theirs: "no row is wanted", Ours: fmt.Sprintf("%s has %d", of, len(p.Data))})
		}
		if err := c.pageFields(name, of, p, a.Data, of != "ours"); err != nil {
			return err
		}
	}
	return nil
}

// pageFields holds a page's fields against its own total: where the totals differ for a known
// reason, the other fields do so with them.
func (c *comparer) pageFields(name, of string, p page, data json.RawMessage, theirs bool) error {
	fields, err := decodeRow(data)
	if err != nil {
		return err
	}
	want := paginate.Of(int(p.Total), int(p.PerPage), int(p.CurrentPage))
	number := func(n *int) string {
		if n == nil {
			return "null"
		}
		return strconv.Itoa(*n)
	}
	link := func(n int, there bool) string {
		if !there {
			return "null"
		}
		return strconv.Itoa(n)
	}
	for field, wanted := range map[string]string{
		"count": strconv.Itoa(want.Total), "last_page": strconv.Itoa(want.LastPage), "from": number(want.From), "to": number(want.To),
		"first_page_url": "1", "last_page_url": strconv.Itoa(want.LastPage),
		"next_page_url": link(want.CurrentPage+1, want.CurrentPage < want.LastPage), "prev_page_url": link(want.CurrentPage-1, want.CurrentPage > 1),
	} {
		got := cmp.Or(string(fields[field]), "null")
		if strings.HasSuffix(field, "_url") && got != "null" {
			u, err := url.Parse(fields.text(field).string)
			if got = "no link"; err == nil {
				got = u.Query().Get("page")
			}
		}
		switch {
		case got == wanted:
		case field == "prev_page_url" && want.CurrentPage > want.LastPage: // whether it is the last page or the one before is not held against anybody
		case theirs:
			c.found(Difference{Request: name, Field: of + " " + field, Theirs: got, Ours: "(wanted) " + wanted})
		default:
			c.found(Difference{Request: name, Field: of + " " + field, Theirs: "(wanted) " + wanted, Ours: got})
		}
	}
	if n := min(int64(want.Rows), p.PerPage); int64(len(p.Data)) != n {
		c.found(Difference{Request: name, Field: of + " data", Theirs: fmt.Sprintf("%d rows on page %d", n, p.CurrentPage), Ours: fmt.Sprintf("%d rows", len(p.Data))})
	}
	return nil
}

// rows compares two rows of one id.
func (c *comparer) rows(name string, theirs, ours object) {
	id := theirs.number("id")
	c.fields(name, id, "", theirs, ours, func(field string) Reason {
		r := c.rowReason(field, theirs, ours)
		if r == "" && isEmpty(theirs.text(field)) {
			c.unsure = append(c.unsure, unsure{Difference{name, id, field, short(theirs[field]), short(ours[field]), ""}, pairOf(theirs)})
			return later
		}
		return r
	})
	for field, kind := range map[string]writer.Kind{"has_one_customer": writer.Customer, "has_one_employee": writer.Employee} {
		t, err1 := decodeRow(theirs[field])
		o, err2 := decodeRow(ours[field])
		switch {
		case err1 != nil || err2 != nil || (t == nil) != (o == nil):
			reason := c.reportedReason(writer.Follow, id)
			if kind == writer.Customer && t == nil && o != nil {
				reason = NoContact
			}
			if kind == writer.Employee && o != nil {
				if reason = c.reportedReason(kind, o.number("id")); o.text("user_id").string != theirs.text("userid").string {
					reason = Folding
				}
			}
			c.found(Difference{name, id, field, short(theirs[field]), short(ours[field]), reason})
		case t != nil:
			c.fields(name, id, field+".", t, o, func(inner string) Reason {
				if t.number("id") != o.number("id") {
					return RepeatedContact
				}
				if r := valueReason(kind, inner, t); r != "" {
					return r
				}
				return c.reportedReason(kind, o.number("id"))
			})
		}
	}
}

// fields compares the fields that we have.
func (c *comparer) fields(name string, id int64, prefix string, theirs, ours object, reason func(field string) Reason) {
	for _, field := range slices.Sorted(maps.Keys(ours)) {
		if strings.HasPrefix(field, "has_one_") {
			continue
		}
		t, o := theirs[field], ours[field]
		if same(t, o) {
			continue
		}
		if r := reason(field); r != later {
			c.found(Difference{name, id, prefix + field, short(t), short(o), r})
		}
	}
}

// same says whether two values are one, however their JSON is written.
func same(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	var x, y string
	return len(a) > 0 && len(b) > 0 && a[0] == '"' && b[0] == '"' && json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x == y
}

func short(raw json.RawMessage) string {
	s := cmp.Or(string(raw), "nothing")
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80]) + "…"
	}
	return s
}

func (c *comparer) reportedReason(kind writer.Kind, id int64) Reason {
	if c.reported[kind][id] {
		return Reported
	}
	return ""
}

// rowReason returns the known reason for which a field of a follow differs.
func (c *comparer) rowReason(field string, theirs, ours object) Reason {
	switch field {
	case "tag_id", "tag_name":
		if len([]rune(theirs.text("tag_id").string)) >= tagIDWidth {
			return TagsCut
		}
		if field == "tag_name" && slices.ContainsFunc(filter.Split(ours.text("tag_id").string), func(id string) bool { return c.oddTags[id] }) {
			return RepeatedContact
		}
	case "remark_mobiles":
		s := theirs.text(field).string
		if !strings.HasPrefix(s, "[") || !json.Valid([]byte(s)) {
			return MobilesCut
		}
	}
	if r := valueReason(writer.Follow, field, theirs); r != "" {
		return r
	}
	if field == "userid" && pairOf(theirs) == pairOf(ours) {
		return Folding
	}
	if c.twins[pairOf(theirs)] && isEmpty(theirs.text(field)) {
		return RepeatedRows
	}
	return c.reportedReason(writer.Follow, ours.number("id"))
}

// isEmpty says whether a value is one that copy fills from another row of the key.
func isEmpty(v text) bool { return v.string == "" || v.string == "0" || v.string == "[]" }

// valueReason says whether a value of the original's could not be stored.
func valueReason(kind writer.Kind, field string, theirs object) Reason {
	v := theirs.text(field)
	i := kind.Field(field)
	if i < 0 {
		return ""
	}
	column := kind.Columns()[i]
	switch {
	case field == "created_at":
		if v.string == epoch || !v.valid {
			return NoDate
		}
	case !v.valid && !column.Nullable:
		return OddValue
	case column.Type == writer.Source:
		if _, err := strconv.ParseUint(v.string, 10, 32); err != nil || v.string[0] == '0' && v.string != "0" {
			return OddValue
		}
	case column.Type == writer.Standing:
		if v.string != "1" && v.string != "-1" {
			return OddValue
		}
	case column.Type == writer.Seconds || column.Type == writer.Unsigned32:
		if strings.HasPrefix(v.string, "-") {
			return OddValue
		}
	case field == "external_profile" && v.string == "":
		return OddValue
	}
	return ""
}

// missing explains a row that we do not show.
func (c *comparer) missing(name string, asked url.Values, theirs object) Difference {
	id := theirs.number("id")
	d := Difference{Request: name, ID: id, Theirs: "shows it", Ours: "does not"}
	kept, there := c.pairs[pairOf(theirs)]
	switch {
	case there && kept != id:
		c.twins[pairOf(theirs)] = true
		d.Reason = RepeatedRows
	case there && len(asked) > 0:
		d.Reason = c.filterReason(asked, theirs, false)
	default:
		d.Reason = c.reportedReason(writer.Follow, id)
	}
	return d
}

// extra explains a row that the original does not show.
func (c *comparer) extra(name string, asked url.Values, ours object) Difference {
	id := ours.number("id")
	d := Difference{Request: name, ID: id, Theirs: "does not show it", Ours: "shows it"}
	if len(asked) > 0 {
		d.Reason = c.filterReason(asked, ours, true)
	}
	if d.Reason == "" {
		d.Reason = c.reportedReason(writer.Follow, id)
	}
	return d
}

// filterReason explains why a row is found by one of both alone.
func (c *comparer) filterReason(asked url.Values, r object, here bool) Reason {
	contact, _ := decodeRow(r["has_one_customer"])
	name, remark, tags := contact.text("name").string, r.text("remark").string, r.text("tag_id").string
	for param, values := range asked {
		value := values[0]
		switch param {
		case "search[customer]":
			if found := contains(name, value) || r.text("external_userid").string == value; found == here && !strings.Contains(name, value) {
				return Folding
			}
		case "search[remark]":
			if contains(remark, value) == here && !strings.Contains(remark, value) {
				return Folding
			}
		case "search[tags_data]":
			switch {
			case c.twins[pairOf(r)]:
				return RepeatedRows
			case len([]rune(tags)) >= tagIDWidth-100:
				return TagsCut
			case !here && !slices.Contains(filter.Split(tags), value):
				return Folding
			}
		case "search[status]", "search[add_way_type]", "search[time][]":
			if !here && (valueReason(writer.Follow, "status", r) != "" || valueReason(writer.Follow, "add_way", r) != "") {
				return OddValue
			}
		}
		switch param {
		case "search[customer]", "search[member]", "search[type]":
			if contact == nil || contact.text("deleted_at").valid || contact.number("id") >= writer.FirstMadeID {
				return NoContact
			}
			if c.reported[writer.Customer][contact.number("id")] {
				return Reported
			}
		}
	}
	if here && c.twins[pairOf(r)] {
		return RepeatedRows
	}
	return c.reportedReason(writer.Follow, r.number("id"))
}

func contains(s, part string) bool { return strings.Contains(fold.String(s), fold.String(part)) }

// lists compares the tags and employees that come with every page.
func (c *comparer) lists(ctx context.Context, asked url.Values) error {
	theirs, err := c.theirs(ctx, asked, 1)
	if err != nil {
		return err
	}
	ours, err := c.ours(ctx, asked, 1, 1)
	if err != nil {
		return err
	}
	t, err1 := theirs.page()
	o, err2 := ours.page()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	if err := c.tagLists(t.Tag, o.Tag); err != nil {
		return err
	}
	return c.employeeLists(ctx, t.Employee, o.Employee)
}

const lists = "the lists"

func (c *comparer) tagLists(theirs, ours []json.RawMessage) error {
	byID := map[int64]object{}
	kept := map[string]bool{}
	for _, raw := range ours {
		r, err := decodeRow(raw)
		if err != nil {
			return err
		}
		byID[r.number("id")] = r
		kept[r.text("tag_id").string] = true
	}
	for _, raw := range theirs {
		t, err := decodeRow(raw)
		if err != nil {
			return err
		}
		id := t.number("id")
		o, there := byID[id]
		delete(byID, id)
		switch {
		case there:
			c.fields(lists, id, "tag.", t, o, func(field string) Reason {
				if r := valueReason(writer.Tag, field, t); r != "" {
					return r
				}
				return c.reportedReason(writer.Tag, id)
			})
		case kept[t.text("tag_id").string]:
			c.oddTags[t.text("tag_id").string] = true
			c.found(Difference{lists, id, "tag", "has it", "has not", RepeatedContact})
		default:
			c.found(Difference{lists, id, "tag", "has it", "has not", c.reportedReason(writer.Tag, id)})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		reason := c.reportedReason(writer.Tag, id)
		if reason != "" {
			c.oddTags[byID[id].text("tag_id").string] = true
		}
		c.found(Difference{lists, id, "tag", "has not", "has it", reason})
	}
	return nil
}

func (c *comparer) employeeLists(ctx context.Context, theirs, ours []json.RawMessage) error {
	left := map[string]object{}
	var order, wanted []string
	for _, raw := range ours {
		r, err := decodeRow(raw)
		if err != nil {
			return err
		}
		left[strings.ToLower(r.text("user_id").string)] = r
		order = append(order, strings.ToLower(r.text("user_id").string))
	}
	times := map[string]int{}
	for _, raw := range theirs {
		if t, err := decodeRow(raw); err == nil {
			times[strings.ToLower(t.text("user_id").string)]++
		}
	}
	seen := map[string]bool{}
	for _, raw := range theirs {
		t, err := decodeRow(raw)
		if err != nil {
			return err
		}
		userid := strings.ToLower(t.text("user_id").string)
		if seen[userid] {
			c.found(Difference{lists, 0, "employee " + userid, "has it twice", "has it once", RepeatedContact})
			continue
		}
		seen[userid] = true
		wanted = append(wanted, userid)
		o, there := left[userid]
		delete(left, userid)
		if !there {
			c.found(Difference{lists, 0, "employee " + userid, "has it", "has not", ""})
			continue
		}
		if !same(t["name"], o["name"]) || !same(t["user_id"], o["user_id"]) {
			reason, err := c.employeeReason(ctx, userid)
			if err != nil {
				return err
			}
			if times[userid] > 1 {
				reason = RepeatedContact
			}
			c.found(Difference{lists, 0, "employee " + userid, short(raw), short(o["name"]), reason})
		}
	}
	for _, userid := range slices.Sorted(maps.Keys(left)) {
		reason, err := c.employeeReason(ctx, userid)
		if err != nil {
			return err
		}
		c.found(Difference{lists, 0, "employee " + userid, "has not", "has it", reason})
	}
	order = slices.DeleteFunc(order, func(u string) bool { return !seen[u] })
	wanted = slices.DeleteFunc(wanted, func(u string) bool { return !slices.Contains(order, u) })
	if !slices.Equal(order, wanted) {
		c.found(Difference{lists, 0, "employee", "is in another order", "is by id", ListOrder})
	}
	return nil
}

func (c *comparer) employeeReason(ctx context.Context, userid string) (Reason, error) {
	id, err := c.EmployeeID(ctx, userid)
	return c.reportedReason(writer.Employee, id), err
}
