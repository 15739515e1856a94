package embedded

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// state is server.json: what made the data directory, and where its server listens.
type state struct {
	Engine     string `json:"engine"`  // "mariadb" or "mysql"
	Version    string `json:"version"` // "10.11.18"
	Disposable bool   `json:"disposable"`
	Socket     string `json:"socket"`
}

func (s state) version() version { return version{engine: s.Engine, number: s.Version} }

// readState returns nil when the directory has no record yet.
func readState(dir string) (*state, error) {
	text, err := os.ReadFile(filepath.Join(dir, "server.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
			return nil, errors.New("there is a folder data, but no server.json that says what made it: use another directory")
		}
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(state)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("server.json: %w", err)
	}
	return s, nil
}

func (s state) write(dir string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, "server.json.*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(text, '\n'))
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, "server.json"))
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// version is a server's kind and number.
type version struct {
	engine string // "mariadb" or "mysql"
	number string // "10.11.18"
}

var versionLine = regexp.MustCompile(`Ver (\d+\.\d+\.\d+)`)

// parseVersion reads the line that mariadbd and mysqld print for --version.
func parseVersion(line string) (version, error) {
	m := versionLine.FindStringSubmatch(line)
	if m == nil {
		return version{}, fmt.Errorf("not a version of MariaDB or MySQL: %q", strings.TrimSpace(line))
	}
	engine := "mysql"
	if strings.Contains(line, "MariaDB") {
		engine = "mariadb"
	}
	return version{engine: engine, number: m[1]}, nil
}

// String returns the version as people write it: "MariaDB 10.11.18".
func (v version) String() string {
	if v.engine == "mariadb" {
		return "MariaDB " + v.number
	}
	return "MySQL " + v.number
}

// is reports whether v is of the engine asked for; everything is of the default engine.
func (v version) is(e Engine) bool {
	return e == Default || strings.HasPrefix(v.engine+"-"+v.number+".", string(e)+".")
}

// opens reports whether a server of version v may open data that was last used by old: the same
// kind, and not an older release series (neither MariaDB nor MySQL goes back over one).
func (v version) opens(old version) bool {
	if v.engine != old.engine {
		return false
	}
	a, b := v.series(), old.series()
	return a[0] > b[0] || a[0] == b[0] && a[1] >= b[1]
}

func (v version) series() [2]int {
	var out [2]int
	for i, part := range strings.SplitN(v.number, ".", 3) {
		if i < 2 {
			out[i], _ = strconv.Atoi(part) // digits by versionLine
		}
	}
	return out
}

// A socket's path has 107 bytes on Linux and 103 on macOS.
const maxSocketPath = 103

// socketPath returns where the server of dir listens: in a private folder in dir, or in one of the
// temporary directory when the path is too long for a socket or cannot be written in a DSN.
// Everybody may connect to the socket, as root and without a password, who can reach it: dir itself
// may have been made for others to enter.
func socketPath(dir string) (string, error) {
	sum := sha256.Sum256([]byte(dir))
	name := "wechat-customers-" + hex.EncodeToString(sum[:8])
	for _, folder := range []string{filepath.Join(dir, "run"), filepath.Join(os.TempDir(), name), filepath.Join("/tmp", name)} {
		if socket := filepath.Join(folder, "server.sock"); socketPathFits(socket) {
			return socket, PrivateDir(folder)
		}
	}
	return "", fmt.Errorf("no path short enough for a socket: %s", filepath.Join(dir, "run", "server.sock"))
}

func socketPathFits(socket string) bool {
	if len(socket) > maxSocketPath {
		return false
	}
	back, err := mysql.ParseDSN(config(socket).FormatDSN())
	return err == nil && back.Addr == socket && back.User == "root"
}

// PrivateDir makes sure that dir is a folder that only this user can enter, creating it and its
// parents when missing. In a shared place such as /tmp somebody else may have made the name first:
// that is an error.
func PrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ownedByMe(info) {
		return fmt.Errorf("%s is not a folder that only this user can enter", dir)
	}
	return nil
}
