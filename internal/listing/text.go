package listing

import (
	"context"
	"math"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/writer"
)

// term is how a text is looked up among the grams.
type term struct {
	gram, gramTo uint64  // the gram of the text or of its first three letters; for a single letter the range of all that begin with it
	second       *uint64 // that of the last three, of a text of four letters and more: then the grams do not settle it
	fields       uint8
	letter       bool // the text is one letter
}

// term returns the longer of the texts: the rarer, most likely. The other, if any, is left to the rows.
func (f *Filter) term() term {
	t, text := term{fields: writer.GramInName}, []rune(f.Customer.String)
	if remark := []rune(f.Remark.String); len(remark) > len(text) {
		t.fields, text = writer.GramInRemark, remark
	}
	t.gram = writer.Gram(text[:min(len(text), 3)]...)
	t.gramTo = t.gram
	switch {
	case len(text) == 1:
		t.letter, t.gramTo = true, writer.GramTo(text[0])
	case len(text) > 3:
		last := writer.Gram(text[len(text)-3:]...)
		t.second = &last
	}
	return t
}

// fewMatching is how many ids are kept between the total and the page.
const fewMatching = 4000

// totalMatching counts the rows under texts and any other filter but tags.
func (f *Filter) totalMatching(ctx context.Context, q *gendb.Queries) (int64, error) {
	contact, err := f.idsOfContact(ctx, q, nil)
	if err != nil {
		return 0, err
	}
	if len(contact) > 0 {
		all, err := f.allMatching(ctx, q, contact, nil)
		return int64(len(all)), err
	}
	t := f.term()
	switch f.start() {
	case fromGram:
		return q.CountGram(ctx, gendb.CountGramParams{CropID: f.CropID, Gram: t.gram, Fields: t.fields})
	case fromLetter:
		return q.CountLetter(ctx, gendb.CountLetterParams{CropID: f.CropID, Gram: t.gram, GramTo: t.gramTo, Fields: t.fields})
	}
	if t.letter { // many, most likely
		return q.CountFollowsMatching(ctx, f.matching(t))
	}
	// Each row has to be looked at, which is dear: few are kept for the page.
	ids, err := f.idsMatching(ctx, q, 0, Window{Limit: fewMatching + 1})
	if err != nil {
		return 0, err
	}
	if len(ids) <= fewMatching {
		f.found = ids
		return int64(len(ids)), nil
	}
	return q.CountFollowsMatching(ctx, f.matching(t))
}

// idsMatching lists the ids under texts and any other filter but tags, of total rows where that is known.
func (f *Filter) idsMatching(ctx context.Context, q *gendb.Queries, total int64, w Window) ([]uint64, error) {
	if f.found != nil && w.BeforeID == nil {
		ids := f.found[min(w.Offset, len(f.found)):]
		return ids[:min(w.Limit, len(ids))], nil
	}
	contact, err := f.idsOfContact(ctx, q, w.BeforeID)
	if err != nil {
		return nil, err
	}
	if len(contact) > 0 {
		all, err := f.allMatching(ctx, q, contact, w.BeforeID)
		return newest(all, w), err
	}
	t, p := f.term(), f.page(w)
	if t.letter && !f.beyondMix() && dense(total, w) {
		return q.ListFollowIDs(ctx, p)
	}
	switch f.start() {
	case fromGram:
		return q.ListGram(ctx, gendb.ListGramParams{
			CropID: f.CropID, Gram: t.gram, Fields: t.fields, BeforeID: p.BeforeID, Limit: p.Limit, Offset: p.Offset,
		})
	case fromLetter:
		return q.ListLetter(ctx, gendb.ListLetterParams{
			CropID: f.CropID, Gram: t.gram, GramTo: t.gramTo, Fields: t.fields, BeforeID: p.BeforeID, Limit: p.Limit, Offset: p.Offset,
		})
	}
	if t.letter {
		return q.ListFollowIDsMatching(ctx, f.matchingPage(t, w))
	}
	return q.ListFollowIDsOfGram(ctx, f.ofGram(t, w))
}

// idsOfContact lists the rows that a search for a customer finds by its very external_userid, which no gram tells of.
func (f *Filter) idsOfContact(ctx context.Context, q *gendb.Queries, beforeID *uint64) ([]uint64, error) {
	if f.ExternalUserid == nil {
		return nil, nil
	}
	return q.ListFollowIDsOfContact(ctx, gendb.ListFollowIDsOfContactParams(f.page(Window{Limit: math.MaxInt32, BeforeID: beforeID})))
}

// allMatching returns contact with all ids that the text finds: a text that is also an external_userid finds few.
func (f *Filter) allMatching(ctx context.Context, q *gendb.Queries, contact []uint64, beforeID *uint64) ([]uint64, error) {
	byText := *f
	byText.ExternalUserid = nil
	ids, err := byText.idsMatching(ctx, q, 0, Window{Limit: math.MaxInt32, BeforeID: beforeID})
	return newest(append(ids, contact...), Window{Limit: math.MaxInt}), err
}
