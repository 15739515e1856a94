package writer

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/internal/statement"
)

// The statements over many rows, which sqlc cannot express: they differ in the number of rows only,
// and every value is a placeholder. Names come from tables.go.

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

// read returns rows of a table as values of all its columns; where is what follows FROM and the
// table's name.
func (t *table) read(ctx context.Context, tx *sql.Tx, where string, args []any) ([][]Value, error) {
	return t.readColumns(ctx, tx, t.stored, where, args)
}

// readColumns is read with the values of these columns only.
func (t *table) readColumns(ctx context.Context, tx *sql.Tx, columns []int, where string, args []any) ([][]Value, error) {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = t.sqlName(c)
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+t.name+" "+where, args...) //nolint:gosec // names of our own tables; values are placeholders
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all [][]Value
	into := make([]any, len(columns))
	for rows.Next() {
		row := make([]Value, len(t.columns))
		for i, c := range columns {
			into[i] = &row[c]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		for _, c := range columns {
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
	asked := make(map[key]struct{}, len(keys))
	var firsts []string
	for _, k := range keys {
		asked[k] = struct{}{}
		firsts = append(firsts, k.a)
	}
	slices.Sort(firsts)
	for chunk := range slices.Chunk(slices.Compact(firsts), statement.MaxRows) {
		where, args := t.haveKeys(business, chunk)
		rows, err := t.read(ctx, tx, where, args)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if _, ok := asked[t.keyOf(row)]; ok {
				all = append(all, row)
			}
		}
	}
	return all, nil
}

// haveKeys is for the first part of a key alone: both servers plan a list of some hundred values
// several times faster than as many pairs, and few rows share it. A business has no key beside its
// own id.
func (t *table) haveKeys(business int64, firsts []string) (where string, args []any) {
	where, args = "FORCE INDEX ("+t.byKey+") WHERE "+t.sqlName(t.business)+" = ?", []any{business}
	if len(t.key) == 0 {
		return where, args
	}
	for _, first := range firsts {
		args = append(args, first)
	}
	return where + " AND " + t.sqlName(t.key[0]) + " IN (?" + strings.Repeat(",?", len(firsts)-1) + ")", args
}

// readByID returns the rows that have these ids, of whatever enterprise.
func (t *table) readByID(ctx context.Context, tx *sql.Tx, ids []int64) (all [][]Value, err error) {
	// New rows bring ids beyond all there are, mostly.
	var last sql.NullInt64
	if err := tx.QueryRowContext(ctx, "SELECT MAX(id) FROM "+t.name).Scan(&last); err != nil {
		return nil, err
	}
	ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return id > last.Int64 })
	for chunk := range slices.Chunk(ids, statement.MaxRows) {
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

// insert adds new rows. It is an INSERT and nothing more: where an id or a key is taken by now it
// fails and changes nobody's row. Rows without an id get one from the database and are to be read
// again for it.
func (t *table) insert(ctx context.Context, tx *sql.Tx, rows [][]Value) error {
	return t.writeRows(ctx, tx, rows, "")
}

// update changes rows that are known to be there, found by their primary key, to these values of
// all columns.
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
	into := statement.Insert{Into: t.name, Columns: t.sql, After: after}
	for _, row := range rows {
		for _, c := range t.stored {
			into.Add(row[c].arg(t.columns[c].Type), len(row[c].Text))
		}
		if err := into.Row(ctx, tx); err != nil {
			return err
		}
	}
	return into.End(ctx, tx)
}
