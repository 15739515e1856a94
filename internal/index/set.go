package index

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"example.com/wechatcustomers/internal/filter"
)

// partBits is how many low bits of an id its part leaves out: what one compressed bitmap holds.
const partBits = 16

// Set is a set of follow ids, in parts of 65,536 neighbouring ids, ascending; a part has at least
// one. The bitmaps may be shared with other sets: none is changed.
type Set []part

type part struct {
	number uint64 // id >> partBits
	ids    *roaring.Bitmap
}

// setOf returns the set of these ids, which are in any order and may repeat; it sorts them.
func setOf(ids []uint64) Set {
	if !slices.IsSorted(ids) {
		slices.Sort(ids)
	}
	var s Set
	var low []uint32
	for i, id := range ids {
		low = append(low, uint32(id&(1<<partBits-1)))
		if i+1 == len(ids) || ids[i+1]>>partBits != id>>partBits {
			s = append(s, part{id >> partBits, roaring.BitmapOf(low...)})
			low = low[:0]
		}
	}
	return s
}

// Count returns the number of ids.
func (s Set) Count() (n int64) {
	for _, p := range s {
		n += int64(p.ids.GetCardinality())
	}
	return n
}

// count returns the number of ids that are in both.
func (s Set) count(other Set) (n int64) {
	for len(s) > 0 && len(other) > 0 {
		switch c := cmp.Compare(s[0].number, other[0].number); {
		case c < 0:
			s = s[1:]
		case c > 0:
			other = other[1:]
		default:
			n += int64(s[0].ids.AndCardinality(other[0].ids))
			s, other = s[1:], other[1:]
		}
	}
	return n
}

// and returns the ids that are in both.
func (s Set) and(other Set) Set {
	var both Set
	for len(s) > 0 && len(other) > 0 {
		switch c := cmp.Compare(s[0].number, other[0].number); {
		case c < 0:
			s = s[1:]
		case c > 0:
			other = other[1:]
		default:
			if ids := roaring.And(s[0].ids, other[0].ids); !ids.IsEmpty() {
				both = append(both, part{s[0].number, ids})
			}
			s, other = s[1:], other[1:]
		}
	}
	return both
}

// without returns the ids that are not in the other.
func (s Set) without(other Set) Set {
	var rest Set
	for _, p := range s {
		for len(other) > 0 && other[0].number < p.number {
			other = other[1:]
		}
		if len(other) > 0 && other[0].number == p.number {
			p.ids = roaring.AndNot(p.ids, other[0].ids)
		}
		if !p.ids.IsEmpty() {
			rest = append(rest, p)
		}
	}
	return rest
}

// union returns the ids that are in any of the sets.
func union(sets []Set) Set {
	if len(sets) == 1 {
		return sets[0]
	}
	var all []part
	for _, s := range sets {
		all = append(all, s...)
	}
	slices.SortStableFunc(all, func(a, b part) int { return cmp.Compare(a.number, b.number) })
	var s Set
	var same []*roaring.Bitmap
	for i, p := range all {
		same = append(same, p.ids)
		if i+1 < len(all) && all[i+1].number == p.number {
			continue
		}
		if len(same) > 1 {
			p.ids = or(same)
		}
		s = append(s, p)
		same = same[:0]
	}
	return s
}

// or returns the ids that are in any of these bitmaps. Those of few ids, as the days of a year are,
// are gathered in one dense form: merging them one after the other would copy what is there already
// each time.
func or(bitmaps []*roaring.Bitmap) *roaring.Bitmap {
	const few = 4096
	words := make([]uint64, 1<<partBits/64)
	var large []*roaring.Bitmap
	for _, b := range bitmaps {
		if len(bitmaps) < 4 || b.GetCardinality() > few {
			large = append(large, b)
			continue
		}
		b.WriteDenseTo(words) // adds to them, as far as no container is dense: one of few ids is not
	}
	if len(large) < len(bitmaps) {
		large = append(large, roaring.FromDense(words, false))
	}
	return roaring.FastOr(large...)
}

// has says whether an id is in the set.
func (s Set) has(id uint64) bool {
	i, found := slices.BinarySearchFunc(s, id>>partBits, func(p part, n uint64) int { return cmp.Compare(p.number, n) })
	return found && s[i].ids.Contains(uint32(id&(1<<partBits-1)))
}

// below returns the ids that are less than this one.
func (s Set) below(id uint64) Set {
	i, found := slices.BinarySearchFunc(s, id>>partBits, func(p part, n uint64) int { return cmp.Compare(p.number, n) })
	rest := s[:i:i]
	if found {
		ids := s[i].ids.Clone()
		ids.RemoveRange(id&(1<<partBits-1), 1<<partBits)
		if !ids.IsEmpty() {
			rest = append(rest, part{s[i].number, ids})
		}
	}
	return rest
}

// fast returns the set in a form in which ids are looked up, and sets counted, the fastest; it
// takes 8 KB a part.
func (s Set) fast() fastSet {
	f := make(fastSet, len(s))
	for i, p := range s {
		words := make([]uint64, 1<<partBits/64)
		p.ids.WriteDenseTo(words)
		f[i] = fastPart{p.number, words, roaring.FromDense(words, false)}
	}
	return f
}

type fastSet []fastPart

type fastPart struct {
	number uint64
	words  []uint64 // a bit for each id
	ids    *roaring.Bitmap
}

// from returns the parts from this number on.
func (f fastSet) from(number uint64) fastSet {
	for len(f) > 0 && f[0].number < number {
		f = f[1:]
	}
	return f
}

// has says whether an id of the part is in it.
func (p *fastPart) has(id uint64) bool {
	low := id & (1<<partBits - 1)
	return p.words[low/64]>>(low%64)&1 != 0
}

