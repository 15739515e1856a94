// Package listing owns how a filtered list is read from the database: where the reading starts, the exact total, and the ids of a page.
// It chooses among the queries of db/queries by the filters and the exact total, never by the server's statistics, so that the same request on the same data always reads
// the same way.
package listing

import (
	"context"
	"math"

	gendb "example.com/wechatcustomers/gen/db"
)

// Filter is what the rows must meet, all of it together.
type Filter struct {
	gendb.CountFollowsOfMemberParams          // every filter but the tags; the texts are folded
	TagIDs                           []string // any of these; nil for no tag filter
	Nothing                          bool     // no row can meet it, such as a member id beyond the column's range

	found []uint64 // all ids, newest first, where Total had to look at each row and there are few
}

// Window is the part of the list to read: Limit rows after Offset of them or, where BeforeID is set, the first Limit with smaller ids.
type Window struct {
	Offset, Limit int
	BeforeID      *uint64
}

// start is where the reading begins: the most selective index that the filters allow.
type start int

const (
	nowhere      start = iota // no row can be there
	fromMixes                 // status, type and source, or nothing: the counters know the total
	fromLinks                 // tags alone: the links are the list
	fromTags                  // tags, with the rows for what else is asked
	fromMember                // the contacts of one mall member
	fromGram                  // one text of two or three letters, alone: its gram is the list
	fromLetter                // one text of one letter, alone
	fromText                  // texts, with the rows for what else is asked
	fromEmployee              // the covering index of an employee's rows
	fromTime                  // the covering index of a time range
	fromNewest                // all rows of the enterprise: who is no member's
)

// beyondMix says whether rows are told apart by more than status, type, source, texts and tags.
func (f *Filter) beyondMix() bool {
	return f.TimeFrom != nil || f.TimeTo != nil || f.Userid != nil || f.Member != nil
}

// dense says whether so many rows match that the window is found soonest by reading the enterprise's rows from the newest: gathering and sorting the matches would
// cost far more. It is for filters whose rows stand all over the list.
func dense(total int64, w Window) bool {
	return total >= 20_000 && int64(w.Offset+w.Limit)*64 <= total
}

// start returns where the list under f is best read from. A covering index serves only where no filter reads beyond it.
func (f *Filter) start() start {
	texts, beyondMix := f.Remark.Valid || f.Customer.Valid, f.beyondMix()
	mix := f.Status != nil || f.ExternalType != nil || f.AddWay != nil
	switch {
	case f.Nothing:
		return nowhere
	case f.TagIDs != nil && !texts && !beyondMix && !mix:
		return fromLinks
	case f.TagIDs != nil:
		return fromTags
	case f.Member != nil && *f.Member != 0: // 0, no member, is most contacts
		return fromMember
	case texts && !beyondMix && !mix && !(f.Remark.Valid && f.Customer.Valid) && f.term().second == nil:
		if f.term().letter {
			return fromLetter
		}
		return fromGram
	case texts:
		return fromText
	case f.Userid != nil:
		return fromEmployee
	case f.TimeFrom != nil || f.TimeTo != nil:
		return fromTime
	case !beyondMix:
		return fromMixes
	}
	return fromNewest
}

// Total returns the exact number of rows under f. It may keep what it has read in f, for IDs in the same snapshot.
func Total(ctx context.Context, q *gendb.Queries, f *Filter) (int64, error) {
	p := f.CountFollowsOfMemberParams
	switch f.start() {
	case nowhere:
		return 0, nil
	case fromMixes:
		return q.SumFollowCounts(ctx, f.counted())
	case fromLinks:
		if len(f.TagIDs) == 1 {
			return q.CountTagLinksOfOne(ctx, gendb.CountTagLinksOfOneParams{CropID: p.CropID, TagID: f.TagIDs[0]})
		}
		return q.CountTagLinks(ctx, gendb.CountTagLinksParams{CropID: p.CropID, TagIds: f.TagIDs})
	case fromTags:
		return q.CountFollowsTagged(ctx, f.tagged())
	case fromMember:
		return q.CountFollowsOfMember(ctx, p)
	case fromGram, fromLetter, fromText:
		return f.totalMatching(ctx, q)
	case fromEmployee:
		return q.CountFollowsOfEmployee(ctx, gendb.CountFollowsOfEmployeeParams(f.covered()))
	default: // fromTime, fromNewest: the index of times holds all that these filter by
		return q.CountFollowsInTime(ctx, f.covered())
	}
}

