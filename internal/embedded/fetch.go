package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// release is a server as a distribution packages it.
type release struct {
	name     string     // of the folder in the cache
	suite    string     // Debian's; empty: whatever the machine's own sources have
	packages [][]string // what to install; the next is tried when one is not known
}

// libeatmydata1 (10 kB) is for disposable servers: see unsynced.
var packaged = map[Engine]release{
	MariaDB1011: {"debian-bookworm-mariadb", "bookworm", [][]string{{"mariadb-server-core", "libeatmydata1"}}},
	MariaDB118:  {"debian-trixie-mariadb", "trixie", [][]string{{"mariadb-server-core", "libeatmydata1"}}},
	MySQL97:     {"debian-sid-mysql", "sid", [][]string{{"mysql-server-core", "mysql-client-core", "libeatmydata1"}}},
}

// ownPackage returns the MariaDB of the machine's own release.
func ownPackage() release {
	id, codename := osRelease("/etc/os-release")
	for _, r := range packaged {
		if id == "debian" && r.name == "debian-"+codename+"-mariadb" {
			return r
		}
	}
	return release{id + "-" + codename + "-mariadb", "", [][]string{
		{"mariadb-server-core"},
		{`^mariadb-server-core-10\.[0-9]+$`}, // as Ubuntu 22.04 and Debian 11 call it
	}}
}

// fetch returns the release's server from the cache, filling it first when need be: apt downloads
// the packages and all they depend on into a folder of its own, as if nothing were installed, and
// dpkg-deb unpacks them. It needs no root, and the server then runs with the libraries it was built
// for, whatever the machine has.
func fetch(ctx context.Context, o Options, r release) (*binary, error) {
	if runtime.GOOS != "linux" {
		return nil, fmt.Errorf("servers are fetched for Linux only, this is %s", runtime.GOOS)
	}
	cache, err := cacheDir(o.Cache)
	if err != nil {
		return nil, err
	}
	name := r.name + "-" + runtime.GOARCH
	tree := filepath.Join(cache, name)
	if b, err := unpacked(ctx, tree); err == nil {
		return b, nil
	}
	l, err := lockExclusive(ctx, tree+".lock")
	if err != nil {
		return nil, err
	}
	defer l.close()
	if b, err := unpacked(ctx, tree); err == nil {
		return b, nil // somebody else fetched it meanwhile
	}
	// What is there is broken (its libraries were deleted, say) or was left by a killed fetch.
	left, err := filepath.Glob(globQuote(tree) + ".tmp-*")
	if err != nil {
		return nil, err
	}
	for _, path := range append(left, tree) {
		if err := os.RemoveAll(path); err != nil {
			return nil, err
		}
	}
	for _, tool := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, errors.New("fetching one takes apt, of Debian or Ubuntu")
		}
	}
	work, err := os.MkdirTemp(cache, name+".tmp-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	began := time.Now()
	o.Log.Info("fetching a database server with apt, once", "packages", strings.Join(r.packages[0], " "), "into", tree)
	if err := download(ctx, work, r); err != nil {
		return nil, fmt.Errorf("fetching %s: %w", r.packages[0][0], err)
	}
	root := filepath.Join(work, "root")
	debs, err := filepath.Glob(filepath.Join(globQuote(work), "cache/archives/*.deb"))
	if err != nil {
		return nil, err
	}
	o.Log.Info("unpacking the database server", "packages", len(debs))
	for _, deb := range debs {
		if out, err := exec.CommandContext(ctx, "dpkg-deb", "-x", deb, root).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w: %s", filepath.Base(deb), err, lastLines(out))
		}
	}
	if _, err := unpacked(ctx, root); err != nil {
		return nil, err
	}
	if err := os.Rename(root, tree); err != nil {
		return nil, err
	}
	b, err := unpacked(ctx, tree)
	if err != nil {
		return nil, err
	}
	o.Log.Info("fetched the database server", "server", b.version.String(), "seconds", int(time.Since(began).Seconds()))
	return b, nil
}

// cacheDir returns the folder for fetched servers, or one in the temporary directory for users
// without a home.
func cacheDir(wanted string) (string, error) {
	if wanted != "" {
		dir, err := filepath.Abs(wanted)
		if err != nil {
			return "", err
		}
		return dir, os.MkdirAll(dir, 0o700)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(dir, "wechat-customers", "servers")
		if os.MkdirAll(dir, 0o700) == nil {
			return dir, nil
		}
	}
	// The server is code that we run: it must not lie where others can put it.
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("wechat-customers-servers-%d", os.Geteuid()))
	return dir, PrivateDir(dir)
}

