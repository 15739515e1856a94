package writer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/index"
)

// Prepared is records of one kind that are being made ready to be written. While the ones before
// them are written, what they touch is read from a snapshot and they are worked off, where that is
// certain to come to the same: where both are of one enterprise and no row is touched by both. Its
// version says whether anybody else wrote meanwhile; then they are worked off anew.
type Prepared struct {
	run     *Run
	kind    Kind
	before  *Prepared // the one that may be in the midst of being written
	uniacid uniacidOf // of the enterprise that was written to last

	done     chan struct{}
	rows     [][]Value
	rejected []Rejection
	ahead    *batch // worked off but not written; nil for nothing
	version  int64  // of the rows that it has read
}

type uniacidOf struct{ business, uniacid int64 }

// written is what the run knows of the last write to one enterprise: the version of its rows before
// it and after it.
type written struct {
	uniacidOf
	from, to int64
}

// Prepare begins to make records ready that are to be written next but one at the latest, in the
// order of the calls. What is not
// written ends with ctx, and Wait waits for it.
func (r *Run) Prepare(ctx context.Context, kind Kind, records []Record) *Prepared {
	p := &Prepared{run: r, kind: kind, before: r.prepared, uniacid: r.written.uniacidOf, done: make(chan struct{})}
	r.prepared = p
	go func() {
		defer close(p.done)
		p.rows, p.rejected = tables[kind].check(records)
		if p.before != nil {
			<-p.before.done
			if p.apart() {
				// What goes wrong goes wrong again, and is said, when they are written.
				_ = p.workAhead(ctx)
			}
			p.before = nil
		}
	}()
	return p
}

// apart says whether p and the one before it touch rows of the enterprise that was written to last,
// and none of them both.
func (p *Prepared) apart() bool {
	t := tables[p.kind]
	if p.before.kind != p.kind || p.kind != Customer && p.kind != Follow {
		return false
	}
	keys, ids := map[key]struct{}{}, map[int64]struct{}{}
	for _, row := range p.before.rows {
		if row == nil {
			continue
		}
		// Whoever brings no id gets one that may be any.
		if row[t.id].Is != Present || row[t.business].Int != p.uniacid.business {
			return false
		}
		keys[t.keyOf(row)], ids[row[t.id].Int] = struct{}{}, struct{}{}
	}
	return !slices.ContainsFunc(p.rows, func(row []Value) bool {
		if row == nil {
			return false
		}
		_, sameKey := keys[t.keyOf(row)]
		_, sameID := ids[row[t.id].Int]
		return sameKey || sameID || row[t.business].Int != p.uniacid.business
	})
}

// errAhead ends working ahead, which must not write.
var errAhead = errors.New("this has to be written first")

func (p *Prepared) workAhead(ctx context.Context) error {
	r := p.run
	snapshot, err := index.Snapshot(ctx, r.w.db)
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Rollback() }()
	versions, err := gendb.New(snapshot).GetVersions(ctx, uint32(p.uniacid.business))
	if err != nil {
		return err
	}
	b := newBatch(ctx, snapshot, tables[p.kind], r.w.now(), r.dropped[p.kind])
	b.ahead = true
	b.businesses[p.uniacid.business] = business{uniacid: p.uniacid.uniacid}
	if err := b.work(p.rows); err != nil {
		return err
	}
	p.ahead, p.version = b, versions.RowsVersion
	return nil
}

// takeOver makes a batch that was worked off ahead one of tx, with the enterprise's lock; false
// where what it has read may not be what there is.
func (p *Prepared) takeOver(ctx context.Context, tx *sql.Tx, b *batch) (bool, error) {
	b.ctx, b.tx, b.q, b.ahead = ctx, tx, gendb.New(tx), false
	of := p.uniacid
	delete(b.businesses, of.business)
	if err := b.lock([]uint32{uint32(of.business)}); err != nil {
		return false, err
	}
	locked, known := b.businesses[of.business]
	if !known || locked.uniacid != of.uniacid {
		return false, nil
	}
	last, version := p.run.written, locked.version
	// Either nobody wrote since it was read, or the one before it alone.
	return version == p.version || version == last.to && last.uniacidOf == of && last.from == p.version, nil
}

// Write is the Writer's Write, after those prepared before it.
func (p *Prepared) Write(ctx context.Context, skip bool) (Result, error) {
	<-p.done
	r := p.run
	if len(p.rejected) > 0 && !skip {
		return Result{Rejected: p.rejected}, nil
	}
	var b *batch
	ahead := p.ahead
	p.ahead = nil
	err := r.w.transaction(ctx, func(tx *sql.Tx) (err error) {
		whole := false
		if b, ahead = ahead, nil; b != nil { // an attempt that failed has changed it
			if whole, err = p.takeOver(ctx, tx, b); err != nil {
				return err
			}
		}
		if !whole {
			b = newBatch(ctx, tx, tables[p.kind], r.w.now(), r.dropped[p.kind])
			if err := b.work(p.rows); err != nil {
				return err
			}
		}
		if rejected := len(b.result.Rejected) + len(p.rejected); rejected > 0 && !skip {
			return errRejected
		}
		return b.write()
	})
	if b != nil {
		b.result.Rejected = append(b.result.Rejected, p.rejected...)
		slices.SortStableFunc(b.result.Rejected, func(a, b Rejection) int { return a.Record - b.Record })
	}
	if errors.Is(err, errRejected) {
		return Result{Rejected: b.result.Rejected}, nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("writer: %s records: %w", p.kind, err)
	}
	r.wrote(p.kind, b)
	return b.result, nil
}

// wrote keeps what a batch that is written leaves for the ones after it.
func (r *Run) wrote(kind Kind, b *batch) {
	r.written = written{}
	for id, locked := range b.businesses {
		if len(b.businesses) == 1 {
			r.written = written{uniacidOf{id, locked.uniacid}, locked.version, b.versionAfter(id)}
		}
	}
	if len(b.losers) > 0 {
		r.Wait() // what is being prepared reads what is changed here
		r.keep(kind, b)
	}
}

// keep notes what a batch has dropped.
func (r *Run) keep(kind Kind, b *batch) {
	for k, of := range b.losers {
		if r.dropped[kind] == nil {
			r.dropped[kind] = map[key]losers{}
		}
		if len(of) > 0 {
			r.dropped[kind][k] = of
		} else {
			delete(r.dropped[kind], k)
		}
	}
}
