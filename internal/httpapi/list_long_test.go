package httpapi_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
)

// A long list is read from other places than a short one: from either end, from the middle, or from where the few rows of a rare mix lie. Its rows are spread
// over ids with wide gaps.
func TestALongListIsThatOfAPlainFilterOnEveryPage(t *testing.T) {
	t.Parallel()
	d := dice(t)
	w := crowd(2000)
	id := int64(0)
	for i := range w.follows {
		id += 1 + d.Int64N(8)
		if i == 1400 {
			id += 10000 // and one beyond any block of ids that is counted together
		}
		f, c := &w.follows[i], &w.contacts[i]
		f.ID = id
		f.AddWay = pick(d, []string{"1", "2"})
		if d.IntN(2) == 0 {
			f.Status = -1
		}
		if i < 1000 && d.IntN(4) == 0 {
			c.ExternalType = 2 // none among the newest thousand
		}
		if i < 300 && i%30 == 0 || i == 1999 {
			f.AddWay = "202"
		}
		if d.IntN(10) == 0 {
			f.DeletedAt = new(day)
		}
	}
	b := setup(t, manager+w.records())
	for round := range 2 {
		for _, p := range []client.GetListParams{
			{},
			{SearchStatus: new(client.StatusLost)},
			{SearchType: new(client.TypeWeCom)},
			{SearchType: new(client.TypeWeCom), SearchStatus: new(client.StatusFollowing)},
			{SearchAddWayType: new(int32(202))},
			{SearchAddWayType: new(int32(202)), SearchStatus: new(client.StatusLost)},
			{SearchAddWayType: new(int32(9))},
			{SearchCustomer: new("1")},
			{SearchCustomer: new("户19")},
			{SearchTime: &client.TimeRange{"1", ""}},
		} {
			want := rowIDs(w.list(crop, p))
			p.Omit = new("tag,employee")
			size := []int{100, 1 + d.IntN(100)}[round]
			p.PerPage = new(int32(size))
			last := max(1, (len(want)+size-1)/size)
			pages := []int{1, 2, 512/size - 1, 512 / size, 512/size + 1, 512/size + 2, last / 2, last - 512/size - 1, last - 512/size, last - 1, last, last + 1}
			if p.SearchStatus == nil && last < 30 {
				for page := range last {
					pages = append(pages, page+1)
				}
			}
			slices.Sort(pages)
			for _, page := range slices.Compact(pages) {
				if page < 1 {
					continue
				}
				p.Page, p.BeforeID = new(int64(page)), nil
				got := b.get(t, p)
				rows := want[min((page-1)*size, len(want)):min(page*size, len(want))]
				if diff := cmp.Diff(rows, rowIDs(got.Data)); diff != "" || got.Total != int64(len(want)) {
					t.Fatalf("%s\ntotal %d, want %d; rows (-want +got)\n%s", marshal(p), got.Total, len(want), diff)
				}
			}
			// From anywhere, also between ids and before all.
			befores := []int64{1, math.MaxInt64, 1 + d.Int64N(id), 1 + d.Int64N(id)}
			if len(want) > 0 {
				befores = append(befores, pick(d, want), want[len(want)-1])
			}
			for _, before := range befores {
				p.Page, p.BeforeID = nil, &before
				got := b.get(t, p)
				rows := slices.DeleteFunc(slices.Clone(want), func(id int64) bool { return id >= before })
				if diff := cmp.Diff(rows[:min(len(rows), size)], rowIDs(got.Data)); diff != "" || got.Total != int64(len(want)) {
					t.Fatalf("%s\ntotal %d, want %d; rows (-want +got)\n%s", marshal(p), got.Total, len(want), diff)
				}
			}
		}
		if round > 0 {
			break
		}
		// Once more after rows have gone and come back everywhere.
		var changed []client.Follow
		for i := range w.follows {
			f := &w.follows[i]
			switch d.IntN(12) {
			case 0:
				f.DeletedAt = new(day)
			case 1:
				f.DeletedAt = nil
			case 2:
				f.Status, f.AddWay = -f.Status, strconv.Itoa(1+d.IntN(2))
			default:
				continue
			}
			changed = append(changed, *f)
		}
		b.load(records(nil, nil, nil, changed))
	}
}
