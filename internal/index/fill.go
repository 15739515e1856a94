package index

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"maps"
	"slices"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
)

// builder makes all sets of an enterprise from its rows. To be sparing with memory it goes through
// the rows several times where there are many, each time for another share of the names: those from
// one name to the next in their order, so that the table is filled in the order of its key.
type builder struct {
	q        *gendb.Queries
	crop     uint32
	progress func(done int64) // hears how many rows have been gone through; may be nil
	from     []string         // the name that each share begins with, the first with ""
}

// shareRows is how many rows' sets are made at once.
const shareRows = 500_000

func newBuilder(ctx context.Context, q *gendb.Queries, crop uint32, live, shareRows int64) (*builder, error) {
	b := &builder{q: q, crop: crop, from: make([]string, live/shareRows+1)}
	if len(b.from) == 1 {
		return b, nil
	}
	// As many names in each share as these rows tell.
	rows, err := q.ListLiveFollows(ctx, gendb.ListLiveFollowsParams{CropID: crop, Limit: scanRows})
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range rows {
		filter.Names(&rows[i], func(name []byte) { names = append(names, string(name)) })
	}
	slices.Sort(names)
	for i := range b.from[1:] {
		b.from[i+1] = names[(i+1)*len(names)/len(b.from)]
	}
	return b, nil
}

// mine says whether a name is of this share.
func (b *builder) mine(name []byte, share int) bool {
	return string(name) >= b.from[share] && (share+1 == len(b.from) || string(name) < b.from[share+1])
}

// growing is a set that ids are added to in ascending order.
type growing struct {
	whole []byte
	last  uint64
}

// built is one share of an enterprise's sets, and with the first share the contacts of its follows.
type built struct {
	sets     map[string]*growing
	contacts []stored
}

// share makes one share of the sets, 0 to shares-1.
func (b *builder) share(ctx context.Context, share int) (built, error) {
	made := built{sets: map[string]*growing{}}
	pairs := map[uint64]uint64{}
	flush := func(number uint64) {
		if len(pairs) > 0 {
			made.contacts = append(made.contacts, contactRow(number, pairs))
			clear(pairs)
		}
	}
	done := int64(0)
	for after := uint64(0); ; {
		rows, err := b.q.ListLiveFollows(ctx, gendb.ListLiveFollowsParams{CropID: b.crop, After: after, Limit: scanRows})
		if err != nil {
			return made, err
		}
		for i := range rows {
			id := rows[i].ID
			filter.Names(&rows[i], func(name []byte) {
				if !b.mine(name, share) {
					return
				}
				s := made.sets[string(name)]
				if s == nil {
					s = &growing{}
					made.sets[string(name)] = s
				}
				if s.last != id { // a row may name a set twice
					s.whole, s.last = appendID(s.whole, s.last, id), id
				}
			})
			if share == 0 {
				if after>>contactBits != id>>contactBits {
					flush(after >> contactBits)
				}
				pairs[id] = rows[i].ContactID
			}
			after = id
		}
		if done += int64(len(rows)); b.progress != nil {
			b.progress(done)
		}
		if len(rows) < scanRows {
			flush(after >> contactBits)
			return made, nil
		}
	}
}

// rows returns what is to be stored of a set.
func (g *growing) rows(name string) ([]stored, error) {
	if len(g.whole) <= wholeBytes(name) {
		return []stored{{name: name, ids: g.whole}}, nil
	}
	ids, err := idsOf(g.whole)
	if err != nil {
		return nil, err
	}
	return rowsOf(name, setOf(ids))
}

// Progress is how far Fill or Check is with an enterprise.
type Progress struct {
	Done, Total int64 // rows
}

