package writer

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The statements over many rows, which sqlc cannot express: they differ in the number of rows only, and every value is a placeholder. Names come from tables.go.

// What one statement may hold. The servers take 16 MB at least, and escaping can double a text; beyond some hundred rows a statement gains nothing.
const (
	maxRows  = 500
	maxBytes = 2 << 20
)

// Scan reads a column of a result; it makes Value an sql.Scanner.
func (v *Value) Scan(from any) error {
	switch x := from.(type) {
	case nil:
		*v = Value{Is: Null}
	case int64:
		*v = Int(x)
	case uint64:
		*v = Int(int64(x)) // ids are bounded by maxID
	case []byte:
		*v = Text(string(x))
	case string:
		*v = Text(x)
	default:
		return fmt.Errorf("a column of %T", from)
	}
	return nil
}

// arg returns the value as an argument of a statement.
func (v *Value) arg(t Type) any {
	switch {
	case v.Is != Present:
		return nil
	case t.Number():
		return v.Int
	default:
		return v.Text
	}
}

// read returns rows of a table as values of all its columns; where is what follows FROM and the table's name.
func (t *table) read(ctx context.Context, tx *sql.Tx, where string, args []any) ([][]Value, error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(t.sql, ", ")+" FROM "+t.name+" "+where, args...) //nolint:gosec // names of our own tables; values are placeholders
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all [][]Value
	into := make([]any, len(t.stored))
	for rows.Next() {
		row := make([]Value, len(t.columns))
		for i, c := range t.stored {
			into[i] = &row[c]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, c := range t.stored {
			// A number comes as text where the driver has no type for it.
			if v := &row[c]; v.Is == Present && t.columns[c].Type.Number() && v.Text != "" {
				n, err := strconv.ParseInt(v.Text, 10, 64)
				if err != nil {
					return nil, err
				}
				*v = Int(n)
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

// readByKey returns the rows of one enterprise that have these keys.
func (t *table) readByKey(ctx context.Context, tx *sql.Tx, business int64, keys []key) (all [][]Value, err error) {
	for chunk := range slices.Chunk(keys, maxRows) {
		where, args := t.haveKeys(business, chunk)
		rows, err := t.read(ctx, tx, where, args)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

func (t *table) haveKeys(business int64, keys []key) (where string, args []any) {
	args = []any{business}
	where = "FORCE INDEX (" + t.byKey + ") WHERE " + t.sqlName(t.business) + " = ?"
	switch len(t.key) {
	case 1:
		where += " AND " + t.sqlName(t.key[0]) + " IN (?" + strings.Repeat(",?", len(keys)-1) + ")"
		for _, k := range keys {
			args = append(args, k.a)
		}
	case 2:
		// Both servers see one range per pair in this form; not in (a, b) IN ((?, ?), …).
		pair := "(" + t.sqlName(t.key[0]) + " = ? AND " + t.sqlName(t.key[1]) + " = ?)"
		where += " AND (" + pair + strings.Repeat(" OR "+pair, len(keys)-1) + ")"
		for _, k := range keys {
			args = append(args, k.a, k.b)
		}
	}
	return where, args
}

// readByID returns the rows that have these ids, of whatever enterprise.
func (t *table) readByID(ctx context.Context, tx *sql.Tx, ids []int64) (all [][]Value, err error) {
	for chunk := range slices.Chunk(ids, maxRows) {
		where, args := t.haveIDs(chunk)
		rows, err := t.read(ctx, tx, where, args)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

func (t *table) haveIDs(ids []int64) (where string, args []any) {
	for _, id := range ids {
		args = append(args, id)
	}
	return "FORCE INDEX (" + t.byID + ") WHERE id IN (?" + strings.Repeat(",?", len(ids)-1) + ")", args
}

func (t *table) sqlName(column int) string { return "`" + t.columns[column].Name + "`" }

// insert adds new rows. It is an INSERT and nothing more: where an id or a key is taken by now it fails and changes nobody's row.
// Rows without an id get one from the database and are to be read again for it.
func (t *table) insert(ctx context.Context, tx *sql.Tx, rows [][]Value) error {
	return t.writeRows(ctx, tx, rows, "")
}

// update changes rows that are known to be there, found by their primary key, to these values of all columns.
func (t *table) update(ctx context.Context, tx *sql.Tx, rows [][]Value) error {
	var set strings.Builder
	for i, name := range t.sql {
		if i > 0 {
			set.WriteString(", ")
		}
		// VALUES(…) is deprecated in MySQL, and all that MariaDB has.
		set.WriteString(name + " = VALUES(" + name + ")")
	}
	return t.writeRows(ctx, tx, rows, " ON DUPLICATE KEY UPDATE "+set.String())
}

func (t *table) writeRows(ctx context.Context, tx *sql.Tx, rows [][]Value, after string) error {
	into := insertion{into: t.name, columns: t.sql, after: after}
	for _, row := range rows {
		for _, c := range t.stored {
			into.add(row[c].arg(t.columns[c].Type), len(row[c].Text))
		}
		if err := into.row(ctx, tx); err != nil {
			return err
		}
	}
	return into.end(ctx, tx)
}

// insertion is an INSERT of rows that come one by one, sent in statements of a good size.
type insertion struct {
	into    string
	columns []string
	after   string

	args  []any
	bytes int
	rows  int
	full  string // the statement of maxRows rows, which is most of them
}

func (s *insertion) add(value any, size int) {
	s.args = append(s.args, value)
	s.bytes += size
}

// row ends a row.
func (s *insertion) row(ctx context.Context, tx *sql.Tx) error {
	s.rows++
	if s.rows < maxRows && s.bytes < maxBytes {
		return nil
	}
	return s.end(ctx, tx)
}

// end sends what is left.
func (s *insertion) end(ctx context.Context, tx *sql.Tx) error {
	if s.rows == 0 {
		return nil
	}
	statement := s.full
	if s.rows != maxRows || statement == "" {
		one := "(?" + strings.Repeat(", ?", len(s.columns)-1) + ")"
		statement = "INSERT INTO " + s.into + " (" + strings.Join(s.columns, ", ") + ") VALUES " + one + strings.Repeat(", "+one, s.rows-1) + s.after
		if s.rows == maxRows {
			s.full = statement
		}
	}
	_, err := tx.ExecContext(ctx, statement, s.args...)
	s.args, s.bytes, s.rows = s.args[:0], 0, 0
	return err
}

// deletion is a DELETE of rows that are named one by one by the values of some columns.
type deletion struct {
	from    string
	columns []string

	args []any
	rows int
}

func (s *deletion) row(ctx context.Context, tx *sql.Tx, values ...any) error {
	s.args = append(s.args, values...)
	s.rows++
	if s.rows < maxRows {
		return nil
	}
	return s.end(ctx, tx)
}

func (s *deletion) end(ctx context.Context, tx *sql.Tx) error {
	if s.rows == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.statement(), s.args...)
	s.args, s.rows = s.args[:0], 0
	return err
}

// statement returns the DELETE of the rows gathered. The form with two names of the table is the one that takes a hint; without it a server that misjudges some hundred
// ranges would walk, and lock, the whole table.
func (s *deletion) statement() string {
	one := "(" + strings.Join(s.columns, " = ? AND ") + " = ?)"
	return "DELETE d FROM " + s.from + " d FORCE INDEX (PRIMARY) WHERE " + one + strings.Repeat(" OR "+one, s.rows-1)
}
