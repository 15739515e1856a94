// Package writer is the one room that writes the tables. What is derived from them (what a follow
// carries of its contact, the columns for search, the index, the versions) is kept in the
// transaction that changes its origin, so that no reader ever sees the one without the other.
//
// Writers to one enterprise take turns, in a lock on its row of businesses; writers to different
// enterprises do not wait for one another.
package writer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Writer writes records to the tables.
type Writer struct {
	db  *sql.DB
	now func() time.Time
}

// New returns a Writer to a database of [store.Open] with this program's tables. now is the clock
// for created_at where a new record brings none.
func New(db *sql.DB, now func() time.Time) *Writer { return &Writer{db: db, now: now} }

// china is the zone of every date in the tables.
var china = time.FixedZone("CST", 8*60*60)

// Result is what Write did, and with which records it did not.
type Result struct {
	New, Changed, Unchanged int // records, by what they did to their row

	Rejected   []Rejection // in the order of records; one for each wrong field
	Duplicates []Duplicate // in the order of records
}

// Rejection is a record that cannot be stored.
type Rejection struct {
	Record  int    // its index
	Field   string // the field that is wrong
	Message string // why, to be read after the field's name
}

// Duplicate is one of two records of the same key with different ids: the live one was kept, of two
// live or two deleted ones that with the higher id.
type Duplicate struct {
	Record        int    // the index of the record that met the other, which came before it or was stored already, or that deleted the other
	Key           string // the key of both
	Kept, Dropped int64  // the ids
}

// Write upserts records of one kind in one transaction, exactly as if each were written alone, in
// their order, by one Run:
//
//   - a record is matched to its row by its natural key (a business by id; a manager by uid, an
//     employee by user_id, a contact by external_userid, a tag by tag_id and
//     a follow by external_userid and userid, each within its enterprise);
//   - absent fields keep what is stored; a new row takes the columns' defaults for them and the id
//     that the record brings;
//   - a record with the id of another key is rejected; so is one of an unknown enterprise, of
//     another uniacid than its enterprise's, or of an unknown contact;
//   - of two records of one key with different ids only one is kept (see Duplicate), whole; where
//     it is deleted by a later record, the other comes back.
//
// With skip, rejected records are left out; without, one rejected record means that nothing at all
// is written, and the counts are 0. The error is the database's or ctx's, and then nothing was
// written either. Deadlocks and ids taken at the same moment are tried again, a bounded number of
// times.
func (w *Writer) Write(ctx context.Context, kind Kind, records []Record, skip bool) (Result, error) {
	return w.Run().Write(ctx, kind, records, skip)
}

// Run writes the records of one import, in as many calls of Write as it takes: what the ones
// dropped can come back in the later ones. It is for one goroutine.
type Run struct {
	w        *Writer
	tx       *sql.Tx // of Try
	dropped  [kinds]map[key]losers
	prepared *Prepared // the last one
	written  written
}

// losers are rows of one key that were dropped for another id, by their own.
type losers map[int64][]Value

// Run returns a Run that has dropped nothing yet.
func (w *Writer) Run() *Run { return &Run{w: w} }

// Wait returns when nothing is prepared any more.
func (r *Run) Wait() {
	if r.prepared != nil {
		<-r.prepared.done
	}
}

// Write is the Writer's Write, after those before it.
func (r *Run) Write(ctx context.Context, kind Kind, records []Record, skip bool) (Result, error) {
	return r.Prepare(ctx, kind, records).Write(ctx, skip)
}

