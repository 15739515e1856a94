package index_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// house is a database with tables, and a writer to it.
type house struct {
	t  testing.TB
	db *sql.DB
	w  *writer.Writer
}

func setup(t testing.TB) house {
	t.Helper()
	db, err := store.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	return house{t: t, db: db, w: writer.New(db, time.Now)}
}

// record builds a record from pairs of a field's name and its value, nil for null.
func record(k writer.Kind, pairs ...any) writer.Record {
	r := writer.NewRecord(k)
	for i := 0; i < len(pairs); i += 2 {
		v := writer.Value{Is: writer.Null}
		switch x := pairs[i+1].(type) {
		case string:
			v = writer.Text(x)
		case int:
			v = writer.Int(int64(x))
		}
		r[k.Field(pairs[i].(string))] = v
	}
	return r
}

// write wants all records stored.
func (h house) write(k writer.Kind, records ...writer.Record) {
	h.t.Helper()
	for some := range slices.Chunk(records, 1000) {
		result, err := h.w.Write(h.t.Context(), k, some, false)
		if err != nil || len(result.Rejected) > 0 {
			h.t.Fatalf("%s: %v %v", k, err, result.Rejected)
		}
	}
}

func (h house) exec(statement string, args ...any) {
	h.t.Helper()
	if _, err := h.db.ExecContext(h.t.Context(), statement, args...); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

func (h house) one(query string, args ...any) (n int64) {
	h.t.Helper()
	if err := h.db.QueryRowContext(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// enterprise writes an enterprise with n contacts, and a follow of each.
func (h house) enterprise(crop, n int) {
	h.t.Helper()
	h.write(writer.Business, record(writer.Business, "id", crop, "uniacid", 2))
	var contacts, follows []writer.Record
	for i := range n {
		contacts = append(contacts, record(writer.Customer, "crop_id", crop, "id", crop*1_000_000+i+1,
			"external_userid", fmt.Sprintf("c%d", i), "name", fmt.Sprintf("李%d", i%50), "external_type", 1+i%2))
		follows = append(follows, followOf(crop, i, "备注"))
	}
	h.write(writer.Customer, contacts...)
	h.write(writer.Follow, follows...)
}

// followOf is the follow of an enterprise's contact. Their ids lie 100 apart, so that some hundred
// are of one part.
func followOf(crop, i int, remark string) writer.Record {
	return record(writer.Follow, "crop_id", crop, "id", crop*10_000_000+i*100, "external_userid", fmt.Sprintf("c%d", i),
		"userid", fmt.Sprintf("u%d", i%7), "remark", remark, "tag_id", []string{"", "t1", "t1,t2"}[i%3],
		"add_way", fmt.Sprint(i%4), "createtime", 1_700_000_000+i*3600)
}

// lock is what the writer gives to Fill: it runs f in a transaction that holds the enterprise's
// lock.
func (h house) lock(crop uint32) index.Lock {
	return func(ctx context.Context, f func(tx *sql.Tx) error) error {
		for {
			err := func() error {
				tx, err := h.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback() }()
				if _, err := gendb.New(tx).LockBusinesses(ctx, []uint32{crop}); err != nil {
					return err
				}
				if err := f(tx); err != nil {
					return err
				}
				return tx.Commit()
			}()
			var refused *mysql.MySQLError
			if !errors.As(err, &refused) || refused.Number != 1213 && refused.Number != 1020 {
				return err
			}
		}
	}
}

// turn takes the right to fill indexes until the test ends.
func (h house) turn() *index.Turn {
	h.t.Helper()
	turn, err := index.TakeTurn(h.t.Context(), h.db)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(turn.End)
	return turn
}

// fill makes the index of an enterprise.
func (h house) fill(turn *index.Turn, crop uint32) {
	h.t.Helper()
	if err := turn.Fill(h.t.Context(), h.db, crop, h.lock(crop), nil); err != nil {
		h.t.Fatal(err)
	}
	h.complete(crop)
}

// complete wants the enterprise's index complete and right.
func (h house) complete(crop uint32) {
	h.t.Helper()
	if indexed := h.one("SELECT indexed FROM versions WHERE crop_id = ?", crop); indexed != index.Format {
		h.t.Errorf("enterprise %d: its index is of format %d", crop, indexed)
	}
	if n := h.one("SELECT COUNT(*) FROM follow_changes WHERE crop_id = ?", crop); n != 0 {
		h.t.Errorf("enterprise %d: %d changes are left", crop, n)
	}
	h.right()
}

// right wants Check to find nothing in any enterprise, and the sets to be those that the rows call
// for by a reckoning that has nothing in common with Check's but filter.Names.
func (h house) right() {
	h.t.Helper()
	found, err := writer.Check(h.t.Context(), h.db, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range found {
		h.t.Errorf("check: %v", d)
	}
	rows, err := h.db.QueryContext(h.t.Context(), "SELECT crop_id FROM versions WHERE indexed = ?", index.Format)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	var crops []uint32
	for rows.Next() {
		var crop uint32
		if err := rows.Scan(&crop); err != nil {
			h.t.Fatal(err)
		}
		crops = append(crops, crop)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	for _, crop := range crops {
		want := newSets()
		for after := uint64(0); ; {
			follows, err := gendb.New(h.db).ListLiveFollows(
				h.t.Context(),
				gendb.ListLiveFollowsParams{CropID: crop, After: after, Limit: 1000},
			)
			if err != nil {
				h.t.Fatal(err)
			}
			for i := range follows {
				want.add(&follows[i])
				after = follows[i].ID
			}
			if len(follows) == 0 {
				break
			}
		}
		want.compare(h.t, h.stored(crop))
	}
}

// sets are the ids of an enterprise's sets by their names, and the contacts of its follows.
type sets struct {
	ids      map[string][]uint64
	contacts map[uint64]uint64
}

func newSets() sets { return sets{map[string][]uint64{}, map[uint64]uint64{}} }

// add adds a follow to the sets that it calls for.
func (s sets) add(row *filter.Row) {
	filter.Names(row, func(name []byte) {
		// A row may name a set twice.
		if ids := s.ids[string(name)]; len(ids) == 0 || ids[len(ids)-1] != row.ID {
			s.ids[string(name)] = append(ids, row.ID)
		}
	})
	s.contacts[row.ID] = row.ContactID
}

// compare wants two enterprises' sets the same.
func (s sets) compare(t testing.TB, stored sets) {
	t.Helper()
	for name, ids := range s.ids {
		slices.Sort(ids)
		if !slices.Equal(ids, stored.ids[name]) {
			t.Errorf("set %q has %d ids, want %d: %s", name, len(stored.ids[name]), len(ids), cmp.Diff(ids, stored.ids[name]))
		}
	}
	for name, ids := range stored.ids {
		if s.ids[name] == nil && len(ids) > 0 {
			t.Errorf("set %q is of nobody, and has %d ids", name, len(ids))
		}
	}
	if !maps.Equal(s.contacts, stored.contacts) {
		t.Errorf("%d contacts, want %d: %s", len(stored.contacts), len(s.contacts), cmp.Diff(s.contacts, stored.contacts))
	}
}

// stored returns what is in follow_sets.
func (h house) stored(crop uint32) sets {
	h.t.Helper()
	all := newSets()
	rows, err := h.db.QueryContext(
		h.t.Context(),
		"SELECT name, part, ids FROM follow_sets WHERE crop_id = ? ORDER BY name, part",
		crop,
	)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, blob []byte
		var part uint64
		if err := rows.Scan(&name, &part, &blob); err != nil {
			h.t.Fatal(err)
		}
		if string(name) == "c" {
			contacts, err := index.Contacts(part, blob)
			if err != nil {
				h.t.Fatal(err)
			}
			maps.Copy(all.contacts, contacts)
			continue
		}
		ids, err := index.IDs(part, blob)
		if err != nil {
			h.t.Fatalf("%q, part %d: %v", name, part, err)
		}
		all.ids[string(name)] = append(all.ids[string(name)], ids...)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return all
}
