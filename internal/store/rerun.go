package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"github.com/go-sql-driver/mysql"
)

// A migration that was interrupted is run again from its first statement, since neither server can
// roll back data definition. Each statement is atomic on both (MariaDB from 10.6, MySQL from 8.0),
// one ALTER with several changes too: where it finds what it makes, or misses what it removes, the
// interrupted run has done all of it. MySQL has no IF NOT EXISTS for columns and keys, hence not in
// the files.

// rerunnable marks the context of migrations.
type rerunnable struct{}

// The servers' errors of a statement that has been run before.
const (
	tableExists   = 1050
	noTableToDrop = 1051
	columnExists  = 1060
	keyExists     = 1061
	nothingToDrop = 1091
)

// execute runs a statement; one of a migration succeeds, too, where it has been run before.
func (c *conn) execute(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	result, err := c.driverConn.ExecContext(ctx, query, args)
	var refused *mysql.MySQLError
	if ctx.Value(rerunnable{}) == nil || !errors.As(err, &refused) {
		return result, err
	}
	switch refused.Number {
	case tableExists:
		return driver.RowsAffected(0), c.sameTable(ctx, query)
	case columnExists, keyExists, nothingToDrop, noTableToDrop:
		return driver.RowsAffected(0), nil
	}
	return result, err
}

var (
	createTable = regexp.MustCompile(`^\s*CREATE TABLE (\w+) \(`)
	// Columns are lower case at the beginning of a line, keys upper case.
	createColumn = regexp.MustCompile("(?m)^\\s+`?([a-z_]+)`? +[A-Z]")
)

// sameTable returns an error unless the table that a CREATE TABLE finds has that statement's
// columns: a database may hold tables of somebody else under the same names.
func (c *conn) sameTable(ctx context.Context, create string) error {
	name := createTable.FindStringSubmatch(create)
	if name == nil {
		return errors.New("a migration makes a table in a way that cannot be run again")
	}
	var want []string
	for _, m := range createColumn.FindAllStringSubmatch(create, -1) {
		want = append(want, m[1])
	}
	rows, err := c.QueryContext(ctx, "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '"+
		name[1]+"' ORDER BY ordinal_position", nil)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	var have []string
	value := make([]driver.Value, 1)
	for err = rows.Next(value); err == nil; err = rows.Next(value) {
		switch v := value[0].(type) {
		case []byte:
			have = append(have, string(v))
		case string:
			have = append(have, v)
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	if !slices.Equal(have, want) {
		return fmt.Errorf("the database has a table %s that is not of this program: use a database of its own", name[1])
	}
	return nil
}
