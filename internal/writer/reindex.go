package writer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/index"
)

// DefaultIndexFrom is how many live follows an enterprise must have more than to get an index: up
// to there the plain queries are as fast.
const DefaultIndexFrom = 5000

// Reindex makes everything that is derived from the base rows right again, for these enterprises
// or, with none given, for all; those with more than from live follows, or with an index, get
// theirs made anew. It does so while others read, whom the plain queries answer meanwhile, and
// write. Interrupted it has done a part, and the next run does the rest. Where another process
// fills an index it is index.ErrBusy. progress may be nil.
func (w *Writer) Reindex(ctx context.Context, crops []int64, from int, progress func(Progress)) error {
	if len(crops) == 0 {
		var err error
		if crops, err = w.enterprises(ctx); err != nil {
			return fmt.Errorf("reindex: %w", err)
		}
	}
	turn, err := index.TakeTurn(ctx, w.db)
	if err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	defer turn.End()
	for _, crop := range crops {
		if err := w.repair(ctx, crop, progress); err != nil {
			return fmt.Errorf("reindex: enterprise %d: %w", crop, err)
		}
		if err := w.fill(ctx, turn, crop, from, progress); err != nil {
			return fmt.Errorf("reindex: enterprise %d: %w", crop, err)
		}
	}
	return nil
}

// Derive fills in the derived columns of all follows: what a migration does that changes the rule
// of one.
func Derive(ctx context.Context, db *sql.DB, progress func(Progress)) error {
	w := New(db, time.Now)
	crops, err := w.enterprises(ctx)
	if err != nil {
		return fmt.Errorf("derive: %w", err)
	}
	for _, crop := range crops {
		if err := w.repair(ctx, crop, progress); err != nil {
			return fmt.Errorf("derive: enterprise %d: %w", crop, err)
		}
	}
	return nil
}

// FillIndexes gives an index to each enterprise that has more than from live follows and no
// complete one, and completes those that were begun. Where another process is at it, it is
// index.ErrBusy. progress may be nil.
func (w *Writer) FillIndexes(ctx context.Context, from int, progress func(Progress)) error {
	turn, err := index.TakeTurn(ctx, w.db)
	if err != nil {
		return fmt.Errorf("fill the index: %w", err)
	}
	defer turn.End()
	return w.fillMissing(ctx, turn, from, progress)
}

// FillAfter is FillIndexes after load, during which no other process fills an index: what load
// brings into an enterprise that has none is then indexed at once, and not row by row. Where
// another process is at it already, load is all. The error of load is returned whatever becomes of
// the index.
func (w *Writer) FillAfter(ctx context.Context, from int, load func() error, progress func(Progress)) (err error) {
	turn, err := index.TakeTurn(ctx, w.db)
	if errors.Is(err, index.ErrBusy) {
		return load()
	}
	if err != nil {
		return fmt.Errorf("fill the index: %w", err)
	}
	defer turn.End()
	if loadErr := load(); loadErr != nil {
		if ctx.Err() != nil {
			return loadErr
		}
		defer func() { err = errors.Join(loadErr, err) }()
	}
	return w.fillMissing(ctx, turn, from, progress)
}

func (w *Writer) fillMissing(ctx context.Context, turn *index.Turn, from int, progress func(Progress)) error {
	crops, err := gendb.New(w.db).ListEnterprisesToIndex(ctx, index.Format)
	if err != nil {
		return fmt.Errorf("fill the index: %w", err)
	}
	for _, crop := range crops {
		if err := w.fill(ctx, turn, int64(crop), from, progress); err != nil {
			return fmt.Errorf("fill the index of enterprise %d: %w", crop, err)
		}
	}
	return nil
}

// fill makes the index of an enterprise that has more than from live follows, or had or was to have
// one.
func (w *Writer) fill(ctx context.Context, turn *index.Turn, crop int64, from int, progress func(Progress)) error {
	q := gendb.New(w.db)
	large, err := q.HasFollows(ctx, gendb.HasFollowsParams{CropID: uint32(crop), Offset: int32(from)})
	if err != nil {
		return err
	}
	if !large {
		if v, err := q.GetVersions(ctx, uint32(crop)); err != nil || v.Indexed == 0 {
			return err
		}
	}
	locked := func(ctx context.Context, f func(tx *sql.Tx) error) error {
		return w.transaction(ctx, func(tx *sql.Tx) error {
			indexed, err := lock(ctx, tx, crop)
			if err != nil {
				return err
			}
			if err := f(tx); err != nil || indexed <= 0 {
				return err
			}
			// An index that has answered is given up: what is remembered of it goes too.
			return bump(ctx, tx, w.now(), map[int64]bumped{crop: {rows: true}})
		})
	}
	return turn.Fill(ctx, w.db, uint32(crop), locked, func(p index.Progress) {
		tell(progress, Progress{CropID: crop, Step: stepFill, Done: p.Done, Total: p.Total})
	})
}

func (w *Writer) enterprises(ctx context.Context) ([]int64, error) {
	tx, err := index.Snapshot(ctx, w.db)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	return enterprises(ctx, tx)
}

// repair makes the derived columns of an enterprise's follows right, and with them its index: it
// looks for what is wrong in a snapshot without locks, and then again, in small transactions, under
// the enterprise's.
func (w *Writer) repair(ctx context.Context, crop int64, progress func(Progress)) error {
	snapshot, err := index.Snapshot(ctx, w.db)
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Rollback() }()
	return eachChunk(ctx, snapshot, crop, func(wrong []change, done int64) error {
		tell(progress, Progress{CropID: crop, Step: stepRepair, Done: done})
		if len(wrong) == 0 {
			return nil
		}
		ids := make([]int64, len(wrong))
		for i, c := range wrong {
			ids[i] = c.old[followID].Int
		}
		return w.repairRows(ctx, crop, ids)
	})
}

func (w *Writer) repairRows(ctx context.Context, crop int64, ids []int64) error {
	return w.transaction(ctx, func(tx *sql.Tx) error {
		indexed, err := lock(ctx, tx, crop)
		if err != nil {
			return err
		}
		t := tables[Follow]
		rows, err := t.readByID(ctx, tx, ids)
		if err != nil {
			return err
		}
		own := rows[:0]
		for _, row := range rows {
			if row[followCrop].Int == crop { // the id may be another enterprise's by now
				own = append(own, row)
			}
		}
		changes, err := wrongRows(ctx, tx, crop, own)
		if err != nil || len(changes) == 0 {
			return err
		}
		if err := t.update(ctx, tx, after(changes)); err != nil {
			return err
		}
		if err := indexChanges(ctx, tx, crop, indexed, changes); err != nil {
			return err
		}
		return bump(ctx, tx, w.now(), map[int64]bumped{crop: {rows: true}})
	})
}
