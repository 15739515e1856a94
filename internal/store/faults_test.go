package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
)

// eventually returns once ok does; what never comes fails the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	until := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(until) {
			t.Fatal("it never comes: " + what)
		}
	}
}

// monitored returns a monitor of the database of dsn that looks until the test ends.
func monitored(t *testing.T, dsn string, pool *sql.DB) *Monitor {
	t.Helper()
	m, err := NewMonitor(dsn, pool, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		_ = m.Close()
	})
	return m
}

// user returns a DSN of a new user of db's database, made with the clause.
func user(t *testing.T, dsn, clause string) (string, string) {
	t.Helper()
	db := openAt(t, dsn)
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := cfg.DBName[max(0, len(cfg.DBName)-20):]
	exec(t, db, "CREATE USER "+name+"@localhost IDENTIFIED BY 'first' "+clause)
	t.Cleanup(func() {
		admin, err := sql.Open("mysql", dsn)
		if err == nil {
			_, err = admin.ExecContext(context.Background(), "DROP USER "+name+"@localhost")
			err = errors.Join(err, admin.Close())
		}
		if err != nil {
			t.Error(err)
		}
	})
	exec(t, db, "GRANT ALL ON "+cfg.DBName+".* TO "+name+"@localhost")
	cfg.User, cfg.Passwd = name, "first"
	return cfg.FormatDSN(), name
}

func TestTheTablesThatReadinessKnowsAreThoseOfTheMigrations(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	var want, have []string
	for _, row := range tables {
		for column := range strings.SplitSeq(row.columns, ", ") {
			have = append(have, texts(row.name, strings.Trim(column, "`")))
		}
	}
	want = dump(t, db, "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name <> 'goose_db_version'")
	slices.Sort(want)
	slices.Sort(have)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-migrations +readiness):\n%s", diff)
	}
}

func TestAMissingColumnOrTableIsNotReadyAndUnavailable(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db := openAt(t, dsn)
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	m := monitored(t, dsn, db)
	for _, x := range []struct{ breaks, heals string }{
		{"ALTER TABLE employees RENAME COLUMN alias TO alias2", "ALTER TABLE employees RENAME COLUMN alias2 TO alias"},
		{"RENAME TABLE follow_changes TO x", "RENAME TABLE x TO follow_changes"},
	} {
		eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
		exec(t, db, x.breaks)
		err := Ready(t.Context(), db)
		if err == nil || !Unavailable(err) {
			t.Errorf("%s: %v", x.breaks, err)
		}
		eventually(t, "not ready", func() bool { return m.Ready(t.Context()) != nil })
		// It does answer: what needs other columns goes on.
		if _, end, err := m.While(t.Context()); err != nil {
			t.Error(err)
		} else {
			end()
		}
		exec(t, db, x.heals)
	}
	eventually(t, "ready again", func() bool { return m.Ready(t.Context()) == nil })
}

func TestAChangedPasswordIsNotReadyAndUnavailable(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	admin := openAt(t, dsn)
	if err := Migrate(t.Context(), admin, nil); err != nil {
		t.Fatal(err)
	}
	limited, name := user(t, dsn, "")
	db := openAt(t, limited)
	m := monitored(t, limited, db)
	eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
	exec(t, admin, "ALTER USER "+name+"@localhost IDENTIFIED BY 'second'")
	eventually(t, "not ready", func() bool { return m.Ready(t.Context()) != nil })
	if err := openAt(t, limited).PingContext(t.Context()); err == nil || !Unavailable(err) {
		t.Errorf("with the old password: %v", err)
	}
	exec(t, admin, "ALTER USER "+name+"@localhost IDENTIFIED BY 'first'")
	eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
}

