package httpapi_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/writer"
)

// seedFlag repeats a run whose records or filters found something.
var seedFlag = flag.Uint64("seed", 0, "the seed of random records and filters, as a failure prints it")

// dice returns random numbers whose seed a failure prints.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with: -run '%s' -args -seed %d", t.Name(), seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

func pick[T any](d *rand.Rand, from []T) T { return from[d.IntN(len(from))] }

// randomWorld returns two enterprises of one account that share userids, external_userids and tag
// ids, but no row.
func randomWorld(d *rand.Rand) *world {
	w := &world{}
	for _, business := range []int64{1, 2} {
		for _, e := range []struct {
			userid, name string
			deleted      *string
		}{{"XiaoLiangZi", "李健平", nil}, {"weiping", "韦平", nil}, {"SunXinJian", "", nil}, {"Left-01", "离职", new(day)}, {"a.b@c_d", "点", nil}} {
			if business == 2 && e.userid == "weiping" {
				continue
			}
			one := newEmployee(w.newID(d), e.userid, e.name)
			one.BusinessID, one.DeletedAt = business, e.deleted
			w.employees = append(w.employees, one)
		}
		for i, tagID := range tagIDs {
			if tagID == "etNobody" {
				continue
			}
			tag := newTag(w.newID(d), tagID, fmt.Sprintf("标签%d,%d", business, i))
			tag.CropID, tag.GroupName = business, fmt.Sprintf("组%d", i%2)
			if tagID == "etDeleted" {
				tag.DeletedAt = new(day)
			}
			w.tags = append(w.tags, tag)
		}
		for i := range 40 * (3 - int(business)) {
			c := newContact(w.newID(d), fmt.Sprintf("%s%d", pick(d, []string{"wm", "wo"}), i), "")
			c.CropID = business
			vary(d, nil, &c, 1)
			if d.IntN(10) == 0 {
				c.DeletedAt = new(day)
			}
			w.contacts = append(w.contacts, c)
		}
	}
	d.Shuffle(len(w.tags), func(i, j int) { w.tags[i].ID, w.tags[j].ID = w.tags[j].ID, w.tags[i].ID })
	for len(w.follows) < 150 {
		w.addFollow(d, w.newID(d))
	}
	// The list's order is the ids', not that of the records.
	d.Shuffle(len(w.follows), func(i, j int) { w.follows[i], w.follows[j] = w.follows[j], w.follows[i] })
	return w
}

// newID returns an id that is greater than all that w has had.
func (w *world) newID(d *rand.Rand) int64 {
	w.last = max(w.last, 100) + 1 + d.Int64N(3)
	return w.last
}

// addFollow adds a row of a contact and a userid that are in no other.
func (w *world) addFollow(d *rand.Rand, id int64) {
	for {
		c := pick(d, w.contacts)
		f := newFollow(id, pick(d, userids), c.ExternalUserid)
		f.CropID = c.CropID
		if slices.ContainsFunc(w.follows, func(other client.Follow) bool {
			return other.CropID == f.CropID && other.ExternalUserid == f.ExternalUserid && lower(other.Userid) == lower(f.Userid)
		}) {
			continue
		}
		vary(d, &f, nil, 1)
		if d.IntN(12) == 0 {
			f.DeletedAt = new(day)
		}
		w.follows = append(w.follows, f)
		return
	}
}

// twoEnterprises are the records of two enterprises that member 7 manages.
const twoEnterprises = `{"business":{"uniacid":2,"id":1,"name":"芸众"}}
{"business":{"uniacid":2,"id":2,"name":"另一家"}}
{"manager":{"uniacid":2,"uid":7,"business_id":1}}
{"manager":{"uniacid":2,"uid":7,"business_id":2}}
`

// expect returns the page that p asks for of the list, and how many rows that has.
func (w *world) expect(p client.GetListParams) (rows []client.Follow, total int) {
	all := w.list(*p.CropID, p)
	size, page := int(*p.PerPage), 1
	if p.Page != nil {
		page = int(*p.Page)
	}
	return all[min((page-1)*size, len(all)):min(page*size, len(all))], len(all)
}

