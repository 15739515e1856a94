package getlist

import (
	"context"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/index"
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

// read reads the total, one page of rows, and the tags and employees. What is remembered it takes
// only where the snapshot has the version that it was kept under.
func (s *Server) read(
	ctx context.Context,
	q *gendb.Queries,
	crop uint32,
	uniacid int64,
	asked wanted,
) (a answer, err error) {
	reader, versions, err := open(ctx, q, crop)
	if err != nil {
		return a, err
	}
	a.versions = versions
	if a.lists, err = s.lists(ctx, q, uniacid, versions); err != nil {
		return a, err
	}
	total, ids, err := reader.Page(ctx, &asked.filter, asked.window())
	if err != nil {
		return a, err
	}
	a.page = paginate.Of(int(total), int(asked.perPage), int(asked.page))
	if a.more = int64(len(ids)) > asked.perPage; a.more {
		ids = ids[:asked.perPage]
	}
	if len(ids) == 0 {
		return a, nil
	}
	if a.rows, err = q.GetFollows(ctx, gendb.GetFollowsParams{CropID: crop, Ids: ids}); err != nil {
		return a, err
	}
	slices.SortFunc(a.rows, func(x, y gendb.GetFollowsRow) int {
		return slices.Index(ids, x.Follow.ID) - slices.Index(ids, y.Follow.ID)
	})
	a.employees, err = q.GetEmployees(ctx, gendb.GetEmployeesParams{BusinessID: crop, UserIds: userids(a.rows)})
	return a, err
}

// open returns a reader of the enterprise's list, with its versions, in a snapshot.
func open(ctx context.Context, q *gendb.Queries, crop uint32) (*index.Reader, gendb.GetAccessRow, error) {
	v, err := q.GetVersions(ctx, crop)
	return &index.Reader{Queries: q, CropID: crop, Indexed: v.Indexed == index.Format},
		gendb.GetAccessRow{ID: crop, RowsVersion: v.RowsVersion, DictVersion: v.DictVersion}, err
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
