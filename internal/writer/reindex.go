package writer

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
)

// reindexRows is how many rows are repaired in one transaction: the enterprise's writers wait no longer than for an import's batch.
const reindexRows = 1000

// Reindex makes everything that is derived from the base rows right again, for these enterprises or, with none given, for all. It does so while others read and write:
// it surveys a snapshot without locks, as Check does, and then repairs what was found in small transactions of their own, each of which looks again under the
// enterprise's lock. Interrupted it has done a part, and the next run does the rest. progress may be nil.
func (w *Writer) Reindex(ctx context.Context, crops []int64, progress func(Progress)) error {
	if len(crops) == 0 {
		var err error
		if crops, err = w.enterprises(ctx); err != nil {
			return fmt.Errorf("reindex: %w", err)
		}
	}
	for _, crop := range crops {
		if err := w.reindex(ctx, crop, progress); err != nil {
			return fmt.Errorf("reindex: enterprise %d: %w", crop, err)
		}
	}
	return nil
}

func (w *Writer) enterprises(ctx context.Context) ([]int64, error) {
	tx, err := snapshot(ctx, w.db)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	return enterprises(ctx, tx)
}

func (w *Writer) reindex(ctx context.Context, crop int64, progress func(Progress)) error {
	r := reindexer{w: w, crop: crop, progress: progress}
	suspects, err := r.survey(ctx)
	if err != nil {
		return err
	}
	if err := r.removeStrays(ctx); err != nil {
		return err
	}
	for done := 0; done < len(suspects); done += reindexRows {
		if err := r.repair(ctx, suspects[done:min(done+reindexRows, len(suspects))]); err != nil {
			return err
		}
		r.tell(stepRepair, min(done+reindexRows, len(suspects)), len(suspects))
	}
	// Last, because they count the follows' external_type, which is derived.
	return r.recount(ctx)
}

type reindexer struct {
	w        *Writer
	crop     int64
	progress func(Progress)

	links []tagLink // stored rows that are to be looked at: of follows that do not exist or are suspect
	grams []gram
}

func (r *reindexer) tell(step string, done, total int) {
	if r.progress != nil {
		r.progress(Progress{CropID: r.crop, Step: step, Done: int64(done), Total: int64(total)})
	}
}

// survey returns the follows that are to be repaired, and keeps the rows that may not belong.
func (r *reindexer) survey(ctx context.Context) ([]int64, error) {
	tx, err := snapshot(ctx, r.w.db)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	s, err := takeSurvey(ctx, tx, r.crop, r.progress)
	if err != nil {
		return nil, err
	}
	r.links, r.grams = s.strayLinks, s.strayGrams
	suspects := s.suspects()
	if len(suspects) == 0 {
		return nil, nil
	}
	err = each(ctx, tx, linksQuery, []any{r.crop}, func(scan func(...any) error) error {
		var l tagLink
		if err := scan(&l.tag, &l.follow); err != nil {
			return err
		}
		if _, suspect := slices.BinarySearch(suspects, l.follow); suspect {
			r.links = append(r.links, l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return suspects, each(ctx, tx, gramsQuery, []any{r.crop}, func(scan func(...any) error) error {
		var g gram
		if err := scan(&g.gram, &g.follow, &g.fields); err != nil {
			return err
		}
		if _, suspect := slices.BinarySearch(suspects, g.follow); suspect {
			r.grams = append(r.grams, g)
		}
		return nil
	})
}

// locked runs f in a transaction that holds the enterprise's lock, and makes its version grow where f says that it changed something.
func (r *reindexer) locked(ctx context.Context, f func(tx *sql.Tx) (changed bool, err error)) error {
	return r.w.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := gendb.New(tx).LockBusinesses(ctx, []uint32{uint32(r.crop)}); err != nil { // an id of the table
			return err
		}
		changed, err := f(tx)
		if err != nil || !changed {
			return err
		}
		return bump(ctx, tx, r.w.now(), map[int64]bumped{r.crop: {rows: true}})
	})
}

// removeStrays removes, of the rows that survey kept, those that no follow calls for.
func (r *reindexer) removeStrays(ctx context.Context) error {
	total := len(r.links) + len(r.grams)
	done := 0
	for links := range slices.Chunk(r.links, reindexRows) {
		if err := r.removeSome(ctx, links, nil); err != nil {
			return err
		}
		done += len(links)
		r.tell(stepStray, done, total)
	}
	for grams := range slices.Chunk(r.grams, reindexRows) {
		if err := r.removeSome(ctx, nil, grams); err != nil {
			return err
		}
		done += len(grams)
		r.tell(stepStray, done, total)
	}
	return nil
}

func (r *reindexer) removeSome(ctx context.Context, links []tagLink, grams []gram) error {
	return r.locked(ctx, func(tx *sql.Tx) (bool, error) {
		ids := map[int64]struct{}{}
		for _, l := range links {
			ids[l.follow] = struct{}{}
		}
		for _, g := range grams {
			ids[g.follow] = struct{}{}
		}
		rows, err := r.wanted(ctx, tx, slices.Sorted(maps.Keys(ids)))
		if err != nil {
			return false, err
		}
		called := map[tagLink]struct{}{}
		calledGrams := map[[2]int64]struct{}{}
		var gramer gramer
		for _, row := range rows {
			for _, l := range tagLinks(row.want) {
				called[l] = struct{}{}
			}
			for _, g := range gramer.of(row.want) {
				calledGrams[[2]int64{g.gram, g.follow}] = struct{}{} // other fields are put right by repair
			}
		}
		d := newDifference(r.crop)
		for _, l := range links {
			if _, ok := called[l]; !ok {
				d.dropLinks = append(d.dropLinks, l)
			}
		}
		for _, g := range grams {
			if _, ok := calledGrams[[2]int64{g.gram, g.follow}]; !ok {
				d.dropGrams = append(d.dropGrams, g)
			}
		}
		return d.size() > 0, d.write(ctx, tx)
	})
}

// wantedRow is a follow as it is stored and with the derived columns that it should have.
type wantedRow struct{ stored, want []Value }

// wanted returns the follows of these ids that there are.
func (r *reindexer) wanted(ctx context.Context, tx *sql.Tx, ids []int64) (wanted []wantedRow, err error) {
	rows, err := tables[Follow].readByID(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row []Value) bool { return row[followCrop].Int != r.crop })
	var contacts []string
	for _, row := range rows {
		contacts = append(contacts, row[followContact].Text)
	}
	slices.Sort(contacts)
	shown, err := contactsShown(ctx, gendb.New(tx), r.crop, slices.Compact(contacts))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		want := slices.Clone(row)
		deriveFollow(want, shown[row[followContact].Text])
		wanted = append(wanted, wantedRow{row, want})
	}
	return wanted, nil
}

