package index

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomIDs returns ids that lie as those of an enterprise can: together, spread over many parts,
// in runs, at the edges of parts, or far up, where a counter that is shared with many others may
// be.
func randomIDs(random *rand.Rand) []uint64 {
	var ids []uint64
	n := []int{0, 1, 3, 40, 3000}[random.IntN(5)]
	from := []uint64{1, 1 << 16, 1<<48 - 1000, 1<<53 - 1<<20}[random.IntN(4)]
	switch random.IntN(4) {
	case 0: // together
		for range n {
			ids = append(ids, from+random.Uint64N(5000))
		}
	case 1: // over ten parts
		for range n {
			ids = append(ids, from+random.Uint64N(10<<partBits))
		}
	case 2: // in runs
		for range n / 30 {
			start := from + random.Uint64N(3<<partBits)
			for id := range uint64(30) {
				ids = append(ids, start+id)
			}
		}
	default: // at the edges
		for range n {
			ids = append(ids, (from>>partBits+random.Uint64N(4))<<partBits+random.Uint64N(3)+1<<partBits-1)
		}
	}
	random.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	return ids
}

// model is a set in its plain form.
type model map[uint64]struct{}

func modelOf(ids []uint64) model {
	m := model{}
	for _, id := range ids {
		m[id] = struct{}{}
	}
	return m
}

func (m model) list() []uint64 { return append([]uint64{}, slices.Sorted(maps.Keys(m))...) }

// filtered returns those that keep says.
func (m model) filtered(keep func(id uint64) bool) []uint64 {
	return slices.DeleteFunc(m.list(), func(id uint64) bool { return !keep(id) })
}

func (m model) has(id uint64) bool {
	_, has := m[id]
	return has
}

// valid says what is wrong with the form of a set, "" for nothing.
func (s Set) valid() string {
	for i, p := range s {
		switch {
		case i > 0 && s[i-1].number >= p.number:
			return "parts are not ascending"
		case p.ids.IsEmpty():
			return "a part is empty"
		case p.ids.Maximum() >= 1<<partBits:
			return "a part has ids of another"
		}
	}
	return ""
}

func TestSetsAreWhatMapsOfIdsAre(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for round := range 300 {
		sets, models := make([]Set, 1+random.IntN(4)), []model{}
		for i := range sets {
			ids := randomIDs(random)
			if i > 0 && random.IntN(2) == 0 { // with some in common
				ids = append(ids, models[i-1].filtered(func(uint64) bool { return random.IntN(2) == 0 })...)
			}
			models = append(models, modelOf(ids))
			sets[i] = setOf(ids)
		}
		want := func(what string, s Set, ids []uint64) {
			t.Helper()
			if wrong := s.valid(); wrong != "" {
				t.Errorf("round %d: %s: %s", round, what, wrong)
			}
			if got := s.list(); !slices.Equal(got, ids) || s.Count() != int64(len(ids)) {
				t.Errorf("round %d: %s has %d ids, counts %d, want %d", round, what, len(got), s.Count(), len(ids))
			}
		}
		first, second := models[0], models[len(models)-1]
		a, b := sets[0], sets[len(sets)-1]
		for i := range sets {
			want("setOf", sets[i], models[i].list())
		}
		both := first.filtered(second.has)
		want("and", a.and(b), both)
		if n := a.count(b); n != int64(len(both)) {
			t.Errorf("round %d: count %d, want %d", round, n, len(both))
		}
		want("without", a.without(b), first.filtered(func(id uint64) bool { return !second.has(id) }))
		all := model{}
		for _, m := range models {
			maps.Copy(all, m)
		}
		want("union", union(sets), all.list())

		// Around what is in the set, at the edges of parts, and anywhere.
		probes := []uint64{0, 1, 1<<partBits - 1, 1 << partBits, 1 << 48, 1<<64 - 1, random.Uint64N(1 << 54)}
		for _, id := range first.list() {
			if random.IntN(1+len(first)/10) == 0 {
				probes = append(probes, id-1, id, id+1)
			}
		}
		for _, id := range probes {
			if a.has(id) != first.has(id) {
				t.Errorf("round %d: has %d: %v", round, id, a.has(id))
			}
			want(fmt.Sprintf("below %d", id), a.below(id), first.filtered(func(other uint64) bool { return other < id }))
		}
		newest := first.list()
		slices.Reverse(newest)
		for range 10 {
			offset, limit := random.Int64N(int64(len(first)+3)), random.Int64N(int64(len(first)+3))
			page, err := a.page(offset, limit)
			window := newest[min(offset, int64(len(newest))):]
			window = window[:min(limit, int64(len(window)))]
			if err != nil || !slices.Equal(page, window) {
				t.Errorf("round %d: page %d+%d has %d ids, want %d: %v", round, offset, limit, len(page), len(window), err)
			}
		}
		// Nothing of it has changed the sets, which are shared.
		for i := range sets {
			want("the set afterwards", sets[i], models[i].list())
		}
	}
}

