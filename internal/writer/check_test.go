package writer_test

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
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/writer"
)

// check wants these differences.
func check(t testing.TB, db *sql.DB, want ...string) {
	t.Helper()
	found, err := writer.Check(t.Context(), db, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		got = append(got, d.String())
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("check (-want +got):\n%s", diff)
	}
}

// enterprise writes an enterprise with n contacts and two follows to each; every seventh follow is
// deleted.
func enterprise(t testing.TB, w *writer.Writer, crop, n int) {
	t.Helper()
	write(t, w, writer.Business, record(writer.Business, "id", crop, "uniacid", 2))
	var contacts, follows []writer.Record
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		contacts = append(contacts, record(writer.Customer, "crop_id", crop, "external_userid", name,
			"name", fmt.Sprintf("李Ｌｉ%d", i), "external_type", 1+i%2, "uid", i%3, "corp_name", "公司"))
		for j := range 2 {
			r := record(writer.Follow, "crop_id", crop, "external_userid", name, "userid", fmt.Sprintf("u%d", j),
				"remark", fmt.Sprintf("备注%d李", i%7), "tag_id", fmt.Sprintf("t%d,t%d", i%3, j), "add_way", fmt.Sprint(i%5),
				"status", 1-2*(i%2), "remark_mobiles", `["138-0013"]`, "id", crop*1_000_000+i*5000+j)
			if (2*i+j)%7 == 0 {
				r[writer.Follow.Field("deleted_at")] = writer.Text("2022-01-01 00:00:00")
			}
			follows = append(follows, r)
		}
	}
	write(t, w, writer.Customer, contacts...)
	write(t, w, writer.Follow, follows...)
}

// fill gives every enterprise an index.
func fill(t testing.TB, w *writer.Writer) {
	t.Helper()
	if err := w.FillIndexes(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
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
	check(t, db) // without an index
	fill(t, w)
	check(t, db) // that was made of the rows
	write(t, w, writer.Business, record(writer.Business, "id", 2, "uniacid", 2))
	exec(t, db, "UPDATE versions SET indexed = ? WHERE crop_id = 2", index.Format)
	enterprise(t, w, 2, 3)
	check(t, db) // that was there before the rows
	for derived, want := range map[string]string{
		"name_folded": "李li1", "remark_folded": "备注1李", "notes_folded": "\x00公司", "mobiles": "1380013",
		"tags": `["*","t1"]`, "external_type": "2", "contact_uid": "1",
	} {
		var got string
		if err := db.QueryRowContext(t.Context(), "SELECT "+derived+" FROM follows WHERE id = 1005001").Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", derived, got, want, err)
		}
	}
}