func TestWhereTheServerTakesFewerConnectionsThePoolsUsersWait(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	if err := Migrate(t.Context(), openAt(t, dsn), nil); err != nil {
		t.Fatal(err)
	}
	limited, _ := user(t, dsn, "WITH MAX_USER_CONNECTIONS 3")
	db := openAt(t, limited)
	var wg sync.WaitGroup
	for range 2 * DefaultPool {
		wg.Go(func() {
			for range 5 {
				if err := Snapshot(t.Context(), db, func(q *gendb.Queries) error {
					_, err := q.ListBusinesses(t.Context(), gendb.ListBusinessesParams{Uniacid: 2, UID: 7})
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	// Others have them all: whoever comes waits, and only as long as he may.
	db.SetMaxIdleConns(0)
	hold := openAt(t, limited)
	var held []*sql.Conn
	for range 3 {
		c, err := hold.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := db.PingContext(ctx); err == nil || !Unavailable(err) {
		t.Errorf("with no connection left: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- db.PingContext(t.Context()) }()
	for _, c := range held {
		_ = c.Close()
	}
	_ = hold.Close()
	if err := <-done; err != nil {
		t.Errorf("once there is one again: %v", err)
	}
}

func TestASilentDatabaseIsLostAndComesBack(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	w := dbtest.StartWire(t, dsn, nil)
	db := openAt(t, w.DSN)
	if err := Migrate(t.Context(), openAt(t, dsn), nil); err != nil {
		t.Fatal(err)
	}
	m := monitored(t, w.DSN, db)
	eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
	ask := func() error {
		ctx, end, err := m.While(t.Context())
		if err != nil {
			return err
		}
		defer end()
		return Snapshot(ctx, db, func(q *gendb.Queries) error {
			_, err := q.ListBusinesses(ctx, gendb.ListBusinessesParams{Uniacid: 2, UID: 7})
			return err
		})
	}
	for _, fault := range []struct {
		name       string
		begin, end func()
	}{
		{"silent", w.Silence, w.Flow},
		{"a black hole that forgets its connections", w.Silence, func() { w.Cut(); w.Mend(t) }},
		{"cut", w.Cut, func() { w.Mend(t) }},
	} {
		if err := ask(); err != nil {
			t.Fatalf("%s: before: %v", fault.name, err)
		}
		fault.begin()
		// Who has come before it is known is told too.
		if err := ask(); err == nil || !Unavailable(err) {
			t.Errorf("%s: the first: %v", fault.name, err)
		}
		eventually(t, "lost", func() bool { return errors.Is(ask(), ErrLost) })
		if err := m.Ready(t.Context()); err == nil {
			t.Errorf("%s: it is ready", fault.name)
		}
		fault.end()
		eventually(t, "found again", func() bool { return ask() == nil })
		eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
	}
}

func TestATableThatIsLockedIsReadyAndNobodyIsLeftWaitingForIt(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db := openAt(t, dsn)
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	m := monitored(t, dsn, db)
	eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
	held, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = held.Close() }()
	if _, err := held.ExecContext(t.Context(), "LOCK TABLES employees WRITE"); err != nil {
		t.Fatal(err)
	}
	const look = "FROM employees LIMIT 0"
	for range 3 { // looks, one after the other
		eventually(t, "a look waits", func() bool { return dbtest.Running(t, db, look) > 0 })
		if n := dbtest.Running(t, db, look); n > 1 {
			t.Errorf("%d looks wait", n)
		}
		eventually(t, "it is given up", func() bool { return dbtest.Running(t, db, look) == 0 })
		if err := m.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := held.ExecContext(t.Context(), "UNLOCK TABLES"); err != nil {
		t.Fatal(err)
	}
}

func TestAServerThatTakesAConnectionAndNeverGreetsIsGivenUp(t *testing.T) {
	t.Parallel()
	w := dbtest.StartWire(t, dbtest.New(t), nil)
	w.Silence()
	db := openAt(t, w.DSN+"?timeout=50ms")
	if err := db.PingContext(t.Context()); err == nil || !Unavailable(err) {
		t.Errorf("got %v", err)
	}
}

func TestTheMonitorLogsALossAndTheReturnOnce(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db := openAt(t, dsn)
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	w := dbtest.StartWire(t, dsn, nil)
	var mu sync.Mutex
	var log bytes.Buffer
	m, err := NewMonitor(w.DSN, openAt(t, w.DSN), slog.New(slog.NewTextHandler(lockedWriter{&mu, &log}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go m.Run(ctx)
	said := func(text string) bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Contains(log.String(), text)
	}
	eventually(t, "ready", func() bool { return m.Ready(t.Context()) == nil })
	w.Cut()
	eventually(t, "said", func() bool { return said("level=ERROR msg=\"the database is not ready\"") })
	w.Mend(t)
	eventually(t, "said", func() bool { return said("msg=\"the database is ready again\"") })
}

type lockedWriter struct {
	mu *sync.Mutex
	to *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func TestADSNsVariablesTakeNothingAway(t *testing.T) {
	t.Parallel()
	db := openAt(t, dbtest.New(t)+"?autocommit=0&sql_select_limit=1&sql_safe_updates=1&max_join_size=1&sql_big_selects=0")
	exec(t, db, "CREATE TABLE x (id INT PRIMARY KEY, n INT NOT NULL)")
	exec(t, db, "INSERT INTO x VALUES (1, 0), (2, 0)")
	exec(t, db, "UPDATE x SET n = 1")
	db.SetMaxIdleConns(0) // what follows is another connection: nothing is seen that was not committed
	if rows := dump(t, db, "SELECT a.id, a.n FROM x a JOIN x b ORDER BY 1"); len(rows) != 4 || rows[3] != texts("2", "1") {
		t.Errorf("%v", rows)
	}
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Error(err)
	}
	if err := Ready(t.Context(), db); err != nil {
		t.Error(err)
	}
}

func TestWhatAnOperatorOrTimePutsRightIsUnavailable(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		number uint16
		text   string
		want   bool
	}{
		{1047, "WSREP has not yet prepared node for application use", true},
		{1105, "target: commerce.-80.primary: no healthy tablet available for 'keyspace:\"commerce\" shard:\"-80\" tablet_type:PRIMARY'", true},
		{1105, "syntax error at position 3", false},
		{1290, "The MariaDB server is running with the --read-only option so it cannot execute this statement", true},
		{1836, "Running in read-only mode", true},
		{1045, "Access denied for user", true}, {1142, "SELECT command denied", true}, {1054, "Unknown column", true}, {1146, "no such table", true},
		{1040, "Too many connections", true}, {1226, "max_user_connections", true}, {1114, "The table is full", true},
		{1064, "You have an error in your SQL syntax", false}, {1062, "Duplicate entry", false},
	} {
		err := fmt.Errorf("read: %w", &mysql.MySQLError{Number: x.number, Message: x.text})
		if got := Unavailable(err); got != x.want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestAPoolOfDeadConnectionsIsClosedWithoutAnError(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db, err := Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	other := openAt(t, dsn)
	var id string
	if err := db.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id); err != nil {
		t.Fatal(err)
	}
	exec(t, other, "KILL "+id)
	eventually(t, "gone", func() bool {
		return len(dump(t, other, "SELECT id FROM information_schema.processlist WHERE id = "+id)) == 0
	})
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
