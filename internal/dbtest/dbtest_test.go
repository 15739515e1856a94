package dbtest

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/embedded"
)

func TestMain(m *testing.M) { Main(m) }

func TestEveryTestHasAnEmptyDatabaseOfItsOwnThatIsDroppedAtItsEnd(t *testing.T) {
	t.Parallel()
	var names []string
	for range 2 {
		t.Run("名字/with spaces and `quotes`", func(t *testing.T) {
			db := open(t, New(t))
			var name string
			var tables int
			if err := db.QueryRow("SELECT DATABASE(), (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE())").Scan(&name, &tables); err != nil {
				t.Fatal(err)
			}
			if tables != 0 {
				t.Errorf("%d tables in a new database", tables)
			}
			if _, err := db.Exec("CREATE TABLE x (id INT)"); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		})
	}
	if len(names) != 2 {
		t.FailNow() // a subtest has said why
	}
	if names[0] == names[1] {
		t.Errorf("two tests got %s", names[0])
	}
	var left int
	if err := open(t, New(t)).QueryRow("SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name IN (?, ?)", names[0], names[1]).Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d of %q are left", left, names)
	}
}

func TestTheServerIsTheEngineAskedFor(t *testing.T) {
	t.Parallel()
	if Engine() == "" {
		t.Skip("none was asked for, and the default one cannot be had: any server will do")
	}
	var version string
	if err := open(t, New(t)).QueryRow("SELECT VERSION()").Scan(&version); err != nil {
		t.Fatal(err)
	}
	engine, number, _ := strings.Cut(Engine(), "-")
	if !strings.HasPrefix(version, number+".") || strings.Contains(version, "MariaDB") != (engine == "mariadb") {
		t.Errorf("%s runs %s", Engine(), version)
	}
}

func TestOnlyWhereNoEngineIsAskedForAnotherOneWillDo(t *testing.T) {
	t.Parallel()
	unavailable := fmt.Errorf("start: %w", &embedded.UnavailableError{Reason: errors.New("no network")})
	for _, x := range []struct {
		asked string
		err   error
		want  embedded.Engine
	}{
		{"", nil, embedded.MariaDB1011},
		{"", unavailable, embedded.Default},
		{"", errors.New("disk full"), embedded.MariaDB1011}, // starting it says so again
		{"mysql-9.7", unavailable, embedded.MySQL97},
		{"mariadb-10.11", unavailable, embedded.MariaDB1011},
	} {
		if got := choose(x.asked, func(embedded.Engine) error { return x.err }); got != string(x.want) {
			t.Errorf("asked for %q, with %v: %q", x.asked, x.err, got)
		}
	}
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