func TestCheckFindsEveryKindOfDamageAndReindexRepairsIt(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 10)
	enterprise(t, w, 2, 2)
	fill(t, w)
	check(t, db)
	follows := func(column string, n, first int) string {
		return fmt.Sprintf("enterprise 1: follows.%s: %d are wrong, the first is id %d", column, n, first)
	}
	sets := func(kind string, n int, first string) string {
		return fmt.Sprintf("enterprise 1: follow_sets %s: %d are wrong, the first is %q", kind, n, first)
	}
	const of1, ofSet = " WHERE id = 1005000", " WHERE crop_id = 1 AND name = "
	var none = []string{}
	for name, x := range map[string]struct {
		damage []string
		want   []string // nil: something
	}{
		// A column that was changed past the writer is wrong, and so are the sets that it names: they
		// call for what the rows say now.
		"a member":        {[]string{"UPDATE follows SET contact_uid = 0" + of1}, []string{follows("contact_uid", 1, 1005000), sets("u", 1, "u\x80\x00\x00\x00\x00\x00\x00\x00")}},
		"a mobile":        {[]string{"UPDATE follows SET mobiles = '13'" + of1}, []string{follows("mobiles", 1, 1005000), sets("m", 15, "m0")}},
		"a JSON of tags":  {[]string{"UPDATE follows SET tags = '[]'" + of1}, []string{follows("tags", 1, 1005000)}},
		"a contact's id":  {[]string{"UPDATE follows SET contact_id = 99" + of1}, []string{follows("contact_id", 1, 1005000), sets("c", 1, "c")}},
		"a folded name":   {[]string{"UPDATE follows SET name_folded = '李' WHERE id >= 1005000 AND id < 1010001"}, []string{follows("name_folded", 3, 1005000), sets("n", 11, "n1")}},
		"a folded remark": {[]string{"UPDATE follows SET remark_folded = '备'" + of1}, []string{follows("remark_folded", 1, 1005000), sets("r", 8, "r1")}},
		"notes":           {[]string{"UPDATE follows SET notes_folded = ''" + of1}, []string{follows("notes_folded", 1, 1005000), sets("k", 3, "k公")}},
		"pinyin":          {[]string{"UPDATE follows SET pinyin = ''" + of1}, nil},
		"a type":          {[]string{"UPDATE follows SET external_type = 1" + of1}, []string{follows("external_type", 1, 1005000), sets("t", 2, "t\x80\x00\x00\x00\x00\x00\x00\x01")}},
		// The index alone, past the writer.
		"a follow retagged": {[]string{"UPDATE follows SET tag_id = 't0', tags = '[\"*\",\"t0\"]'" + of1}, []string{sets("T", 1, "Tt1")}},
		"a follow deleted":  {[]string{"UPDATE follows SET deleted_at = NOW()" + of1}, nil},
		"a follow gone":     {[]string{"DELETE FROM follows" + of1}, nil},
		"a contact renamed": {[]string{"UPDATE contacts SET name = '王' WHERE crop_id = 1 AND external_userid = 'c1'"}, []string{follows("name_folded", 2, 1005000), follows("pinyin", 2, 1005000)}},
		"an id lost":        {[]string{"UPDATE follow_sets SET ids = SUBSTRING(ids, 1, LENGTH(ids) - 1)" + ofSet + "'eu0'"}, []string{sets("e", 1, "eu0")}},
		"an id too many":    {[]string{"UPDATE follow_sets SET ids = CONCAT(ids, x'07')" + ofSet + "'Tt2'"}, []string{sets("T", 1, "Tt2")}},
		"other ids":         {[]string{"UPDATE follow_sets SET ids = x'0507'" + ofSet + "'l'"}, []string{sets("l", 1, "l")}},
		"a set of nobody": {[]string{"INSERT INTO follow_sets VALUES (1, 'Tnobody', 0, x'05'), (1, 'zz', 0, x'05'), (1, '', 4, x'05')"},
			[]string{sets("", 1, ""), sets("T", 1, "Tnobody"), sets("z", 1, "zz")}},
		// Which nobody reads.
		"an enterprise of nobody": {[]string{"INSERT INTO follow_sets VALUES (9, 'l', 0, x'05')"}, none},
		"sets lost":               {[]string{"DELETE FROM follow_sets WHERE crop_id = 1 AND name LIKE 'T%'"}, []string{sets("T", 4, "T*")}},
		"an empty set":            {[]string{"UPDATE follow_sets SET ids = ''" + ofSet + "'l'"}, []string{sets("l", 1, "l")}},
		"a damaged set":           {[]string{"UPDATE follow_sets SET ids = x'80'" + ofSet + "'eu1'"}, []string{sets("e", 1, "eu1")}},
		"parts of a whole":        {[]string{"INSERT INTO follow_sets VALUES (1, 'eu1', 5, x'80'), (1, 'eu1', 6, x'80')"}, []string{sets("e", 1, "eu1")}},
		"a contact lost":          {[]string{"UPDATE follow_sets SET ids = SUBSTRING(ids, 1, LENGTH(ids) - 2)" + ofSet + "'c' LIMIT 2"}, []string{sets("c", 2, "c")}},
		"contacts lost":           {[]string{"DELETE FROM follow_sets" + ofSet + "'c'"}, []string{sets("c", 10, "c")}},
		"contacts of nobody":      {[]string{"INSERT INTO follow_sets VALUES (1, 'c', 1, x'0502')"}, []string{sets("c", 1, "c")}},
		"no index at all":         {[]string{"DELETE FROM follow_sets WHERE crop_id = 1"}, nil},
		"everything": {[]string{"DELETE FROM follow_sets", "UPDATE follows SET name_folded = 'x', remark_folded = 'x', external_type = 0, notes_folded = '', " +
			"pinyin = '', mobiles = '', tags = '[]', contact_id = 0, contact_uid = 7"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			versions := func(crop int) int64 { return one(t, db, "SELECT rows_version FROM versions WHERE crop_id = ?", crop) }
			before1, before2 := versions(1), versions(2)
			for _, damage := range x.damage {
				exec(t, db, damage)
			}
			found, err := writer.Check(t.Context(), db, nil)
			if err != nil {
				t.Fatal(err)
			}
			if x.want != nil {
				check(t, db, x.want...)
			} else if len(found) == 0 {
				t.Error("nothing is found")
			}
			if err := w.Reindex(t.Context(), nil, 0, nil); err != nil {
				t.Fatal(err)
			}
			check(t, db)
			// What was remembered of an answer holds no longer: it may have been read from what was wrong.
			if versions(1) <= before1 || versions(2) <= before2 {
				t.Error("what is remembered of an enterprise still holds")
			}
			// The follow is as it was, for the next one.
			exec(t, db, "UPDATE contacts SET name = '李Ｌｉ1' WHERE crop_id = 1 AND external_userid = 'c1'")
			exec(t, db, "DELETE FROM follows WHERE id = 1005000")
			exec(t, db, "DELETE FROM follow_sets")
			enterprise(t, w, 1, 10)
			if err := w.Reindex(t.Context(), nil, 0, nil); err != nil {
				t.Fatal(err)
			}
			check(t, db)
		})
	}
}