// repair gives these follows the derived columns and rows that they call for.
func (r *reindexer) repair(ctx context.Context, ids []int64) error {
	return r.locked(ctx, func(tx *sql.Tx) (bool, error) {
		rows, err := r.wanted(ctx, tx, ids)
		if err != nil {
			return false, err
		}
		d := newDifference(r.crop)
		var grams gramer
		var update [][]Value
		for _, row := range rows {
			if !slices.Equal(row.stored, row.want) {
				update = append(update, row.want)
			}
			d.addLinks = append(d.addLinks, tagLinks(row.want)...)
			d.renewGrams = append(d.renewGrams, grams.of(row.want)...)
		}
		if err := tables[Follow].update(ctx, tx, update); err != nil {
			return false, err
		}
		return len(rows) > 0, d.write(ctx, tx)
	})
}

// The counters as the follows call for them. Both read an index only: some tenths of a second for a million rows, while the enterprise's writers wait.
const (
	recountMixes  = "SELECT status, external_type, add_way, COUNT(*) FROM follows FORCE INDEX (follows_mix) WHERE crop_id = ? AND deleted_at IS NULL GROUP BY status, external_type, add_way"
	recountBlocks = "SELECT id >> 12, COUNT(*) FROM follows FORCE INDEX (follows_mix) WHERE crop_id = ? AND deleted_at IS NULL GROUP BY id >> 12"
)

// recount puts the counters right.
func (r *reindexer) recount(ctx context.Context) error {
	return r.locked(ctx, func(tx *sql.Tx) (bool, error) {
		d := newDifference(r.crop)
		err := each(ctx, tx, recountMixes, []any{r.crop}, func(scan func(...any) error) error {
			var m mix
			var n int64
			err := scan(&m.status, &m.kind, &m.addWay, &n)
			d.counts[m] = n
			return err
		})
		if err != nil {
			return false, err
		}
		err = each(ctx, tx, recountBlocks, []any{r.crop}, func(scan func(...any) error) error {
			var block, n int64
			err := scan(&block, &n)
			d.blocks[block] = n
			return err
		})
		if err != nil {
			return false, err
		}
		if err := readCounters(ctx, tx, r.crop, d.counts, d.blocks); err != nil {
			return false, err
		}
		changed := len(d.counts)+len(d.blocks) > 0
		if err := d.write(ctx, tx); err != nil || !changed {
			return false, err
		}
		// Counters of 0 that nothing calls for: write only takes away those that it brings to 0.
		for _, statement := range []string{"DELETE FROM follow_counts WHERE crop_id = ? AND n = 0", "DELETE FROM follow_blocks WHERE crop_id = ? AND n = 0"} {
			if _, err := tx.ExecContext(ctx, statement, r.crop); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}