// Fill makes the index of an enterprise from its rows and then brings it up to what was written
// meanwhile. It goes on while others read, whom the plain queries answer, and write, who note what
// they change. lock runs a function in a transaction that holds the enterprise's lock; db must come
// from store.Open. An index that was cut off is made from the beginning.
func (t *Turn) Fill(ctx context.Context, db *sql.DB, crop uint32, lock Lock, progress func(Progress)) error {
	err := lock(ctx, func(tx *sql.Tx) error {
		q := gendb.New(tx)
		if err := q.DeleteFollowChanges(ctx, crop); err != nil {
			return err
		}
		return q.SetIndexed(ctx, gendb.SetIndexedParams{CropID: crop, Indexed: -Format})
	})
	if err != nil {
		return err
	}
	if err := deleteAll(ctx, db, crop); err != nil {
		return err
	}
	before, err := Snapshot(ctx, db)
	if err != nil {
		return err
	}
	defer func() { _ = before.Rollback() }()
	if err := makeAll(ctx, db, before, crop, t.shareRows, progress); err != nil {
		return err
	}
	for {
		after, changed, err := catchUp(ctx, db, crop, lock, before)
		if err != nil || after == nil {
			return err
		}
		if err := applyChanged(ctx, db, crop, before, after, changed); err != nil {
			return errors.Join(err, after.Rollback())
		}
		_ = before.Rollback()
		before = after
	}
}

// Lock runs f in a transaction that holds an enterprise's lock, again where the database asks for
// it.
type Lock func(ctx context.Context, f func(tx *sql.Tx) error) error

// Snapshot begins a transaction that sees the database as it is now; it must be rolled back.
func Snapshot(ctx context.Context, db *sql.DB) (*sql.Tx, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, err
	}
	// A snapshot is as of its first read.
	var one int
	if err := tx.QueryRowContext(
		ctx,
		"SELECT COUNT(*) FROM (SELECT crop_id FROM versions LIMIT 1) v",
	).Scan(&one); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return tx, nil
}

// deleteRows is how many rows of an old index are deleted at a time.
const deleteRows = 5000

func deleteAll(ctx context.Context, db *sql.DB, crop uint32) error {
	for {
		var n int64
		err := inTransaction(ctx, db, func(_ *rowWriter, tx *sql.Tx) (err error) {
			n, err = gendb.New(tx).DeleteSets(ctx, gendb.DeleteSetsParams{CropID: crop, Limit: deleteRows})
			return err
		}, crop)
		if err != nil || n < deleteRows {
			return err
		}
	}
}

// commitRows is how many rows of an index are written in one transaction.
const commitRows = 20_000

// makeAll writes the sets of the rows that a snapshot sees.
func makeAll(
	ctx context.Context, db *sql.DB, snapshot *sql.Tx, crop uint32, shareRows int64, progress func(Progress),
) error {
	var live int64
	row := snapshot.QueryRowContext(
		ctx,
		"SELECT COUNT(*) FROM follows FORCE INDEX (PRIMARY) WHERE crop_id = ? AND deleted_at IS NULL",
		crop,
	)
	if err := row.Scan(&live); err != nil {
		return err
	}
	b, err := newBuilder(ctx, gendb.New(snapshot), crop, live, shareRows)
	if err != nil {
		return err
	}
	for share := range b.from {
		if progress != nil {
			b.progress = func(done int64) {
				progress(Progress{int64(share)*live + done, int64(len(b.from)) * live})
			}
		}
		made, err := b.share(ctx, share)
		if err != nil {
			return err
		}
		names := slices.Sorted(maps.Keys(made.sets))
		for some := range slices.Chunk(names, commitRows) {
			err := inTransaction(ctx, db, func(w *rowWriter, tx *sql.Tx) error {
				for _, name := range some {
					rows, err := made.sets[name].rows(name)
					if err != nil {
						return err
					}
					if err := w.write(ctx, tx, rows...); err != nil {
						return err
					}
				}
				return nil
			}, crop)
			if err != nil {
				return err
			}
		}
		err = inTransaction(ctx, db, func(w *rowWriter, tx *sql.Tx) error { return w.write(ctx, tx, made.contacts...) }, crop)
		if err != nil {
			return err
		}
	}
	return nil
}

