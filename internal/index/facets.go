package index

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
)

// Facets are counts of the rows under a filter.
type Facets struct {
	Total     int64
	Contacts  int64 // distinct contacts among these rows
	Untagged  int64 // rows without any tag, under all filters but search[tags_data]
	Counts    map[byte][]Count
	Excluding []Count // the total without each filter that is set, in the contract's order
}

// Count is a number of rows: those of a value, or those without the filter of a parameter.
type Count struct {
	Value string
	N     int64
}

// Asked says which counts are wanted beside the total.
type Asked struct {
	Contacts, Excluding bool
	Kinds               []byte // of filter.Counted
}

// counter counts rows by their values: by the index, or where there is none by going through all
// rows.
type counter interface {
	// active returns the rows of one of the filters that are set.
	active(ctx context.Context, a filter.Active) (Set, error)
	// live returns all rows.
	live(ctx context.Context) (Set, error)
	// counts reads what it takes to count, and returns what counts: how many rows of s, or where it is
	// nil of all, have each value of a kind, those of none left out.
	counts(ctx context.Context, k byte, s *Set) (func() ([]Count, error), error)
	// tagged returns the rows with any tag.
	tagged(ctx context.Context) (Set, error)
	// contacts reads what it takes to count the distinct contacts of the rows of s, and returns what
	// counts them.
	contacts(ctx context.Context, s Set) (func() (int64, error), error)
}

// Facets returns the counts of the rows under f. Each kind is counted under all filters but its
// own; the values are the most frequent first.
func (r *Reader) Facets(ctx context.Context, f *filter.Filter, asked Asked) (*Facets, error) {
	var c counter = r
	if !r.Indexed {
		rows, err := r.allRows(ctx)
		if err != nil {
			return nil, err
		}
		c = &plainCounter{r, f, rows}
	}
	all, err := c.live(ctx)
	if err != nil {
		return nil, err
	}
	active := f.Active()
	sets := make([]Set, len(active))
	for i, a := range active {
		if sets[i], err = c.active(ctx, a); err != nil {
			return nil, err
		}
	}
	without := func(param string) Set {
		s := all
		for i, a := range active {
			if a.Param != param {
				s = s.and(sets[i])
			}
		}
		return s
	}
	// One list is read while those before it are counted.
	var counting errgroup.Group
	defer func() { _ = counting.Wait() }()
	rows := without("")
	facets := &Facets{Total: rows.Count(), Counts: map[byte][]Count{}}
	if asked.Contacts && len(f.Employees) == 1 {
		facets.Contacts = facets.Total // an employee follows a contact once
	} else if asked.Contacts {
		count, err := c.contacts(ctx, rows)
		if err != nil {
			return nil, err
		}
		counting.Go(func() (err error) {
			facets.Contacts, err = count()
			return err
		})
	}
	lists := make([][]Count, len(asked.Kinds))
	for i, k := range asked.Kinds {
		s := without(filter.Counted[k])
		counted := &s
		if !slices.ContainsFunc(active, func(a filter.Active) bool { return a.Param != filter.Counted[k] }) {
			counted = nil
		}
		count, err := c.counts(ctx, k, counted)
		if err != nil {
			return nil, err
		}
		counting.Go(func() error {
			counts, err := count()
			if k == filter.Tag { // without another look at the largest set of tags
				facets.Untagged = s.Count()
				if i := slices.IndexFunc(counts, func(c Count) bool { return c.Value == filter.AnyTag }); i >= 0 {
					facets.Untagged -= counts[i].N
					counts = slices.Delete(counts, i, i+1)
				}
			}
			slices.SortStableFunc(counts, func(a, b Count) int { return cmp.Compare(b.N, a.N) })
			lists[i] = counts
			return err
		})
	}
	if !slices.Contains(asked.Kinds, filter.Tag) {
		tagged, err := c.tagged(ctx)
		if err != nil {
			return nil, err
		}
		facets.Untagged = without(filter.Counted[filter.Tag]).without(tagged).Count()
	}
	if asked.Excluding {
		for _, a := range active {
			facets.Excluding = append(facets.Excluding, Count{a.Param, without(a.Param).Count()})
		}
	}
	if err := counting.Wait(); err != nil {
		return nil, err
	}
	for i, k := range asked.Kinds {
		facets.Counts[k] = lists[i]
	}
	return facets, nil
}

func (r *Reader) active(ctx context.Context, a filter.Active) (Set, error) {
	return r.eval(ctx, filter.Expr{Op: filter.All, Of: []filter.Expr{a.Expr}})
}

func (r *Reader) live(ctx context.Context) (Set, error) { return r.eval(ctx, filter.Live()) }

func (r *Reader) tagged(ctx context.Context) (Set, error) {
	return r.eval(ctx, filter.OfTag(filter.AnyTag))
}

func (r *Reader) counts(ctx context.Context, k byte, s *Set) (func() ([]Count, error), error) {
	rows, err := r.rowsBetween(ctx, filter.OfKind(k))
	return func() ([]Count, error) { return countsOf(k, rows, s) }, err
}

func countsOf(k byte, rows []gendb.GetSetsBetweenRow, s *Set) (counts []Count, err error) {
	var name []byte
	var in fastSet
	if s != nil {
		in = s.fast()
	}
	for _, row := range rows {
		if counts == nil || string(name) != string(row.Name) {
			name = row.Name
			counts = append(counts, Count{Value: valueOf(k, name)})
		}
		r := stored{row: row.Part, ids: row.Ids}
		count := r.size
		if s != nil {
			count = func() (int64, error) { return r.count(in) }
		}
		n, err := count()
		if err != nil {
			return nil, err
		}
		counts[len(counts)-1].N += n
	}
	return slices.DeleteFunc(counts, func(c Count) bool { return c.N == 0 }), nil
}