// Try runs f with a Run whose writes are all of one transaction, which is undone in the end: what f
// hears of them is what writing would have done. Writers to the same enterprises wait meanwhile;
// where one of them makes this transaction give way, the error is the database's.
func (w *Writer) Try(ctx context.Context, f func(*Run) error) error {
	tx, err := w.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return fmt.Errorf("writer: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	return f(&Run{w: w, tx: tx})
}

// Group is records of one kind.
type Group struct {
	Kind    Kind
	Records []Record
}

// WriteAll is Write of several kinds, each given once, in one transaction and in their order; there
// is a result for each. Without skip nothing of any is written where a record is rejected: then the
// results hold rejections alone, those that can be seen without the database before others.
func (r *Run) WriteAll(ctx context.Context, groups []Group, skip bool) ([]Result, error) {
	rows := make([][][]Value, len(groups))
	wrong := make([]Result, len(groups))
	rejected := false
	for i, g := range groups {
		rows[i], wrong[i].Rejected = tables[g.Kind].check(g.Records)
		rejected = rejected || len(wrong[i].Rejected) > 0
	}
	if rejected && !skip {
		return wrong, nil
	}
	r.Wait()
	r.written = written{}
	batches := make([]*batch, len(groups))
	err := r.transaction(ctx, func(tx *sql.Tx) error {
		clear(batches)
		for i, g := range groups {
			b := newBatch(ctx, tx, tables[g.Kind], r.w.now(), r.dropped[g.Kind])
			batches[i] = b
			if err := b.work(rows[i]); err != nil {
				return fmt.Errorf("writer: %s records: %w", g.Kind, err)
			}
			if len(b.result.Rejected) > 0 && !skip {
				return errRejected
			}
			if err := b.write(); err != nil {
				return fmt.Errorf("writer: %s records: %w", g.Kind, err)
			}
		}
		return nil
	})
	if errors.Is(err, errRejected) {
		for i, b := range batches {
			if b != nil {
				wrong[i].Rejected = b.result.Rejected
			}
		}
		return wrong, nil
	}
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(groups))
	for i, b := range batches {
		results[i] = b.result
		results[i].Rejected = append(results[i].Rejected, wrong[i].Rejected...)
		slices.SortStableFunc(results[i].Rejected, func(a, b Rejection) int { return a.Record - b.Record })
		r.keep(groups[i].Kind, b)
	}
	return results, nil
}

func (r *Run) transaction(ctx context.Context, f func(tx *sql.Tx) error) error {
	if r.tx != nil {
		return f(r.tx)
	}
	return r.w.transaction(ctx, f)
}

// errRejected rolls a transaction back whose records are not all right.
var errRejected = errors.New("rejected records")

// check returns the records as rows of the table's columns, nil for those that can be seen to be
// wrong without the database: each of their wrong fields is a rejection.
func (t *table) check(records []Record) (rows [][]Value, rejected []Rejection) {
	rows = make([][]Value, len(records))
	values := make([]Value, len(records)*len(t.columns))
	for i, record := range records {
		row := values[i*len(t.columns) : (i+1)*len(t.columns) : (i+1)*len(t.columns)]
		copy(row, record)
		right := true
		for c := range t.given {
			if message := t.columns[c].check(&row[c]); message != "" {
				rejected = append(rejected, Rejection{Record: i, Field: t.columns[c].Name, Message: message})
				right = false
			}
		}
		if right {
			rows[i] = row
		}
	}
	return rows, rejected
}

// attempts bounds how often a transaction is tried. Writers wait between attempts, each a random
// time, so that those who met do not meet again.
const (
	attempts  = 12
	firstWait = 2 * time.Millisecond
	longWait  = time.Second
)

// The errors after which the same transaction can succeed.
const (
	duplicateKey     = 1062 // another enterprise took the id after it was looked at: looked at again, it is a rejection
	lockWaitTimeout  = 1205
	deadlock         = 1213
	changedSinceRead = 1020 // MariaDB 11's word for a row that changed under a snapshot
)

func again(err error) bool {
	var refused *mysql.MySQLError
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Number {
	case duplicateKey, lockWaitTimeout, deadlock, changedSinceRead:
		return true
	}
	return false
}

// transaction runs f in a transaction, again where the database asks for it: f must not keep
// anything of an attempt that failed.
//
// It is READ COMMITTED: a writer first takes the enterprise's lock and must then see what the one
// before it committed; and no gaps are locked, over which writers to different enterprises would
// meet.
func (w *Writer) transaction(ctx context.Context, f func(tx *sql.Tx) error) error {
	return retry(ctx, func() error { return w.attempt(ctx, f) })
}

func retry(ctx context.Context, attempt func() error) error {
	wait := firstWait
	for n := 1; ; n++ {
		err := attempt()
		if cut := context.Cause(ctx); err != nil && cut != nil && !errors.Is(err, cut) {
			return fmt.Errorf("%w (%w)", cut, err) // database/sql may only say that the transaction is done
		}
		if err == nil || n == attempts || !again(err) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait/2 + rand.N(wait)): //nolint:gosec // spreading needs no secrecy
		}
		wait = min(2*wait, longWait)
	}
}

func (w *Writer) attempt(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := w.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}