// page returns the window of the ids, the greatest first.
func (s Set) page(offset, limit int64) ([]uint64, error) {
	var ids []uint64
	for _, p := range slices.Backward(s) {
		n := int64(p.ids.GetCardinality())
		for ; offset < n && limit > 0; offset, limit = offset+1, limit-1 {
			low, err := p.ids.Select(uint32(n - 1 - offset))
			if err != nil {
				return nil, fmt.Errorf("index: %w", err)
			}
			ids = append(ids, p.number<<partBits|uint64(low))
		}
		if limit == 0 {
			break
		}
		offset -= n
	}
	return ids, nil
}

// each calls f for each id, ascending.
func (s Set) each(f func(id uint64)) {
	for _, p := range s {
		p.ids.Iterate(func(low uint32) bool {
			f(p.number<<partBits | uint64(low))
			return true
		})
	}
}

// ids returns all ids, ascending.
func (s Set) list() []uint64 {
	ids := make([]uint64, 0, s.Count())
	s.each(func(id uint64) { ids = append(ids, id) })
	return ids
}

// How a set is stored: whole in one row as long as that has few bytes, as rare values' are, whose
// ids may be anywhere; else a row for each part, so that a change rewrites little. The row of the
// whole, empty, then says that there are parts.

// wholeBytes returns the most bytes of a set that is stored whole. The sets of employees and of
// tags are read all together, to be counted, and a row is in few of them: fewer rows are better
// there than small ones.
func wholeBytes(name string) int {
	if k := name[0]; k == filter.Employee || k == filter.Tag {
		return manyBytes
	}
	return fewBytes
}

const (
	fewBytes  = 2000
	manyBytes = 12_000
)

// errSet means that what is stored of a set cannot be read.
var errSet = errors.New("index: a stored set is damaged")

// appendID appends an id to ascending ids in the form of a whole set: what each is more than the
// last, in varints.
func appendID(whole []byte, last, id uint64) []byte { return binary.AppendUvarint(whole, id-last) }

// eachID calls f for each id of a whole set, ascending.
func eachID(whole []byte, f func(id uint64)) error {
	id, first := uint64(0), true
	for len(whole) > 0 {
		more, n := binary.Uvarint(whole)
		if n <= 0 || more == 0 && !first || more > math.MaxUint64-id {
			return errSet
		}
		id, whole, first = id+more, whole[n:], false
		f(id)
	}
	return nil
}

// idsOf returns the ids of a whole set, ascending.
func idsOf(whole []byte) ([]uint64, error) {
	ids := make([]uint64, 0, len(whole))
	err := eachID(whole, func(id uint64) { ids = append(ids, id) })
	if err != nil {
		return nil, err
	}
	return ids, nil
}

// wholeOf returns ascending ids as a whole set.
func wholeOf(ids []uint64) (whole []byte) {
	last := uint64(0)
	for _, id := range ids {
		whole = appendID(whole, last, id)
		last = id
	}
	return whole
}

// stored is a row of follow_sets beside its enterprise: what is stored of a set.
type stored struct {
	name string
	row  uint64 // the column part: 0, or a part's number and 1
	ids  []byte
}

// parts returns the ids of a row.
func (r stored) parts() (Set, error) {
	if r.row == 0 {
		ids, err := idsOf(r.ids)
		return setOf(ids), err
	}
	bitmap := roaring.New()
	if _, err := bitmap.FromBuffer(r.ids); err != nil {
		return nil, fmt.Errorf("%w: %w", errSet, err)
	}
	switch {
	case bitmap.IsEmpty():
		return nil, nil
	case !sound(bitmap, r.ids):
		return nil, errSet
	}
	return Set{{r.row - 1, bitmap}}, nil
}

// sound says whether a bitmap that was read from bytes is one of a part's 65,536 ids and in order.
// What is not makes operations of sets wrong, or panic.
func sound(bitmap *roaring.Bitmap, from []byte) bool {
	if !bitmap.HasRunCompression() {
		return bitmap.Maximum() < 1<<partBits && bitmap.Validate() == nil
	}
	// Validate holds each run against every other, of which a part has up to two thousand. By the
	// format they come behind 11 bytes, as start and length: of one container, of key 0, and how many
	// they are.
	const oneContainer, runs = 12347, 11
	if binary.LittleEndian.Uint32(from) != oneContainer || binary.LittleEndian.Uint16(from[5:]) != 0 {
		return false
	}
	n, next := int(binary.LittleEndian.Uint16(from[runs-2:])), 0
	for run := range slices.Chunk(from[runs:runs+4*n], 4) {
		start := int(binary.LittleEndian.Uint16(run))
		if start < next {
			return false
		}
		next = start + int(binary.LittleEndian.Uint16(run[2:])) + 2
	}
	return n > 0 && next <= 1<<partBits+1
}

// rowsOf returns what is stored of a set: of one that is not in parts yet, whole where it has few
// bytes.
func rowsOf(name string, s Set) ([]stored, error) {
	rows := []stored{{name: name}}
	if most := wholeBytes(name); s.Count() <= int64(most) {
		if whole := wholeOf(s.list()); len(whole) <= most {
			rows[0].ids = whole
			return rows, nil
		}
	}
	for _, p := range s {
		row, err := rowOf(name, p)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// rowOf returns what is stored of a part.
func rowOf(name string, p part) (stored, error) {
	p.ids.RunOptimize()
	ids, err := p.ids.ToBytes()
	if err != nil {
		return stored{}, fmt.Errorf("index: %w", err)
	}
	return stored{name, p.number + 1, ids}, nil
}