// size returns the number of ids of a row.
func (r stored) size() (n int64, err error) {
	if r.row != 0 {
		parts, err := r.parts()
		return parts.Count(), err
	}
	for _, b := range r.ids {
		if b < 0x80 { // the last of a varint
			n++
		}
	}
	return n, nil
}

// count returns how many ids of a row are in s.
func (r stored) count(s fastSet) (n int64, err error) {
	if r.row != 0 {
		s = s.from(r.row - 1)
		if len(s) == 0 || s[0].number != r.row-1 {
			return 0, nil
		}
		parts, err := r.parts()
		if err != nil {
			return 0, err
		}
		return int64(s[0].ids.AndCardinality(parts[0].ids)), nil
	}
	// Without making a set of few ids that may lie in many parts.
	err = eachID(r.ids, func(id uint64) {
		if s = s.from(id >> partBits); len(s) > 0 && s[0].number == id>>partBits && s[0].has(id) {
			n++
		}
	})
	return n, err
}

// valueOf returns the value that a set is named for, in the contract's form.
func valueOf(k byte, name []byte) string {
	switch k {
	case filter.Employee, filter.Tag:
		return string(name[1:])
	default:
		return strconv.FormatInt(filter.Number(name), 10)
	}
}

// Userids returns the userids of these employees, given in small letters as Facets counts them, as
// the newest live row of each has them.
func (r *Reader) Userids(ctx context.Context, lower []string) ([]string, error) {
	var rows []gendb.Follow
	var err error
	if r.Indexed {
		names := make(map[string]struct{}, len(lower))
		for _, userid := range lower {
			names[filter.OfEmployee(userid).First] = struct{}{}
		}
		var sets []named
		if sets, err = r.named(ctx, names); err != nil {
			return nil, err
		}
		var newest []uint64
		for _, s := range sets {
			ids, err := s.page(0, 1)
			if err != nil {
				return nil, err
			}
			newest = append(newest, ids...)
		}
		if len(newest) > 0 {
			rows, err = r.Queries.GetLiveFollows(ctx, gendb.GetLiveFollowsParams{CropID: r.CropID, Ids: newest})
		}
	} else {
		rows, err = r.allRows(ctx)
	}
	written := make(map[string]string, len(lower))
	for i := range rows {
		written[strings.ToLower(rows[i].Userid)] = rows[i].Userid // by id: the newest comes last
	}
	userids := make([]string, len(lower))
	for i, userid := range lower {
		userids[i] = cmp.Or(written[userid], userid)
	}
	return userids, err
}

// plainCounter counts by going through all rows of an enterprise.
type plainCounter struct {
	*Reader
	filter *filter.Filter
	rows   []gendb.Follow
}

// scanRows is how many rows are read in one query.
const scanRows = 5000

// allRows returns all live rows, by id.
func (r *Reader) allRows(ctx context.Context) (all []gendb.Follow, err error) {
	for after := uint64(0); ; after = all[len(all)-1].ID {
		rows, err := r.Queries.ListLiveFollows(
			ctx,
			gendb.ListLiveFollowsParams{CropID: r.CropID, After: after, Limit: scanRows},
		)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < scanRows {
			return all, nil
		}
	}
}

func (c *plainCounter) active(ctx context.Context, a filter.Active) (Set, error) {
	only := c.filter.Only(a.Param)
	p := filter.Same[gendb.ListFollowIDsParams](only.Params(c.CropID))
	p.Limit = math.MaxInt32
	rows, err := c.Queries.ListFollowIDs(ctx, p)
	ids := make([]uint64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	return setOf(ids), err
}

func (c *plainCounter) live(context.Context) (Set, error) {
	ids := make([]uint64, len(c.rows))
	for i := range c.rows {
		ids[i] = c.rows[i].ID
	}
	return setOf(ids), nil
}

func (c *plainCounter) tagged(context.Context) (Set, error) {
	var ids []uint64
	for i := range c.rows {
		if filter.Split(c.rows[i].TagID) != nil {
			ids = append(ids, c.rows[i].ID)
		}
	}
	return setOf(ids), nil
}

func (c *plainCounter) counts(_ context.Context, k byte, s *Set) (func() ([]Count, error), error) {
	return func() ([]Count, error) { return c.countsOf(k, s), nil }, nil
}

func (c *plainCounter) countsOf(k byte, s *Set) []Count {
	n := map[string]int64{}
	for i := range c.rows {
		if s == nil || s.has(c.rows[i].ID) {
			filter.CountedNames(&c.rows[i], func(name []byte) {
				if name[0] == k {
					n[string(name)]++
				}
			})
		}
	}
	names := make([]string, 0, len(n))
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	counts := make([]Count, len(names))
	for i, name := range names {
		counts[i] = Count{valueOf(k, []byte(name)), n[name]}
	}
	return counts
}

func (c *plainCounter) contacts(_ context.Context, s Set) (func() (int64, error), error) {
	return func() (int64, error) {
		distinct := map[uint64]struct{}{}
		for i := range c.rows {
			if s.has(c.rows[i].ID) {
				distinct[c.rows[i].ContactID] = struct{}{}
			}
		}
		return int64(len(distinct)), nil
	}, nil
}
