package getlist

import (
	"context"
	"strings"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/listing"
	"example.com/wechatcustomers/internal/paginate"
)

// answer is what one snapshot of the database holds of a request.
type answer struct {
	versions  gendb.GetAccessRow // the enterprise and its versions as the snapshot has them
	page      paginate.Page
	rows      []gendb.GetFollowsRow
	more      bool             // rows with smaller ids follow; known only where the list is walked by before_id
	employees []gendb.Employee // those of rows
	lists     *lists
}

// read reads the total, one page of rows, and the tags and employees. What is remembered it takes only where the snapshot has the version that it was
// kept under.
func (s *Server) read(ctx context.Context, q *gendb.Queries, uniacid int64, asked wanted, r Request) (a answer, err error) {
	crop := asked.filter.CropID
	versions, err := q.GetVersions(ctx, crop)
	if err != nil {
		return a, err
	}
	a.versions = gendb.GetAccessRow{ID: crop, RowsVersion: versions.RowsVersion, DictVersion: versions.DictVersion}
	if a.lists, err = s.lists(ctx, q, uniacid, a.versions); err != nil {
		return a, err
	}
	total, err := s.total(ctx, q, &asked.filter, a.versions, r)
	if err != nil {
		return a, err
	}
	a.page = paginate.Of(int(total), asked.perPage, asked.page)
	window := listing.Window{Offset: a.page.Offset, Limit: a.page.Rows}
	if asked.beforeID != nil && total > 0 {
		window = listing.Window{BeforeID: asked.beforeID, Limit: asked.perPage + 1} // one more, to know whether the walk goes on
	}
	if window.Limit == 0 {
		return a, nil
	}
	ids, err := listing.IDs(ctx, q, &asked.filter, total, window)
	if err != nil || len(ids) == 0 {
		return a, err
	}
	if a.more = len(ids) > asked.perPage; a.more {
		ids = ids[:asked.perPage]
	}
	if a.rows, err = q.GetFollows(ctx, gendb.GetFollowsParams{CropID: crop, Ids: ids}); err != nil {
		return a, err
	}
	a.employees, err = q.GetEmployees(ctx, gendb.GetEmployeesParams{BusinessID: crop, UserIds: userids(a.rows)})
	return a, err
}

// total returns the number of rows under the filter, which all pages of a list share.
func (s *Server) total(ctx context.Context, q *gendb.Queries, f *listing.Filter, v gendb.GetAccessRow, r Request) (int64, error) {
	var filters strings.Builder
	for _, p := range r.Query {
		if strings.HasPrefix(p.Key, "search[") {
			filters.WriteString(p.Key + "\x00" + p.Value + "\x00")
		}
	}
	key, now := cache.Key{CropID: v.ID, Kind: "total", Asked: filters.String()}, cache.Versions{Rows: uint64(v.RowsVersion)}
	if total, known := cache.Get[int64](s.Memory, key, now); known {
		return total, nil
	}
	total, err := listing.Total(ctx, q, f)
	if err == nil {
		s.Memory.Put(key, now, total, 0)
	}
	return total, err
}

// lists are the enterprise's tags and employees, as every answer carries them.
type lists struct {
	names           tagNames
	tags, employees *piece // JSON
}

func listsKey(v gendb.GetAccessRow) (cache.Key, cache.Versions) {
	return cache.Key{CropID: v.ID, Kind: "lists"}, cache.Versions{Dict: uint64(v.DictVersion)}
}

func (s *Server) rememberedLists(v gendb.GetAccessRow) (*lists, bool) {
	key, now := listsKey(v)
	return cache.Get[*lists](s.Memory, key, now)
}

// lists returns the enterprise's tags and employees, encoded once for each version of them.
func (s *Server) lists(ctx context.Context, q *gendb.Queries, uniacid int64, v gendb.GetAccessRow) (*lists, error) {
	if known, ok := s.rememberedLists(v); ok {
		return known, nil
	}
	tags, err := q.ListTags(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	employees, err := q.ListEmployees(ctx, v.ID)
	if err != nil {
		return nil, err
	}
	l, err := encodeLists(uniacid, tags, employees)
	if err == nil {
		key, now := listsKey(v)
		s.Memory.Put(key, now, l, withCompressed(l.tags, l.employees)+2*len(l.tags.text)) // and the names, with their tags
	}
	return l, err
}

func userids(rows []gendb.GetFollowsRow) []string {
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].Follow.Userid
	}
	return ids
}
