package listing

import (
	"context"
	"database/sql"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/writer"
)

// near is how many rows are simply counted off from an end of the list.
const near = 512

// idsOfMixes lists the ids under status, type and source, or under no filter at all.
func (f *Filter) idsOfMixes(ctx context.Context, q *gendb.Queries, total int64, w Window) ([]uint64, error) {
	filtered := f.Status != nil || f.ExternalType != nil || f.AddWay != nil
	if !filtered && w.BeforeID == nil {
		return f.idsOfAll(ctx, q, int(total), w)
	}
	if !filtered || w.Offset+w.Limit > near {
		return q.ListFollowIDs(ctx, f.page(w))
	}
	ids, err := f.idsAmongNewest(ctx, q, w)
	if err != nil || ids != nil {
		return ids, err
	}
	return f.idsOfRareMix(ctx, q, w)
}

// idsAmongNewest lists the ids under status, type, source and time where the whole window is among the newest rows of all, as with what is dense or recent. It
// is nil elsewhere.
func (f *Filter) idsAmongNewest(ctx context.Context, q *gendb.Queries, w Window) ([]uint64, error) {
	ids, err := q.ListFollowIDsAmongNewest(ctx, f.amongNewest(w))
	if err != nil || len(ids) < w.Limit {
		return nil, err
	}
	return ids, nil
}

// idsInTime lists the ids of a time range: the covering index would have to sort all of it, so the newest rows are looked at first.
func (f *Filter) idsInTime(ctx context.Context, q *gendb.Queries, w Window) ([]uint64, error) {
	if w.Offset+w.Limit <= near && f.Userid == nil && f.Member == nil {
		ids, err := f.idsAmongNewest(ctx, q, w)
		if err != nil || ids != nil {
			return ids, err
		}
	}
	return q.ListFollowIDsInTime(ctx, f.coveredPage(w))
}

// idsOfAll lists the ids of the unfiltered list: near an end by counting rows off, elsewhere from the block in which the window begins.
func (f *Filter) idsOfAll(ctx context.Context, q *gendb.Queries, total int, w Window) ([]uint64, error) {
	p := f.page(w)
	if w.Offset <= near {
		return q.ListFollowIDs(ctx, p)
	}
	if behind := total - w.Offset - w.Limit; behind <= near {
		ids, err := q.ListFollowIDsFromOldest(ctx, gendb.ListFollowIDsFromOldestParams{
			CropID: f.CropID, Limit: clamp(min(w.Limit, total-w.Offset)), Offset: clamp(max(behind, 0)),
		})
		slices.Reverse(ids)
		return ids, err
	}
	blocks, err := q.ListFollowBlocks(ctx, f.CropID)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		if int64(p.Offset) < b.N {
			end := (b.Block + 1) << writer.BlockBits
			p.BeforeID = &end
			return q.ListFollowIDs(ctx, p)
		}
		p.Offset -= int32(b.N)
	}
	return nil, nil
}

// idsOfRareMix lists the newest ids of a mix that is not among the newest rows of all: each combination is read from its own place in the index, and
// the newest of these are the page, wherever in the list its rows lie.
func (f *Filter) idsOfRareMix(ctx context.Context, q *gendb.Queries, w Window) ([]uint64, error) {
	mixes, err := q.ListFollowMixes(ctx, gendb.ListFollowMixesParams(f.counted()))
	if err != nil {
		return nil, err
	}
	var ids []uint64
	for _, m := range mixes {
		some, err := q.ListFollowIDsOfMix(ctx, gendb.ListFollowIDsOfMixParams{
			CropID: f.CropID, Status: m.Status, ExternalType: m.ExternalType, AddWay: m.AddWay, BeforeID: w.BeforeID, Limit: clamp(w.Offset + w.Limit),
		})
		if err != nil {
			return nil, err
		}
		ids = append(ids, some...)
	}
	return newest(ids, w), nil
}

// newest returns the window of ids, which are in any order and may repeat.
func newest(ids []uint64, w Window) []uint64 {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.Reverse(ids)
	ids = ids[min(w.Offset, len(ids)):]
	return ids[:min(w.Limit, len(ids))]
}

// optional returns n as a parameter that has been cast in its query.
func optional[T int32 | uint32 | int64](n *T) sql.NullInt64 {
	if n == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: int64(*n), Valid: true}
}
