// Package index owns the sets of follow ids that the list is read from: one set for each value of
// each filter, which internal/filter names. A filtered list is set algebra (Reader), a changed row
// leaves some sets and enters others in the writer's transaction (Apply), and all sets of an
// enterprise are made from its rows (Fill) or held against them (Check).
//
// An enterprise has no index until Fill has made one, and none while it does: then, and for small
// enterprises always, the plain queries of db/queries/follows.sql answer.
package index

import (
	"cmp"
	"context"
	"math"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
)

// Format is the format of the sets that this program reads and writes. It grows with every change
// of what sets a row is in or of how they are stored: sets of another format are made anew.
const Format = 2

// Reader reads the list of one enterprise in one snapshot of the database.
type Reader struct {
	Queries *gendb.Queries
	CropID  uint32
	Indexed bool // the enterprise's index is complete, and of this Format
}

// Order is the order of the list.
type Order int

// The orders: by id, the greatest first, or by createtime; equal times by id, the greatest first.
const (
	NewestID   Order = 0
	NewestTime Order = 1
	OldestTime Order = -1
)

// Window is the part of the list to read: Limit rows after Offset of them or, where BeforeID is
// set, the first Limit with smaller ids, which only the order by id has.
type Window struct {
	Order         Order
	Offset, Limit int64
	BeforeID      *uint64
}

// Page returns the number of rows under f and the ids of those in the window, in its order.
func (r *Reader) Page(ctx context.Context, f *filter.Filter, w Window) (total int64, ids []uint64, err error) {
	if !r.Indexed {
		return r.plainPage(ctx, f, w)
	}
	s, err := r.rows(ctx, f.Active())
	if err != nil {
		return 0, nil, err
	}
	total = s.Count()
	if w.BeforeID != nil {
		s = s.below(*w.BeforeID)
	}
	if w.Order != NewestID {
		ids, err = r.byTime(ctx, s, w)
		return total, ids, err
	}
	ids, err = s.page(w.Offset, w.Limit)
	return total, ids, err
}

// plainPage is Page by the plain queries: a page and its total are one look at the rows, but where the
// page is empty or before_id leaves rows out that the total counts.
func (r *Reader) plainPage(ctx context.Context, f *filter.Filter, w Window) (total int64, ids []uint64, err error) {
	params := f.Params(r.CropID)
	p := filter.Same[gendb.ListFollowIDsParams](params)
	p.ByTime, p.BeforeID, p.Limit, p.Offset = int64(w.Order), w.BeforeID, clamp(w.Limit), clamp(w.Offset)
	rows, err := r.Queries.ListFollowIDs(ctx, p)
	if err != nil {
		return 0, nil, err
	}
	for _, row := range rows {
		ids, total = append(ids, row.ID), row.Total
	}
	if len(rows) == 0 && w.Offset > 0 || w.BeforeID != nil {
		total, err = r.Queries.CountFollows(ctx, params)
	}
	return total, ids, err
}

func clamp(n int64) int32 { return int32(min(n, math.MaxInt32)) }

// rows returns the rows that meet all of these filters.
func (r *Reader) rows(ctx context.Context, active []filter.Active) (Set, error) {
	all := filter.Expr{Op: filter.All}
	for _, a := range active {
		all.Of = append(all.Of, a.Expr)
	}
	return r.eval(ctx, all)
}

// eval returns the rows of an expression.
func (r *Reader) eval(ctx context.Context, e filter.Expr) (Set, error) {
	known, err := r.load(ctx, e)
	if err != nil {
		return nil, err
	}
	return r.of(ctx, &e, known)
}

// of returns the rows of an expression whose sets are known by their names.
func (r *Reader) of(ctx context.Context, e *filter.Expr, known map[string]Set) (Set, error) {
	switch e.Op {
	case filter.Value, filter.Between:
		return known[e.First+e.Last], nil
	case filter.Rows:
		ids, err := e.Source(ctx, r.Queries, r.CropID)
		return setOf(ids).and(known[filter.Live().First]), err
	case filter.Any, filter.Not:
		of, err := r.each(ctx, e.Of, known)
		if err != nil {
			return nil, err
		}
		s := union(of)
		if e.Op == filter.Not {
			s = known[filter.Live().First].without(s)
		}
		return s, nil
	case filter.Match:
		s, err := r.all(ctx, e.Of, known)
		if err != nil {
			return nil, err
		}
		doubt := s
		if e.Doubt != nil {
			doubt = s.and(known[e.Doubt.First])
		}
		matching, err := r.match(ctx, &e.Filter, doubt)
		return union([]Set{s.without(doubt), matching}), err
	default:
		return r.all(ctx, e.Of, known)
	}
}

func (r *Reader) each(ctx context.Context, of []filter.Expr, known map[string]Set) ([]Set, error) {
	sets := make([]Set, len(of))
	for i := range of {
		s, err := r.of(ctx, &of[i], known)
		if err != nil {
			return nil, err
		}
		sets[i] = s
	}
	return sets, nil
}

// all returns the rows of all of these; of none of them, every live row.
func (r *Reader) all(ctx context.Context, of []filter.Expr, known map[string]Set) (Set, error) {
	sets, err := r.each(ctx, of, known)
	if err != nil || len(sets) == 0 {
		return known[filter.Live().First], err
	}
	s := sets[0]
	for _, by := range sets[1:] {
		s = s.and(by)
	}
	return s, nil
}

// matchRows is how many rows are looked at in one query.
const matchRows = 5000

