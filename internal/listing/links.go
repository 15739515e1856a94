package listing

import (
	"context"

	gendb "example.com/wechatcustomers/gen/db"
)

// fewTagged is how deep a window may end for several tags' own newest ids to be merged here; deeper ones are the database's to merge.
const fewTagged = 2000

// fewTags is how many tags are read one by one: beyond it the database reads them together.
const fewTags = 16

// idsOfLinks lists the ids under tags alone.
func (f *Filter) idsOfLinks(ctx context.Context, q *gendb.Queries, w Window) ([]uint64, error) {
	p := gendb.ListTagLinksParams{CropID: f.CropID, BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset)}
	if len(f.TagIDs) == 1 {
		p.TagID = f.TagIDs[0]
		return q.ListTagLinks(ctx, p)
	}
	if w.Offset+w.Limit > fewTagged || len(f.TagIDs) > fewTags {
		return q.ListFollowIDsTagged(ctx, f.taggedPage(w))
	}
	// The window's ids are among the newest of each tag.
	p.Limit, p.Offset = clamp(w.Offset+w.Limit), 0
	var ids []uint64
	for _, p.TagID = range f.TagIDs {
		some, err := q.ListTagLinks(ctx, p)
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	return newest(ids, w), nil
}
