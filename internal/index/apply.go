package index

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/statement"
)

// Change is a follow before and after; nil is one that is not live.
type Change struct{ Old, New *filter.Row }

// Apply makes the sets of an enterprise follow these changes of its rows. The caller holds the
// enterprise's lock. A set that does not change is not written.
func Apply(ctx context.Context, tx *sql.Tx, crop uint32, changes []Change) error {
	sets, contacts := differences(changes)
	names := make([]string, 0, len(sets))
	for name := range sets {
		names = append(names, name)
	}
	slices.Sort(names)
	w := newRowWriter(crop)
	for len(names) > 0 {
		some := together(names, sets)
		names = names[len(some):]
		known, err := storedSets(ctx, tx, crop, some, sets)
		if err != nil {
			return err
		}
		for _, name := range some {
			if err := w.change(ctx, tx, name, sets[name], known[name]); err != nil {
				return err
			}
		}
	}
	if err := w.changeContacts(ctx, tx, contacts); err != nil {
		return err
	}
	return w.end(ctx, tx)
}

// What one statement reads. Beyond some ten thousand rows MySQL gives up looking for each, and
// reads all sets of the enterprise.
const (
	applyNames = 500
	applyRows  = 10_000
)

// together returns the first of these names, as many as one statement reads.
func together(names []string, sets map[string]*difference) []string {
	rows := 0
	for i, name := range names {
		rows += 1 + len(sets[name].enter) + len(sets[name].leave) // no more than these
		if i == applyNames || i > 0 && rows > applyRows {
			return names[:i]
		}
	}
	return names
}

// difference is what a set gains and loses.
type difference struct{ enter, leave []uint64 }

// differences returns what each set gains and loses by the changes, and the contact of each follow
// that has another one now; 0 where it has none.
func differences(changes []Change) (sets map[string]*difference, contacts map[uint64]uint64) {
	sets, contacts = map[string]*difference{}, map[uint64]uint64{}
	numbers := map[string]int{} // of names
	var names []string
	list := func(row *filter.Row, list []int) []int {
		list = list[:0]
		if row == nil {
			return list
		}
		filter.Names(row, func(name []byte) {
			n, known := numbers[string(name)]
			if !known {
				n = len(names)
				names = append(names, string(name))
				numbers[names[n]] = n
			}
			list = append(list, n)
		})
		slices.Sort(list)
		return slices.Compact(list)
	}
	of := func(n int) *difference {
		d := sets[names[n]]
		if d == nil {
			d = &difference{}
			sets[names[n]] = d
		}
		return d
	}
	var was, is []int
	for _, c := range changes {
		was, is = list(c.Old, was), list(c.New, is)
		for a, b := was, is; len(a) > 0 || len(b) > 0; {
			switch {
			case len(b) == 0 || len(a) > 0 && a[0] < b[0]:
				d := of(a[0])
				d.leave, a = append(d.leave, c.Old.ID), a[1:]
			case len(a) == 0 || b[0] < a[0]:
				d := of(b[0])
				d.enter, b = append(d.enter, c.New.ID), b[1:]
			default:
				if c.Old.ID != c.New.ID {
					d := of(a[0])
					d.leave, d.enter = append(d.leave, c.Old.ID), append(d.enter, c.New.ID)
				}
				a, b = a[1:], b[1:]
			}
		}
		if c.Old != nil && (c.New == nil || c.New.ID != c.Old.ID) {
			if _, taken := contacts[c.Old.ID]; !taken { // the id may be another follow's by now
				contacts[c.Old.ID] = 0
			}
		}
		if c.New != nil && (c.Old == nil || c.New.ID != c.Old.ID || c.New.ContactID != c.Old.ContactID) {
			contacts[c.New.ID] = c.New.ContactID
		}
	}
	// An id that one follow leaves and another takes stays.
	for _, d := range sets {
		slices.Sort(d.enter)
		d.leave = slices.DeleteFunc(d.leave, func(id uint64) bool {
			_, stays := slices.BinarySearch(d.enter, id)
			return stays
		})
	}
	return sets, contacts
}

// rowsByNumber are the stored rows of a set, by their column part.
type rowsByNumber map[uint64]stored