// The zero Set is the empty one, to every operation.
func TestAnEmptySetIsOneLikeAnother(t *testing.T) {
	t.Parallel()
	var none Set
	some := setOf([]uint64{7, 1 << 50})
	for what, s := range map[string]Set{
		"setOf": setOf(nil), "and": none.and(some), "and, the other way": some.and(none), "without": none.without(some),
		"all without": some.without(some), "union of none": union(nil), "union": union([]Set{none, none}), "below": some.below(7), "below of none": none.below(7),
	} {
		if len(s) != 0 || s.Count() != 0 || len(s.list()) != 0 || s.has(7) {
			t.Errorf("%s: %v", what, s.list())
		}
	}
	if page, err := none.page(0, 10); err != nil || len(page) != 0 {
		t.Errorf("a page of none: %v %v", page, err)
	}
	if got := some.without(none).list(); !slices.Equal(got, []uint64{7, 1 << 50}) {
		t.Errorf("without none: %v", got)
	}
	if n := some.count(none) + none.count(some); n != 0 {
		t.Errorf("%d in common with none", n)
	}
}

// read returns the ids of stored rows as a reader does.
func read(t *testing.T, rows []stored) []uint64 {
	t.Helper()
	var all []Set
	for _, r := range rows {
		parts, err := r.parts()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parts)
	}
	return union(all).list()
}

func TestWhatIsStoredOfASetIsReadBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(2, 2))
	wholes, inParts := 0, 0
	for round := range 300 {
		ids := modelOf(randomIDs(random)).list()
		rows, err := rowsOf("n", setOf(slices.Clone(ids)))
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, rows); !slices.Equal(got, ids) {
			t.Errorf("round %d: %d ids are read of %d", round, len(got), len(ids))
		}
		// Whole where it is small; else a row that says that it is not, and one for each part.
		whole := wholeOf(ids)
		switch {
		case rows[0].row != 0 || rows[0].name != "n":
			t.Errorf("round %d: the first row is %+v", round, rows[0])
		case len(whole) <= wholeBytes("n"):
			wholes++
			if len(rows) != 1 || !bytes.Equal(rows[0].ids, whole) {
				t.Errorf("round %d: %d bytes are in %d rows", round, len(whole), len(rows))
			}
		default:
			inParts++
			if len(rows) < 2 || len(rows[0].ids) > 0 {
				t.Errorf(
					"round %d: %d bytes are in %d rows, %d of them in that of the whole",
					round,
					len(whole),
					len(rows),
					len(rows[0].ids),
				)
			}
			for i, r := range rows[1:] {
				if parts, err := r.parts(); err != nil || r.name != "n" || r.row != parts[0].number+1 ||
					i > 0 && r.row <= rows[i].row {
					t.Errorf("round %d: row %d: %q %d %v", round, i, r.name, r.row, err)
				}
			}
		}
		// A set that grew id by id is stored the same.
		g := growing{}
		for _, id := range ids {
			g.whole, g.last = appendID(g.whole, g.last, id), id
		}
		grown, err := g.rows("n")
		if err != nil ||
			!slices.EqualFunc(
				rows,
				grown,
				func(a, b stored) bool { return a.name == b.name && a.row == b.row && bytes.Equal(a.ids, b.ids) },
			) {
			t.Errorf("round %d: grown it is stored in %d rows, not as in %d: %v", round, len(grown), len(rows), err)
		}
		if back, err := idsOf(whole); err != nil || !slices.Equal(back, ids) {
			t.Errorf("round %d: the whole of %d ids is read as %d: %v", round, len(ids), len(back), err)
		}
		// Counting a stored row is counting what it holds.
		other := setOf(append(randomIDs(random), ids[:len(ids)/2]...))
		for _, r := range append(rows, stored{ids: whole}) {
			parts, err := r.parts()
			if err != nil {
				t.Fatal(err)
			}
			if n, err := r.count(other.fast()); err != nil || n != parts.count(other) {
				t.Errorf("round %d: row %d counts %d, want %d: %v", round, r.row, n, parts.count(other), err)
			}
		}
	}
	if wholes < 50 || inParts < 20 {
		t.Errorf("%d sets were stored whole and %d in parts", wholes, inParts)
	}
}

func TestTheContactsOfFollowsAreReadBack(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		number := []uint64{0, 1, 31, 1 << 30, 1<<42 - 1}[random.IntN(5)]
		contacts := map[uint64]uint64{}
		for range random.IntN(50) {
			id := number<<contactBits | random.Uint64N(1<<contactBits)
			contacts[id] = []uint64{1, 1 + random.Uint64N(1000), random.Uint64N(1 << 53), 1<<64 - 1}[random.IntN(4)]
		}
		r := contactRow(number, contacts)
		if r.name != contactsName || r.row != number+1 {
			t.Fatalf("%q %d", r.name, r.row)
		}
		got, last := map[uint64]uint64{}, uint64(0)
		if err := r.eachContact(func(id, contact uint64) {
			if len(got) > 0 && id <= last {
				t.Errorf("%d comes after %d", id, last)
			}
			got[id], last = contact, id
		}); err != nil || !maps.Equal(got, contacts) {
			t.Errorf("%v, want %v: %v", got, contacts, err)
		}
	}
}
