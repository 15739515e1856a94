package statement_test

import (
	"database/sql"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/statement"
	"example.com/wechatcustomers/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// begin returns a transaction in a database with a table of two columns as key, and a text.
func begin(t *testing.T) *sql.Tx {
	t.Helper()
	db, err := store.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(
		t.Context(),
		"CREATE TABLE x (a INT, b VARBINARY(20), c MEDIUMTEXT, PRIMARY KEY (a, b))",
	); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

func one(t *testing.T, tx *sql.Tx, query string, args ...any) (n int64) {
	t.Helper()
	if err := tx.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// sent returns how many statements of a kind (Com_insert, Com_delete_multi) the connection has
// sent.
func sent(t *testing.T, tx *sql.Tx, kind string) (n int) {
	t.Helper()
	var name string
	if err := tx.QueryRowContext(t.Context(), "SHOW SESSION STATUS LIKE '"+kind+"'").Scan(&name, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInsertSendsAllRowsInStatementsOfAGoodSize(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ rows, size, statements int }{
		{0, 1, 0}, {1, 1, 1}, {statement.MaxRows, 1, 1}, {statement.MaxRows + 1, 1, 2}, {2*statement.MaxRows + 7, 1, 3},
		{5, statement.MaxBytes / 2, 3}, {2, statement.MaxBytes + 1, 2},
	} {
		tx := begin(t)
		into := statement.Insert{
			Into:    "x",
			Columns: []string{"a", "b", "c"},
			After:   " ON DUPLICATE KEY UPDATE c = CONCAT('again ', VALUES(c))",
		}
		before := sent(t, tx, "Com_insert")
		long := strings.Repeat("长", x.size/3)
		for range 2 { // it can be used again
			for i := range x.rows {
				into.Add(i, 0)
				into.Add([]byte{0, '\'', '\\', 0xff, byte(i)}, 5)
				into.Add(long, len(long))
				if err := into.Row(t.Context(), tx); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // and what is sent is not sent again
				if err := into.End(t.Context(), tx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n := sent(t, tx, "Com_insert") - before; n != 2*x.statements {
			t.Errorf("%d rows of %d bytes twice: %d statements, want %d", x.rows, x.size, n, 2*x.statements)
		}
		if n := one(
			t,
			tx,
			"SELECT COUNT(*) FROM x WHERE b = CONCAT(x'00275cff', CHAR(a % 256)) AND c = CONCAT('again ', ?)",
			long,
		); n != int64(x.rows) {
			t.Errorf("%d rows of %d bytes: %d are stored", x.rows, x.size, n)
		}
	}
}

func TestInsertAndDeleteReturnTheServersError(t *testing.T) {
	t.Parallel()
	tx := begin(t)
	into := statement.Insert{Into: "x", Columns: []string{"a", "b"}}
	from := statement.Delete{From: "nowhere", Columns: []string{"a"}}
	for range 2 {
		into.Add(1, 0)
		into.Add("b", 1)
		if err := into.Row(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		if err := from.Row(t.Context(), tx, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := into.End(t.Context(), tx); err == nil {
		t.Error("a key was stored twice")
	}
	if err := from.End(t.Context(), tx); err == nil {
		t.Error("something was deleted from nowhere")
	}
}

func TestDeleteTakesTheRowsThatAreNamedAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ rows, statements int }{{0, 0}, {1, 1}, {statement.MaxRows, 1}, {statement.MaxRows + 1, 2}, {2 * statement.MaxRows, 2}} {
		tx := begin(t)
		into := statement.Insert{Into: "x", Columns: []string{"a", "b"}}
		for i := range x.rows + 10 {
			for _, b := range []string{"left", "gone"} {
				into.Add(i, 0)
				into.Add(b, 0)
				if err := into.Row(t.Context(), tx); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := into.End(t.Context(), tx); err != nil {
			t.Fatal(err)
		}
		from := statement.Delete{From: "x", Columns: []string{"a", "b"}}
		before := sent(t, tx, "Com_delete_multi")
		for i := range x.rows {
			if err := from.Row(t.Context(), tx, i, "gone"); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := from.End(t.Context(), tx); err != nil {
				t.Fatal(err)
			}
		}
		if n := sent(t, tx, "Com_delete_multi") - before; n != x.statements {
			t.Errorf("%d rows: %d statements, want %d", x.rows, n, x.statements)
		}
		if n := one(t, tx, "SELECT COUNT(*) FROM x WHERE b = 'gone' AND a >= ?", x.rows); n != 10 {
			t.Errorf("%d rows: of the ten that are not named %d are left", x.rows, n)
		}
		if n := one(t, tx, "SELECT COUNT(*) FROM x"); n != int64(x.rows)+20 {
			t.Errorf("%d rows: %d are left", x.rows, n)
		}
	}
}
