// Package embedded runs a private MariaDB as a child process: it finds or fetches the server, owns
// its data directory, and shares one running server between all programs that use the same
// directory.
//
// What is in a directory: control.lock (held while somebody starts or stops the server), users.lock
// (every program using the server holds it shared), server.lock (held by the server process itself,
// so that the kernel says whether it lives), server.json (what the data was made by, and its
// socket), server.pid, server.log, tmp, data, and run (the socket, in a folder that only this user
// can enter). All locks are flock(2): a killed program or server leaves none behind.
package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// Database is the name of the database that [Start] creates and [Server.DSN] names.
const Database = "wechat_customers"

// Engine names a database server.
type Engine string

const (
	// Default is a MariaDB or MySQL installed on the machine, else the MariaDB of the machine's own
	// Debian or Ubuntu release.
	Default Engine = ""
	// MariaDB1011 is MariaDB 10.11 from the packages of Debian 12 (bookworm).
	MariaDB1011 Engine = "mariadb-10.11"
	// MariaDB118 is MariaDB 11.8 from the packages of Debian 13 (trixie).
	MariaDB118 Engine = "mariadb-11.8"
	// MySQL97 is MySQL 9.7 from the packages of Debian unstable (sid).
	MySQL97 Engine = "mysql-9.7"
)

// Options says which server to run and where.
type Options struct {
	// Dir holds the data and everything else of the server; created when missing. Required.
	Dir string
	// Engine is the server to run; a directory keeps the engine it was made with.
	Engine Engine
	// Cache is the folder for fetched servers; default: wechat-customers/servers in the user's cache
	// folder.
	Cache string
	// BufferPool is the memory for table data, in bytes; default 256 MiB, 64 MiB for a disposable
	// server. It is settled by the program that starts the server, not by those that join it.
	BufferPool int64
	// MaxConnections is the server's limit; default 151.
	MaxConnections int
	// Upgrade lets a newer release series of the server have the data, which no older one can read
	// afterwards.
	Upgrade bool
	// Disposable trades durability for speed: for tests. The data is deleted when the first user comes
	// and when the last one leaves. A directory is disposable for ever or never.
	Disposable bool
	// Restarted is called when a server that had ended runs again; it may be nil.
	Restarted func()
	// Log hears what takes long (fetching, creating), and that a server has ended; nil is silent.
	Log *slog.Logger

	quickInit bool // make the data without waiting for the disk: for this package's tests
}

// Server is this program's share in a running database server.
type Server struct {
	dir   string
	state state
	users *lock
	log   *slog.Logger

	stopWatch context.CancelFunc
	watch     sync.WaitGroup

	closeOnce sync.Once
	closeErr  error
}

