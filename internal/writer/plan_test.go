package writer_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

// reads are the indexes by which the writer's statements read, in each the fewest bytes that are
// looked up. The statements name the index that they ask for.
var reads = map[string]struct {
	key    string
	length int
}{
	"LockBusinesses":                      {"PRIMARY", 4},
	"ListStoredSets":                      {"PRIMARY", 407},
	"GetVersions":                         {"PRIMARY", 4},
	"ListLiveFollows":                     {"PRIMARY", 12},
	"SELECT employees (employees_userid)": {"employees_userid", 261},
	"SELECT employees (PRIMARY)":          {"PRIMARY", 8},
	"SELECT contacts (contacts_external)": {"contacts_external", 406},
	"SELECT contacts (contacts_id)":       {"contacts_id", 8},
	"SELECT tags (tags_tag)":              {"tags_tag", 406},
	"SELECT tags (PRIMARY)":               {"PRIMARY", 8},
	"SELECT follows (follows_contact)":    {"follows_contact", 406},
	"SELECT follows (follows_id)":         {"follows_id", 8},
	"SELECT follows (PRIMARY)":            {"PRIMARY", 4}, // all of an enterprise's, in their order
	"SELECT follow_sets (PRIMARY)":        {"PRIMARY", 415},
	"DELETE follow_sets (PRIMARY)":        {"PRIMARY", 415},
	"DELETE follows (PRIMARY)":            {"PRIMARY", 12},
	"DELETE employees (PRIMARY)":          {"PRIMARY", 8},
	"DELETE tags (PRIMARY)":               {"PRIMARY", 8},
}

// few are the statements that read tables of few rows: a row for each enterprise, or each right.
var few = []string{"SELECT businesses", "SELECT versions", "SELECT businesses (PRIMARY)", "SELECT managers (PRIMARY)"}

// The statements over many rows find each row by its key, however many they are: a server that
// walked the table instead would also lock all of it.
func TestStatementsOverManyRowsFindEachByItsKey(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	w := writer.New(db, time.Now)
	enterprise(t, w, 1, 300)
	enterprise(t, w, 3, 300)
	fill(t, w)
	// In a table of a few hundred rows walking all of them is the right plan for a few hundred.
	exec(t, db, "CREATE TABLE numbers (n INT PRIMARY KEY)")
	for range 100 {
		exec(t, db, "INSERT INTO numbers SELECT COUNT(*) FROM numbers")
	}
	for _, statement := range []string{
		"INSERT INTO tags (crop_id, tag_id, created_at) SELECT 1, CONCAT('x', a.n, '-', b.n), NOW() FROM numbers a, numbers b",
		"INSERT INTO employees (business_id, user_id, created_at) SELECT 1, tag_id, NOW() FROM tags",
		"INSERT INTO contacts (crop_id, external_userid, external_profile, created_at) SELECT 1, tag_id, '', NOW() FROM tags",
		"INSERT INTO follows (crop_id, userid, external_userid, tag_id, notes_folded, pinyin, mobiles, tags, created_at)" +
			" SELECT 1, 'x', tag_id, '', '', '', '', '[]', NOW() FROM tags",
		"INSERT INTO follow_sets SELECT 1, CONCAT('z', tag_id), 0, '' FROM tags",
		"INSERT INTO follow_changes SELECT 1, id FROM tags",
		"ANALYZE TABLE businesses, managers, employees, contacts, tags, follows, follow_sets, follow_changes",
	} {
		exec(t, db, statement)
	}
	explained, plans := dbtest.Explain(t, dsn)
	w = writer.New(explained, time.Now)
	for round, n := range []int{1, 7, 700} {
		many := map[writer.Kind][]writer.Record{}
		add := func(k writer.Kind, pairs ...any) { many[k] = append(many[k], record(k, pairs...)) }
		for i := range n {
			name := fmt.Sprintf("c%d", i%300)
			add(writer.Business, "id", 1+2*(i%2), "uniacid", 2)
			add(writer.Manager, "uniacid", 2, "uid", 1+i, "business_id", 1)
			add(writer.Employee, "business_id", 1, "user_id", fmt.Sprintf("u%d", i), "id", 1_000_000+2000*[]int{2, 3, 1}[round]+i)
			add(writer.Customer, "crop_id", 1, "external_userid", name, "name", fmt.Sprintf("名%d-%d", round, i%9), "id", 2_000_000+2000*[]int{2, 3, 1}[round]+i%300)
			add(writer.Tag, "crop_id", 1, "tag_id", fmt.Sprintf("t%d", i), "id", 1_000_000+2000*[]int{2, 3, 1}[round]+i)
			add(writer.Follow, "crop_id", 1, "external_userid", name, "userid", fmt.Sprintf("v%d", i/300), "remark", fmt.Sprintf("注%d-%d", round, i%9),
				"tag_id", fmt.Sprintf("r%d-%d", round, i), "id", 100_000_000*[]int{2, 3, 1}[round]+i*300)
		}
		for k := writer.Business; k <= writer.Follow; k++ {
			result, err := w.Write(t.Context(), k, many[k], false)
			if err != nil || len(result.Rejected) > 0 {
				t.Fatal(k, err, result.Rejected)
			}
		}
	}
	if _, err := writer.Check(t.Context(), explained, nil); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, step := range plans.Steps() {
		seen[step.Statement] = true
		want, known := reads[step.Statement]
		switch {
		case step.Table == "", step.Access == "", strings.HasPrefix(step.Table, "<"):
			continue // looked up already, and not there
		case slices.Contains(few, step.Statement):
			continue
		case !known || step.Access == "ALL" || step.Access == "index":
			t.Errorf("%s reads the whole of %s", step.Statement, step.Table)
		case step.Key != want.key || step.Length < want.length:
			t.Errorf("%s reads %s by %d bytes of %q, want %d of %q", step.Statement, step.Table, step.Length, step.Key, want.length, want.key)
		}
	}
	for statement := range reads {
		if !seen[statement] {
			t.Errorf("%s was not asked for its plan", statement)
		}
	}
}