// look holds the page that p asks for against w's plain list: the rows with all they show, their
// order, and the total.
func look(t *testing.T, b *bundle, w *world, p client.GetListParams) {
	t.Helper()
	rows, total := w.expect(p)
	got := b.get(t, p)
	if diff := cmp.Diff(rows, got.Data); diff != "" || got.Total != int64(total) || got.Count != got.Total {
		t.Errorf("%s\n%d rows: total %d, ids %v, want %v\n%s", marshal(p), total, got.Total, rowIDs(got.Data), rowIDs(rows), diff)
	}
}

// compare looks at each page of the list under p's filters, of a long one at some, and one past its
// end, and at the lists beside the first.
func compare(t *testing.T, b *bundle, w *world, p client.GetListParams) {
	t.Helper()
	_, total := w.expect(p)
	p.PerPage = new(min(max(*p.PerPage, int32(total/2)), 100))
	last := (int64(total) + int64(*p.PerPage) - 1) / int64(*p.PerPage)
	for page := int64(1); page <= max(last, 1)+1; page++ {
		if 2 < page && page < last-1 && page%5 > 0 {
			continue
		}
		p.Page = &page
		look(t, b, w, p)
		p.Omit = new("tag,employee")
		if t.Failed() {
			return
		}
	}
}

// walk goes through the list under p's filters by before_id and holds what it meets against w's
// plain list.
func walk(t *testing.T, b *bundle, w *world, p client.GetListParams) {
	t.Helper()
	p.Sort, p.Page = nil, nil
	want := w.list(*p.CropID, p)
	p.PerPage, p.Omit = new(min(max(*p.PerPage, int32(len(want)/2)), 100)), new("tag,employee")
	p.BeforeID = new(int64(math.MaxInt64))
	rows := []client.Follow{}
	for {
		got := b.get(t, p)
		rows = append(rows, got.Data...)
		if got.Total != int64(len(want)) || got.From != nil || got.To != nil || len(rows) > len(want) {
			t.Errorf("%s\ntotal %d, from and to %v %v, want %d and null", marshal(p), got.Total, got.From, got.To, len(want))
		}
		if got.NextPageURL == nil || len(got.Data) == 0 {
			break
		}
		p.BeforeID = new(got.Data[len(got.Data)-1].ID)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("%s\nids %v, want %v", marshal(p), rowIDs(rows), rowIDs(want))
	}
}

// onBothPaths runs a test on the plain queries and on the index.
func onBothPaths(t *testing.T, test func(t *testing.T, path option)) {
	t.Helper()
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		test(t, func(*settings) {})
	})
	t.Run("indexed", func(t *testing.T) {
		t.Parallel()
		test(t, indexed())
	})
}

// start returns a request of one of w's enterprises in any order and with pages of any size.
func (w *world) start(d *rand.Rand) client.GetListParams {
	p := client.GetListParams{CropID: new(pick(d, w.follows).CropID), PerPage: new(pick(d, []int32{1, 2, 7, 15, 40, 100, 1 + d.Int32N(100)}))}
	if sort := pick(d, []client.Sort{"", client.SortByIDDesc, client.SortByCreatetimeDesc, client.SortByCreatetime}); sort != "" {
		p.Sort = &sort
	}
	return p
}

// anyPage asks for any page of the list, seldom for one past its end.
func (w *world) anyPage(d *rand.Rand, p client.GetListParams) client.GetListParams {
	_, total := w.expect(p)
	if last := (int64(total) + int64(*p.PerPage) - 1) / int64(*p.PerPage); last > 0 {
		p.Page = new(1 + d.Int64N(last+d.Int64N(2)))
	}
	if d.IntN(8) > 0 {
		p.Omit = new("tag,employee")
	}
	return p
}

// aim sets these filters of p, most of them to values that one row of the list meets: so that many
// filters together still find some.
func (w *world) aim(d *rand.Rand, p client.GetListParams, filters ...dimension) client.GetListParams {
	target := pick(d, w.rows(*p.CropID, nil))
	for _, dim := range filters {
		dim.set(d, &p)
		if d.IntN(8) == 0 {
			continue
		}
		for range 40 {
			if meets := dim.asks(&p); meets != nil && meets(&target) {
				break
			}
			dim.set(d, &p)
		}
	}
	agree(&p)
	return p
}

