package writer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
)

// The statements over many rows find each row by its key, however many they are: a server that walked the table instead would also lock all of it.
func TestStatementsOverManyRowsFindEachByItsKey(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	for crop := 1; crop <= 2; crop++ {
		enterprise(t, w, crop, 150)
		var employees, tags []Record
		for i := range 600 {
			employees = append(employees, record(Employee, "business_id", crop, "user_id", fmt.Sprintf("u%d", i)))
			tags = append(tags, record(Tag, "crop_id", crop, "tag_id", fmt.Sprintf("t%d", i)))
		}
		write(t, w, Employee, employees...)
		write(t, w, Tag, tags...)
		write(t, w, Manager, record(Manager, "uniacid", 2, "uid", crop, "business_id", crop))
	}
	// In a table of a few hundred rows walking all of them is the right plan for a few hundred.
	for _, statement := range []string{
		"INSERT INTO tags (crop_id, tag_id, created_at) SELECT 1, CONCAT('x', a.id, '-', b.id), NOW() FROM tags a, tags b LIMIT 20000",
		"INSERT INTO employees (business_id, user_id, created_at) SELECT 1, CONCAT('x', id), NOW() FROM tags",
		"INSERT INTO contacts (crop_id, external_userid, external_profile, created_at) SELECT 1, CONCAT('x', id), '', NOW() FROM tags",
		"INSERT INTO follows (crop_id, userid, external_userid, tag_id, created_at) SELECT 1, 'x', external_userid, '', NOW() FROM contacts WHERE crop_id = 1",
		"INSERT INTO follow_tags SELECT 1, CONCAT('x', id), id FROM follows",
		"INSERT INTO follow_grams SELECT 1, id AS gram, id AS follow_id, 1 FROM follows",
		"INSERT INTO follow_counts SELECT 1, id AS status, id AS external_type, 1, 1 FROM follows",
		"INSERT INTO follow_blocks SELECT 1, id, 1 FROM follows WHERE id > 100000000 OR id < 100000",
	} {
		exec(t, db, statement)
	}
	exec(t, db, "ANALYZE TABLE businesses, managers, employees, contacts, tags, follows, follow_tags, follow_grams, follow_counts, follow_blocks")
	for _, table := range tables {
		if table.kind == Business || table.kind == Manager {
			continue // some rows
		}
		for _, n := range []int{1, 7, maxRows} {
			keys := make([]key, n)
			ids := make([]int64, n)
			for i := range n {
				keys[i] = key{business: 1, a: fmt.Sprintf("%.1s%d", table.columns[table.key[0]].Name, i), b: "u"}
				ids[i] = int64(i + 1)
			}
			where, args := table.haveKeys(1, keys)
			plan(t, db, table.byKey, "SELECT "+strings.Join(table.sql, ", ")+" FROM "+table.name+" "+where, args)
			where, args = table.haveIDs(ids)
			plan(t, db, table.byID, "SELECT "+strings.Join(table.sql, ", ")+" FROM "+table.name+" "+where, args)
		}
	}
	for _, d := range []deletion{
		{from: "follow_tags", columns: []string{"crop_id", "tag_id", "follow_id"}},
		{from: "follow_grams", columns: []string{"crop_id", "gram", "follow_id"}},
		{from: "follow_counts", columns: []string{"n", "crop_id", "status", "external_type", "add_way"}},
		{from: "follow_blocks", columns: []string{"n", "crop_id", "block"}},
		{from: "follows", columns: []string{"crop_id", "id"}},
		{from: "tags", columns: []string{"id"}},
	} {
		for _, n := range []int{1, 7, maxRows} {
			d.rows = n
			var args []any
			for i := range n {
				for _, c := range d.columns {
					switch c {
					case "crop_id":
						args = append(args, 1)
					case "tag_id":
						args = append(args, fmt.Sprintf("t%d", i))
					default:
						args = append(args, i)
					}
				}
			}
			plan(t, db, "PRIMARY", d.statement(), args)
		}
	}
}

