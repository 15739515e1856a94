package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// binary is a server that can be run on this machine.
type binary struct {
	version version
	command []string // the program, preceded by its loader when it comes from another release
	args    []string // where its own files are, when they are not where it was built to look
	share   []string // folders that may have the SQL files which make MariaDB's system tables
	preload string   // a library that makes fsync do nothing; empty when there is none
}

// unsynced returns b run in such a way that it never waits for the disk: what it has written
// survives the end of the process, but not of the machine. Making MySQL's system tables takes 3 s
// so, and 10 to 40 s on a busy disk.
func (b *binary) unsynced() *binary {
	if b.preload == "" {
		return b
	}
	fast := *b
	fast.command = append([]string{b.command[0], "--preload", b.preload}, b.command[1:]...)
	return &fast
}

// UnavailableError says that no database server could be found or fetched.
type UnavailableError struct{ Reason error }

// unsupportedError is the operating system on which no server can be run.
type unsupportedError string

func (goos unsupportedError) Error() string {
	return "the embedded database runs on Linux and macOS, and this is " + string(goos)
}

// Error is one sentence that says what to do.
func (e *UnavailableError) Error() string {
	if goos, unsupported := errors.AsType[unsupportedError](e.Reason); unsupported {
		return goos.Error() + ": set DATABASE_DSN to a MariaDB or MySQL database"
	}
	return "no database server of this machine can be used and none could be fetched: install mariadb-server, or set DATABASE_DSN to a MariaDB or MySQL database (" +
		e.Reason.Error() + ")"
}

// Unwrap returns the reason.
func (e *UnavailableError) Unwrap() error { return e.Reason }

// findServer returns a server of the engine asked for that may have the data kept in the directory:
// one of the same release series, or a newer one where o.Upgrade says so.
func findServer(ctx context.Context, o Options, kept *state) (*binary, error) {
	fits := func(b *binary) error {
		old := kept.version()
		switch {
		case !b.version.opens(old):
			return fmt.Errorf("the data was made by %s and %s cannot open it: use another directory, or install %s or a newer release of it", old, b.version, old)
		case b.version.series() != old.series() && !o.Upgrade:
			return fmt.Errorf("the data was made by %s, which would not open it any more once %s has: install %s, or back the folder up and run upgrade-database",
				old, b.version, old)
		}
		return nil
	}
	var unfit error
	if o.Engine == Default {
		for _, b := range installed(ctx) {
			err := fits(b)
			if err == nil {
				return b, nil
			}
			if unfit == nil {
				unfit = err
			}
		}
		if !o.Upgrade {
			// What Debian has packaged of the data's own series, whatever this machine's release is.
			for engine := range packaged {
				if kept.version().is(engine) {
					o.Engine = engine
				}
			}
		}
	}
	b, err := fetched(ctx, o)
	switch {
	case err == nil:
		return b, fits(b)
	case unfit != nil:
		return nil, unfit
	default:
		return nil, err
	}
}

// fetched returns the packaged server of the engine asked for.
func fetched(ctx context.Context, o Options) (*binary, error) {
	r, named := packaged[o.Engine]
	if !named {
		r = ownPackage()
	}
	b, err := fetch(ctx, o, r)
	if err == nil && !b.version.is(o.Engine) {
		err = fmt.Errorf("the packages of %s contain %s", o.Engine, b.version)
	}
	if err != nil {
		return nil, &UnavailableError{err}
	}
	return b, nil
}

// Available returns nil where the packages of an engine are in the cache or could be fetched into
// it, and else an [*UnavailableError].
func Available(ctx context.Context, e Engine, log *slog.Logger) error {
	o := Options{Dir: ".", Engine: e, Log: log}
	if err := o.complete(); err != nil {
		return err
	}
	_, err := fetched(ctx, o)
	return err
}

// installed returns the machine's own servers, MariaDB first: it is what everything is tried on
// most.
func installed(ctx context.Context) []*binary {
	folders := filepath.SplitList(os.Getenv("PATH"))
	// Where servers are installed, but PATH seldom goes, least of all without root.
	folders = append(folders, "/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/libexec", "/usr/local/mysql/bin",
		"/opt/homebrew/bin", "/opt/homebrew/opt/mariadb/bin")
	var found []*binary
	seen := make(map[string]bool)
	for _, name := range []string{"mariadbd", "mysqld"} {
		for _, folder := range folders {
			if !filepath.IsAbs(folder) {
				continue
			}
			path, err := filepath.EvalSymlinks(filepath.Join(folder, name))
			if err != nil || seen[path] {
				continue
			}
			seen[path] = true
			prefix := filepath.Dir(filepath.Dir(path))
			b := &binary{command: []string{path}, share: []string{
				filepath.Join(prefix, "share/mariadb"), filepath.Join(prefix, "share/mysql"), filepath.Join(prefix, "share"),
				"/usr/share/mariadb", "/usr/share/mysql",
			}}
			if b.askVersion(ctx) != nil {
				continue
			}
			if _, err := b.systemTables(); b.version.engine == "mariadb" && err != nil {
				continue
			}
			found = append(found, b)
		}
	}
	return found
}

