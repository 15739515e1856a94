// Package statement owns the statements over many rows, which sqlc cannot express: they differ in
// the number of rows only, and every value is a placeholder.
package statement

import (
	"context"
	"database/sql"
	"strings"
)

// What one statement may hold. The servers take 16 MB at least, and escaping can double a text;
// beyond some hundred rows a statement gains nothing.
const (
	MaxRows  = 500
	MaxBytes = 2 << 20
)

// Insert is an INSERT of rows that come one by one, sent in statements of a good size.
type Insert struct {
	Into    string
	Columns []string
	After   string // what follows the values

	args  []any
	bytes int
	rows  int
	full  string // the statement of MaxRows rows, which is most of them
}

// Add adds the next value of a row; size is its bytes, where it has many.
func (s *Insert) Add(value any, size int) {
	s.args = append(s.args, value)
	s.bytes += size
}

// Row ends a row, and sends the statement that is full with it.
func (s *Insert) Row(ctx context.Context, tx *sql.Tx) error {
	s.rows++
	if s.rows < MaxRows && s.bytes < MaxBytes {
		return nil
	}
	return s.End(ctx, tx)
}

// End sends what is left.
func (s *Insert) End(ctx context.Context, tx *sql.Tx) error {
	if s.rows == 0 {
		return nil
	}
	statement := s.full
	if s.rows != MaxRows || statement == "" {
		one := "(?" + strings.Repeat(", ?", len(s.Columns)-1) + ")"
		statement = "INSERT INTO " + s.Into + " (" + strings.Join(
			s.Columns,
			", ",
		) + ") VALUES " + one + strings.Repeat(
			", "+one,
			s.rows-1,
		) + s.After
		if s.rows == MaxRows {
			s.full = statement
		}
	}
	_, err := tx.ExecContext(ctx, statement, s.args...)
	s.args, s.bytes, s.rows = s.args[:0], 0, 0
	return err
}

// Delete is a DELETE of rows that are named one by one by the values of some columns.
type Delete struct {
	From    string
	Columns []string

	args []any
	rows int
}

// Row names a row by its values of the columns, and sends the statement that is full with it.
func (s *Delete) Row(ctx context.Context, tx *sql.Tx, values ...any) error {
	s.args = append(s.args, values...)
	s.rows++
	if s.rows < MaxRows {
		return nil
	}
	return s.End(ctx, tx)
}

// End sends what is left.
func (s *Delete) End(ctx context.Context, tx *sql.Tx) error {
	if s.rows == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, s.statement(), s.args...)
	s.args, s.rows = s.args[:0], 0
	return err
}

// statement returns the DELETE of the rows gathered. The form with two names of the table is the
// one that takes a hint; without it a server that misjudges some hundred ranges would walk, and
// lock, the whole table.
func (s *Delete) statement() string {
	one := "(" + strings.Join(s.Columns, " = ? AND ") + " = ?)"
	return "DELETE d FROM " + s.From + " d FORCE INDEX (PRIMARY) WHERE " + one + strings.Repeat(" OR "+one, s.rows-1)
}