// storedSets reads, of each of these sets, the row of the whole and those of the parts that change.
func storedSets(
	ctx context.Context,
	tx *sql.Tx,
	crop uint32,
	names []string,
	sets map[string]*difference,
) (map[string]rowsByNumber, error) {
	var query strings.Builder
	query.WriteString("SELECT name, part, ids FROM follow_sets FORCE INDEX (PRIMARY) WHERE crop_id = ? AND (")
	args := []any{crop}
	for i, name := range names {
		if i > 0 {
			query.WriteString(" OR ")
		}
		numbers := []uint64{0}
		for _, ids := range [][]uint64{sets[name].enter, sets[name].leave} {
			for _, id := range ids {
				numbers = append(numbers, id>>partBits+1)
			}
		}
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		query.WriteString("name = ? AND part IN (?" + strings.Repeat(",?", len(numbers)-1) + ")")
		args = append(args, []byte(name))
		for _, n := range numbers {
			args = append(args, n)
		}
	}
	query.WriteString(")")
	rows, err := tx.QueryContext(ctx, query.String(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[string]rowsByNumber{}
	for rows.Next() {
		var r stored
		if err := rows.Scan(&r.name, &r.row, &r.ids); err != nil {
			return nil, err
		}
		if known[r.name] == nil {
			known[r.name] = rowsByNumber{}
		}
		known[r.name][r.row] = r
	}
	return known, rows.Err()
}

// rowWriter writes and deletes rows of follow_sets, many in a statement.
type rowWriter struct {
	crop   uint32
	put    statement.Insert
	remove statement.Delete
}

func newRowWriter(crop uint32) *rowWriter {
	return &rowWriter{
		crop: crop,
		put: statement.Insert{
			Into: "follow_sets", Columns: []string{"crop_id", "name", "part", "ids"},
			After: " ON DUPLICATE KEY UPDATE ids = VALUES(ids)",
		},
		remove: statement.Delete{From: "follow_sets", Columns: []string{"crop_id", "name", "part"}},
	}
}

func (w *rowWriter) write(ctx context.Context, tx *sql.Tx, rows ...stored) error {
	for _, r := range rows {
		w.put.Add(w.crop, 0)
		w.put.Add([]byte(r.name), len(r.name))
		w.put.Add(r.row, 0)
		w.put.Add(append([]byte{}, r.ids...), len(r.ids)) // never nil, which would be NULL
		if err := w.put.Row(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (w *rowWriter) end(ctx context.Context, tx *sql.Tx) error {
	if err := w.put.End(ctx, tx); err != nil {
		return err
	}
	return w.remove.End(ctx, tx)
}

// change writes what becomes of a set of which these rows are stored.
func (w *rowWriter) change(ctx context.Context, tx *sql.Tx, name string, d *difference, known rowsByNumber) error {
	whole, exists := known[0]
	if !exists || len(whole.ids) > 0 {
		return w.changeWhole(ctx, tx, name, d, whole, exists)
	}
	enter, leave := setOf(d.enter), setOf(d.leave)
	for _, touched := range union([]Set{enter, leave}) {
		old := Set{{touched.number, roaring.New()}}
		r, exists := known[touched.number+1]
		if exists {
			var err error
			if old, err = r.parts(); err != nil {
				return err
			}
		}
		is := union([]Set{old, enter.of(touched.number)}).without(leave.of(touched.number))
		switch {
		case len(is) == 0 && exists:
			if err := w.remove.Row(ctx, tx, w.crop, []byte(name), r.row); err != nil {
				return err
			}
		case len(is) > 0 && !is[0].ids.Equals(old[0].ids):
			row, err := rowOf(name, is[0])
			if err != nil {
				return err
			}
			if err := w.write(ctx, tx, row); err != nil {
				return err
			}
		}
	}
	return nil
}

// of returns the part of this number.
func (s Set) of(number uint64) Set {
	for i := range s {
		if s[i].number == number {
			return s[i : i+1]
		}
	}
	return nil
}

// changeWhole is change for a set that is stored whole, or not at all.
func (w *rowWriter) changeWhole(
	ctx context.Context,
	tx *sql.Tx,
	name string,
	d *difference,
	whole stored,
	exists bool,
) error {
	old, err := idsOf(whole.ids)
	if err != nil {
		return err
	}
	leave := setOf(d.leave)
	is := slices.DeleteFunc(append(slices.Clone(old), d.enter...), leave.has)
	slices.Sort(is)
	is = slices.Compact(is)
	switch {
	case len(is) == 0 && exists:
		return w.remove.Row(ctx, tx, w.crop, []byte(name), 0)
	case slices.Equal(old, is):
		return nil
	}
	rows, err := rowsOf(name, setOf(is))
	if err != nil {
		return err
	}
	return w.write(ctx, tx, rows...)
}
