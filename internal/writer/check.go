package writer

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/index"
)

// Difference is something derived that is not what the base rows call for.
type Difference struct {
	CropID int64  // the enterprise
	What   string // the column, or the kind of sets of the index
	Count  int    // how many follows, or sets, are wrong
	First  string // the first of them, to look at: a follow's id, or a set's name
}

func (d Difference) String() string {
	return fmt.Sprintf("enterprise %d: %s: %d are wrong, the first is %s", d.CropID, d.What, d.Count, d.First)
}

// Progress is how far Check, Reindex or FillIndexes is.
type Progress struct {
	CropID int64  // the enterprise at work
	Step   string // what is read or made
	Done   int64  // rows of this step so far
	Total  int64  // rows of this step, 0 where it is not known
}

// The steps that Progress names.
const (
	stepFollows = "reading follows"
	stepIndex   = "reading the index"
	stepRepair  = "repairing follows"
	stepFill    = "making the index"
)

// Check recomputes everything that is derived from the base rows and returns where the tables
// differ, by enterprise. It reads one snapshot of the database, so that it is exact while others
// write, and takes no locks. Where an enterprise has no complete index there is none to look at.
// progress may be nil. db must come from store.Open.
func Check(ctx context.Context, db *sql.DB, progress func(Progress)) (found []Difference, err error) {
	tx, err := index.Snapshot(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	crops, err := enterprises(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	for _, crop := range crops {
		some, err := checkEnterprise(ctx, tx, crop, progress)
		if err != nil {
			return nil, fmt.Errorf("check: enterprise %d: %w", crop, err)
		}
		found = append(found, some...)
	}
	return found, nil
}

func checkEnterprise(ctx context.Context, tx *sql.Tx, crop int64, progress func(Progress)) (found []Difference, err error) {
	byColumn := map[string]*Difference{}
	err = eachChunk(ctx, tx, crop, func(changes []change, done int64) error {
		for _, c := range changes {
			for i, column := range tables[Follow].columns {
				if c.old[i] == c.new[i] {
					continue
				}
				d := byColumn["follows."+column.Name]
				if d == nil {
					d = &Difference{CropID: crop, What: "follows." + column.Name, First: fmt.Sprintf("id %d", c.old[followID].Int)}
					byColumn[d.What] = d
				}
				d.Count++
			}
		}
		tell(progress, Progress{CropID: crop, Step: stepFollows, Done: done})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, d := range byColumn {
		found = append(found, *d)
	}
	slices.SortFunc(found, func(a, b Difference) int { return cmp.Compare(a.What, b.What) })
	versions, err := gendb.New(tx).GetVersions(ctx, uint32(crop))
	if err != nil || versions.Indexed != index.Format {
		return found, err
	}
	wrong, err := index.Check(ctx, tx, uint32(crop), func(p index.Progress) {
		tell(progress, Progress{CropID: crop, Step: stepIndex, Done: p.Done, Total: p.Total})
	})
	for _, w := range wrong {
		found = append(found, Difference{CropID: crop, What: "follow_sets " + w.Kind, Count: w.Sets, First: fmt.Sprintf("%q", w.First)})
	}
	return found, err
}

func tell(progress func(Progress), p Progress) {
	if progress != nil {
		progress(p)
	}
}

// enterprises returns the ids of all enterprises.
func enterprises(ctx context.Context, tx *sql.Tx) (crops []int64, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id FROM businesses ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var crop int64
		if err := rows.Scan(&crop); err != nil {
			return nil, err
		}
		crops = append(crops, crop)
	}
	return crops, rows.Err()
}

// chunkRows is how many follows are looked at, and repaired in one transaction, at a time: the
// enterprise's writers wait no longer than for an import's batch.
const chunkRows = 1000

// eachChunk goes through the follows of an enterprise, deleted ones too, and calls f with those
// whose derived columns are wrong: as they are and as they should be.
func eachChunk(ctx context.Context, tx *sql.Tx, crop int64, f func(wrong []change, done int64) error) error {
	done, last := int64(0), int64(0)
	for {
		rows, err := tables[Follow].read(ctx, tx, "FORCE INDEX (PRIMARY) WHERE crop_id = ? AND id > ? ORDER BY id LIMIT ?", []any{crop, last, chunkRows})
		if err != nil || len(rows) == 0 {
			return err
		}
		wrong, err := wrongRows(ctx, tx, crop, rows)
		if err != nil {
			return err
		}
		done, last = done+int64(len(rows)), rows[len(rows)-1][followID].Int
		if err := f(wrong, done); err != nil {
			return err
		}
	}
}

// wrongRows returns those of these follows whose derived columns are wrong.
func wrongRows(ctx context.Context, tx *sql.Tx, crop int64, rows [][]Value) (wrong []change, err error) {
	externals := map[string]struct{}{}
	for _, row := range rows {
		externals[row[followContact].Text] = struct{}{}
	}
	contacts, err := contactsOf(ctx, tx, crop, slices.Sorted(maps.Keys(externals)))
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		is := slices.Clone(row)
		deriveFollow(is, contacts[row[followContact].Text])
		if !slices.Equal(row, is) {
			wrong = append(wrong, change{row, is})
		}
	}
	return wrong, nil
}