// plan wants a statement to find its rows through this index by ranges or single keys.
func plan(t *testing.T, db *sql.DB, index, statement string, args []any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN FORMAT=TRADITIONAL "+statement, args...)
	if err != nil {
		t.Fatalf("%.200s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		at := func(name string) string { return values[slices.Index(columns, name)].String }
		if strings.Contains(at("Extra"), "no matching row") || strings.Contains(at("Extra"), "Impossible WHERE") {
			continue // a single key that is not there was looked up already
		}
		if !slices.Contains([]string{"range", "const", "eq_ref"}, at("type")) || at("key") != index {
			t.Errorf("%.120s: %s by %s, not by %s (%s)", statement, at("type"), at("key"), index, at("Extra"))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestTwoWritersInADeadlockBothSucceed(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	write(t, w, Business, record(Business, "id", 1, "uniacid", 2), record(Business, "id", 2, "uniacid", 2))
	// Each takes one enterprise and, once both have one, the other's.
	met := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	errs := make(chan error, 2)
	tries := make(chan int, 2)
	for i, order := range [][2]int{{1, 2}, {2, 1}} {
		go func() {
			n := 0
			errs <- w.transaction(t.Context(), func(tx *sql.Tx) error {
				n++
				for j, id := range order {
					if _, err := tx.ExecContext(t.Context(), "UPDATE businesses SET name = CONCAT(name, 'x') WHERE id = ?", id); err != nil {
						return err
					}
					if j == 0 && n == 1 {
						close(met[i])
						<-met[1-i]
					}
				}
				return nil
			})
			tries <- n
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := <-tries + <-tries; n < 3 {
		t.Errorf("%d attempts: there was no deadlock", n)
	}
	if n := one(t, db, "SELECT COUNT(*) FROM businesses WHERE name = 'xx'"); n != 2 {
		t.Errorf("%d enterprises have both writes, once each", n)
	}
}

func TestRetryingHasAnEnd(t *testing.T) {
	t.Parallel()
	deadlocked := &mysql.MySQLError{Number: deadlock}
	synctest.Test(t, func(t *testing.T) {
		start, n := time.Now(), 0
		err := retry(t.Context(), func() error { n++; return fmt.Errorf("wrapped: %w", deadlocked) })
		if !errors.Is(err, deadlocked) || n != attempts || time.Since(start) > attempts*2*longWait {
			t.Errorf("%v after %d attempts in %v", err, n, time.Since(start))
		}
		n = 0
		other := errors.New("other")
		if err := retry(t.Context(), func() error { n++; return other }); !errors.Is(err, other) || n != 1 {
			t.Errorf("%v after %d attempts", err, n)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := retry(ctx, func() error { cancel(); return deadlocked }); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

// Whatever writes past this room, has_one_customer is never null.
func TestTheDatabaseItselfKeepsAContactForEveryFollow(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 2)
	write(t, w, Business, record(Business, "id", 2, "uniacid", 2))
	for _, statement := range []string{
		"INSERT INTO follows (crop_id, userid, external_userid, tag_id, created_at) VALUES (1, 'u', 'nobody', '', NOW())",
		"INSERT INTO follows (crop_id, userid, external_userid, tag_id, created_at) VALUES (2, 'u', 'c1', '', NOW())",
		"UPDATE follows SET external_userid = 'nobody' WHERE crop_id = 1 AND external_userid = 'c1'",
		"DELETE FROM contacts WHERE crop_id = 1 AND external_userid = 'c1'",
		"UPDATE contacts SET crop_id = 2 WHERE external_userid = 'c1'",
		"INSERT INTO contacts (crop_id, external_userid, external_profile, created_at) VALUES (9, 'x', '', NOW())",
		"INSERT INTO tags (crop_id, tag_id, created_at) VALUES (9, 'x', NOW())",
		"INSERT INTO employees (business_id, user_id, created_at) VALUES (9, 'x', NOW())",
		"INSERT INTO managers (uniacid, uid, business_id, created_at) VALUES (2, 7, 9, NOW())",
		"DELETE FROM businesses WHERE id = 1",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was allowed", statement)
		}
	}
}
