package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// open returns a pool on a new, empty database.
func open(t *testing.T) *sql.DB {
	t.Helper()
	return openAt(t, dbtest.New(t))
}

func openAt(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func migrated(t *testing.T) *sql.DB {
	t.Helper()
	db := open(t)
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	return db
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func TestABadDSNIsAClearErrorThatNeverShowsThePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"", " ", "s3cret", "user:s3cret", "user:s3cret@tcp(localhost:3306", "user:s3cret@tcp(localhost:3306)", "user:s3cret@tcp(localhost:3306)/",
		"user:s3cret@localhost/db", "user:x@s3cret/db", "s3cret(/db", "user@s3cret(h)/db", "user@tcp(h)/db?parseTime=s3cret",
		"user@tcp(h)/db?timeout=s3cret", "user@tcp(h)/db?tls=s3cret", "user@tcp(h)/db?serverPubKey=s3cret", "user@tcp(h)/%zzs3cret", "user@tcp(h)/db?loc=s3cret",
		"user@tcp(h)/db?collation=gbk_chinese_ci&charset=s3cret", "user@tcp(h)/db?maxAllowedPacket=s3cret", "user@tcp(h)/db?connectionAttributes=%s3cret",
	} {
		db, err := Open(dsn)
		if err == nil {
			// What the hardening overrules may pass.
			_ = db.Close()
			if !strings.Contains(dsn, "charset=") {
				t.Errorf("%q was taken", dsn)
			}
			continue
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: the error shows what may be the password: %v", dsn, err)
		}
		if !strings.Contains(err.Error(), "DSN") {
			t.Errorf("%q: the error is not about the DSN: %v", dsn, err)
		}
	}
}

func FuzzABadDSNNeverShowsThePassword(f *testing.F) {
	f.Add("user:", "@tcp(h)/db")
	f.Add("user@tcp(h)/db?tls=", "")
	f.Add("", "/db")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "correcthorse"
		if db, err := Open(before + secret + after); err == nil {
			_ = db.Close()
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", before+secret+after, err)
		}
	})
}

func TestEveryConnectionIsHardenedWhateverTheDSNSays(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t) + "?sql_mode=%27%27&time_zone=%27%2B00:00%27&parseTime=true&multiStatements=true&interpolateParams=false&clientFoundRows=false&charset=latin1"
	db, err := Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var mode, zone, charset, collation, now, isolation string
	var china bool
	row := db.QueryRowContext(t.Context(), `SELECT @@SESSION.sql_mode, @@SESSION.time_zone, @@SESSION.character_set_client, @@SESSION.collation_connection,
		CAST('2021-09-28 09:21:46' AS DATETIME), TIMESTAMPDIFF(MINUTE, UTC_TIMESTAMP(), NOW()) BETWEEN 479 AND 481`)
	if err := row.Scan(&mode, &zone, &charset, &collation, &now, &china); err != nil {
		t.Fatal(err)
	}
	for want := range strings.SplitSeq(sqlMode, ",") {
		if !strings.Contains(mode, want) {
			t.Errorf("sql_mode %s lacks %s", mode, want)
		}
	}
	if zone != "+08:00" || charset != "utf8mb4" || collation != "utf8mb4_bin" || !china {
		t.Errorf("time_zone %s, character set %s, collation %s, NOW() in China: %v", zone, charset, collation, china)
	}
	if now != "2021-09-28 09:21:46" {
		t.Errorf("a DATETIME is read as %q, not as its text", now)
	}
	// MariaDB before 11.1 and MySQL have no name for the variable in common.
	if db.QueryRowContext(t.Context(), "SELECT @@SESSION.transaction_isolation").Scan(&isolation) != nil {
		_ = db.QueryRowContext(t.Context(), "SELECT @@SESSION.tx_isolation").Scan(&isolation)
	}
	if isolation != "REPEATABLE-READ" {
		t.Errorf("isolation %q", isolation)
	}
	if _, err := db.ExecContext(t.Context(), "SELECT 1; SELECT 2"); err == nil {
		t.Error("two statements in one call were run")
	}
	exec(t, db, "CREATE TABLE x (id INT PRIMARY KEY, name VARCHAR(2) NOT NULL, at DATETIME)")
	if _, err := db.ExecContext(t.Context(), "INSERT INTO x VALUES (1, 'long', NULL)"); err == nil {
		t.Error("a text too long was cut")
	}
	if _, err := db.ExecContext(t.Context(), "INSERT INTO x VALUES (1, 'a', '0000-00-00 00:00:00')"); err == nil {
		t.Error("a zero date was taken")
	}
	exec(t, db, "INSERT INTO x VALUES (1, ?, NULL)", `\'`)
	result, err := db.ExecContext(t.Context(), "UPDATE x SET name = ? WHERE id = 1", `\'`)
	if err != nil {
		t.Fatal(err)
	}
	if found, _ := result.RowsAffected(); found != 1 {
		t.Errorf("an UPDATE that found one row and changed nothing says %d", found)
	}
}

func TestManyProgramsCanMigrateAtOnce(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, err := Open(dsn)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = db.Close() }()
			if err := Migrate(t.Context(), db, nil); err != nil {
				t.Error(err)
			}
			if err := Ready(t.Context(), db); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestMigrateRefusesTooSmallAPoolInsteadOfWaitingForEver(t *testing.T) {
	t.Parallel()
	db := oldTables(t)
	for n := 1; n < connections; n++ {
		db.SetMaxOpenConns(n)
		if err := Migrate(t.Context(), db, nil); err == nil {
			t.Fatalf("migrated with %d connections", n)
		}
	}
	db.SetMaxOpenConns(connections)
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Error(err)
	}
}