// A follow that says one thing of itself and another in its sets is found whichever side was
// changed. Where the enterprise has no complete index there is none to find anything in.
func TestAnIndexThatIsNotCompleteIsNoFinding(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 10)
	fill(t, w)
	exec(t, db, "DELETE FROM follow_sets WHERE name LIKE 'n%'")
	for _, indexed := range []int{0, -index.Format, index.Format + 1} {
		exec(t, db, "UPDATE versions SET indexed = ?", indexed)
		check(t, db)
	}
	exec(t, db, "UPDATE follows SET mobiles = '' WHERE id = 1005000")
	check(t, db, "enterprise 1: follows.mobiles: 1 are wrong, the first is id 1005000")
	// It is no hindrance either: writers go on, and whatever it was, the next filling ends it.
	for _, indexed := range []int{0, -index.Format, index.Format + 1} {
		exec(t, db, "UPDATE versions SET indexed = ?", indexed)
		write(t, w, writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c1", "userid", "u0", "remark", fmt.Sprint(indexed)))
		check(t, db)
		fill(t, w)
		if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = 1"); n != index.Format {
			t.Errorf("of format %d, and then %d", indexed, n)
		}
		check(t, db)
	}
}

// Which enterprises have an index is a matter of their size when it is asked for. One that has one,
// or was to have one, keeps it.
func TestEnterprisesOfMoreThanSoManyFollowsGetAnIndex(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	for crop, n := range []int{0, 1, 20, 40} {
		if n > 0 {
			enterprise(t, w, crop, n)
		}
	}
	write(t, w, writer.Business, record(writer.Business, "id", 4, "uniacid", 2))
	live := one(t, db, "SELECT COUNT(*) FROM follows WHERE crop_id = 2 AND deleted_at IS NULL")
	indexed := func() (all []int64) {
		for crop := 1; crop <= 4; crop++ {
			all = append(all, one(t, db, "SELECT indexed FROM versions WHERE crop_id = ?", crop))
		}
		return all
	}
	const no, yes = 0, index.Format
	for _, x := range []struct {
		from int
		want []int64
	}{
		{1000, []int64{no, no, no, no}},
		{int(live), []int64{no, no, yes, no}},
		{int(live) - 1, []int64{no, yes, yes, no}},
		{1000, []int64{no, yes, yes, no}},
		{0, []int64{yes, yes, yes, no}}, // one follow is more than none
	} {
		if err := w.FillIndexes(t.Context(), x.from, nil); err != nil {
			t.Fatal(err)
		}
		if got := indexed(); !slices.Equal(got, x.want) {
			t.Errorf("from %d: %v, want %v", x.from, got, x.want)
		}
		check(t, db)
	}
	// What has become too small, and what was begun, is made right all the same.
	exec(t, db, "DELETE FROM follow_sets WHERE crop_id = 2")
	exec(t, db, "UPDATE versions SET indexed = ? WHERE crop_id = 3", -index.Format)
	if err := w.FillIndexes(t.Context(), 1000, nil); err != nil {
		t.Fatal(err)
	}
	if got := indexed(); !slices.Equal(got, []int64{yes, yes, yes, no}) {
		t.Errorf("what was begun: %v", got)
	}
	if err := w.Reindex(t.Context(), []int64{2}, 1000, nil); err != nil {
		t.Fatal(err)
	}
	check(t, db)
}