func (b *binary) run(ctx context.Context, args ...string) *exec.Cmd {
	all := append([]string{}, b.command[1:]...)
	all = append(all, "--no-defaults") // first, or it is not heard: the machine's my.cnf is about another server
	all = append(all, b.args...)
	all = append(all, args...)
	cmd := exec.CommandContext(ctx, b.command[0], all...)
	// The program's environment holds secrets and settings that are none of the server's business.
	cmd.Env = []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "TMPDIR", "LD_LIBRARY_PATH"} {
		if value, set := os.LookupEnv(name); set {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

func (b *binary) askVersion(ctx context.Context) error {
	out, err := b.run(ctx, "--version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s --version: %w: %s", b.command[len(b.command)-1], err, lastLines(out))
	}
	b.version, err = parseVersion(string(out))
	return err
}

// systemTables returns the SQL that makes MariaDB's own tables, as mariadb-install-db feeds it,
// without the accounts of this host's name: the server hears a socket only.
func (b *binary) systemTables() ([]byte, error) {
	for _, folder := range b.share {
		for _, brand := range []string{"mariadb", "mysql"} {
			sql := []byte("CREATE DATABASE mysql;\nUSE mysql;\n")
			complete := true
			for _, name := range []string{
				brand + "_system_tables.sql", brand + "_performance_tables.sql", brand + "_system_tables_data.sql", "maria_add_gis_sp_bootstrap.sql",
			} {
				text, err := os.ReadFile(filepath.Join(folder, name))
				if err != nil {
					complete = false
					break
				}
				for line := range bytes.Lines(text) {
					if !bytes.Contains(line, []byte("@current_hostname")) {
						sql = append(sql, line...)
					}
				}
				sql = append(sql, '\n')
			}
			if complete {
				return sql, nil
			}
		}
	}
	return nil, fmt.Errorf("%s comes without the files of its system tables (mariadb_system_tables.sql)", b.version)
}

// initialize makes o.Dir/data. It appears under its name complete or not at all.
func (b *binary) initialize(ctx context.Context, o Options) error {
	if err := removeInit(o.Dir); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.Dir, initPrefix)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(o.Dir, initPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // or the next start's removeInit does
	args := append(userArgs(), "--datadir="+dir, "--tmpdir="+tmp, "--secure-file-priv="+tmp)
	var cmd *exec.Cmd
	if b.version.engine == "mariadb" {
		sql, err := b.systemTables()
		if err != nil {
			return err
		}
		cmd = b.run(ctx, append(args, "--bootstrap", "--skip-networking", "--innodb-buffer-pool-size=16M", "--max-allowed-packet=16M", "--net-buffer-length=16K")...)
		cmd.Stdin = bytes.NewReader(sql)
	} else {
		cmd = b.run(ctx, append(args, "--initialize-insecure", "--innodb-buffer-pool-size=16M", "--innodb-flush-method=fsync")...)
	}
	cmd.Dir = o.Dir
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return errors.Join(fmt.Errorf("%w: %s", err, lastLines(out)), os.RemoveAll(dir))
	}
	return os.Rename(dir, filepath.Join(o.Dir, "data"))
}

const initPrefix = "data.init-"

// removeInit deletes what a killed initialisation left.
func removeInit(dir string) error {
	left, err := filepath.Glob(filepath.Join(globQuote(dir), initPrefix+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	return nil
}

var globQuote = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace

// spawn starts the server on o.Dir/data.
func (b *binary) spawn(o Options, socket string) error {
	log := filepath.Join(o.Dir, "server.log")
	if err := os.Rename(log, log+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()

	// Of its own: MariaDB deletes other servers' temporary tables from a shared one when it starts.
	tmp := filepath.Join(o.Dir, "tmp")
	if err := errors.Join(os.RemoveAll(tmp), os.Mkdir(tmp, 0o700)); err != nil {
		return err
	}
	args := append(userArgs(),
		"--datadir="+filepath.Join(o.Dir, "data"),
		"--tmpdir="+tmp,
		"--secure-file-priv="+tmp, // SQL reads and writes no other files; MySQL's default is a folder that need not exist
		"--socket="+socket,
		"--pid-file="+filepath.Join(o.Dir, "server.pid"),
		"--skip-networking",
		"--skip-log-bin",
		"--character-set-server=utf8mb4",
		"--performance-schema=OFF", // half of MySQL's memory, and nobody looks
		"--max-allowed-packet=64M",
		fmt.Sprintf("--max-connections=%d", o.MaxConnections),
		fmt.Sprintf("--innodb-buffer-pool-size=%d", o.BufferPool),
	)
	if b.version.engine == "mysql" {
		args = append(args, "--mysqlx=OFF") // it has a port and a socket of its own
	}
	if o.Disposable {
		args = append(args, "--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=OFF", "--innodb-flush-method=fsync",
			"--innodb-use-native-aio=OFF") // its kernel-wide slots run out when many test servers run
	} else {
		args = append(args, "--innodb-flush-log-at-trx-commit=1")
	}
	cmd := b.run(context.Background(), args...)
	cmd.Dir = o.Dir
	cmd.Stdout, cmd.Stderr = out, out
	return startServer(o.Dir, socket, cmd)
}

// userArgs allow root to run the server: it refuses unless told that this is meant.
func userArgs() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func lastLines(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	return strings.Join(lines, "; ")
}
