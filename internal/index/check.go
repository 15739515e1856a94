package index

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
)

// Wrong is what Check found: sets of one kind that are not what the rows call for.
type Wrong struct {
	Kind  string // the first letter of their names
	Sets  int    // how many
	First string // the name of the first of them
}

// Check holds the sets of an enterprise, whose index is complete, against its rows, as a snapshot
// sees both. progress may be nil.
func Check(ctx context.Context, snapshot *sql.Tx, crop uint32, progress func(Progress)) ([]Wrong, error) {
	return check(ctx, snapshot, crop, shareRows, progress)
}

func check(
	ctx context.Context,
	snapshot *sql.Tx,
	crop uint32,
	shareRows int64,
	progress func(Progress),
) ([]Wrong, error) {
	q := gendb.New(snapshot)
	var live int64
	row := snapshot.QueryRowContext(
		ctx,
		"SELECT COUNT(*) FROM follows FORCE INDEX (PRIMARY) WHERE crop_id = ? AND deleted_at IS NULL",
		crop,
	)
	if err := row.Scan(&live); err != nil {
		return nil, err
	}
	b, err := newBuilder(ctx, q, crop, live, shareRows)
	if err != nil {
		return nil, err
	}
	found := map[string]*Wrong{}
	for share := range b.from {
		if progress != nil {
			b.progress = func(done int64) { progress(Progress{int64(share)*live + done, int64(len(b.from)) * live}) }
		}
		if err := b.check(ctx, share, func(name string) {
			kind := name[:min(1, len(name))]
			w := found[kind]
			if w == nil {
				w = &Wrong{Kind: kind, First: name}
				found[kind] = w
			}
			w.Sets++
			w.First = min(w.First, name)
		}); err != nil {
			return nil, err
		}
	}
	var list []Wrong
	for _, kind := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[kind])
	}
	return list, nil
}

// check calls wrong with the name of each set of a share that is not stored as it should be.
func (b *builder) check(ctx context.Context, share int, wrong func(name string)) error {
	made, err := b.share(ctx, share)
	if err != nil {
		return err
	}
	contacts := map[uint64]stored{}
	for _, r := range made.contacts {
		contacts[r.row] = r
	}
	// The rows of a set come one after the other, that of the whole first.
	var name string
	var have []uint64
	rowsSeen, whole, damaged := 0, false, false
	settle := func() error {
		if rowsSeen == 0 || !b.mine([]byte(name), share) {
			return nil
		}
		var want []uint64
		if s := made.sets[name]; s != nil {
			var err error
			if want, err = idsOf(s.whole); err != nil {
				return err
			}
			delete(made.sets, name)
		}
		if damaged || !slices.Equal(want, have) {
			wrong(name)
		}
		return nil
	}
	at := gendb.ListStoredSetsParams{CropID: b.crop, Name: []byte{}, Limit: scanRows}
	for {
		rows, err := b.q.ListStoredSets(ctx, at)
		if err != nil {
			return err
		}
		for _, row := range rows {
			at.Name, at.Part = row.Name, row.Part
			r := stored{string(row.Name), row.Part, row.Ids}
			if r.name == contactsName {
				if share == 0 {
					if string(contacts[r.row].ids) != string(r.ids) {
						wrong(r.name)
					}
					delete(contacts, r.row)
				}
				continue
			}
			if r.name != name {
				if err := settle(); err != nil {
					return err
				}
				name, have, rowsSeen = r.name, nil, 0
				// Without the row of the whole, or with ids in it, writers would not look at parts.
				whole, damaged = len(r.ids) > 0, r.row != 0
			}
			if rowsSeen++; rowsSeen > 1 && whole {
				damaged = true
			}
			parts, err := r.parts()
			if err != nil {
				damaged = true
				continue
			}
			have = append(have, parts.list()...)
		}
		if len(rows) < scanRows {
			break
		}
	}
	if err := settle(); err != nil {
		return err
	}
	for missing := range made.sets {
		wrong(missing)
	}
	for range contacts {
		wrong(contactsName)
	}
	return nil
}