// filters returns about every fourth filter.
func filters(d *rand.Rand) (some []dimension) {
	for _, dim := range dimensions {
		if d.IntN(4) == 0 {
			some = append(some, dim)
		}
	}
	return some
}

func TestTheListIsThatOfAPlainFilterOfTheSameRecords(t *testing.T) {
	t.Parallel()
	onBothPaths(t, listOfTheSameRecords)
}

func listOfTheSameRecords(t *testing.T, path option) {
	t.Helper()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records(), path)
	for name, run := range map[string]func(t *testing.T, d *rand.Rand){
		"without filters": func(t *testing.T, d *rand.Rand) {
			t.Helper()
			for business := range int64(2) {
				for _, sort := range []client.Sort{client.SortByIDDesc, client.SortByCreatetimeDesc, client.SortByCreatetime} {
					compare(t, b, w, client.GetListParams{CropID: new(business + 1), PerPage: new(1 + d.Int32N(100)), Sort: &sort})
				}
				walk(t, b, w, client.GetListParams{CropID: new(business + 1), PerPage: new(1 + d.Int32N(100))})
			}
		},
		"by each filter alone": func(t *testing.T, d *rand.Rand) {
			t.Helper()
			for _, dim := range dimensions {
				for range 4 {
					p := w.aim(d, w.start(d), dim)
					compare(t, b, w, p)
				}
				walk(t, b, w, w.aim(d, w.start(d), dim))
			}
		},
		"by each text": func(t *testing.T, d *rand.Rand) {
			t.Helper()
			texts := slices.Concat(words, companies, unionids, numbers)
			for range 40 {
				texts = append(texts, spelling(d, pick(d, names)))
			}
			for i, text := range texts {
				p := client.GetListParams{CropID: new(int64(1)), PerPage: new(int32(100)), Omit: new("tag,employee")}
				p.SearchKeyword = &text
				look(t, b, w, p)
				if i < len(words) {
					p.SearchKeyword, p.SearchCustomer = nil, &text
					look(t, b, w, p)
					p.SearchCustomer, p.SearchRemark = nil, &text
					look(t, b, w, p)
				}
			}
			for _, number := range numbers {
				look(t, b, w, client.GetListParams{CropID: new(int64(1)), PerPage: new(int32(100)), SearchMobile: &number})
			}
		},
		"by all pairs of filters": func(t *testing.T, d *rand.Rand) {
			t.Helper()
			for i, one := range dimensions {
				for _, other := range dimensions[:i] {
					for range 2 {
						look(t, b, w, w.anyPage(d, w.aim(d, w.start(d), one, other)))
					}
				}
			}
		},
		"by any filters": func(t *testing.T, d *rand.Rand) {
			t.Helper()
			found, lists := 0, 1000
			if testing.Short() {
				lists = 100
			}
			for range lists {
				p := w.aim(d, w.start(d), filters(d)...)
				if _, total := w.expect(p); total > 0 {
					found++
				}
				look(t, b, w, w.anyPage(d, p))
				if d.IntN(10) == 0 {
					walk(t, b, w, p)
				}
				if t.Failed() {
					return
				}
			}
			if found < lists/2 {
				t.Errorf("only %d of %d lists had rows", found, lists)
			}
		},
	} {
		own := rand.New(rand.NewPCG(d.Uint64(), 2))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, own)
		})
	}
}

// What a change must reach: everything a row shows or is found by, wherever it is stored a second
// time.
func TestTheListIsThatOfAPlainFilterAfterEachChangeOfTheRecords(t *testing.T) {
	t.Parallel()
	onBothPaths(t, listAfterEachChangeOfTheRecords)
}

func listAfterEachChangeOfTheRecords(t *testing.T, path option) {
	t.Helper()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records(), path)
	for range 6 {
		b.load(change(d, w, true))
		w.holds(t, d, b)
		if t.Failed() {
			return
		}
	}
}

// Writers who share an enterprise, and each other's contacts: whatever the order in which they
// came, at a quiet point all that is derived is right and the lists are those of the records.
func TestTheListIsThatOfAPlainFilterAfterWritersAtOnce(t *testing.T) {
	t.Parallel()
	onBothPaths(t, listAfterWritersAtOnce)
}

