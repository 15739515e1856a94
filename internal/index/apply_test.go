package index_test

import (
	"database/sql"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/writer"
)

// apply brings changes of rows that are in no table into the index.
func (h house) apply(crop uint32, changes ...index.Change) {
	h.t.Helper()
	err := h.lock(crop)(h.t.Context(), func(tx *sql.Tx) error { return index.Apply(h.t.Context(), tx, crop, changes) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// row is a live follow as its sets are made from it.
func row(id uint64, random *rand.Rand) *filter.Row {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	return &filter.Row{
		ID:             id,
		CropID:         1,
		Userid:         pick("u", "V", "w"),
		ExternalUserid: "c",
		TagID:          pick("", "t1", "t1,t2", "t3, t2,t1"),
		Createtime:     random.Int64N(1 << 31),
		AddWay:         random.Uint32N(4),
		Status:         1 - 2*random.Int32N(2),
		ExternalType:   1 + random.Int32N(2),
		RemarkFolded:   pick("", "备注", "备注一", "aaaa"),
		NameFolded:     pick("李", "李一天", "abcd"),
		NotesFolded:    pick("", "\x00公司"),
		Pinyin:         pick("", "<li,<yi,<tian,"),
		Mobiles:        pick("", "13800000000"),
		ContactUID:     random.Uint32N(2),
		ContactID:      1 + random.Uint64N(50),
	}
}

func TestApplyIsWhatTheRowsCallForHoweverIdsMove(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.write(writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	random := rand.New(rand.NewPCG(6, 6))
	rows := map[uint64]*filter.Row{}
	// Close together, over many parts, and far up: the sets of the many are in parts, those of the few
	// whole.
	newID := func() uint64 {
		return []uint64{1 + random.Uint64N(300), random.Uint64N(40 << index.PartBits), 1<<53 - 1 - random.Uint64N(1<<50)}[random.IntN(3)]
	}
	for round := range 24 {
		grows := round < 14
		var changes []index.Change
		left := slices.Sorted(maps.Keys(rows))
		random.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		left = left[:min(len(left), 1+random.IntN(200))]
		// Rows that change, go, take new ids, or the ids that others of the batch leave.
		var free []uint64
		for _, id := range left {
			c := index.Change{Old: rows[id]}
			delete(rows, id)
			switch odds := random.IntN(6); {
			case odds == 0, !grows && odds < 4:
				free = append(free, id)
			case odds == 1 && len(free) > 0:
				c.New = row(free[0], random)
				free = append(free[1:], id)
			default:
				c.New = row(id, random)
			}
			changes = append(changes, c)
		}
		for range 20 * random.IntN(20) {
			id := newID()
			if len(free) > 0 {
				id, free = free[0], free[1:]
			} else if !grows || rows[id] != nil || slices.Contains(left, id) || id == 0 {
				continue
			}
			changes = append(changes, index.Change{New: row(id, random)})
			left = append(left, id)
		}
		for _, c := range changes {
			if c.New != nil {
				rows[c.New.ID] = c.New
			}
		}
		random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		h.apply(1, changes...)
		want := newSets()
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			want.add(rows[id])
		}
		want.compare(t, h.stored(1))
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
	if n := h.one("SELECT COUNT(DISTINCT name) FROM follow_sets WHERE part > 0 AND name <> 'c'"); n < 20 {
		t.Errorf("%d sets are in parts", n)
	}
	if n := h.one("SELECT COUNT(*) FROM follow_sets WHERE part = 0 AND ids <> ''"); n < 20 {
		t.Errorf("%d sets are whole", n)
	}
}

// The id stays in the sets of both rows, and is then the one's that took it, whichever comes first.
func TestAnIdThatOneFollowLeavesAndAnotherTakesIsTheOthers(t *testing.T) {
	t.Parallel()
	h := setup(t)
	random := rand.New(rand.NewPCG(8, 8))
	at := func(r *filter.Row, id uint64) *filter.Row {
		moved := *r
		moved.ID = id
		return &moved
	}
	for crop := uint32(1); crop <= 20; crop++ {
		h.write(writer.Business, record(writer.Business, "id", int(crop), "uniacid", 2))
		a, b, c, d := row(5, random), row(70_000, random), row(9, random), row(2, random)
		h.apply(crop, index.Change{New: a}, index.Change{New: b}, index.Change{New: c})
		// a and b exchange their ids, the new d takes that of c, which goes to a far one.
		changes := []index.Change{{a, at(a, 70_000)}, {b, at(b, 5)}, {c, at(c, 1<<52)}, {nil, at(d, 9)}}
		random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		h.apply(crop, changes...)
		want := newSets()
		for _, r := range []*filter.Row{at(b, 5), at(d, 9), at(a, 70_000), at(c, 1<<52)} {
			want.add(r)
		}
		want.compare(t, h.stored(crop))
		// And one that only goes beside one that takes its id.
		changes = []index.Change{{at(b, 5), nil}, {nil, at(c, 5)}, {at(c, 1<<52), nil}}
		random.Shuffle(len(changes), func(i, j int) { changes[i], changes[j] = changes[j], changes[i] })
		h.apply(crop, changes...)
		want = newSets()
		for _, r := range []*filter.Row{at(c, 5), at(d, 9), at(a, 70_000)} {
			want.add(r)
		}
		want.compare(t, h.stored(crop))
	}
}

// watch has every write to follow_sets noted, by triggers.
func (h house) watch() {
	h.t.Helper()
	h.exec("CREATE TABLE written (what VARCHAR(10), name VARBINARY(120), part BIGINT UNSIGNED)")
	for _, what := range []string{"INSERT", "UPDATE"} {
		h.exec(
			"CREATE TRIGGER watch_" + what + " BEFORE " + what + " ON follow_sets FOR EACH ROW INSERT INTO written VALUES ('" + what + "', NEW.name, NEW.part)",
		)
	}
	h.exec(
		"CREATE TRIGGER watch_delete BEFORE DELETE ON follow_sets FOR EACH ROW INSERT INTO written VALUES ('DELETE', OLD.name, OLD.part)",
	)
}

// written returns what was written since the last time, as "name part", sorted.
func (h house) written() (all []string) {
	h.t.Helper()
	rows, err := h.db.QueryContext(h.t.Context(), "SELECT DISTINCT name, part FROM written ORDER BY name, part")
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var part uint64
		if err := rows.Scan(&name, &part); err != nil {
			h.t.Fatal(err)
		}
		all = append(all, fmt.Sprint(name, " ", part))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	h.exec("DELETE FROM written")
	return all
}

func TestApplyWritesTheSetsThatChangeAndOfThemThePartsThatDo(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.write(writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	random := rand.New(rand.NewPCG(5, 5))
	var changes []index.Change
	template := row(1, random)
	template.TagID, template.Userid, template.ContactID = "t1", "u", 3
	at := func(id uint64) *filter.Row {
		r := *template
		r.ID = id
		return &r
	}
	for i := range uint64(index.ManyBytes + 1000) {
		changes = append(changes, index.Change{New: at(1 + i*20)}) // five parts
	}
	h.apply(1, changes...)
	h.watch()
	want := func(what string, want ...string) {
		t.Helper()
		if got := h.written(); !slices.Equal(got, want) {
			t.Errorf("%s: %q is written, want %q", what, got, want)
		}
	}
	h.apply(1)
	want("no change")
	h.apply(1, index.Change{Old: at(1), New: at(1)}, index.Change{Old: at(21), New: at(21)})
	want("rows as they were")
	tagged := at(1)
	tagged.TagID = "t2,t1"
	h.apply(1, index.Change{Old: at(1), New: tagged})
	want("a tag", "Tt2 0")
	h.apply(1, index.Change{Old: tagged, New: at(1)})
	want("and none", "Tt2 0")
	other := at(200_001)
	other.Userid, other.TagID = "V", ""
	h.apply(1, index.Change{Old: at(200_001), New: other})
	want("an employee, and no tag", "T* 4", "Tt1 4", "eu 4", "ev 0")
	other.ContactID = 4
	mate := *other
	mate.ContactID = 3
	h.apply(1, index.Change{Old: &mate, New: other})
	want("a contact", fmt.Sprint("c ", 200_001>>11+1))
	// Of a whole part that goes, the row goes.
	changes = nil
	for i := range uint64(index.ManyBytes + 1000) {
		if id := 1 + i*20; id < 1<<index.PartBits {
			c := index.Change{Old: at(id), New: at(id)}
			c.New.Userid = "w"
			changes = append(changes, c)
		}
	}
	h.apply(1, changes...)
	want("all of a part", "eu 1", "ew 0")
	if n := h.one("SELECT COUNT(*) FROM follow_sets WHERE name = 'eu' AND part = 1"); n != 0 {
		t.Error("an empty part is stored")
	}
}

// A set that has grown too long for one row is in parts from then on, and whole again once the
// index is made anew.
func TestASetGoesIntoPartsAndBecomesWholeWhenItIsMadeAnew(t *testing.T) {
	t.Parallel()
	h := setup(t)
	turn := h.turn()
	h.write(writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	h.fill(turn, 1)
	form := func(name string) (whole, parts int64) {
		return h.one("SELECT COUNT(*) FROM follow_sets WHERE crop_id = 1 AND name = ? AND part = 0 AND ids <> ''", name),
			h.one("SELECT COUNT(*) FROM follow_sets WHERE crop_id = 1 AND name = ? AND part > 0", name)
	}
	want := func(what string, whole, parts int64) {
		t.Helper()
		if w, p := form("l"); w != whole || p != parts {
			t.Errorf("%s: %d rows of the whole and %d of parts, want %d and %d", what, w, p, whole, parts)
		}
		h.complete(1)
	}
	const few, many = index.FewBytes / 2, index.FewBytes + 100 // ids 100 apart are a byte each
	h.enterprise(1, few)
	want("few rows", 1, 0)
	h.enterprise(1, many)
	want("many rows", 0, 4)
	// Deleted again, down to none.
	remove := func(from, to int) {
		var follows []writer.Record
		for i := from; i < to; i++ {
			r := followOf(1, i, "")
			r[writer.Follow.Field("deleted_at")] = writer.Text("2022-01-01 00:00:00")
			follows = append(follows, r)
		}
		h.write(writer.Follow, follows...)
	}
	remove(few, many)
	want("few again", 0, 3)
	h.fill(turn, 1)
	want("made anew", 1, 0)
	h.enterprise(1, many)
	remove(0, many)
	want("none", 0, 0)
	if n := h.one("SELECT COUNT(*) FROM follow_sets WHERE ids <> ''"); n != 0 {
		t.Errorf("%d rows are stored of nothing", n)
	}
	alive := followOf(1, 7, "")
	alive[writer.Follow.Field("deleted_at")] = writer.Value{Is: writer.Null}
	h.write(writer.Follow, alive)
	if ids := h.stored(1).ids["l"]; !slices.Equal(ids, []uint64{10_000_700}) {
		t.Errorf("one row after none is %v", ids)
	}
	h.complete(1)
}
