package writer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// check wants these differences.
func check(t testing.TB, db *sql.DB, want ...string) {
	t.Helper()
	found, err := Check(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		got = append(got, d.String())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
}

// enterprise writes an enterprise with n contacts and two follows to each; every seventh follow is deleted.
func enterprise(t testing.TB, w *Writer, crop, n int) {
	t.Helper()
	write(t, w, Business, record(Business, "id", crop, "uniacid", 2))
	var contacts, follows []Record
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		contacts = append(contacts, record(Customer, "crop_id", crop, "external_userid", name, "name", fmt.Sprintf("李Ｌｉ%d", i), "external_type", 1+i%2))
		for j := range 2 {
			r := record(Follow, "crop_id", crop, "external_userid", name, "userid", fmt.Sprintf("u%d", j), "remark", fmt.Sprintf("备注%d李", i%7), "tag_id", fmt.Sprintf("t%d,t%d", i%3, j),
				"add_way", fmt.Sprint(i%5), "status", 1-2*(i%2), "id", crop*1_000_000+i*5000+j)
			if (2*i+j)%7 == 0 {
				r[Follow.Field("deleted_at")] = Text("2022-01-01 00:00:00")
			}
			follows = append(follows, r)
		}
	}
	write(t, w, Customer, contacts...)
	write(t, w, Follow, follows...)
}