func listAfterWritersAtOnce(t *testing.T, path option) {
	t.Helper()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records(), path)
	for range 4 {
		const writers = 4
		var shares [writers]strings.Builder // each row is in one of them, and each is in the order of kinds
		for line := range strings.Lines(change(d, w, false)) {
			shares[d.IntN(writers)].WriteString(line)
		}
		var all sync.WaitGroup
		for i := range shares {
			all.Go(func() {
				source := importer.Source{Name: "share", Reader: strings.NewReader(shares[i].String())}
				if _, err := importer.Import(t.Context(), writer.New(b.DB, time.Now), []importer.Source{source}, importer.Options{BatchRows: 3}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.holds(t, d, b)
		if t.Failed() {
			return
		}
	}
}

// holds says that all that is derived from the records is right, and that some lists and counts are
// those of w.
func (w *world) holds(t *testing.T, d *rand.Rand, b *bundle) {
	t.Helper()
	found, err := writer.Check(t.Context(), b.DB, nil)
	if err != nil || len(found) > 0 {
		t.Errorf("check: %v %v", found, err)
	}
	for range 12 {
		look(t, b, w, w.anyPage(d, w.aim(d, w.start(d), filters(d)...)))
	}
	p := w.start(d)
	compare(t, b, w, p)
	walk(t, b, w, w.aim(d, w.start(d), pick(d, dimensions)))
	count(t, b, w, client.GetListParams{CropID: p.CropID})
	count(t, b, w, w.aim(d, w.start(d), filters(d)...))
}

// change changes a part of w and returns the records of the change, some of them as they were. Only
// where they are written in their order may one take the id that another has left.
func change(d *rand.Rand, w *world, inOrder bool) string {
	flip := func(deleted *string) *string {
		if deleted == nil {
			return new(day)
		}
		return nil
	}
	var c world
	for i := range w.employees {
		e := &w.employees[i]
		if d.IntN(3) == 0 {
			e.DeletedAt = flip(e.DeletedAt)
			c.employees = append(c.employees, *e)
		}
	}
	if d.IntN(2) == 0 && !slices.ContainsFunc(w.employees, func(e client.Employee) bool { return e.UserID == "NOBODY" }) {
		e := newEmployee(w.newID(d), "NOBODY", "后来的")
		w.employees, c.employees = append(w.employees, e), append(c.employees, e)
	}
	for i := range w.contacts {
		x := &w.contacts[i]
		switch d.IntN(10) {
		case 0, 1:
			vary(d, nil, x, 3)
		case 2:
			x.DeletedAt = flip(x.DeletedAt)
		case 3: // as it was
		case 4:
			if d.IntN(4) > 0 {
				continue
			}
			x.ID = w.newID(d)
		default:
			continue
		}
		c.contacts = append(c.contacts, *x)
	}
	for i := range w.tags {
		x := &w.tags[i]
		switch d.IntN(4) {
		case 0:
			x.Name = "改名" + strconv.Itoa(d.IntN(100))
		case 1:
			x.DeletedAt = flip(x.DeletedAt)
		default:
			continue
		}
		c.tags = append(c.tags, *x)
	}
	var left []int64 // ids that are nobody's now
	for i := range w.follows {
		x := &w.follows[i]
		switch d.IntN(24) {
		case 0, 1, 2, 3:
			vary(d, x, nil, 4)
		case 4:
			x.DeletedAt = flip(x.DeletedAt)
		case 5:
			x.DeletedAt = flip(x.DeletedAt)
			vary(d, x, nil, 2)
		case 6:
			other := *x
			other.Userid = pick(d, []string{strings.ToUpper(x.Userid), strings.ToLower(x.Userid)}) // the same to WeCom, and stored as it was
			c.follows = append(c.follows, other)
			continue
		case 7: // as it was
		case 8:
			left = append(left, x.ID)
			x.ID = w.newID(d)
		default:
			continue
		}
		c.follows = append(c.follows, *x)
	}
	for range 3 {
		id := w.newID(d)
		if inOrder && len(left) > 0 {
			id, left = left[0], left[1:]
		}
		w.addFollow(d, id)
		c.follows = append(c.follows, w.follows[len(w.follows)-1])
	}
	return c.records()
}
