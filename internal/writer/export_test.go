package writer

import (
	"context"
	"database/sql"
)

// What the tests in package writer_test need, which open databases: internal/store imports this
// package.

// ChunkRows is how many follows are looked at, and repaired in one transaction, at a time.
const ChunkRows = chunkRows

// StepRepair and StepFill are steps of a reindex.
const (
	StepRepair = stepRepair
	StepFill   = stepFill
)

// Transaction runs f as a write does.
func (w *Writer) Transaction(ctx context.Context, f func(tx *sql.Tx) error) error {
	return w.transaction(ctx, f)
}

// StoredColumn is a column that the writer writes, with what it takes for a value that a record
// leaves out.
type StoredColumn struct {
	Column
	Required, Now bool
	Number        int64
	Text          string
}

// StoredColumns returns the columns of all tables, by the tables' names.
func StoredColumns() map[string][]StoredColumn {
	all := map[string][]StoredColumn{}
	for _, table := range tables {
		for _, i := range table.stored {
			c := table.columns[i]
			all[table.name] = append(all[table.name], StoredColumn{c, c.required, c.now, c.number, c.text})
		}
	}
	return all
}
