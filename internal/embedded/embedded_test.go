package embedded

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// The test binary, run again with this variable set to a directory, is another program that uses
// its database.
const programVariable = "EMBEDDED_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(programVariable); dir != "" {
		if err := program(dir); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	// The driver's pools find out in the middle of a test that their server was killed; that is no
	// news.
	if err := mysql.SetLogger(&mysql.NopLogger{}); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// program starts the database, says so, and gives its share back when it is told to end or its
// parent is gone.
func program(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	s, err := Start(ctx, options(dir))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	<-ctx.Done()
	return s.Close()
}

// testEngine is as package dbtest has it, which imports this one.
var testEngine = sync.OnceValue(func() Engine {
	if engine := os.Getenv("TEST_ENGINE"); engine != "" {
		return Engine(engine)
	}
	if _, unavailable := errors.AsType[*UnavailableError](Available(context.Background(), MariaDB1011, nil)); unavailable {
		return Default
	}
	return MariaDB1011
})

func options(dir string) Options {
	engine := testEngine()
	return Options{Dir: dir, Engine: engine, BufferPool: 16 << 20, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		quickInit: engine == MySQL97} // ten directories at 10 s and more each
}

// other runs another program on dir and returns when its database is ready.
func other(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), programVariable+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the other program said %q: %v", line, err)
	}
	return cmd
}

// end sends the signal and waits for the program's end.
func end(t *testing.T, cmd *exec.Cmd, sig syscall.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	if sig == syscall.SIGTERM && err != nil {
		t.Fatalf("after SIGTERM: %v", err)
	}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeServer(t, s) })
	return s
}

// crash drops this program's share as a kill would: without stopping anything.
func crash(s *Server) {
	s.closeOnce.Do(func() {
		s.stopWatch()
		s.watch.Wait()
		s.users.close()
	})
}

func closeServer(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// note writes the word; notes reads what was written.
func note(t *testing.T, dsn, word string) {
	t.Helper()
	db := open(t, dsn)
	for _, query := range []string{"CREATE TABLE IF NOT EXISTS notes (word VARCHAR(40) PRIMARY KEY)", "INSERT INTO notes VALUES ('" + word + "')"} {
		if _, err := db.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
}

func notes(t *testing.T, dsn string) string {
	t.Helper()
	var words string
	if err := open(t, dsn).QueryRowContext(t.Context(), "SELECT GROUP_CONCAT(word ORDER BY word) FROM notes").Scan(&words); err != nil {
		t.Fatal(err)
	}
	return words
}

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func running(t *testing.T, dir string) bool {
	t.Helper()
	alive, err := serverAlive(dir)
	if err != nil {
		t.Fatal(err)
	}
	return alive
}

func pid(t *testing.T, dir string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "server.pid"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// killServer kills the server and returns when it is gone, or another has come in its place.
func killServer(t *testing.T, dir string) {
	t.Helper()
	killed := pid(t, dir)
	p, err := os.FindProcess(killed)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Minute)
	for running(t, dir) {
		if text, _ := os.ReadFile(filepath.Join(dir, "server.pid")); strings.TrimSpace(string(text)) != strconv.Itoa(killed) {
			return
		}
		if time.Now().After(until) {
			t.Fatal("it does not end")
		}
	}
}

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, options(dir))
	if !s.state.version().is(options(dir).Engine) {
		t.Errorf("got %s for %s", s.Version(), options(dir).Engine)
	}
	note(t, s.DSN(), "kept")
	closeServer(t, s)
	if running(t, dir) {
		t.Fatal("the server is still running after the last Close")
	}
	if got := notes(t, start(t, options(dir)).DSN()); got != "kept" {
		t.Errorf("after a restart: %q", got)
	}
}

func TestTheLastOfTwoProgramsStopsTheServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one := other(t, dir)
	first := pid(t, dir)
	two := other(t, dir)
	s := start(t, options(dir))
	if got := pid(t, dir); got != first {
		t.Fatalf("server %d was replaced by %d", first, got)
	}
	closeServer(t, s)
	end(t, one, syscall.SIGTERM) // the one that started the server
	note(t, s.DSN(), "still there")
	end(t, two, syscall.SIGTERM)
	if running(t, dir) {
		t.Fatal("the server outlived its last user")
	}
}

func TestAKilledProgramsServerIsTakenOver(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killed := other(t, dir)
	first := pid(t, dir)
	end(t, killed, syscall.SIGKILL)
	if !running(t, dir) {
		t.Fatal("the server died with the program")
	}
	s := start(t, options(dir))
	if got := pid(t, dir); got != first {
		t.Errorf("server %d was replaced by %d", first, got)
	}
	note(t, s.DSN(), "x")
	closeServer(t, s)
	if running(t, dir) {
		t.Error("the server outlived its last user")
	}
}