func exec(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func one(t testing.TB, db *sql.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestWhatTheWriterWritesIsWhatCheckRecomputes(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	check(t, db)
	enterprise(t, w, 1, 30)
	enterprise(t, w, 2, 3)
	check(t, db)
	if n := one(t, db, "SELECT SUM(n) FROM follow_counts WHERE crop_id = 1"); n != one(t, db, "SELECT COUNT(*) FROM follows WHERE crop_id = 1 AND deleted_at IS NULL") || n == 0 {
		t.Errorf("the counters say %d", n)
	}
	if n := one(t, db, "SELECT SUM(n) FROM follow_blocks WHERE crop_id = 1 AND block = ?", 1_000_000>>12); n != 1 {
		t.Errorf("the first block has %d", n)
	}
	if n := one(t, db, "SELECT fields FROM follow_grams WHERE crop_id = 1 AND follow_id = 1005001 AND gram = ?", int64('李')<<21|'l'); n != GramInName {
		t.Errorf("李l is in %d", n)
	}
	if n := one(t, db, "SELECT COUNT(*) FROM follow_grams WHERE crop_id = 1 AND follow_id = 1005001 AND gram = ? AND fields = ?", int64('李')<<21, GramInRemark); n != 1 {
		t.Error("the last letter of a remark is no gram")
	}
}

func TestGramsAreTwoAndThreeNeighboursAndTheLastOne(t *testing.T) {
	t.Parallel()
	pack := func(a, b rune) uint64 { return uint64(a)<<21 | uint64(b) }
	pack3 := func(a, b, c rune) uint64 { return uint64(a)<<42 | pack(b, c) }
	for text, want := range map[string][]uint64{
		"":             nil,
		"李":            {pack('李', 0)},
		"ab":           {pack('a', 'b'), pack('b', 0)},
		"aaa":          {pack('a', 'a'), pack('a', 'a'), pack3('a', 'a', 'a'), pack('a', 0)},
		"一🌸\U0010ffff": {pack('一', '🌸'), pack('🌸', 0x10ffff), pack3('一', '🌸', 0x10ffff), pack(0x10ffff, 0)},
	} {
		if got := Grams(nil, text); !slices.Equal(got, want) {
			t.Errorf("%q: %x, want %x", text, got, want)
		}
	}
	row := make([]Value, len(tables[Follow].columns))
	row[followID], row[followNameFolded], row[followRemarkFolded], row[followDeleted] = Int(7), Text("aaa"), Text("ba"), Value{Is: Null}
	var g gramer
	want := []gram{
		{int64(pack('a', 0)), 7, 3}, {int64(pack('a', 'a')), 7, 1}, {int64(pack('b', 'a')), 7, 2}, {int64(pack3('a', 'a', 'a')), 7, 1},
	}
	if got := g.of(row); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCheckFindsEveryKindOfDamageAndReindexRepairsIt(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 10)
	enterprise(t, w, 2, 2)
	check(t, db)
	for name, x := range map[string]struct {
		damage []string
		want   []string
	}{
		"a folded remark":        {[]string{"UPDATE follows SET remark_folded = 'x' WHERE id = 1005000"}, []string{"enterprise 1: follows.remark_folded: 1 follows are wrong, the first is id 1005000"}},
		"a member":               {[]string{"UPDATE follows SET contact_uid = 99 WHERE id = 1005000"}, []string{"enterprise 1: follows.contact_uid: 1 follows are wrong, the first is id 1005000"}},
		"a folded name":          {[]string{"UPDATE follows SET name_folded = 'x' WHERE id >= 1005000 AND id < 1010001"}, []string{"enterprise 1: follows.name_folded: 3 follows are wrong, the first is id 1005000"}},
		"a type":                 {[]string{"UPDATE follows SET external_type = 9 WHERE id = 1005000"}, []string{"enterprise 1: follows.external_type: 1 follows are wrong, the first is id 1005000"}},
		"a contact changed past": {[]string{"UPDATE contacts SET name = CONCAT(name, 'x') WHERE crop_id = 1 AND external_userid = 'c1'"}, []string{"enterprise 1: follow_grams: 2 follows are wrong, the first is id 1005000", "enterprise 1: follows.name_folded: 2 follows are wrong, the first is id 1005000"}},
		"a lost link":            {[]string{"DELETE FROM follow_tags WHERE crop_id = 1 AND follow_id = 1005000 AND tag_id = 't1'"}, []string{"enterprise 1: follow_tags: 1 follows are wrong, the first is id 1005000"}},
		"a link too many":        {[]string{"INSERT INTO follow_tags VALUES (1, 'zz', 1005000)"}, []string{"enterprise 1: follow_tags: 1 follows are wrong, the first is id 1005000"}},
		"a link of a deleted":    {[]string{"INSERT INTO follow_tags VALUES (1, 't0', 1000000)"}, []string{"enterprise 1: follow_tags: 1 follows are wrong, the first is id 1000000"}},
		"a link of nobody":       {[]string{"INSERT INTO follow_tags VALUES (1, 't0', 5)"}, []string{"enterprise 1: follow_tags: 1 follows are wrong, the first is id 5"}},
		"a link of another's":    {[]string{"INSERT INTO follow_tags VALUES (1, 't0', 2005000)"}, []string{"enterprise 1: follow_tags: 1 follows are wrong, the first is id 2005000"}},
		"lost grams":             {[]string{"DELETE FROM follow_grams WHERE crop_id = 1 AND follow_id >= 1010000"}, []string{"enterprise 1: follow_grams: 14 follows are wrong, the first is id 1010000"}},
		"a gram too many":        {[]string{"INSERT INTO follow_grams VALUES (1, 77, 1005000, 1)"}, []string{"enterprise 1: follow_grams: 1 follows are wrong, the first is id 1005000"}},
		"a gram of nobody":       {[]string{"INSERT INTO follow_grams VALUES (1, 77, 9, 1)"}, []string{"enterprise 1: follow_grams: 1 follows are wrong, the first is id 9"}},
		"a gram elsewhere":       {[]string{"UPDATE follow_grams SET fields = 3 - fields WHERE crop_id = 1 AND follow_id = 1005000 AND fields < 3 LIMIT 1"}, []string{"enterprise 1: follow_grams: 1 follows are wrong, the first is id 1005000"}},
		"counters":               {[]string{"UPDATE follow_counts SET n = n + 1 WHERE crop_id = 1 LIMIT 1", "INSERT INTO follow_counts VALUES (1, 7, 7, 7, 7), (1, 7, 7, 8, 0)"}, []string{"enterprise 1: follow_counts: 3 counters are wrong"}},
		"lost counters":          {[]string{"DELETE FROM follow_counts WHERE crop_id = 1"}, []string{"enterprise 1: follow_counts: 10 counters are wrong"}},
		"blocks":                 {[]string{"UPDATE follow_blocks SET n = n + 1 WHERE crop_id = 1 LIMIT 2", "INSERT INTO follow_blocks VALUES (1, 7, -1), (1, 8, 0)"}, []string{"enterprise 1: follow_blocks: 4 counters are wrong"}},
		"an enterprise of nobody": {[]string{"INSERT INTO follow_tags VALUES (5, 't', 5)", "INSERT INTO follow_grams VALUES (6, 77, 5, 1)", "INSERT INTO follow_counts VALUES (7, 1, 1, 1, 1)", "INSERT INTO follow_blocks VALUES (8, 1, 1)"},
			[]string{"enterprise 5: follow_tags: 1 follows are wrong, the first is id 5", "enterprise 6: follow_grams: 1 follows are wrong, the first is id 5", "enterprise 7: follow_counts: 1 counters are wrong", "enterprise 8: follow_blocks: 1 counters are wrong"}},
		"everything": {[]string{"DELETE FROM follow_tags", "DELETE FROM follow_grams", "DELETE FROM follow_counts", "DELETE FROM follow_blocks", "UPDATE follows SET name_folded = '', remark_folded = '', external_type = 0"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			versions := func(crop int) int64 { return one(t, db, "SELECT rows_version FROM versions WHERE crop_id = ?", crop) }
			before1, before2 := versions(1), versions(2)
			for _, damage := range x.damage {
				exec(t, db, damage)
			}
			if x.want != nil {
				check(t, db, x.want...)
			} else if found, err := Check(t.Context(), db, nil); err != nil || len(found) != 14 {
				t.Errorf("%v %v", found, err)
			}
			if err := w.Reindex(t.Context(), nil, nil); err != nil {
				t.Fatal(err)
			}
			check(t, db)
			// What was remembered of the enterprise that was repaired holds no longer; what nothing was wrong with is left alone.
			if name != "everything" && versions(2) != before2 {
				t.Error("a sound enterprise was given a new version")
			}
			if name != "an enterprise of nobody" && versions(1) == before1 {
				t.Error("a repaired enterprise kept its version")
			}
		})
	}
}

func TestReindexCanBeInterruptedAndRunAgain(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	write(t, w, Business, record(Business, "id", 1, "uniacid", 2))
	for part := range 3 {
		var contacts, follows []Record
		for i := range reindexRows {
			name := fmt.Sprintf("c%d", part*reindexRows+i)
			contacts = append(contacts, record(Customer, "crop_id", 1, "external_userid", name, "name", name))
			follows = append(follows, record(Follow, "crop_id", 1, "external_userid", name, "userid", "u", "tag_id", "t"))
		}
		write(t, w, Customer, contacts...)
		write(t, w, Follow, follows...)
	}
	exec(t, db, "DELETE FROM follow_grams")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	steps := map[string]bool{}
	err := w.Reindex(ctx, []int64{1}, func(p Progress) {
		steps[p.Step] = true
		if p.Step == stepRepair {
			if p.Total != 3*reindexRows {
				t.Errorf("%+v", p)
			}
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || !steps[stepRepair] {
		t.Fatalf("%v after %v", err, steps)
	}
	if n := one(t, db, "SELECT COUNT(DISTINCT follow_id) FROM follow_grams"); n != reindexRows {
		t.Errorf("%d follows were repaired before the interruption", n)
	}
	if err := w.Reindex(t.Context(), []int64{1}, nil); err != nil {
		t.Fatal(err)
	}
	check(t, db)
}

// grown is 1 where a version has grown, 0 where it is the same.
func grown(is, was int64) int64 { return max(min(is-was, 1), -1) }

func TestVersionsGrowWithWhatChangedAndOnlyThen(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	versions := func() [2]int64 {
		t.Helper()
		return [2]int64{one(t, db, "SELECT rows_version FROM versions WHERE crop_id = 1"), one(t, db, "SELECT dict_version FROM versions WHERE crop_id = 1")}
	}
	write(t, w, Business, record(Business, "id", 1, "uniacid", 2), record(Business, "id", 2, "uniacid", 2))
	last := versions()
	for _, x := range []struct {
		k    Kind
		r    Record
		want [2]int64
	}{
		{Customer, record(Customer, "crop_id", 1, "external_userid", "c"), [2]int64{1, 0}},
		{Customer, record(Customer, "crop_id", 1, "external_userid", "c", "avatar", "a"), [2]int64{1, 0}},
		{Customer, record(Customer, "crop_id", 1, "external_userid", "c", "avatar", "a"), [2]int64{0, 0}},
		{Follow, record(Follow, "crop_id", 1, "external_userid", "c", "userid", "u"), [2]int64{1, 0}},
		{Follow, record(Follow, "crop_id", 1, "external_userid", "c", "userid", "u"), [2]int64{0, 0}},
		{Follow, record(Follow, "crop_id", 1, "external_userid", "c", "userid", "u", "deleted_at", "2022-01-01 00:00:00"), [2]int64{1, 0}},
		{Tag, record(Tag, "crop_id", 1, "tag_id", "t"), [2]int64{0, 1}},
		{Tag, record(Tag, "crop_id", 1, "tag_id", "t", "name", "n"), [2]int64{0, 1}},
		{Employee, record(Employee, "business_id", 1, "user_id", "u"), [2]int64{0, 1}},
		{Employee, record(Employee, "business_id", 1, "user_id", "U"), [2]int64{0, 1}},
		{Employee, record(Employee, "business_id", 1, "user_id", "U"), [2]int64{0, 0}},
		{Tag, record(Tag, "crop_id", 2, "tag_id", "t"), [2]int64{0, 0}},
	} {
		write(t, w, x.k, x.r)
		now := versions()
		if got := [2]int64{grown(now[0], last[0]), grown(now[1], last[1])}; got != x.want {
			t.Errorf("%s %v: the versions went from %v to %v, want growth %v", x.k, x.r, last, now, x.want)
		}
		last = now
	}
	// A backup from before the last writes is put back: what is written from then on must not come by numbers that have been given out.
	if _, err := db.ExecContext(t.Context(), "UPDATE versions SET rows_version = rows_version - 3 WHERE crop_id = 1"); err != nil {
		t.Fatal(err)
	}
	later := New(db, func() time.Time { return w.now().Add(time.Hour) })
	write(t, later, Customer, record(Customer, "crop_id", 1, "external_userid", "c", "avatar", "b"))
	if now := versions(); now[0] <= last[0] {
		t.Errorf("after a restore the version is %d, and was %d before", now[0], last[0])
	}
}

// Everything at once: writers to one enterprise and to another, of all kinds, with the same keys and ids, and a reindex beside them. In the end nothing is out of step.
func TestRandomWritesAtOnceLeaveNothingForCheckToFind(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	const contacts, writers, rounds = 25, 6, 25
	for _, crop := range []int{1, 2} {
		write(t, w, Business, record(Business, "id", crop, "uniacid", 2))
		for i := range contacts {
			write(t, w, Customer, record(Customer, "crop_id", crop, "external_userid", fmt.Sprintf("c%d", i)))
		}
	}
	var wg sync.WaitGroup
	var written atomic.Int64
	for n := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 5))
			for range rounds {
				kind, records := randomWrite(random, contacts)
				result, err := w.Write(t.Context(), kind, records, true)
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(int64(result.New + result.Changed))
			}
		})
	}
	wg.Go(func() {
		for range 3 {
			if err := w.Reindex(t.Context(), nil, nil); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	check(t, db)
	if written.Load() < writers*rounds {
		t.Errorf("only %d rows were written", written.Load())
	}
	if n := one(t, db, "SELECT COUNT(*) FROM follow_tags"); n == 0 {
		t.Error("no links were left to check")
	}
}

// randomWrite returns some records of one kind, of two enterprises.
func randomWrite(random *rand.Rand, contacts int) (Kind, []Record) {
	kind := []Kind{Customer, Follow, Follow, Follow, Tag, Employee}[random.IntN(6)]
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	var records []Record
	for range 1 + random.IntN(30) {
		var r Record
		crop := 1 + random.IntN(10)/8
		set := func(odds int, field string, v Value) {
			if random.IntN(odds) == 0 {
				r[kind.Field(field)] = v
			}
		}
		contact := fmt.Sprintf("c%d", random.IntN(contacts))
		switch kind {
		case Customer:
			r = record(kind, "crop_id", crop, "external_userid", contact)
			set(2, "name", Text(pick("李一天", "ＡＢ", "abc", "", "王姐🌸"))) // a rename
			set(3, "external_type", Int(int64(1+random.IntN(2))))
		case Follow:
			r = record(kind, "crop_id", crop, "external_userid", contact, "userid", pick("u", "U", "v", "w"))
			set(2, "tag_id", Text(pick("", "t1", "t1,t2", "t2,t3,t1", "t4, t1"))) // a retag
			set(2, "remark", Text(pick("", "李", "备注", "ＲＥ 备", "aaaa")))
			set(3, "status", Int(int64(1-2*random.IntN(2))))
			set(3, "add_way", Text(pick("0", "1", "2")))
		case Tag:
			r = record(kind, "crop_id", crop, "tag_id", pick("t1", "t2", "t9"), "name", pick("a", "b"))
		default:
			r = record(kind, "business_id", crop, "user_id", pick("u", "U", "x"), "name", pick("a", "b"))
		}
		set(8, "id", Int(int64(1+random.IntN(60_000))))
		set(5, "deleted_at", Text("2022-01-01 00:00:00"))
		set(3, "deleted_at", Value{Is: Null})
		records = append(records, r)
	}
	return kind, records
}

func TestCheckTellsItsProgress(t *testing.T) {
	t.Parallel()
	var told []Progress
	s := survey{crop: 3, progress: func(p Progress) { told = append(told, p) }}
	for i := 1; i <= 2*progressEvery; i++ {
		s.tell(stepGrams, i)
	}
	want := []Progress{{CropID: 3, Step: stepGrams, Done: progressEvery}, {CropID: 3, Step: stepGrams, Done: 2 * progressEvery}}
	if !slices.Equal(told, want) {
		t.Errorf("%+v", told)
	}
}