// match returns those of s that the texts of f match.
func (r *Reader) match(ctx context.Context, f *filter.Filter, s Set) (Set, error) {
	p := filter.Same[gendb.MatchFollowsParams](f.Params(r.CropID))
	var matching []uint64
	for ids := range slices.Chunk(s.list(), matchRows) {
		p.Ids = ids
		some, err := r.Queries.MatchFollows(ctx, p)
		if err != nil {
			return nil, err
		}
		matching = append(matching, some...)
	}
	return setOf(matching), nil
}

// load reads the stored sets of an expression, by their names; a range is one set.
func (r *Reader) load(ctx context.Context, e filter.Expr) (map[string]Set, error) {
	names := map[string]struct{}{}
	var ranges []filter.Expr
	var walk func(e *filter.Expr)
	walk = func(e *filter.Expr) {
		switch e.Op {
		case filter.Value:
			names[e.First] = struct{}{}
		case filter.Between:
			ranges = append(ranges, *e)
		case filter.Rows, filter.Not:
			names[filter.Live().First] = struct{}{}
		}
		if e.Op == filter.All && len(e.Of) == 0 {
			names[filter.Live().First] = struct{}{}
		}
		if e.Doubt != nil {
			walk(e.Doubt)
		}
		for i := range e.Of {
			walk(&e.Of[i])
		}
	}
	walk(&e)
	known := map[string]Set{}
	if len(names) > 0 {
		sets, err := r.named(ctx, names)
		if err != nil {
			return nil, err
		}
		for _, s := range sets {
			known[s.name] = s.Set
		}
	}
	for _, e := range ranges {
		sets, err := r.between(ctx, e)
		if err != nil {
			return nil, err
		}
		of := make([]Set, len(sets))
		for i := range sets {
			of[i] = sets[i].Set
		}
		known[e.First+e.Last] = union(of)
	}
	return known, nil
}

// named is a stored set.
type named struct {
	name string
	Set
}

func (r *Reader) named(ctx context.Context, names map[string]struct{}) ([]named, error) {
	asked := make([][]byte, 0, len(names))
	for name := range names {
		asked = append(asked, []byte(name))
	}
	slices.SortFunc(asked, slices.Compare)
	rows, err := r.Queries.GetSets(ctx, gendb.GetSetsParams{CropID: r.CropID, Names: asked})
	if err != nil {
		return nil, err
	}
	return assemble(rows)
}

// rowsBetween returns what is stored of a range of names, in the order of names and parts.
func (r *Reader) rowsBetween(ctx context.Context, e filter.Expr) ([]gendb.GetSetsBetweenRow, error) {
	return r.Queries.GetSetsBetween(
		ctx,
		gendb.GetSetsBetweenParams{CropID: r.CropID, First: []byte(e.First), Last: []byte(e.Last)},
	)
}

// between returns the sets of a range of names, in their order.
func (r *Reader) between(ctx context.Context, e filter.Expr) ([]named, error) {
	rows, err := r.rowsBetween(ctx, e)
	if err != nil {
		return nil, err
	}
	same := make([]gendb.GetSetsRow, len(rows))
	for i, row := range rows {
		same[i] = gendb.GetSetsRow(row)
	}
	return assemble(same)
}

// assemble returns the sets of stored rows, which are in the order of names and parts.
func assemble(rows []gendb.GetSetsRow) ([]named, error) {
	var sets []named
	for _, row := range rows {
		if len(sets) == 0 || sets[len(sets)-1].name != string(row.Name) {
			sets = append(sets, named{name: string(row.Name)})
		}
		parts, err := stored{row: row.Part, ids: row.Ids}.parts()
		if err != nil {
			return nil, err
		}
		last := &sets[len(sets)-1]
		last.Set = append(last.Set, parts...)
	}
	return sets, nil
}

// byTime returns the window of s in an order by createtime: the 32 days in which it begins, then
// their days, and then the rows of a day by the index of times, until the window is full.
func (r *Reader) byTime(ctx context.Context, s Set, w Window) ([]uint64, error) {
	spans, err := r.between(ctx, filter.Months())
	if err != nil {
		return nil, err
	}
	var ids []uint64
	offset := w.Offset
	for _, month := range inOrder(spans, w.Order) {
		n := s.count(month.Set)
		if n <= offset {
			offset -= n
			continue
		}
		days, err := r.between(ctx, filter.DaysOf(filter.Number([]byte(month.name))))
		if err != nil {
			return nil, err
		}
		for _, day := range inOrder(days, w.Order) {
			n := s.count(day.Set)
			if n <= offset {
				offset -= n
				continue
			}
			of, err := r.ofDay(ctx, s, filter.Number([]byte(day.name)), w.Order)
			if err != nil {
				return nil, err
			}
			ids = append(ids, of[min(offset, int64(len(of))):]...)
			offset = 0
			if int64(len(ids)) >= w.Limit {
				return ids[:w.Limit], nil
			}
		}
	}
	return ids, nil
}

func inOrder(sets []named, o Order) []named {
	if o == NewestTime {
		slices.Reverse(sets)
	}
	return sets
}

// ofDay returns those of s that are of a day, in an order by createtime.
func (r *Reader) ofDay(ctx context.Context, s Set, day int64, o Order) ([]uint64, error) {
	from, to := filter.SecondsOf(day)
	rows, err := r.Queries.ListFollowTimes(ctx, gendb.ListFollowTimesParams{CropID: r.CropID, TimeFrom: from, TimeTo: to})
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row gendb.ListFollowTimesRow) bool { return !s.has(row.ID) })
	if o == OldestTime {
		slices.SortFunc(rows, func(a, b gendb.ListFollowTimesRow) int {
			return cmp.Or(cmp.Compare(a.Createtime, b.Createtime), cmp.Compare(b.ID, a.ID))
		})
	}
	ids := make([]uint64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids, nil
}
