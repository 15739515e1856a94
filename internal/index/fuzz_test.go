package index

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// What is stored may be damaged: it is then an error or another set, and costs no more than its own
// size.

func FuzzAWholeSetIsReadOrRefused(f *testing.F) {
	f.Add([]byte{})
	f.Add(wholeOf([]uint64{1, 2, 70_000, 1<<48 + 5, 1<<64 - 1}))
	f.Add([]byte{1, 0})                                              // an id twice
	f.Add([]byte{5, 0x80})                                           // cut off
	f.Add(slices.Repeat([]byte{0xff}, 30))                           // longer than any number
	f.Add(append(wholeOf([]uint64{1<<64 - 1}), 1))                   // beyond the greatest id
	f.Add(append(binary.AppendUvarint(nil, 1<<63), 0x80, 0x80, 0x0)) // zero, at length
	f.Fuzz(func(t *testing.T, whole []byte) {
		ids, err := idsOf(whole)
		if err != nil {
			if !errors.Is(err, errSet) {
				t.Errorf("%x: %v", whole, err)
			}
			if _, err := (stored{ids: whole}).count(setOf([]uint64{1, 1 << 40}).fast()); err == nil {
				t.Errorf("%x is counted", whole)
			}
			return
		}
		if len(ids) > len(whole) || cap(ids) > len(whole)+8 {
			t.Errorf("%d bytes are %d ids, with room for %d", len(whole), len(ids), cap(ids))
		}
		for i := 1; i < len(ids); i++ {
			if ids[i-1] >= ids[i] {
				t.Fatalf("%x: %d comes after %d", whole, ids[i], ids[i-1])
			}
		}
		if again, err := idsOf(wholeOf(ids)); err != nil || !slices.Equal(again, ids) {
			t.Errorf("%x: written again they are %v: %v", whole, again, err)
		}
		s, err := stored{ids: whole}.parts()
		if err != nil || s.valid() != "" || !slices.Equal(s.list(), ids) {
			t.Errorf("%x: %s %v", whole, s.valid(), err)
		}
		if n, err := (stored{ids: whole}).count(s.fast()); err != nil || n != int64(len(ids)) {
			t.Errorf("%x: %d of %d are counted: %v", whole, n, len(ids), err)
		}
	})
}