func TestTwoWritersInADeadlockBothSucceed(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	write(t, w, writer.Business, record(writer.Business, "id", 1, "uniacid", 2), record(writer.Business, "id", 2, "uniacid", 2))
	// Each takes one enterprise and, once both have one, the other's.
	met := [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	errs := make(chan error, 2)
	tries := make(chan int, 2)
	for i, order := range [][2]int{{1, 2}, {2, 1}} {
		go func() {
			n := 0
			errs <- w.Transaction(t.Context(), func(tx *sql.Tx) error {
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

// Enterprises are few on many servers, where walking a table is the cheapest plan and would lock
// all of it.
func TestWritersToDifferentEnterprisesDoNotWaitForOneAnother(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	for crop := 1; crop <= 3; crop++ {
		enterprise(t, w, crop, 2)
	}
	fill(t, w)
	for held := 1; held <= 3; held++ {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gendb.New(tx).LockBusinesses(t.Context(), []uint32{uint32(held)}); err != nil {
			t.Fatal(err)
		}
		var names, tags, follows []writer.Record
		for crop := 1; crop <= 3; crop++ {
			if crop != held {
				name := fmt.Sprint("n", held)
				names = append(names, record(writer.Business, "id", crop, "uniacid", 2, "name", name))
				tags = append(tags, record(writer.Tag, "crop_id", crop, "tag_id", name))
				follows = append(follows, record(writer.Follow, "crop_id", crop, "external_userid", "c0", "userid", name, "tag_id", name))
			}
		}
		// One that waits ends with the server's patience, or go test's.
		write(t, w, writer.Business, names...)
		write(t, w, writer.Tag, tags...)
		write(t, w, writer.Follow, follows...)
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	check(t, db)
}

// Whatever writes past this room, has_one_customer is never null.
func TestTheDatabaseItselfKeepsAContactForEveryFollow(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 2)
	write(t, w, writer.Business, record(writer.Business, "id", 2, "uniacid", 2))
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
