package original

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"strings"

	"example.com/wechatcustomers/internal/statement"
	"example.com/wechatcustomers/internal/writer"
)

// rangeIDs is how many ids a range has.
const rangeIDs = 1024

// copied is what is known of a range of the original's ids: those that there were, and what was
// written of them.
type copied struct {
	ids  []byte // a bit for each
	hash string // of the records; "" while they are not all written
}

func firstOf(id int64) int64 { return id / rangeIDs * rangeIDs }

func (c *copied) set(id int64) {
	if c.ids == nil {
		c.ids = make([]byte, rangeIDs/8)
	}
	c.ids[id%rangeIDs/8] |= 1 << (id % 8)
}

// without returns the ids of a range from first that c has and other has not; other may be nil.
func (c *copied) without(first int64, other *copied) (ids []int64) {
	for i, b := range c.ids {
		if other != nil && i < len(other.ids) {
			b &^= other.ids[i]
		}
		for ; b != 0; b &= b - 1 {
			ids = append(ids, first+int64(i)*8+int64(bits.TrailingZeros8(b)))
		}
	}
	return ids
}

// state is what is kept of a source in copied_ranges, beside the rows that it tells of.
type state struct {
	db     *sql.DB
	source string
}

// load returns what is known of a kind, by the first ids of its ranges.
func (s state) load(ctx context.Context, kind writer.Kind) (map[int64]*copied, error) {
	list, err := s.db.QueryContext(ctx, "SELECT first, ids, hash FROM copied_ranges WHERE source = ? AND kind = ?", s.source, kind.String())
	if err != nil {
		return nil, fmt.Errorf("copied_ranges: %w", err)
	}
	defer func() { _ = list.Close() }()
	all := map[int64]*copied{}
	for list.Next() {
		var first int64
		c := &copied{}
		if err := list.Scan(&first, &c.ids, &c.hash); err != nil {
			return nil, fmt.Errorf("copied_ranges: %w", err)
		}
		all[first] = c
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("copied_ranges: %w", err)
	}
	return all, nil
}

// save keeps what is known of some ranges; those without an id are forgotten.
func (s state) save(ctx context.Context, kind writer.Kind, ranges map[int64]*copied) error {
	if len(ranges) == 0 {
		return nil
	}
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("copied_ranges: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	into := statement.Insert{
		Into: "copied_ranges", Columns: []string{"source", "kind", "first", "ids", "hash"},
		After: " ON DUPLICATE KEY UPDATE ids = VALUES(ids), hash = VALUES(hash)",
	}
	for first, c := range ranges {
		if strings.Trim(string(c.ids), "\x00") == "" {
			_, err = tx.ExecContext(ctx, "DELETE FROM copied_ranges WHERE source = ? AND kind = ? AND first = ?", s.source, kind.String(), first)
		} else {
			into.Add(s.source, 0)
			into.Add(kind.String(), 0)
			into.Add(first, 0)
			into.Add(c.ids, len(c.ids))
			into.Add([]byte(c.hash), 0)
			err = into.Row(ctx, tx)
		}
		if err != nil {
			return fmt.Errorf("copied_ranges: %w", err)
		}
	}
	if err := into.End(ctx, tx); err != nil {
		return fmt.Errorf("copied_ranges: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("copied_ranges: %w", err)
	}
	return nil
}