// unpacked returns the server of an unpacked tree, run by the tree's own loader with the tree's own
// libraries.
func unpacked(ctx context.Context, tree string) (*binary, error) {
	glob := func(patterns ...string) []string {
		var found []string
		for _, pattern := range patterns {
			// The patterns are ours and well formed; a missing path is no error of Glob's.
			more, _ := filepath.Glob(filepath.Join(globQuote(tree), pattern))
			found = append(found, more...)
		}
		return found
	}
	servers := glob("usr/sbin/mariadbd", "usr/sbin/mysqld")
	loaders := glob("usr/lib/*-linux-gnu*/ld-linux*.so.*", "lib/*-linux-gnu*/ld-linux*.so.*", "usr/lib/*-linux-gnu*/ld64.so.*", "lib/*-linux-gnu*/ld64.so.*")
	shares := glob("usr/share/mariadb", "usr/share/mysql")
	if len(servers) == 0 || len(loaders) == 0 || len(shares) == 0 {
		return nil, fmt.Errorf("no server in %s", tree)
	}
	libraries := append(glob("usr/lib/*-linux-gnu*", "lib/*-linux-gnu*"), filepath.Join(tree, "usr/lib"))
	b := &binary{
		command: []string{loaders[0], "--library-path", strings.Join(libraries, ":"), servers[0]},
		share:   shares,
	}
	if found := glob("usr/lib/*-linux-gnu*/libeatmydata.so"); len(found) > 0 {
		b.preload = found[0]
	}
	for _, share := range shares {
		if _, err := os.Stat(filepath.Join(share, "charsets")); err == nil {
			b.args = []string{
				"--basedir=" + filepath.Join(tree, "usr"),
				"--lc-messages-dir=" + share,
				"--character-sets-dir=" + filepath.Join(share, "charsets"),
				"--plugin-dir=" + filepath.Join(tree, "usr/lib/mysql/plugin"),
			}
		}
	}
	return b, b.askVersion(ctx)
}

// download leaves the release's packages and all they need in work/cache/archives.
func download(ctx context.Context, work string, r release) error {
	for _, dir := range []string{"state/lists/partial", "cache/archives/partial", "sources"} {
		if err := os.MkdirAll(filepath.Join(work, dir), 0o700); err != nil {
			return err
		}
	}
	var conf strings.Builder
	set := func(name, value string) { fmt.Fprintf(&conf, "%s %q;\n", name, value) }
	set("Dir::State", filepath.Join(work, "state"))
	set("Dir::State::status", filepath.Join(work, "status")) // empty: so everything is needed
	set("Dir::Cache", filepath.Join(work, "cache"))
	set("Dir::Log", filepath.Join(work, "log"))
	// The machine may have hooks that tidy its real cache, and a user for downloads who cannot enter
	// ours.
	conf.WriteString("#clear APT::Update::Pre-Invoke;\n#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n#clear DPkg::Pre-Install-Pkgs;\n")
	set("APT::Sandbox::User", "")
	set("APT::Install-Recommends", "false")
	set("APT::Get::AllowUnauthenticated", "false")
	set("Acquire::AllowInsecureRepositories", "false")
	set("Acquire::Languages", "none")
	set("Acquire::Retries", "3")
	files := map[string]string{"status": ""}
	if r.suite != "" {
		sources, err := debianSources("/etc/apt", r.suite)
		if err != nil {
			return err
		}
		files["sources/suite.sources"] = sources
		set("Dir::Etc::sourcelist", "/dev/null")
		set("Dir::Etc::sourceparts", filepath.Join(work, "sources"))
		set("Dir::Etc::preferences", "/dev/null") // pins are about the machine's own suites
		set("Dir::Etc::preferencesparts", "/dev/null")
	}
	files["apt.conf"] = conf.String()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	apt := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "apt-get", append([]string{"--config-file=" + filepath.Join(work, "apt.conf"), "-q"}, args...)...)
		cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
		cmd.WaitDelay = 5 * time.Second
		out, err := cmd.CombinedOutput()
		if err != nil && ctx.Err() != nil {
			err = ctx.Err()
		}
		return complaints(out), err
	}
	// A source that cannot be reached is only a warning to apt; whether it mattered shows in the next
	// step.
	warnings, err := apt("update")
	if err != nil {
		return fmt.Errorf("apt-get update: %w: %s", err, warnings)
	}
	for _, packages := range r.packages {
		var out []byte
		out, err = apt(append([]string{"install", "--yes", "--download-only"}, packages...)...)
		if err == nil {
			return nil
		}
		err = fmt.Errorf("apt-get install --download-only %s: %w: %s", strings.Join(packages, " "), err, bytes.Join([][]byte{out, warnings}, []byte("; ")))
	}
	return err
}

// complaints returns apt's errors and warnings.
func complaints(out []byte) []byte {
	var kept [][]byte
	for line := range bytes.Lines(out) {
		if line := bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("E: ")) || bytes.HasPrefix(line, []byte("W: ")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, []byte("; "))
}
