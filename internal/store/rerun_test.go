package store

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/dbtest"
)

// schema returns the tables as the server shows them.
func schema(t *testing.T, dsn string) (tables []string) {
	t.Helper()
	db := openAt(t, dsn)
	for _, name := range dump(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name") {
		name = strings.Trim(strings.Fields(name)[0], "[{")
		var same, create string
		if err := db.QueryRowContext(t.Context(), "SHOW CREATE TABLE "+name).Scan(&same, &create); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, regexp.MustCompile(` AUTO_INCREMENT=\d+`).ReplaceAllString(create, ""))
	}
	return tables
}

// A killed program, a killed server and a lost network look the same to the database: a statement
// has been run, and nobody hears of it.
func TestAMigrationThatIsCutOffAfterAnyStatementIsRunAgain(t *testing.T) {
	t.Parallel()
	whole := dbtest.New(t)
	if err := Migrate(t.Context(), openAt(t, whole), nil); err != nil {
		t.Fatal(err)
	}
	dsn := dbtest.New(t)
	w := dbtest.StartWire(t, dsn, nil)
	changes := regexp.MustCompile(`^\s*(CREATE|ALTER|DROP|INSERT|COMMIT)\b`)
	seen, before := map[string]bool{}, ""
	w.CutAfter(func(query string) bool {
		if query == "COMMIT" {
			query += before // they are all alike
		}
		before = query
		first := changes.MatchString(query) && !seen[query]
		if first {
			seen[query] = true
		}
		return first
	})
	cut := 0
	for {
		err := Migrate(t.Context(), openAt(t, w.DSN), nil)
		if err == nil {
			break
		}
		if strings.Contains(err.Error(), "Error ") {
			t.Fatalf("after %d cuts the server refuses: %v", cut, err)
		}
		if cut++; cut > 100 {
			t.Fatal("it gets nowhere")
		}
		w.Cut()
		w.Mend(t)
	}
	if cut < 25 {
		t.Errorf("it was cut off %d times only", cut)
	}
	if err := Ready(t.Context(), openAt(t, dsn)); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(schema(t, whole), schema(t, dsn)); diff != "" {
		t.Errorf("the tables differ from those of an undisturbed migration:\n%s", diff)
	}
}

// What the first version's program, which could not go on, left behind.
func TestADatabaseLeftHalfMadeIsHealed(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"an empty table of versions": {"DELETE FROM goose_db_version"},
		"no version of the first":    {"DELETE FROM goose_db_version WHERE version_id > 0"},
		"a part of the tables":       {"DELETE FROM goose_db_version WHERE version_id > 0", "DROP TABLE follow_tags", "DROP TABLE follows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := open(t)
			p, err := provider(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.UpTo(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			for _, s := range statements {
				exec(t, db, s)
			}
			if err := Migrate(t.Context(), db, nil); err != nil {
				t.Fatal(err)
			}
			if err := Ready(t.Context(), db); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnotherProgramsTablesAreNotTaken(t *testing.T) {
	t.Parallel()
	db := open(t)
	exec(t, db, "CREATE TABLE tags (id INT PRIMARY KEY, label TEXT)")
	err := Migrate(t.Context(), db, nil)
	if err == nil || !strings.Contains(err.Error(), "a table tags that is not of this program: use a database of its own") {
		t.Errorf("got %v", err)
	}
	if got := dump(t, db, "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'tags'"); got[0] != texts("2") {
		t.Errorf("the table has %s columns", got)
	}
}

func TestMigrateRefusesANewerProgramsDatabase(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	exec(t, db, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	if err := Migrate(t.Context(), db, nil); err == nil || !strings.Contains(err.Error(), "run the newer program, or restore the backup") {
		t.Errorf("got %v", err)
	}
}