func TestTheTablesCanBeTakenDownAndMadeAgain(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	p, err := provider(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if err := Ready(t.Context(), db); err == nil {
		t.Error("ready without tables")
	}
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if err := Ready(t.Context(), db); err != nil {
		t.Error(err)
	}
}

func TestReadySaysWhetherTheTablesAreMissingOlderOrNewer(t *testing.T) {
	t.Parallel()
	db := open(t)
	expect := func(part string) {
		t.Helper()
		if err := Ready(t.Context(), db); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("Ready: %v, want an error with %q", err, part)
		}
	}
	expect("no tables yet")
	if err := Ready(t.Context(), db); !errors.Is(err, ErrMigrate) {
		t.Errorf("migrating would not help: %v", err)
	}
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if err := Ready(t.Context(), db); err != nil {
		t.Error(err)
	}
	exec(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	expect("run the newer program")
	exec(t, db, "DELETE FROM goose_db_version WHERE version_id > 0")
	expect("no tables yet")
	_ = db.Close()
	expect("cannot be reached")
}

func TestASnapshotSeesTheDatabaseAsAtItsFirstRead(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	businesses := func(q *gendb.Queries) int {
		list, err := q.ListBusinesses(t.Context(), gendb.ListBusinessesParams{Uniacid: 2, UID: 7})
		if err != nil {
			t.Error(err)
		}
		return len(list)
	}
	add := func(id int) {
		exec(t, db, "INSERT INTO businesses (id, uniacid, created_at) VALUES (?, 2, NOW())", id)
		exec(t, db, "INSERT INTO managers (uniacid, uid, business_id, created_at) VALUES (2, 7, ?, NOW())", id)
	}
	add(1)
	for want := 1; want <= 2; want++ {
		err := Snapshot(t.Context(), db, func(q *gendb.Queries) error {
			if got := businesses(q); got != want {
				t.Errorf("the first read found %d enterprises, want %d", got, want)
			}
			add(want + 1)
			if got := businesses(q); got != want {
				t.Errorf("a row written after the snapshot began is seen: %d enterprises, want %d", got, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestASnapshotReturnsTheReadersErrorAndLeavesTheConnectionUsable(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	db.SetMaxOpenConns(1)
	mine := errors.New("mine")
	if err := Snapshot(t.Context(), db, func(*gendb.Queries) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("got %v", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the reader's panic was swallowed")
			}
		}()
		_ = Snapshot(t.Context(), db, func(*gendb.Queries) error { panic("reader") })
	}()
	// Not in a read-only transaction any more, and not leaked.
	exec(t, db, "INSERT INTO businesses (id, uniacid, created_at) VALUES (1, 2, NOW())")
}

func TestACancelledSnapshotEndsItsQueryOnTheServer(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db, watch := openAt(t, dsn), openAt(t, dsn)
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	// A view in the table's place makes a query of ours run for hours.
	exec(t, db, "INSERT INTO businesses (id, uniacid, created_at) VALUES (1, 2, NOW())")
	exec(t, db, "SET FOREIGN_KEY_CHECKS = 0")
	exec(t, db, "RENAME TABLE businesses TO slow")
	exec(t, db, "CREATE VIEW businesses AS SELECT id, name FROM slow WHERE BENCHMARK(100000000000, SHA2(id, 512)) = 0")
	running := func() int { t.Helper(); return dbtest.Running(t, watch, "HasBusinesses") }
	// One connection: that the query ends does not depend on a free one in the pool, and the next user
	// gets a sound one.
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- Snapshot(ctx, db, func(q *gendb.Queries) error {
			_, err := q.HasBusinesses(ctx, gendb.HasBusinessesParams{Ids: []uint32{0}, Names: []string{""}})
			return err
		})
	}()
	for running() == 0 {
		select {
		case err := <-done:
			t.Fatalf("the query that should run for hours ended: %v", err)
		default:
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	until := time.Now().Add(time.Minute)
	for running() != 0 {
		if time.Now().After(until) {
			t.Fatal("the query still runs on the server")
		}
	}
	var one int
	if err := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); err != nil {
		t.Errorf("the next user of the pool: %v", err)
	}
}

// The kill of an abandoned snapshot may arrive late: it must never hit the connection's next user.
func TestCancellingAtAnyMomentNeverHurtsTheNextUser(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	db.SetMaxOpenConns(1)
	for i := range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Microsecond)
		err := Snapshot(ctx, db, func(q *gendb.Queries) error {
			_, err := q.HasBusinesses(ctx, gendb.HasBusinessesParams{Ids: []uint32{0}, Names: []string{""}})
			return err
		})
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		var one int
		if next := db.QueryRowContext(t.Context(), "SELECT 1").Scan(&one); next != nil {
			t.Errorf("after %v: %v", err, next)
		}
	}
}

func TestSnapshotRefusesAPoolThatIsNotFromOpen(t *testing.T) {
	t.Parallel()
	cfg, err := mysql.ParseDSN(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	if err := Snapshot(t.Context(), db, func(*gendb.Queries) error { return nil }); err == nil {
		t.Error("a snapshot that could not be cancelled was read")
	}
}
