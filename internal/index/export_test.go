package index

import (
	"context"
	"database/sql"
)

// What the tests in package index_test need, which open databases: internal/store imports this
// package.

// The limits that tests go beyond.
const (
	FewBytes   = fewBytes
	ManyBytes  = manyBytes
	FewChanges = fewChanges
	ScanRows   = scanRows
	ApplyNames = applyNames
)

// PartBits is how many low bits of an id its part leaves out.
const PartBits = partBits

// InShares makes the sets of so many rows at once.
func (t *Turn) InShares(rows int64) *Turn {
	t.shareRows = rows
	return t
}

// CheckInShares is Check, of the sets of so many rows at once.
func CheckInShares(ctx context.Context, snapshot *sql.Tx, crop uint32, rows int64) ([]Wrong, error) {
	return check(ctx, snapshot, crop, rows, nil)
}

// IDs returns the ids of a row of follow_sets.
func IDs(part uint64, ids []byte) ([]uint64, error) {
	s, err := stored{row: part, ids: ids}.parts()
	return s.list(), err
}

// Contacts returns the contacts of a row of follow_sets, by the ids of their follows.
func Contacts(part uint64, ids []byte) (map[uint64]uint64, error) {
	contacts := map[uint64]uint64{}
	err := stored{row: part, ids: ids}.eachContact(func(id, contact uint64) { contacts[id] = contact })
	return contacts, err
}
