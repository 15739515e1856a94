package writer

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
)

// Difference is something derived that is not what the base rows call for.
type Difference struct {
	CropID int64  // the enterprise
	What   string // the table or the column
	Count  int    // how many follows (for follow_counts and follow_blocks, how many counters) are wrong
	First  int64  // the smallest id among these follows, to look at; 0 for counters
}

func (d Difference) String() string {
	if d.First == 0 {
		return fmt.Sprintf("enterprise %d: %s: %d counters are wrong", d.CropID, d.What, d.Count)
	}
	return fmt.Sprintf("enterprise %d: %s: %d follows are wrong, the first is id %d", d.CropID, d.What, d.Count, d.First)
}

// Progress is how far Check or Reindex is.
type Progress struct {
	CropID int64  // the enterprise at work
	Step   string // what is read or repaired
	Done   int64  // rows of this step so far
	Total  int64  // rows of this step, 0 where it is not known
}

// The steps that Progress names.
const (
	stepFollows = "reading follows"
	stepLinks   = "reading tag links"
	stepGrams   = "reading grams"
	stepStray   = "removing what does not belong"
	stepRepair  = "repairing follows"
)

// progressEvery is how many rows are read between two calls of progress.
const progressEvery = 10_000

// Check recomputes everything that is derived from the base rows and returns where the tables differ, by enterprise. It reads one snapshot of the database, so that it is
// exact while others write, and takes no locks. progress may be nil. db must come from store.Open.
func Check(ctx context.Context, db *sql.DB, progress func(Progress)) (found []Difference, err error) {
	tx, err := snapshot(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	crops, err := enterprises(ctx, tx)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	for _, crop := range crops {
		s, err := takeSurvey(ctx, tx, crop, progress)
		if err != nil {
			return nil, fmt.Errorf("check: enterprise %d: %w", crop, err)
		}
		found = append(found, s.differences()...)
	}
	return found, nil
}

func snapshot(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	return db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
}

// enterprises returns the ids of all enterprises, and of those that only derived tables know of.
func enterprises(ctx context.Context, tx *sql.Tx) (crops []int64, err error) {
	err = each(ctx, tx, `SELECT id FROM businesses UNION SELECT DISTINCT crop_id FROM follow_tags UNION SELECT DISTINCT crop_id FROM follow_grams
		UNION SELECT DISTINCT crop_id FROM follow_counts UNION SELECT DISTINCT crop_id FROM follow_blocks`, nil, func(scan func(...any) error) error {
		var crop int64
		if err := scan(&crop); err != nil {
			return err
		}
		crops = append(crops, crop)
		return nil
	})
	slices.Sort(crops)
	return crops, err
}

// each calls f for each row of a query, as they arrive: a table of millions is never held.
func each(ctx context.Context, tx *sql.Tx, query string, args []any, f func(scan func(...any) error) error) error {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// survey compares the derived data of one enterprise with its base rows. Of each follow it keeps only a sum of what is called for and of what is stored, so that
// millions fit: the sums of equal sets are equal, and those of different ones differ but for one case in 2^64.
type survey struct {
	crop     int64
	seed     maphash.Seed
	progress func(Progress)

	ids    []int64  // ascending
	links  []uint64 // what is called for less what is stored
	grams  []uint64
	counts map[mix]int64
	blocks map[int64]int64

	columns    map[string]*Difference // derived columns of follows
	wrong      map[int64]struct{}     // the follows whose columns are wrong
	strayLinks []tagLink              // of follows that do not exist
	strayGrams []gram
}

// surveyQuery reads what follows' derived data is made from, with the derived columns.
const surveyQuery = `SELECT f.id, f.remark, f.tag_id, f.status, f.add_way, f.deleted_at, f.remark_folded, f.external_type, f.name_folded, f.contact_uid, c.external_type, c.name, c.uid
FROM follows f FORCE INDEX (PRIMARY) STRAIGHT_JOIN contacts c FORCE INDEX (PRIMARY) ON c.crop_id = f.crop_id AND c.external_userid = f.external_userid
WHERE f.crop_id = ? ORDER BY f.id`

const (
	linksQuery  = "SELECT tag_id, follow_id FROM follow_tags FORCE INDEX (PRIMARY) WHERE crop_id = ?"
	gramsQuery  = "SELECT gram, follow_id, fields FROM follow_grams FORCE INDEX (PRIMARY) WHERE crop_id = ?"
	countsQuery = "SELECT status, external_type, add_way, n FROM follow_counts WHERE crop_id = ?"
	blocksQuery = "SELECT block, n FROM follow_blocks WHERE crop_id = ?"
)

func takeSurvey(ctx context.Context, tx *sql.Tx, crop int64, progress func(Progress)) (*survey, error) {
	s := &survey{
		crop: crop, seed: maphash.MakeSeed(), progress: progress,
		counts: map[mix]int64{}, blocks: map[int64]int64{}, columns: map[string]*Difference{}, wrong: map[int64]struct{}{},
	}
	return s, errors.Join(s.readFollows(ctx, tx), s.readLinks(ctx, tx), s.readGrams(ctx, tx), s.readCounters(ctx, tx))
}

func (s *survey) tell(step string, done int) {
	if s.progress != nil && done%progressEvery == 0 {
		s.progress(Progress{CropID: s.crop, Step: step, Done: int64(done)})
	}
}

func (s *survey) readFollows(ctx context.Context, tx *sql.Tx) error {
	var grams gramer
	row := make([]Value, len(tables[Follow].columns))
	row[followCrop] = Int(s.crop)
	want := make([]Value, len(row))
	var kind, name, uid Value
	into := []any{
		&row[followID], &row[followRemark], &row[followTagID], &row[followStatus], &row[followAddWay], &row[followDeleted],
		&row[followRemarkFolded], &row[followType], &row[followNameFolded], &row[followContactUID], &kind, &name, &uid,
	}
	contact := make([]Value, len(tables[Customer].columns))
	return each(ctx, tx, surveyQuery, []any{s.crop}, func(scan func(...any) error) error {
		if err := scan(into...); err != nil {
			return err
		}
		id := row[followID].Int
		contact[contactType], contact[contactName], contact[contactUID] = kind, name, uid
		copy(want, row)
		deriveFollow(want, showContact(contact))
		for _, c := range []int{followRemarkFolded, followType, followNameFolded, followContactUID} {
			if row[c] != want[c] {
				s.wrong[id] = struct{}{}
				s.differ("follows."+tables[Follow].columns[c].Name, id)
			}
		}
		var links, sum uint64
		for _, l := range tagLinks(want) {
			links += s.linkHash(l.tag)
		}
		for _, g := range grams.of(want) {
			sum += s.gramHash(g)
		}
		s.ids, s.links, s.grams = append(s.ids, id), append(s.links, links), append(s.grams, sum)
		if live(want) {
			s.counts[mixOf(want)]++
			s.blocks[block(id)]++
		}
		s.tell(stepFollows, len(s.ids))
		return nil
	})
}

func (s *survey) differ(what string, id int64) {
	d := s.columns[what]
	if d == nil {
		d = &Difference{CropID: s.crop, What: what, First: id}
		s.columns[what] = d
	}
	d.Count++
	d.First = min(d.First, id)
}

func (s *survey) linkHash(tag string) uint64 { return maphash.String(s.seed, tag) }

func (s *survey) gramHash(g gram) uint64 {
	return maphash.Comparable(s.seed, [2]int64{g.gram, g.fields})
}

func (s *survey) readLinks(ctx context.Context, tx *sql.Tx) error {
	done := 0
	return each(ctx, tx, linksQuery, []any{s.crop}, func(scan func(...any) error) error {
		var l tagLink
		if err := scan(&l.tag, &l.follow); err != nil {
			return err
		}
		if i, known := slices.BinarySearch(s.ids, l.follow); known {
			s.links[i] -= s.linkHash(l.tag)
		} else {
			s.strayLinks = append(s.strayLinks, l)
		}
		done++
		s.tell(stepLinks, done)
		return nil
	})
}

func (s *survey) readGrams(ctx context.Context, tx *sql.Tx) error {
	done := 0
	return each(ctx, tx, gramsQuery, []any{s.crop}, func(scan func(...any) error) error {
		var g gram
		if err := scan(&g.gram, &g.follow, &g.fields); err != nil {
			return err
		}
		if i, known := slices.BinarySearch(s.ids, g.follow); known {
			s.grams[i] -= s.gramHash(g)
		} else {
			s.strayGrams = append(s.strayGrams, g)
		}
		done++
		s.tell(stepGrams, done)
		return nil
	})
}

// readCounters leaves in counts and blocks what is missing from the stored ones.
func (s *survey) readCounters(ctx context.Context, tx *sql.Tx) error {
	return readCounters(ctx, tx, s.crop, s.counts, s.blocks)
}

// readCounters takes the stored counters from counts and blocks, and drops those that come to nothing. A stored counter of 0 is a wrong one: it stays, as 0.
func readCounters(ctx context.Context, tx *sql.Tx, crop int64, counts map[mix]int64, blocks map[int64]int64) error {
	err := each(ctx, tx, countsQuery, []any{crop}, func(scan func(...any) error) error {
		var m mix
		var n int64
		if err := scan(&m.status, &m.kind, &m.addWay, &n); err != nil {
			return err
		}
		lessStored(counts, m, n)
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, tx, blocksQuery, []any{crop}, func(scan func(...any) error) error {
		var block, n int64
		if err := scan(&block, &n); err != nil {
			return err
		}
		lessStored(blocks, block, n)
		return nil
	})
}

func lessStored[K comparable](counters map[K]int64, k K, stored int64) {
	if want, called := counters[k]; called && want == stored {
		delete(counters, k)
	} else {
		counters[k] = want - stored
	}
}

// suspects returns the follows whose derived data is wrong in some way, ascending.
func (s *survey) suspects() []int64 {
	ids := slices.Collect(maps.Keys(s.wrong))
	for i, id := range s.ids {
		if s.links[i] != 0 || s.grams[i] != 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (s *survey) differences() (found []Difference) {
	for i, id := range s.ids {
		if s.links[i] != 0 {
			s.differ("follow_tags", id)
		}
		if s.grams[i] != 0 {
			s.differ("follow_grams", id)
		}
	}
	for _, l := range s.strayLinks {
		s.differ("follow_tags", l.follow)
	}
	for _, g := range s.strayGrams {
		s.differ("follow_grams", g.follow)
	}
	for _, d := range s.columns {
		found = append(found, *d)
	}
	if len(s.counts) > 0 {
		found = append(found, Difference{CropID: s.crop, What: "follow_counts", Count: len(s.counts)})
	}
	if len(s.blocks) > 0 {
		found = append(found, Difference{CropID: s.crop, What: "follow_blocks", Count: len(s.blocks)})
	}
	slices.SortFunc(found, func(a, b Difference) int { return cmp.Compare(a.What, b.What) })
	return found
}
