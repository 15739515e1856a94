package index

import (
	"context"
	"database/sql"
	"encoding/binary"
	"maps"
	"slices"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
)

// Which contact each follow is of, so that distinct contacts can be counted under any filter: rows
// of follow_sets under a name of their own, each with the follows of 2,048 neighbouring ids. They
// hold pairs of varints: the id's distance to the one before, and the contact's to the contact
// before.

// contactsName is the name of these rows. No set has it: it is no kind of internal/filter's.
const contactsName = "c"

// contactBits is how many low bits of an id its row leaves out.
const contactBits = 11

// contactRow returns the row of follows and their contacts, whose ids lie together.
func contactRow(number uint64, contacts map[uint64]uint64) stored {
	r := stored{name: contactsName, row: number + 1}
	id, contact := number<<contactBits, uint64(0)
	for _, next := range slices.Sorted(maps.Keys(contacts)) {
		r.ids = binary.AppendUvarint(r.ids, next-id)
		r.ids = binary.AppendVarint(r.ids, int64(contacts[next]-contact))
		id, contact = next, contacts[next]
	}
	return r
}

// eachContact calls f for each follow of a row, ascending, with its contact.
func (r stored) eachContact(f func(id, contact uint64)) error {
	id, contact, rest := (r.row-1)<<contactBits, uint64(0), r.ids
	for first := true; len(rest) > 0; first = false {
		more, n := binary.Uvarint(rest)
		if n <= 0 {
			return errSet
		}
		rest = rest[n:]
		other, n := binary.Varint(rest)
		if n <= 0 {
			return errSet
		}
		rest = rest[n:]
		// The next one is greater, and of this row.
		if more == 0 && !first || more >= 1<<contactBits || (id+more)>>contactBits+1 != r.row {
			return errSet
		}
		id, contact = id+more, contact+uint64(other)
		f(id, contact)
	}
	return nil
}

// changeContacts writes the contacts of these follows; 0 is of a follow that is not there any more.
func (w *rowWriter) changeContacts(ctx context.Context, tx *sql.Tx, contacts map[uint64]uint64) error {
	touched := map[uint64]struct{}{}
	for id := range contacts {
		touched[id>>contactBits+1] = struct{}{}
	}
	sorted := slices.Sorted(maps.Keys(touched))
	for some := range slices.Chunk(sorted, applyNames) {
		known, err := storedContacts(ctx, tx, w.crop, some)
		if err != nil {
			return err
		}
		for _, row := range some {
			of := map[uint64]uint64{}
			r, exists := known[row]
			if err := r.eachContact(func(id, contact uint64) { of[id] = contact }); err != nil {
				return err
			}
			for id := (row - 1) << contactBits; id < row<<contactBits; id++ {
				switch contact, changed := contacts[id]; {
				case changed && contact == 0:
					delete(of, id)
				case changed:
					of[id] = contact
				}
			}
			if len(of) > 0 {
				err = w.write(ctx, tx, contactRow(row-1, of))
			} else if exists {
				err = w.remove.Row(ctx, tx, w.crop, []byte(contactsName), row)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func storedContacts(ctx context.Context, tx *sql.Tx, crop uint32, rows []uint64) (rowsByNumber, error) {
	enter := make([]uint64, len(rows)) // ids whose parts are these rows
	for i, row := range rows {
		enter[i] = (row - 1) << partBits
	}
	known, err := storedSets(ctx, tx, crop, []string{contactsName}, map[string]*difference{contactsName: {enter: enter}})
	return known[contactsName], err
}

func (r *Reader) contacts(ctx context.Context, s Set) (func() (int64, error), error) {
	rows, err := r.rowsBetween(ctx, filter.Expr{First: contactsName, Last: contactsName})
	return func() (int64, error) { return contactsIn(rows, s) }, err
}

// contactsIn returns the number of distinct contacts among the rows of s.
func contactsIn(rows []gendb.GetSetsBetweenRow, s Set) (int64, error) {
	var d distinct
	fast := s.fast()
	for _, row := range rows {
		number := (row.Part - 1) << contactBits >> partBits
		if fast = fast.from(number); len(fast) == 0 || fast[0].number != number {
			continue
		}
		in := &fast[0]
		err := stored{row: row.Part, ids: row.Ids}.eachContact(func(id, contact uint64) {
			if in.has(id) {
				d.add(contact)
			}
		})
		if err != nil {
			return 0, err
		}
	}
	return d.n + int64(len(d.far)), nil
}

// distinct counts numbers, each once.
type distinct struct {
	n    int64
	seen []uint64            // a bit for each number
	far  map[uint64]struct{} // greater numbers, as a counter that is shared with many others may give
}

// maxWords bounds the bits: 64 million numbers.
const maxWords = 1 << 20

func (d *distinct) add(number uint64) {
	word, bit := number/64, uint64(1)<<(number%64)
	if word >= uint64(len(d.seen)) {
		if word >= maxWords {
			if d.far == nil {
				d.far = map[uint64]struct{}{}
			}
			d.far[number] = struct{}{}
			return
		}
		d.seen = append(d.seen, make([]uint64, word+1-uint64(len(d.seen))+1024)...)
	}
	if d.seen[word]&bit == 0 {
		d.seen[word] |= bit
		d.n++
	}
}