func FuzzAStoredPartIsReadOrRefused(f *testing.F) {
	for _, ids := range [][]uint64{{1}, {5, 6, 7, 8, 9, 10, 11, 12}, {1, 1 << 15, 1<<16 - 1}} {
		row, err := rowOf("n", setOf(ids)[0])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint64(1), row.ids)
		f.Add(uint64(1<<40), row.ids[:len(row.ids)-1])
	}
	var many []uint64
	for id := range uint64(1 << 16) {
		if id%3 > 0 {
			many = append(many, id)
		}
	}
	row, err := rowOf("n", setOf(many)[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(1), row.ids)
	f.Add(uint64(1), []byte{})
	// A set of two parts in the form of one, none at all, and one whose ids are out of order.
	f.Add(uint64(1), []byte{0x3a, 0x30, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 24, 0, 0, 0, 26, 0, 0, 0, 9, 0, 9, 0})
	f.Add(uint64(1), []byte{0x3a, 0x30, 0, 0, 0, 0, 0, 0})
	f.Add(uint64(1), []byte{0x3a, 0x30, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 16, 0, 0, 0, 9, 0, 5, 0})
	// The same of runs: of two parts, none, out of order, one within another, beyond the last, and two
	// that are one.
	f.Add(uint64(1), []byte{0x3b, 0x30, 1, 0, 3, 0, 0, 9, 0, 1, 0, 9, 0, 1, 0, 5, 0, 9, 0, 1, 0, 5, 0, 9, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 1, 0, 9, 0, 1, 0, 5, 0, 9, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 0, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 2, 0, 50, 0, 3, 0, 5, 0, 3, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 2, 0, 5, 0, 9, 0, 7, 0, 3, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 1, 0, 0xff, 0xff, 1, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 2, 0, 5, 0, 3, 0, 9, 0, 3, 0})
	f.Add(uint64(1), []byte{0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 2, 0, 5, 0, 3, 0, 10, 0, 0xf5, 0xff})
	f.Fuzz(func(t *testing.T, number uint64, ids []byte) {
		number = max(number, 1) // 0 is that of the whole
		s, err := stored{row: number, ids: slices.Clone(ids)}.parts()
		if err != nil {
			if !errors.Is(err, errSet) {
				t.Errorf("%x: %v", ids, err)
			}
			return
		}
		if wrong := s.valid(); wrong != "" || len(s) > 1 || len(s) == 1 && s[0].number != number-1 {
			t.Fatalf("%x: %d parts, %s", ids, len(s), wrong)
		}
		list := s.list()
		if int64(len(list)) != s.Count() || !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
			t.Fatalf("%x: %d ids, %d are counted", ids, len(list), s.Count())
		}
		// Whatever is done with it is done with a set.
		other := setOf([]uint64{(number-1)<<partBits | 5, (number-1)<<partBits | 6, 7})
		if n := s.and(other).Count() + s.without(other).Count(); n != s.Count() {
			t.Errorf("%x: %d ids with and without others, of %d", ids, n, s.Count())
		}
		if n := union([]Set{s, other}).Count() + s.count(other); n != s.Count()+other.Count() {
			t.Errorf("%x: %d ids with others", ids, n)
		}
		page, err := s.page(0, int64(len(list)))
		if slices.Reverse(page); err != nil || !slices.Equal(page, list) {
			t.Errorf("%x: the page of all has %d of %d ids: %v", ids, len(page), len(list), err)
		}
		for _, p := range s {
			row, err := rowOf("n", p)
			if err != nil {
				t.Fatalf("%x: %v", ids, err)
			}
			if again, err := row.parts(); err != nil || row.row != number || !slices.Equal(again.list(), list) {
				t.Errorf("%x: written again it is %d ids of %d: %v", ids, again.Count(), len(list), err)
			}
		}
	})
}

func FuzzContactsAreReadOrRefused(f *testing.F) {
	f.Add(uint64(1), contactRow(0, map[uint64]uint64{1: 5, 2: 4, 2047: 1 << 60}).ids)
	f.Add(uint64(1<<50), []byte{0, 2})
	f.Add(uint64(1), []byte{1, 2, 0, 2})                 // an id twice
	f.Add(uint64(1), []byte{0xff, 0xff, 0x7f, 2})        // an id of another row
	f.Add(uint64(0), []byte{1, 2})                       // a row that there is not
	f.Add(uint64(1), []byte{1})                          // a follow of nobody
	f.Add(uint64(1), slices.Repeat([]byte{0x80}, 25))    // longer than any number
	f.Add(uint64(1<<63), []byte{1, 2, 0xff, 0xff, 3, 2}) // far up
	f.Fuzz(func(t *testing.T, number uint64, pairs []byte) {
		var ids []uint64
		contacts := map[uint64]uint64{}
		err := stored{row: number, ids: pairs}.eachContact(func(id, contact uint64) {
			ids = append(ids, id)
			contacts[id] = contact
		})
		if len(ids) > len(pairs)/2 {
			t.Errorf("%x: %d follows", pairs, len(ids))
		}
		for i, id := range ids {
			if id>>contactBits+1 != number || i > 0 && ids[i-1] >= id {
				t.Fatalf("%x: follow %d of row %d", pairs, id, number)
			}
		}
		if err != nil {
			if !errors.Is(err, errSet) {
				t.Errorf("%x: %v", pairs, err)
			}
			return
		}
		again := map[uint64]uint64{}
		if err := contactRow(
			number-1,
			contacts,
		).eachContact(func(id, contact uint64) { again[id] = contact }); err != nil ||
			len(again) != len(contacts) {
			t.Errorf("%x: written again they are %v: %v", pairs, again, err)
		}
	})
}