func TestReindexCanBeInterruptedAndRunAgain(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	write(t, w, writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	const n = 3 * writer.ChunkRows
	var contacts, follows []writer.Record
	for i := range n {
		name := fmt.Sprintf("c%d", i)
		contacts = append(contacts, record(writer.Customer, "crop_id", 1, "external_userid", name, "name", name))
		follows = append(follows, record(writer.Follow, "crop_id", 1, "external_userid", name, "userid", "u", "tag_id", "t"))
	}
	write(t, w, writer.Customer, contacts...)
	write(t, w, writer.Follow, follows...)
	fill(t, w)
	exec(t, db, "UPDATE follows SET name_folded = ''")
	reindex := func(stop func(p writer.Progress) bool) (steps []writer.Progress, err error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		return steps, w.Reindex(ctx, []int64{1}, 0, func(p writer.Progress) {
			if steps = append(steps, p); stop(p) {
				cancel()
			}
		})
	}
	// After the first rows are repaired.
	steps, err := reindex(func(p writer.Progress) bool { return p.Done == 2*writer.ChunkRows })
	if !errors.Is(err, context.Canceled) || len(steps) != 2 || steps[0].Step != writer.StepRepair {
		t.Fatalf("%v after %v", err, steps)
	}
	if n := one(t, db, "SELECT COUNT(*) FROM follows WHERE name_folded <> ''"); n != writer.ChunkRows {
		t.Errorf("%d follows were repaired before the interruption", n)
	}
	// While the index is made: the rows are right, and there is none.
	if _, err = reindex(func(p writer.Progress) bool { return p.Step == writer.StepFill }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	check(t, db)
	if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = 1"); n != -index.Format {
		t.Errorf("the index is of format %d", n)
	}
	if steps, err = reindex(func(writer.Progress) bool { return false }); err != nil {
		t.Fatal(err)
	}
	if last := steps[len(steps)-1]; last != (writer.Progress{CropID: 1, Step: writer.StepFill, Done: n, Total: n}) {
		t.Errorf("%+v", last)
	}
	if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = 1"); n != index.Format {
		t.Errorf("the index is of format %d", n)
	}
	check(t, db)
}

func TestReindexAndFillIndexesSayThatAnotherIsAtIt(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 3)
	turn, err := index.TakeTurn(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.FillIndexes(t.Context(), 0, nil); !errors.Is(err, index.ErrBusy) {
		t.Errorf("FillIndexes: %v", err)
	}
	if err := w.Reindex(t.Context(), nil, 0, nil); !errors.Is(err, index.ErrBusy) {
		t.Errorf("Reindex: %v", err)
	}
	// What is loaded meanwhile is loaded, and indexed by whoever comes next.
	loaded := false
	if err := w.FillAfter(t.Context(), 0, func() error { loaded = true; return nil }, nil); err != nil || !loaded {
		t.Errorf("FillAfter: %v %v", loaded, err)
	}
	if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = 1"); n != 0 {
		t.Errorf("the index is of format %d", n)
	}
	turn.End()
	fill(t, w)
	check(t, db)
}