func TestAKilledServerComesBackWithItsData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, options(dir))
	note(t, s.DSN(), "committed")
	killServer(t, dir)
	again := start(t, options(dir))
	for _, dsn := range []string{again.DSN(), s.DSN()} {
		if got := notes(t, dsn); got != "committed" {
			t.Errorf("after the server was killed: %q", got)
		}
	}
	closeServer(t, s)
	note(t, again.DSN(), "one user left")
	closeServer(t, again)
	if running(t, dir) {
		t.Error("the server outlived its last user")
	}
}

func TestProgramAndServerKilledTogetherLeaveTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	killed := other(t, dir)
	s := start(t, options(dir))
	note(t, s.DSN(), "committed")
	end(t, killed, syscall.SIGKILL)
	crash(s)
	killServer(t, dir)
	// What is left is what a machine leaves that lost its power: a socket, a pid file, no locks. After
	// the next boot the number in MySQL's lock of the socket is another process's: here this one's
	// parent.
	if err := os.WriteFile(s.state.Socket+".lock", []byte(strconv.Itoa(os.Getppid())+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := notes(t, start(t, options(dir)).DSN()); got != "committed" {
		t.Errorf("after both were killed: %q", got)
	}
}

// answers waits until the server of dsn does.
func answers(t *testing.T, dsn string) {
	t.Helper()
	db := open(t, dsn)
	until := time.Now().Add(time.Minute)
	for {
		err := db.PingContext(t.Context())
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

func TestAServerThatEndsIsStartedAgainWhoeverStartedIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := options(dir)
	var log logged
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	other(t, dir) // both watch: one starts it, the other finds it running
	s := start(t, o)
	note(t, s.DSN(), "committed")
	for range 2 {
		killServer(t, dir)
		answers(t, s.DSN())
		if got := notes(t, s.DSN()); got != "committed" {
			t.Errorf("after the server was killed: %q", got)
		}
	}
	if !strings.Contains(log.String(), `level=ERROR msg="the embedded database has ended: it is started again"`) {
		t.Errorf("the log says\n%s", log.String())
	}
}

// logged is a log that can be read while it is written.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestANewerServerTakesTheDataOnlyWhenToldTo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, options(dir))
	note(t, s.DSN(), "kept")
	old := s.state
	closeServer(t, s)
	old.Version = "5.5.1" // as if an older server had made it
	if err := old.write(dir); err != nil {
		t.Fatal(err)
	}
	o := options(dir)
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "5.5.1, which would not open it any more") || !strings.Contains(err.Error(), "back the folder up and run upgrade-database") {
		t.Fatalf("got %v", err)
	}
	if kept, err := readState(dir); err != nil || kept.Version != "5.5.1" {
		t.Errorf("the refusal changed the record: %+v %v", kept, err)
	}
	o.Upgrade = true
	up := start(t, o)
	if got := notes(t, up.DSN()); got != "kept" {
		t.Errorf("after the upgrade: %q", got)
	}
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "stop them first") {
		t.Errorf("an upgrade while others use it: %v", err)
	}
	closeServer(t, up)
	if got := notes(t, start(t, options(dir)).DSN()); got != "kept" {
		t.Errorf("after that: %q", got)
	}
}

func TestProgramsStartingTogetherShareOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var all sync.WaitGroup
	pids := make([]int, 4)
	for i := range pids {
		all.Go(func() {
			s, err := Start(t.Context(), options(dir))
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { closeServer(t, s) })
			pids[i] = pid(t, dir)
		})
	}
	all.Wait()
	for _, got := range pids {
		if got != pids[0] {
			t.Fatalf("servers %v", pids)
		}
	}
}

func TestADirectoryTooLongForASocketWorksAndIsShared(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 30), "at@home")
	s := start(t, options(dir))
	note(t, s.DSN(), "far away")
	if got := notes(t, start(t, options(dir)).DSN()); got != "far away" {
		t.Errorf("joined: %q", got)
	}
	info, err := os.Stat(filepath.Dir(s.state.Socket))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder has mode %v", info.Mode())
	}
}

// Who can reach the socket is root of the database, without a password.
func TestOthersCannotReachTheSocketInADirectoryThatTheyCanEnter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := start(t, options(dir))
	sockets := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.Type() != os.ModeSocket {
			return err
		}
		sockets++
		info, err := os.Stat(filepath.Dir(path))
		if err == nil && info.Mode().Perm() != 0o700 {
			t.Errorf("%s is in a folder of mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil || sockets == 0 {
		t.Errorf("%d sockets were found: %v", sockets, err)
	}
	note(t, s.DSN(), "x")
	// A server of an earlier version, whose socket is in the directory itself, is joined there.
	old := filepath.Join(dir, "server.sock")
	if err := os.Rename(s.state.Socket, old); err != nil {
		t.Fatal(err)
	}
	earlier := s.state
	earlier.Socket = old
	if err := earlier.write(dir); err != nil {
		t.Fatal(err)
	}
	joined := start(t, options(dir))
	if got := notes(t, joined.DSN()); got != "x" {
		t.Errorf("joined: %q", got)
	}
	closeServer(t, s)
	closeServer(t, joined)
	note(t, start(t, options(dir)).DSN(), "y")
}

func TestWithoutAServerAndAptTheErrorSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	o := options(t.TempDir())
	o.Engine = MariaDB1011 // no installed one will do
	o.Cache = t.TempDir()
	_, err := Start(t.Context(), o)
	if _, ok := errors.AsType[*UnavailableError](err); !ok {
		t.Fatalf("not an UnavailableError: %v", err)
	}
	for _, word := range []string{"install mariadb-server", "DATABASE_DSN", "apt"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in: %v", word, err)
		}
	}
}

func TestAnInstalledServerThatCannotMakeTheDataIsPassedOver(t *testing.T) {
	bin := t.TempDir()
	const script = "#!/bin/sh\ncase \"$*\" in\n*--version*) echo 'mysqld  Ver 99.1.0 for Linux';;\n*) echo '[ERROR] AppArmor' >&2; exit 1;;\nesac\n"
	if err := os.WriteFile(filepath.Join(bin, "mariadbd"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	o := options(t.TempDir())
	o.Engine = Default
	var log strings.Builder
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	s := start(t, o)
	if note(t, s.DSN(), "x"); s.state.Version == "99.1.0" {
		t.Error("the server that cannot runs")
	}
	if !strings.Contains(log.String(), `level=WARN msg="an installed database server is of no use" server="MySQL 99.1.0"`) || !strings.Contains(log.String(), "AppArmor") {
		t.Errorf("the log says: %s", log.String())
	}
	if len(installed(t.Context())) > 1 {
		t.Log("not tried: an installed server can always make the data here")
		return
	}
	t.Setenv("PATH", bin)
	o.Dir, o.Cache = t.TempDir(), t.TempDir()
	_, err := Start(t.Context(), o)
	if _, ok := errors.AsType[*UnavailableError](err); !ok || !strings.Contains(err.Error(), "AppArmor") || !strings.Contains(err.Error(), "apt") {
		t.Errorf("with no other server: %v", err)
	}
}

func TestWhereNoServerCanRunTheErrorDoesNotSayToInstallOne(t *testing.T) {
	t.Parallel()
	got := (&UnavailableError{unsupportedError("windows")}).Error()
	if want := "the embedded database runs on Linux and macOS, and this is windows: set DATABASE_DSN to a MariaDB or MySQL database"; got != want {
		t.Errorf("got %q", got)
	}
}

func TestDataOfAnotherServerIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, options(dir))
	mine := s.state
	closeServer(t, s)
	foreign := []state{{Engine: "mariadb", Version: "99.1.0"}, {Engine: "mysql", Version: "8.0.40"}}
	if mine.Engine == "mysql" {
		foreign[1] = state{Engine: "mariadb", Version: "10.6.1"}
	}
	for _, f := range foreign {
		f.Socket = mine.Socket
		if err := f.write(dir); err != nil {
			t.Fatal(err)
		}
		_, err := Start(t.Context(), options(dir))
		if err == nil || !strings.Contains(err.Error(), f.version().String()) || !strings.Contains(err.Error(), mine.version().String()) {
			t.Errorf("data of %s opened with %s: %v", f.version(), mine.version(), err)
		}
		if running(t, dir) {
			t.Error("a server runs on data it cannot read")
		}
	}
}

func TestADisposableServerStartsEmptyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := options(dir)
	o.Disposable = true
	s := start(t, o)
	note(t, s.DSN(), "gone")
	// A crashed test run: the server stays, the users are gone.
	crash(s)
	s = start(t, o)
	var tables int
	if err := open(t, s.DSN()).QueryRow("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(&tables); err != nil {
		t.Fatal(err)
	}
	if tables != 0 {
		t.Errorf("%d tables of the crashed run", tables)
	}
	closeServer(t, s)
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("data is left: %v", err)
	}
}

func TestADisposableStartNeverDeletesLastingData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, options(dir))
	note(t, s.DSN(), "precious")
	closeServer(t, s)
	o := options(dir)
	o.Disposable = true
	if _, err := Start(t.Context(), o); err == nil {
		t.Fatal("a disposable server started on lasting data")
	}
	if got := notes(t, start(t, options(dir)).DSN()); got != "precious" {
		t.Errorf("afterwards: %q", got)
	}
}

func TestACancelledStartLeavesNoServerAndNoHalfMadeData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	o := options(dir)
	// The directory is created after the line that announces it.
	o.Log = slog.New(slog.NewTextHandler(writerFunc(func() { cancel() }), nil))
	if s, err := Start(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("started %v: %v", s, err)
	}
	if running(t, dir) {
		t.Error("a server is left")
	}
	note(t, start(t, options(dir)).DSN(), "fine")
}

type writerFunc func()

func (f writerFunc) Write(p []byte) (int, error) { f(); return len(p), nil }
