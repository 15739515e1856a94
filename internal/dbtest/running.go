package dbtest

import (
	"database/sql"
	"errors"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// MySQL cannot show its list while any statement in it, of whichever database, holds bytes that are
// no text (Error 3854, ER_CANNOT_CONVERT_STRING).
const cannotConvert = 3854

// Running returns how many statements that contain text the server executes for the database of db,
// its own asking not among them.
func Running(t testing.TB, db *sql.DB, text string) (n int) {
	t.Helper()
	for {
		err := db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM information_schema.processlist
			WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE CONCAT('%', ?, '%')`, text).Scan(&n)
		if refused, ok := errors.AsType[*mysql.MySQLError](err); ok && refused.Number == cannotConvert {
			continue // that statement ends
		}
		if err != nil {
			t.Fatalf("dbtest: %v", err)
		}
		return n
	}
}