// What is loaded is indexed at its end, once, and as far as it came where it ends with an error;
// where the caller has had enough, nothing more is begun.
func TestFillAfterIndexesWhatIsLoaded(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(t.Context())
	for crop, x := range []struct {
		ctx     context.Context //nolint:containedctx // lives as long as the one case
		loads   func() error
		indexed int64
		err     error
	}{
		{t.Context(), func() error { return nil }, index.Format, nil},
		{t.Context(), func() error { return broken }, index.Format, broken},
		{ctx, func() error { cancel(); return ctx.Err() }, 0, context.Canceled},
	} {
		crop++
		err := w.FillAfter(x.ctx, 0, func() error {
			enterprise(t, w, crop, 3)
			if n := one(t, db, "SELECT COUNT(*) FROM follow_sets WHERE crop_id = ?", crop); n != 0 {
				t.Errorf("%d rows are stored of an index that there is not", n)
			}
			if err := w.FillIndexes(t.Context(), 0, nil); !errors.Is(err, index.ErrBusy) {
				t.Errorf("another fills indexes meanwhile: %v", err)
			}
			return x.loads()
		}, nil)
		if !errors.Is(err, x.err) {
			t.Errorf("%v, want %v", err, x.err)
		}
		if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = ?", crop); n != x.indexed {
			t.Errorf("enterprise %d: the index is of format %d", crop, n)
		}
		check(t, db)
	}
}