// Start returns a share in the server of o.Dir, ready to answer: it joins the running one or starts
// one. ctx bounds the start only; the server runs until the last share on the directory is closed,
// and is started again should it end before. (A disposable one is not: its data need not be whole.)
// When no server can be found or fetched the error is an [*UnavailableError].
func Start(ctx context.Context, o Options) (*Server, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if !supported {
		return nil, &UnavailableError{unsupportedError(runtime.GOOS)}
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded database: %w", err)
	}
	control, err := lockExclusive(ctx, filepath.Join(o.Dir, "control.lock"))
	if err != nil {
		return nil, fmt.Errorf("embedded database: waiting for another start or stop in %s: %w", o.Dir, err)
	}
	defer control.close()

	users, err := openLock(filepath.Join(o.Dir, "users.lock"))
	if err != nil {
		return nil, fmt.Errorf("embedded database: %w", err)
	}
	s := &Server{dir: o.Dir, users: users, log: o.Log}
	if err := s.start(ctx, o); err != nil {
		users.close()
		return nil, fmt.Errorf("embedded database in %s: %w", o.Dir, err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stopWatch = stop
	if !o.Disposable {
		s.watch.Go(func() { s.keepRunning(watching, o) })
	}
	return s, nil
}

// A server that ends is started again at once; one that ends again soon, or cannot be started, after
// a wait that doubles.
const (
	firstBackOff = 250 * time.Millisecond
	longBackOff  = 30 * time.Second
	soundAfter   = time.Minute
)

// keepRunning starts the server again whenever it ends, until ctx is done. Of several programs one
// does so, and the others find it running.
func (s *Server) keepRunning(ctx context.Context, o Options) {
	var wait time.Duration
	for {
		begun := time.Now()
		err := serverEnd(ctx, s.dir)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			o.Log.Error("the embedded database has ended: it is started again", "dir", s.dir, "after", wait, "log", logTail(filepath.Join(s.dir, "server.log")))
		}
		if time.Since(begun) > soundAfter {
			wait = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(max(2*wait, firstBackOff), longBackOff)
		if err == nil {
			err = s.again(ctx, o)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			o.Log.Error("the embedded database could not be started", "dir", s.dir, "error", err, "again_after", wait)
		default:
			o.Log.Info("the embedded database runs again", "dir", s.dir)
			if o.Restarted != nil {
				o.Restarted()
			}
		}
	}
}

// again starts the server of a directory that has data, unless somebody has.
func (s *Server) again(ctx context.Context, o Options) error {
	control, err := lockExclusive(ctx, filepath.Join(s.dir, "control.lock"))
	if err != nil {
		return err
	}
	defer control.close()
	alive, err := serverAlive(s.dir)
	if err != nil {
		return err
	}
	// Not s: its callers read it meanwhile, and the socket stays where it is.
	next := &Server{dir: s.dir, log: o.Log, state: s.state}
	if !alive {
		kept, err := readState(s.dir)
		if err != nil {
			return err
		}
		if kept == nil {
			return errors.New("its server.json is gone")
		}
		if err := next.launch(ctx, o, kept); err != nil {
			return err
		}
	}
	return next.ready(ctx)
}

func (o *Options) complete() error {
	if o.Dir == "" {
		return errors.New("embedded database: no directory given")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("embedded database: %w", err)
	}
	o.Dir = dir
	if _, known := packaged[o.Engine]; !known && o.Engine != Default {
		return fmt.Errorf("embedded database: unknown engine %q", o.Engine)
	}
	if o.BufferPool == 0 {
		o.BufferPool = 256 << 20
		if o.Disposable {
			o.BufferPool = 64 << 20
		}
	}
	if o.MaxConnections == 0 {
		o.MaxConnections = 151
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// start runs under the control lock.
func (s *Server) start(ctx context.Context, o Options) error {
	first, err := s.users.tryExclusive()
	if err != nil {
		return err
	}
	kept, err := readState(o.Dir)
	if err != nil {
		return err
	}
	if kept != nil && kept.Disposable != o.Disposable {
		// A test directory must never be taken for a real one: the test's next start deletes it.
		return errors.New("the directory belongs to a server of the other kind (disposable or lasting): use another directory")
	}
	alive, err := serverAlive(o.Dir)
	if err != nil {
		return err
	}
	if o.Upgrade && !first {
		return errors.New("other commands use the database: stop them first")
	}
	if o.Upgrade && alive {
		if err := stopServer(o.Dir, false); err != nil {
			return err
		}
		alive = false
	}
	if o.Disposable && first {
		if alive {
			if err := stopServer(o.Dir, true); err != nil {
				return err
			}
			alive = false
		}
		if err := wipe(o.Dir); err != nil {
			return err
		}
		kept = nil
	}

	if alive && kept != nil {
		if !kept.version().is(o.Engine) {
			return fmt.Errorf("%s is running there, not %s: use another directory", kept.version(), o.Engine)
		}
		s.state = *kept
	} else if err := s.launch(ctx, o, kept); err != nil {
		return err
	}
	err = s.ready(ctx)
	if err == nil {
		err = s.users.shared()
	}
	if err != nil {
		if first {
			// Nobody else uses it, and InnoDB does not mind being killed.
			err = errors.Join(err, stopServer(o.Dir, true))
		}
		return err
	}
	return nil
}

// launch creates the data when there is none and starts the server on it; the server may not answer
// yet.
func (s *Server) launch(ctx context.Context, o Options, kept *state) error {
	if kept != nil {
		if _, err := os.Stat(filepath.Join(o.Dir, "data")); errors.Is(err, fs.ErrNotExist) {
			kept = nil
		}
	}
	socket, err := socketPath(o.Dir)
	if err != nil {
		return err
	}
	s.state = state{Disposable: o.Disposable, Socket: socket}
	var b *binary
	if kept == nil {
		b, err = s.create(ctx, o)
	} else if b, err = findServer(ctx, o, kept); err == nil {
		err = s.record(b)
	}
	if err != nil {
		return err
	}
	if o.Disposable {
		b = b.unsynced()
	}
	return b.spawn(o, socket)
}

// create makes the data with the first server that can, and returns that. An installed one may be
// kept from it: Ubuntu's AppArmor lets mysqld write to the system's own database only.
func (s *Server) create(ctx context.Context, o Options) (*binary, error) {
	var failed error
	if o.Engine == Default {
		for _, b := range installed(ctx) {
			failed = s.createWith(ctx, o, b)
			if failed == nil || ctx.Err() != nil {
				return b, failed
			}
			o.Log.Warn("an installed database server is of no use", "server", b.version.String(), "error", failed)
		}
	}
	b, err := fetched(ctx, o)
	if unavailable, ok := errors.AsType[*UnavailableError](err); ok && failed != nil {
		return nil, &UnavailableError{fmt.Errorf("%w; %w", failed, unavailable.Reason)}
	}
	if err != nil {
		return nil, err
	}
	return b, s.createWith(ctx, o, b)
}

func (s *Server) createWith(ctx context.Context, o Options, b *binary) error {
	if err := s.record(b); err != nil {
		return err
	}
	o.Log.Info("creating the embedded database", "dir", o.Dir, "server", b.version.String())
	maker := b
	if o.Disposable || o.quickInit {
		maker = b.unsynced()
	}
	if err := maker.initialize(ctx, o); err != nil {
		return fmt.Errorf("creating the data directory with %s: %w", b.version, err)
	}
	return nil
}

// record writes down what the data is used by, before the data appears under its name: data without
// a record never exists.
func (s *Server) record(b *binary) error {
	s.state.Engine, s.state.Version = b.version.engine, b.version.number
	return s.state.write(s.dir)
}

// ready waits until the server answers and the database exists. Crash recovery may take its time,
// so only ctx and the server's own end set limits.
func (s *Server) ready(ctx context.Context) error {
	cfg := s.config()
	cfg.DBName = ""
	cfg.Logger = &mysql.NopLogger{} // a refused connection is what we wait through
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	patience := time.AfterFunc(5*time.Second, func() {
		s.log.Info("still waiting for the database server", "log", filepath.Join(s.dir, "server.log"))
	})
	defer patience.Stop()
	for {
		_, err := db.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS "+Database+" CHARACTER SET utf8mb4")
		if err == nil {
			return nil
		}
		var refused *mysql.MySQLError
		if errors.As(err, &refused) && refused.Number != errTooManyConnections && refused.Number != errShutdown {
			return err
		}
		alive, aliveErr := serverAlive(s.dir)
		if aliveErr != nil {
			return aliveErr
		}
		if !alive {
			return fmt.Errorf("the server ended while starting: %s", logTail(filepath.Join(s.dir, "server.log")))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the server: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

const (
	errTooManyConnections = 1040
	errShutdown           = 1053
)

// DSN returns the go-sql-driver DSN of [Database] over the server's unix socket, with full rights
// and no parameters set.
func (s *Server) DSN() string { return s.config().FormatDSN() }

func (s *Server) config() *mysql.Config { return config(s.state.Socket) }

func config(socket string) *mysql.Config {
	cfg := mysql.NewConfig()
	cfg.User = "root"
	cfg.Net = "unix"
	cfg.Addr = socket
	cfg.DBName = Database
	return cfg
}

// Version returns the running server's name and version, such as "MariaDB 10.11.18".
func (s *Server) Version() string { return s.state.version().String() }

// Close gives the share back; the last one stops the server and waits for its end. Closing twice is
// harmless.
func (s *Server) Close() error {
	s.closeOnce.Do(func() {
		if err := s.close(); err != nil {
			s.closeErr = fmt.Errorf("stopping the embedded database in %s: %w", s.dir, err)
		}
	})
	return s.closeErr
}

func (s *Server) close() error {
	s.stopWatch()
	s.watch.Wait()
	defer s.users.close()
	control, err := lockExclusive(context.Background(), filepath.Join(s.dir, "control.lock"))
	if err != nil {
		return err
	}
	defer control.close()
	last, err := s.users.tryExclusive()
	if err != nil || !last {
		return err
	}
	if err := stopServer(s.dir, s.state.Disposable); err != nil {
		return err
	}
	if s.state.Disposable {
		if err := wipe(s.dir); err != nil {
			return err
		}
	}
	if folder := filepath.Dir(s.state.Socket); folder != s.dir { // where earlier versions had it
		return os.RemoveAll(folder) // socketPath makes it again
	}
	return nil
}

// wipe deletes the data but not the locks: another program may be waiting for them.
func wipe(dir string) error {
	if err := removeInit(dir); err != nil {
		return err
	}
	// The record goes last: until then the directory is known to be disposable.
	for _, name := range []string{"data", "tmp", "run", "server.pid", "server.log", "server.log.old", "server.json"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// logTail returns what explains a server's end: its last errors, else its last lines.
func logTail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var wrong []string
	for _, line := range lines {
		if strings.Contains(line, "[ERROR]") || strings.Contains(line, "error while loading") {
			wrong = append(wrong, line)
		}
	}
	if len(wrong) > 0 {
		lines = wrong
	}
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	return strings.Join(lines, "; ") + " (see " + path + ")"
}
