package index_test

import (
	"slices"
	"testing"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
)

// The total does not depend on which page it comes with.
func TestPlainPagesHaveOneTotal(t *testing.T) {
	t.Parallel()
	const n = 100
	h := setup(t)
	h.enterprise(1, n)
	r := index.Reader{Queries: gendb.New(h.db), CropID: 1}
	all := make([]uint64, n)
	for i := range all {
		all[i] = uint64(10_000_000 + (n-1-i)*100) // the newest first
	}
	for _, part := range []struct {
		name string
		rows int // how many of the oldest are live
	}{{"all", n}, {"whole pages", 60}, {"a part of the last", 50}, {"a part of the first", 10}, {"none", 0}} {
		live := all[n-part.rows:]
		h.exec("UPDATE follows SET deleted_at = NOW() WHERE id >= ?", 10_000_000+part.rows*100)
		for _, w := range []index.Window{
			{Limit: 20},
			{Offset: 20, Limit: 20},
			{Offset: 40, Limit: 20},
			{Offset: 60, Limit: 20},
			{Offset: 1000, Limit: 20},
			{Order: index.NewestTime, Offset: 20, Limit: 20},
			{Limit: 20, BeforeID: &all[n-10]},
			{Limit: 20, BeforeID: &all[0]},
		} {
			from := min(w.Offset, int64(len(live)))
			want := live[from:]
			if w.BeforeID != nil {
				want = slices.DeleteFunc(slices.Clone(live), func(id uint64) bool { return id >= *w.BeforeID })
			}
			want = want[:min(int(w.Limit), len(want))]
			total, ids, err := r.Page(t.Context(), &filter.Filter{}, w)
			if err != nil || total != int64(part.rows) || !slices.Equal(ids, want) {
				t.Errorf("%s, %+v: %d rows, %d, %v, want %d rows, %d", part.name, w, total, ids, err, part.rows, want)
			}
		}
	}
}