func TestUnchangedRecordsWriteNoSets(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	enterprise(t, w, 1, 20)
	fill(t, w)
	exec(t, db, "CREATE TABLE written (name VARBINARY(401))")
	for what, row := range map[string]string{"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"} {
		exec(t, db, "CREATE TRIGGER watch_"+what+" BEFORE "+what+" ON follow_sets FOR EACH ROW INSERT INTO written VALUES ("+row+".name)")
	}
	written := func() int64 {
		n := one(t, db, "SELECT COUNT(DISTINCT name) FROM written")
		exec(t, db, "DELETE FROM written")
		return n
	}
	versions := func() int64 { return one(t, db, "SELECT rows_version FROM versions WHERE crop_id = 1") }
	enterprise(t, w, 1, 20)
	write(t, w, writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c3", "userid", "U0"), // compares alike
		record(writer.Follow, "crop_id", 1, "external_userid", "c3", "userid", "u0"))
	if n := written(); n != 0 {
		t.Errorf("%d sets are written", n)
	}
	before := versions()
	// Nor do those that change what no filter reads, back and forth in one batch, of a follow or a
	// contact.
	follow := record(writer.Follow, "crop_id", 1, "external_userid", "c1", "userid", "u0", "state", "x", "updated_at", "2022-01-01 00:00:00")
	write(t, w, writer.Follow, follow)
	write(t, w, writer.Customer, record(writer.Customer, "crop_id", 1, "external_userid", "c1", "avatar", "x", "position", "x"))
	write(t, w, writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c2", "userid", "u0", "remark", "x", "tag_id", "x"),
		record(writer.Follow, "crop_id", 1, "external_userid", "c2", "userid", "u0", "remark", "备注2李", "tag_id", "t2,t0"))
	// A deleted follow is in no set, whatever becomes of it.
	write(t, w, writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c0", "userid", "u0", "remark", "x", "tag_id", "x"))
	if n := written(); n != 0 {
		t.Errorf("%d sets are written", n)
	}
	if versions() == before {
		t.Error("what changed has left the version as it was")
	}
	write(t, w, writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c2", "userid", "u0", "status", -1))
	if n := written(); n != 2 {
		t.Errorf("%d sets are written for a status", n)
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
	write(t, w, writer.Business, record(writer.Business, "id", 1, "uniacid", 2), record(writer.Business, "id", 2, "uniacid", 2))
	last := versions()
	for _, x := range []struct {
		k    writer.Kind
		r    writer.Record
		want [2]int64
	}{
		{writer.Customer, record(writer.Customer, "crop_id", 1, "external_userid", "c"), [2]int64{1, 0}},
		{writer.Customer, record(writer.Customer, "crop_id", 1, "external_userid", "c", "avatar", "a"), [2]int64{1, 0}},
		{writer.Customer, record(writer.Customer, "crop_id", 1, "external_userid", "c", "avatar", "a"), [2]int64{0, 0}},
		{writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c", "userid", "u"), [2]int64{1, 0}},
		{writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c", "userid", "u"), [2]int64{0, 0}},
		{writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c", "userid", "u", "deleted_at", "2022-01-01 00:00:00"), [2]int64{1, 0}},
		{writer.Tag, record(writer.Tag, "crop_id", 1, "tag_id", "t"), [2]int64{0, 1}},
		{writer.Tag, record(writer.Tag, "crop_id", 1, "tag_id", "t", "name", "n"), [2]int64{0, 1}},
		{writer.Employee, record(writer.Employee, "business_id", 1, "user_id", "u"), [2]int64{0, 1}},
		{writer.Employee, record(writer.Employee, "business_id", 1, "user_id", "u", "name", "N"), [2]int64{0, 1}},
		{writer.Employee, record(writer.Employee, "business_id", 1, "user_id", "U"), [2]int64{0, 0}},
		{writer.Tag, record(writer.Tag, "crop_id", 2, "tag_id", "t"), [2]int64{0, 0}},
	} {
		write(t, w, x.k, x.r)
		now := versions()
		if got := [2]int64{grown(now[0], last[0]), grown(now[1], last[1])}; got != x.want {
			t.Errorf("%s %v: the versions went from %v to %v, want growth %v", x.k, x.r, last, now, x.want)
		}
		last = now
	}
	// A backup from before the last writes is put back: what is written from then on must not come by
	// numbers that have been given out.
	if _, err := db.ExecContext(t.Context(), "UPDATE versions SET rows_version = rows_version - 3 WHERE crop_id = 1"); err != nil {
		t.Fatal(err)
	}
	later := writer.New(db, func() time.Time { return time.Unix(1_700_000_000, 0).Add(time.Hour) })
	write(t, later, writer.Customer, record(writer.Customer, "crop_id", 1, "external_userid", "c", "avatar", "b"))
	if now := versions(); now[0] <= last[0] {
		t.Errorf("after a restore the version is %d, and was %d before", now[0], last[0])
	}
}

// Everything at once: writers to two enterprises and to both, of all kinds, with the same keys and
// ids, and a reindex beside them. In the end nothing is out of step, whatever of it came while the
// index was there, was being filled, or was not.
func TestRandomWritesAtOnceLeaveNothingForCheckToFind(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	const contacts, writers, rounds = 25, 6, 25
	for _, crop := range []int{1, 2} {
		write(t, w, writer.Business, record(writer.Business, "id", crop, "uniacid", 2))
		for i := range contacts {
			write(t, w, writer.Customer, record(writer.Customer, "crop_id", crop, "external_userid", fmt.Sprintf("c%d", i)))
		}
	}
	// One has an index before its first follow, the other gets it on the way.
	exec(t, db, "UPDATE versions SET indexed = ? WHERE crop_id = 1", index.Format)
	var wg sync.WaitGroup
	var written, moved atomic.Int64
	for n := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 5))
			run := w.Run()
			for range rounds {
				kind, records := randomWrite(random, contacts)
				result, err := run.Write(t.Context(), kind, records, true)
				if err != nil {
					t.Error(err)
					return
				}
				written.Add(int64(result.New + result.Changed))
				moved.Add(int64(len(result.Duplicates)))
			}
		})
	}
	wg.Go(func() {
		for range 3 {
			if err := w.Reindex(t.Context(), nil, 0, nil); err != nil {
				t.Error(err)
			}
			found, err := writer.Check(t.Context(), db, nil)
			if err != nil || len(found) > 0 {
				t.Errorf("meanwhile: %v %v", found, err)
			}
		}
	})
	wg.Wait()
	check(t, db)
	fill(t, w)
	check(t, db)
	if written.Load() < writers*rounds || moved.Load() < rounds {
		t.Errorf("only %d rows were written, and %d ids replaced", written.Load(), moved.Load())
	}
	if n := one(t, db, "SELECT COUNT(*) FROM follow_sets"); n < 100 {
		t.Errorf("only %d rows of sets were left to check", n)
	}
}

// One after the other, so that each step of the way is looked at.
func TestRandomWritesOneByOneKeepTheIndexRight(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	const contacts = 12
	for _, crop := range []int{1, 2} {
		write(t, w, writer.Business, record(writer.Business, "id", crop, "uniacid", 2))
		for i := range contacts {
			write(t, w, writer.Customer, record(writer.Customer, "crop_id", crop, "external_userid", fmt.Sprintf("c%d", i)))
		}
	}
	exec(t, db, "UPDATE versions SET indexed = ?", index.Format)
	random := rand.New(rand.NewPCG(11, 5))
	run := w.Run()
	for round := range 150 {
		kind, records := randomWrite(random, contacts)
		if _, err := run.Write(t.Context(), kind, records, true); err != nil {
			t.Fatal(err)
		}
		if check(t, db); t.Failed() {
			t.Fatalf("round %d: %s %v", round, kind, records)
		}
	}
}

// randomWrite returns some records of one kind, of two enterprises.
func randomWrite(random *rand.Rand, contacts int) (writer.Kind, []writer.Record) {
	kind := []writer.Kind{writer.Customer, writer.Follow, writer.Follow, writer.Follow, writer.Tag, writer.Employee}[random.IntN(6)]
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	var records []writer.Record
	for range 1 + random.IntN(30) {
		var r writer.Record
		crop := 1 + random.IntN(10)/8
		set := func(odds int, field string, v writer.Value) {
			if random.IntN(odds) == 0 {
				r[kind.Field(field)] = v
			}
		}
		contact := fmt.Sprintf("c%d", random.IntN(contacts))
		switch kind {
		case writer.Customer:
			r = record(kind, "crop_id", crop, "external_userid", contact)
			set(2, "name", writer.Text(pick("李一天", "ＡＢ", "abc", "", "王姐🌸"))) // a rename
			set(3, "external_type", writer.Int(int64(1+random.IntN(2))))
			set(3, "uid", writer.Int(int64(random.IntN(3))))
			set(3, "corp_name", writer.Text(pick("", "公司", "ＡＢ公司")))
		case writer.Follow:
			r = record(kind, "crop_id", crop, "external_userid", contact, "userid", pick("u", "U", "v", "w"))
			set(2, "tag_id", writer.Text(pick("", "t1", "t1,t2", "t2,t3,t1", "t4, t1"))) // a retag
			set(2, "remark", writer.Text(pick("", "李", "备注", "ＲＥ 备", "aaaa")))
			set(3, "status", writer.Int(int64(1-2*random.IntN(2))))
			set(3, "add_way", writer.Text(pick("0", "1", "2")))
			set(3, "createtime", writer.Int(random.Int64N(1<<31)))
			set(3, "remark_mobiles", writer.Text(pick("[]", `["13800138000"]`, `["13","13800138000"]`, `["1380"]`)))
			set(3, "description", writer.Text(pick("", "说明", "公司")))
		case writer.Tag:
			r = record(kind, "crop_id", crop, "tag_id", pick("t1", "t2", "t9"), "name", pick("a", "b"))
		default:
			r = record(kind, "business_id", crop, "user_id", pick("u", "U", "x"), "name", pick("a", "b"))
		}
		// Ids that others have, or had, of either enterprise, and some far away.
		set(4, "id", writer.Int(int64(1+random.IntN(400))))
		set(20, "id", writer.Int(int64(1+random.IntN(60_000))<<random.IntN(30)))
		set(5, "deleted_at", writer.Text("2022-01-01 00:00:00"))
		set(3, "deleted_at", writer.Value{Is: writer.Null})
		records = append(records, r)
	}
	return kind, records
}
