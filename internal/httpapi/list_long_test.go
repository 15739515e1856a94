package httpapi_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
)

// inFull leaves a test out of a short run: what it adds to the shorter ones is length.
func inFull(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long")
	}
}

// spread returns a world of n rows of as many contacts in one enterprise, whose columns are random,
// with the ids that next returns one after the other. Most of them are of one employee and have one
// tag.
func spread(d *rand.Rand, n int, next func(i int) int64) *world {
	w := crowd(n)
	w.tags = []client.Tag{newTag(1, "etA", "甲"), newTag(2, "etB", "乙")}
	for i := range w.follows {
		f, c := &w.follows[i], &w.contacts[i]
		vary(d, f, c, 1)
		f.ID = next(i)
		if d.IntN(30) > 0 {
			f.TagID += ",etA"
		} else {
			f.Userid = pick(d, userids)
		}
		if d.IntN(20) == 0 {
			f.DeletedAt = new(day)
		}
		w.last = max(w.last, f.ID)
	}
	return w
}

// pages looks at the pages of some lists that are read from different places: from either end, from
// the middle, one past the end, and from any id on, also between ids and before all.
func (w *world) pages(t *testing.T, d *rand.Rand, b *bundle) {
	t.Helper()
	for _, p := range []client.GetListParams{
		{}, {SearchStatus: new(client.StatusLost)}, {SearchEmployeeMember: new("ZhangSan"), SearchTagsAll: new("etA")}, {SearchCustomer: new("李")},
		{SearchTagsNone: new("etA")}, {SearchTime: &client.TimeRange{"1", ""}}, {SearchKeyword: new("a")}, w.aim(d, client.GetListParams{CropID: new(int64(crop))}, pick(d, dimensions)),
	} {
		p.CropID, p.Omit, p.PerPage = new(int64(crop)), new("tag,employee"), new(pick(d, []int32{10, 30, 1 + d.Int32N(30)}))
		if d.IntN(2) == 0 {
			p.Sort = new(pick(d, []client.Sort{client.SortByCreatetime, client.SortByCreatetimeDesc}))
		}
		want := w.list(crop, p)
		size := int64(*p.PerPage)
		last := max(1, (int64(len(want))+size-1)/size)
		seen := []int64{1, 2, 1 + last/2, last, last + 1, 1 + d.Int64N(last)}
		slices.Sort(seen)
		for _, page := range slices.Compact(seen) {
			p.Page = &page
			look(t, b, w, p)
		}
		p.Sort, p.Page = nil, nil
		want = w.list(crop, p)
		befores := []int64{1, math.MaxInt64, 1 + d.Int64N(w.last)}
		if len(want) > 0 {
			befores = append(befores, pick(d, want).ID, want[len(want)-1].ID)
		}
		for _, before := range befores {
			p.BeforeID = &before
			got := b.get(t, p)
			rows := slices.DeleteFunc(slices.Clone(want), func(f client.Follow) bool { return f.ID >= before })
			if diff := cmp.Diff(rows[:min(len(rows), int(size))], got.Data); diff != "" || got.Total != int64(len(want)) {
				t.Fatalf("%s\ntotal %d, want %d; rows (-want +got)\n%s", marshal(p), got.Total, len(want), diff)
			}
		}
	}
}

// inParts says whether a set of the first enterprise is stored in parts, not whole.
func (b *bundle) inParts(t *testing.T, name string) bool {
	t.Helper()
	var whole, parts int64
	mustSucceed(t, b.DB.QueryRowContext(t.Context(),
		"SELECT COALESCE(SUM(part = 0 AND LENGTH(ids) > 0), 0), COALESCE(SUM(part > 0), 0) FROM follow_sets WHERE crop_id = 1 AND name = ?", []byte(name)).Scan(&whole, &parts))
	if whole+parts == 0 || whole > 0 && parts > 0 {
		t.Fatalf("the set %s: %d rows of the whole, %d parts", name, whole, parts)
	}
	return parts > 0
}

func TestALongListIsThatOfAPlainFilterOnEveryPageWhileItsSetsGrowIntoParts(t *testing.T) {
	t.Parallel()
	inFull(t)
	onBothPaths(t, longList)
}

func longList(t *testing.T, path option) {
	t.Helper()
	d := dice(t)
	id := int64(0)
	w := spread(d, 1250, func(int) int64 { id += 128 + d.Int64N(40); return id })
	first := &world{employees: w.employees, contacts: w.contacts, tags: w.tags, follows: w.follows[:850], last: id}
	b := setup(t, manager+first.records(), path)
	indexed := b.indexed(t)
	if indexed {
		if b.inParts(t, "l") {
			t.Fatal("the set of all rows is in parts from the beginning")
		}
		first.holds(t, d, b)
	}
	b.load(records(nil, nil, nil, w.follows[850:]))
	w.pages(t, d, b)
	if !indexed {
		return // that is all that a longer list is to it
	}
	if !b.inParts(t, "l") {
		t.Fatal("the set of all rows is whole after all")
	}
	b.load(change(d, w, true))
	w.holds(t, d, b)
	// All that a part has goes, and comes back.
	for _, deleted := range []*string{new(day), nil} {
		var part []client.Follow
		for i := range w.follows {
			if f := &w.follows[i]; f.ID>>16 == 1 {
				f.DeletedAt = deleted
				part = append(part, *f)
			}
		}
		b.load(records(nil, nil, nil, part))
		w.holds(t, d, b)
	}
	w.pages(t, d, b)
}

// Ids up to the greatest that an import takes, which is the greatest that JavaScript counts with,
// lie in parts of their own, and so many of one employee and one tag that these are in parts, too.
func TestAListOfIdsFarApartIsThatOfAPlainFilter(t *testing.T) {
	t.Parallel()
	inFull(t)
	d := dice(t)
	const greatest, rows = 1<<53 - 1, 2250
	w := spread(d, rows, func(i int) int64 {
		switch {
		case i == rows-1:
			return greatest
		case i < 50:
			return 1 + int64(i)*(70_000+d.Int64N(1000))
		default:
			return greatest/rows*int64(i) + d.Int64N(1<<32)
		}
	})
	for i := range w.contacts {
		if i%2 > 0 {
			w.contacts[i].ID = greatest - int64(i)
		}
	}
	b := setup(t, manager+w.records(), indexed())
	for _, set := range []string{"l", "ezhangsan", "TetA", "T*"} {
		if !b.inParts(t, set) {
			t.Errorf("the set %s is whole: this test would prove nothing", set)
		}
	}
	w.holds(t, d, b)
	var changed []client.Follow
	for i := range w.follows {
		f := &w.follows[i]
		switch d.IntN(12) {
		case 0:
			f.DeletedAt = new(day)
		case 1:
			f.DeletedAt = nil
		case 2:
			vary(d, f, nil, 2)
		default:
			continue
		}
		changed = append(changed, *f)
	}
	b.load(records(nil, nil, nil, changed))
	w.pages(t, d, b)
	w.holds(t, d, b)
}
