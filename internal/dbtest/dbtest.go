// Package dbtest gives every test a database of its own on a real server. All test processes of one
// run share one disposable server; the last one stops it, and what a crashed run left is deleted by
// the next.
//
// A package that uses it says so once:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
package dbtest

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"example.com/wechatcustomers/internal/embedded"
)

// Engine returns the server that the tests run on: what TEST_ENGINE says (mariadb-11.8, mysql-9.7),
// else mariadb-10.11, and where that cannot be had "": whatever server the machine has or its own
// release packages.
func Engine() string { return engine() }

var engine = sync.OnceValue(func() string {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	return choose(os.Getenv("TEST_ENGINE"), func(e embedded.Engine) error { return embedded.Available(context.Background(), e, log) })
})

// choose returns the engine asked for, which must then be had; where none is, one that can be.
func choose(asked string, available func(embedded.Engine) error) string {
	if asked != "" {
		return asked
	}
	if _, unavailable := errors.AsType[*embedded.UnavailableError](available(embedded.MariaDB1011)); unavailable {
		return string(embedded.Default)
	}
	return string(embedded.MariaDB1011)
}

// New returns the DSN (go-sql-driver's) of a new, empty database named after the test; it is
// dropped when the test ends. The first call of a process starts the server, or joins it. Any
// failure is fatal to the test.
func New(t testing.TB) string {
	t.Helper()
	server, db, err := shared.get()
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	name := databaseName(t.Name())
	if _, err := db.ExecContext(t.Context(), "CREATE DATABASE "+name+" CHARACTER SET utf8mb4"); err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	t.Cleanup(func() {
		// The test's own context is over by now.
		if _, err := db.ExecContext(context.Background(), "DROP DATABASE "+name); err != nil {
			t.Errorf("dbtest: %v", err)
		}
	})
	cfg, err := mysql.ParseDSN(server.DSN())
	if err != nil {
		t.Fatalf("dbtest: %v", err)
	}
	cfg.DBName = name
	return cfg.FormatDSN()
}

var serial atomic.Int64

// A name may have 64 characters; what makes it unique must survive the cut.
const maxName = 64

// databaseName returns a name of letters, digits and _ that no other call returns while this
// process lives.
func databaseName(test string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a' // file systems and servers differ in whether case matters
		default:
			return '_'
		}
	}, strings.TrimPrefix(test, "Test"))
	unique := "_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(serial.Add(1), 10)
	clean = "t_" + clean
	return clean[:min(len(clean), maxName-len(unique))] + unique
}

// Main runs the package's tests, then gives the server back and calls cleanups, also when it is
// interrupted; it does not return.
func Main(m *testing.M, cleanups ...func()) {
	shared.main.Store(true)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		if err := shared.close(); err != nil {
			fmt.Fprintln(os.Stderr, "dbtest:", err)
		}
		for _, cleanup := range cleanups {
			cleanup()
		}
		os.Exit(130)
	})
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, "dbtest:", err)
		code = max(code, 1)
	}
	for _, cleanup := range cleanups {
		cleanup()
	}
	os.Exit(code) //nolint:gocritic // the process and its signals end here: stop has nothing left to do
}

var shared process

// process is this test process's share in the server.
type process struct {
	main   atomic.Bool
	mu     sync.Mutex
	server *embedded.Server
	db     *sql.DB
	err    error
}

func (p *process) get() (*embedded.Server, *sql.DB, error) {
	if !p.main.Load() {
		return nil, nil, fmt.Errorf("add to the package's tests: func TestMain(m *testing.M) { dbtest.Main(m) }")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil && p.err == nil {
		p.err = p.start()
	}
	return p.server, p.db, p.err
}

func (p *process) start() error {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("wechat-customers-test-%d", os.Geteuid()))
	if err := embedded.PrivateDir(dir); err != nil {
		return err
	}
	server, err := embedded.Start(context.Background(), embedded.Options{
		Dir:            filepath.Join(dir, cmp.Or(Engine(), "default")),
		Engine:         embedded.Engine(Engine()),
		MaxConnections: 1000,
		Disposable:     true,
		Log:            slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	db, err := sql.Open("mysql", server.DSN())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(4)
	p.server, p.db = server, db
	return nil
}

func (p *process) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	// An error of Close would be about connections that the server's end closes anyway.
	_ = p.db.Close()
	return p.server.Close()
}