// inTransaction runs f in a transaction that locks no gaps, over which it would meet the writers of
// the enterprises whose sets lie beside.
func inTransaction(ctx context.Context, db *sql.DB, f func(w *rowWriter, tx *sql.Tx) error, crop uint32) error {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	w := newRowWriter(crop)
	if err := f(w, tx); err != nil {
		return err
	}
	if err := w.end(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// fewChanges is how many changed rows are brought into the index while the enterprise's writers
// wait.
const fewChanges = 1000

// catchUp looks at what was changed since before. Where that is little it brings it into the index,
// says that this is complete, and returns no snapshot; else it returns one of now, and the rows in
// which the two may differ.
func catchUp(
	ctx context.Context,
	db *sql.DB,
	crop uint32,
	lock Lock,
	before *sql.Tx,
) (after *sql.Tx, changed []uint64, err error) {
	err = lock(ctx, func(tx *sql.Tx) error {
		if after != nil { // of an attempt that failed
			_ = after.Rollback()
		}
		after, changed = nil, nil
		q := gendb.New(tx)
		ids, err := q.ListFollowChanges(ctx, crop)
		if err != nil {
			return err
		}
		if err := q.DeleteFollowChanges(ctx, crop); err != nil {
			return err
		}
		if len(ids) > fewChanges {
			after, err = Snapshot(ctx, db)
			changed = ids
			return err
		}
		changes, err := changesOf(ctx, crop, before, tx, ids)
		if err != nil {
			return err
		}
		if err := Apply(ctx, tx, crop, changes); err != nil {
			return err
		}
		return q.SetIndexed(ctx, gendb.SetIndexedParams{CropID: crop, Indexed: Format})
	})
	if err != nil && after != nil {
		err = errors.Join(err, after.Rollback())
		after = nil
	}
	return after, changed, err
}

// applyChanged brings the difference of these rows between two snapshots into the index.
func applyChanged(ctx context.Context, db *sql.DB, crop uint32, before, after *sql.Tx, ids []uint64) error {
	for some := range slices.Chunk(ids, scanRows) {
		changes, err := changesOf(ctx, crop, before, after, some)
		if err != nil {
			return err
		}
		err = inTransaction(ctx, db, func(_ *rowWriter, tx *sql.Tx) error { return Apply(ctx, tx, crop, changes) }, crop)
		if err != nil {
			return err
		}
	}
	return nil
}

// changesOf returns these rows as two transactions see them.
func changesOf(ctx context.Context, crop uint32, before, after *sql.Tx, ids []uint64) ([]Change, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	changes := map[uint64]*Change{}
	for i, tx := range []*sql.Tx{before, after} {
		rows, err := gendb.New(tx).GetLiveFollows(ctx, gendb.GetLiveFollowsParams{CropID: crop, Ids: ids})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			c := changes[row.ID]
			if c == nil {
				c = &Change{}
				changes[row.ID] = c
			}
			if i == 0 {
				c.Old = &row
			} else {
				c.New = &row
			}
		}
	}
	list := make([]Change, 0, len(changes))
	for _, id := range slices.Sorted(maps.Keys(changes)) {
		list = append(list, *changes[id])
	}
	return list, nil
}

// ErrBusy means that another process is filling an index.
var ErrBusy = errors.New("another process is filling an index")

// Turn is the right to fill indexes, which one process at a time has: a lock of its connection,
// which ends with it however the process ends.
type Turn struct {
	c         *sql.Conn
	shareRows int64
}

// TakeTurn returns the right to fill the indexes of a database, ErrBusy where another has it.
func TakeTurn(ctx context.Context, db *sql.DB) (*Turn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	var got sql.NullInt64
	err = c.QueryRowContext(ctx, "SELECT GET_LOCK("+turnName+", 0)").Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = ErrBusy
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &Turn{c, shareRows}, nil
}

// turnName is the name of the lock. One may have 64 characters and is one for the whole server.
const turnName = "CONCAT('index-', SHA2(DATABASE(), 224))"

// End gives the right back. It is then free: the server would notice the end of a connection later.
func (t *Turn) End() {
	ctx, cancel := context.WithTimeout(context.Background(), releaseTime)
	defer cancel()
	if _, err := t.c.ExecContext(ctx, "DO RELEASE_LOCK("+turnName+")"); err != nil {
		_ = t.c.Raw(func(any) error { return driver.ErrBadConn }) // it ends with its connection
	}
	_ = t.c.Close()
}

const releaseTime = 5 * time.Second