// IDs returns the ids of the rows under f in the window, newest first. total is what Total returned in the same snapshot.
func IDs(ctx context.Context, q *gendb.Queries, f *Filter, total int64, w Window) ([]uint64, error) {
	p := f.page(w)
	switch f.start() {
	case nowhere:
		return nil, nil
	case fromMixes:
		return f.idsOfMixes(ctx, q, total, w)
	case fromLinks:
		return f.idsOfLinks(ctx, q, w)
	case fromTags:
		return q.ListFollowIDsTagged(ctx, f.taggedPage(w))
	case fromMember:
		return q.ListFollowIDsOfMember(ctx, gendb.ListFollowIDsOfMemberParams(p))
	case fromGram, fromLetter, fromText:
		return f.idsMatching(ctx, q, total, w)
	case fromEmployee:
		return q.ListFollowIDsOfEmployee(ctx, gendb.ListFollowIDsOfEmployeeParams(f.coveredPage(w)))
	case fromTime:
		return f.idsInTime(ctx, q, w)
	}
	if dense(total, w) {
		return q.ListFollowIDs(ctx, p)
	}
	return q.ListFollowIDsInTime(ctx, f.coveredPage(w))
}

// page returns the parameters of a query that lists ids.
func (f *Filter) page(w Window) gendb.ListFollowIDsParams {
	p := f.CountFollowsOfMemberParams
	return gendb.ListFollowIDsParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Remark: p.Remark, Customer: p.Customer, ExternalUserid: p.ExternalUserid, Member: p.Member,
		BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset),
	}
}

// covered and coveredPage are the parameters of the covering indexes' queries: those filters that such an index holds.
func (f *Filter) covered() gendb.CountFollowsInTimeParams {
	p := f.CountFollowsOfMemberParams
	return gendb.CountFollowsInTimeParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Member: p.Member,
	}
}

func (f *Filter) coveredPage(w Window) gendb.ListFollowIDsInTimeParams {
	p := f.CountFollowsOfMemberParams
	return gendb.ListFollowIDsInTimeParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Member: p.Member, BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset),
	}
}

// counted are the parameters of the counters' queries.
func (f *Filter) counted() gendb.SumFollowCountsParams {
	p := f.CountFollowsOfMemberParams
	return gendb.SumFollowCountsParams{CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay}
}

// amongNewest are the parameters of the query that looks at the newest rows of all.
func (f *Filter) amongNewest(w Window) gendb.ListFollowIDsAmongNewestParams {
	p := f.CountFollowsOfMemberParams
	return gendb.ListFollowIDsAmongNewestParams{
		CropID: p.CropID, Status: optional(p.Status), ExternalType: optional(p.ExternalType), AddWay: optional(p.AddWay),
		TimeFrom: optional(p.TimeFrom), TimeTo: optional(p.TimeTo), BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset),
	}
}

// tagged and taggedPage are the parameters of the queries that start from tag links.
func (f *Filter) tagged() gendb.CountFollowsTaggedParams {
	p := f.CountFollowsOfMemberParams
	return gendb.CountFollowsTaggedParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Remark: p.Remark, Customer: p.Customer, ExternalUserid: p.ExternalUserid, Member: p.Member, TagIds: f.TagIDs,
	}
}

func (f *Filter) taggedPage(w Window) gendb.ListFollowIDsTaggedParams {
	p := f.CountFollowsOfMemberParams
	return gendb.ListFollowIDsTaggedParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Remark: p.Remark, Customer: p.Customer, ExternalUserid: p.ExternalUserid, Member: p.Member, TagIds: f.TagIDs,
		BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset),
	}
}

// matching, matchingPage and ofGram are the parameters of the queries that start from a text's grams.
func (f *Filter) matching(t term) gendb.CountFollowsMatchingParams {
	p := f.CountFollowsOfMemberParams
	return gendb.CountFollowsMatchingParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Remark: p.Remark, Customer: p.Customer, ExternalUserid: p.ExternalUserid, Member: p.Member,
		Gram: t.gram, GramTo: t.gramTo, Fields: t.fields, Second: t.second,
	}
}

func (f *Filter) matchingPage(t term, w Window) gendb.ListFollowIDsMatchingParams {
	p := f.CountFollowsOfMemberParams
	return gendb.ListFollowIDsMatchingParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Remark: p.Remark, Customer: p.Customer, ExternalUserid: p.ExternalUserid, Member: p.Member,
		Gram: t.gram, GramTo: t.gramTo, Fields: t.fields, Second: t.second, BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset),
	}
}

func (f *Filter) ofGram(t term, w Window) gendb.ListFollowIDsOfGramParams {
	p := f.CountFollowsOfMemberParams
	return gendb.ListFollowIDsOfGramParams{
		CropID: p.CropID, Status: p.Status, ExternalType: p.ExternalType, AddWay: p.AddWay, TimeFrom: p.TimeFrom, TimeTo: p.TimeTo, Userid: p.Userid,
		Remark: p.Remark, Customer: p.Customer, ExternalUserid: p.ExternalUserid, Member: p.Member,
		Gram: t.gram, Fields: t.fields, Second: t.second, BeforeID: w.BeforeID, Limit: clamp(w.Limit), Offset: clamp(w.Offset),
	}
}

func clamp(n int) int32 { return int32(min(n, math.MaxInt32)) }
