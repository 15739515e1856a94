package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/writer"
)

// oldRows is how many follows the first enterprise of oldTables has: some chunks of what is derived
// at a time.
const oldRows = 2500

// oldTables returns a database of version 2 with the rows of that version's program: two
// enterprises, whose texts are folded as they were, with what no eye can see still in them.
func oldTables(t *testing.T) *sql.DB {
	t.Helper()
	db := open(t)
	p, err := provider(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE numbers (n INT PRIMARY KEY)")
	for range 50 {
		exec(t, db, "INSERT INTO numbers SELECT COUNT(*) FROM numbers")
	}
	for _, statement := range []string{
		"INSERT INTO businesses (id, uniacid, name, created_at) VALUES (1, 2, '一', '2021-01-01 00:00:00'), (2, 2, '二', '2021-01-01 00:00:00')",
		"INSERT INTO managers (uniacid, uid, business_id, created_at) VALUES (2, 7, 1, '2021-01-01 00:00:00')",
		"INSERT INTO employees (id, business_id, user_id, name, created_at) VALUES (12, 1, 'XiaoLiangZi', '李健平', '2021-01-01 00:00:00')",
		"INSERT INTO tags (id, crop_id, tag_id, name, created_at) VALUES (27, 1, 'etA', '标签', '2021-01-01 00:00:00')",
		// The many.
		`INSERT INTO contacts (id, crop_id, uid, external_userid, name, external_type, external_profile, created_at)
			SELECT 1000 + 50 * a.n + b.n, 1, a.n, CONCAT('c', 50 * a.n + b.n), CONCAT('王', a.n, 'A'), 1 + b.n % 2, 'null', '2021-01-01 00:00:00' FROM numbers a, numbers b`,
		`INSERT INTO follows (id, crop_id, uid, userid, external_userid, remark, tag_id, createtime, add_way, status, created_at, remark_folded, external_type, name_folded, contact_uid)
			SELECT 10 * id, 1, 5, CONCAT('U', id % 9), external_userid, CONCAT('R', id % 7), ELT(1 + id % 3, '', 'etA', 'etA,etB'), 1600000000 + 3600 * id, id % 5, IF(id % 2 = 1, -1, 1),
			'2021-02-02 00:00:00', CONCAT('r', id % 7), external_type, LOWER(name), uid FROM contacts`,
		"UPDATE follows SET deleted_at = '2022-01-01 00:00:00' WHERE id % 700 = 0",
		// The odd ones, in the other enterprise.
		"INSERT INTO contacts (id, crop_id, uid, external_userid, name, unionid, corp_name, corp_full_name, external_profile, created_at)" +
			" VALUES (20, 2, 3061, 'wmA', '李\u200b一天\ufe0f', 'oUnion', 'ＡＢ公司', '', 'null', '2021-01-01 00:00:00')," +
			" (21, 2, 0, 'wmB', '\u200b', '', '', '', 'null', '2021-01-01 00:00:00')",
		"INSERT INTO follows (id, crop_id, userid, external_userid, remark, description, remark_corp_name, remark_mobiles, tag_id, createtime, created_at, remark_folded, name_folded, contact_uid) VALUES" +
			" (62, 2, 'XiaoLiangZi', 'wmA', '❤\ufe0fＶＩＰ', '说明', '店', '[\"138-0013 8000\",\"021\"]', ' etA , etB,,etA', 1632277573, '2021-09-28 09:21:46', '❤\ufe0fvip', '李\u200b一天\ufe0f', 3061)," +
			" (63, 2, 'v', 'wmB', '', '', '', '[]', '', -5, '2021-09-28 09:21:46', '', '\u200b', 0)," +
			" (64, 2, 'v', 'wmA', '', '', '', '[]', 'etA', 0, '2021-09-28 09:21:46', '', '李\u200b一天\ufe0f', 3061)",
		"UPDATE follows SET deleted_at = '2022-01-01 00:00:00' WHERE id = 64",
		// What that version derived, as far as it is asked for below: it is all dropped.
		"INSERT INTO follow_tags VALUES (2, 'etA', 62), (2, 'etB', 62)",
		"INSERT INTO follow_counts SELECT crop_id, status, external_type, add_way, COUNT(*) FROM follows WHERE deleted_at IS NULL GROUP BY 1, 2, 3, 4",
		"INSERT INTO follow_blocks SELECT crop_id, id >> 12, COUNT(*) FROM follows WHERE deleted_at IS NULL GROUP BY 1, 2",
		"INSERT INTO follow_grams VALUES (2, (ORD('v') << 21) | ORD('i'), 62, 2)",
		"INSERT INTO versions VALUES (1, 1700000000000000, 5), (2, 7, 5)",
		"DROP TABLE numbers",
	} {
		exec(t, db, statement)
	}
	return db
}

// base returns what no migration may change: all columns of version 2 that are not derived.
func base(t *testing.T, db *sql.DB) (rows []string) {
	t.Helper()
	for _, query := range []string{
		"SELECT * FROM businesses ORDER BY id", "SELECT * FROM managers ORDER BY business_id", "SELECT * FROM employees ORDER BY id", "SELECT * FROM tags ORDER BY id",
		"SELECT * FROM contacts ORDER BY id", "SELECT crop_id, dict_version FROM versions ORDER BY crop_id",
		`SELECT id, crop_id, uid, userid, external_userid, remark, description, customer_create_time, remark_corp_name, remark_mobiles, oper_userid, tag_id, createtime, add_way,
			state, status, created_at, updated_at, deleted_at FROM follows ORDER BY id`,
	} {
		rows = append(rows, dump(t, db, query)...)
	}
	return rows
}

// texts is a row of dump.
func texts(values ...string) string {
	var row []sql.NullString
	for _, v := range values {
		row = append(row, sql.NullString{String: v, Valid: true})
	}
	return fmt.Sprint(row)
}

// dump returns the rows of a query as texts.
func dump(t *testing.T, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(values))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// upgraded wants a database of this version with what is derived right, and the list as it should
// be, by the rows and by the index.
func upgraded(t *testing.T, db *sql.DB, before []string) {
	t.Helper()
	if err := Ready(t.Context(), db); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(before, base(t, db)); diff != "" {
		t.Errorf("the migrations changed the rows:\n%.2000s", diff)
	}
	if left := dump(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN ('follow_tags', 'follow_grams', 'follow_counts', 'follow_blocks')"); len(left) > 0 {
		t.Errorf("tables are left: %v", left)
	}
	if left := dump(t, db, "SELECT index_name FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name IN ('follows_employee', 'follows_time', 'follows_mix')"); len(left) > 0 {
		t.Errorf("keys are left: %v", left)
	}
	right := func() {
		t.Helper()
		if found, err := writer.Check(t.Context(), db, nil); err != nil || len(found) > 0 {
			t.Errorf("check: %v %v", found, err)
		}
	}
	right()
	want := texts("李一天", "❤vip", "\x00说明\x00店\x00ab公司", "13800138000,021", `["*","etA","etB"]`, "20")
	if diff := cmp.Diff([]string{want}, dump(t, db, "SELECT name_folded, remark_folded, notes_folded, mobiles, tags, contact_id FROM follows WHERE id = 62")); diff != "" {
		t.Errorf("what is derived (-want +got):\n%s", diff)
	}
	list := func(indexed bool) {
		t.Helper()
		for name, x := range map[string]struct {
			crop   uint32
			f      filter.Filter
			total  int64
			newest []uint64
		}{
			"all":       {1, filter.Filter{}, oldRows - 35, []uint64{34990, 34980}},
			"a status":  {1, filter.Filter{Status: new(int32(-1)), TagsAny: []string{"etB"}}, 417, []uint64{34970, 34910}},
			"the odd":   {2, filter.Filter{}, 2, []uint64{63, 62}},
			"a name":    {2, filter.Filter{Customer: filter.Text{Folded: "李一", ID: "李一"}}, 1, []uint64{62}},
			"a remark":  {2, filter.Filter{Remark: filter.Text{Folded: "❤vip"}}, 1, []uint64{62}},
			"a mobile":  {2, filter.Filter{Mobile: "380013"}, 1, []uint64{62}},
			"no tags":   {2, filter.Filter{TagsNone: []string{"*"}}, 1, []uint64{63}},
			"pinyin":    {2, filter.Filter{Keyword: filter.Keyword{Text: filter.Text{Folded: "lyt", ID: "lyt"}, Pinyin: "lyt"}}, 1, []uint64{62}},
			"a unionid": {2, filter.Filter{Keyword: filter.Keyword{Text: filter.Text{Folded: "ounion", ID: "oUnion"}}}, 1, []uint64{62}},
			"notes":     {2, filter.Filter{Keyword: filter.Keyword{Text: filter.Text{Folded: "公司", ID: "公司"}}}, 1, []uint64{62}},
			"a member":  {2, filter.Filter{Member: new(uint64(3061))}, 1, []uint64{62}},
		} {
			r := index.Reader{Queries: gendb.New(db), CropID: x.crop, Indexed: indexed}
			total, ids, err := r.Page(t.Context(), &x.f, index.Window{Limit: 2})
			if err != nil || total != x.total || !slices.Equal(ids, x.newest) {
				t.Errorf("%s, by the index: %v: %d rows, the newest %v, want %d, %v: %v", name, indexed, total, ids, x.total, x.newest, err)
			}
		}
	}
	list(false)
	w := writer.New(db, time.Now)
	if err := w.FillIndexes(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
	list(true)
	list(false)
	right()
}

func TestADatabaseOfTheFormerVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	db := oldTables(t)
	before := base(t, db)
	if err := Ready(t.Context(), db); !errors.Is(err, ErrMigrate) {
		t.Errorf("ready for this program: %v", err)
	}
	versions := dump(t, db, "SELECT crop_id, rows_version FROM versions ORDER BY crop_id")
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if after := dump(t, db, "SELECT crop_id, rows_version FROM versions ORDER BY crop_id"); after[0] == versions[0] || after[1] == versions[1] {
		t.Error("what is remembered of the former rows holds on")
	}
	upgraded(t, db, before)
	// Once more it finds nothing to do.
	versions = dump(t, db, "SELECT * FROM versions ORDER BY crop_id")
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(versions, dump(t, db, "SELECT * FROM versions ORDER BY crop_id")); diff != "" {
		t.Error(diff)
	}
}

func TestDerivingThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	db := oldTables(t)
	before := base(t, db)
	p, err := provider(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), deriveVersions[0]-1); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "CREATE TABLE written (id BIGINT)")
	exec(t, db, "CREATE TRIGGER watch BEFORE UPDATE ON follows FOR EACH ROW INSERT INTO written VALUES (NEW.id)")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err = writer.Derive(ctx, db, func(p writer.Progress) {
		if p.CropID == 1 && p.Done == 2000 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := dump(t, db, "SELECT COUNT(*), COUNT(DISTINCT id) FROM written"); got[0] != texts("1000", "1000") {
		t.Errorf("before the interruption %s follows were written", got)
	}
	if err := Ready(t.Context(), db); !errors.Is(err, ErrMigrate) {
		t.Errorf("ready half-way: %v", err)
	}
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	if again := dump(t, db, "SELECT id FROM written GROUP BY id HAVING COUNT(*) > 1"); len(again) > 0 {
		t.Errorf("%d follows were written twice", len(again))
	}
	exec(t, db, "DROP TRIGGER watch")
	upgraded(t, db, before)
}

// countdown is done after its Done and Err have been asked so many times, which whatever heeds it
// does before each step.
type countdown struct {
	context.Context //nolint:containedctx // it is one
	cancel          context.CancelFunc
	left            *atomic.Int64
}

func (c countdown) count() {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
}

func (c countdown) Done() <-chan struct{} { c.count(); return c.Context.Done() }
func (c countdown) Err() error            { c.count(); return c.Context.Err() }

// However often it is told to stop, what is done is done, and in the end all of it.
func TestAMigrationCanBeCutOffAnywhereAndRunAgain(t *testing.T) {
	t.Parallel()
	db := oldTables(t)
	before := base(t, db)
	cut := 0
	for n := int64(1); ; n += n/2 + 1 {
		ctx := countdown{left: new(atomic.Int64)}
		ctx.Context, ctx.cancel = context.WithCancel(t.Context())
		ctx.left.Store(n)
		err := Migrate(ctx, db, nil)
		if err == nil {
			ctx.cancel()
			break
		}
		if ctx.Context.Err() == nil { // what it says of the connection that it had is the driver's
			t.Fatalf("after %d steps: %v", n, err)
		}
		if diff := cmp.Diff(before, base(t, db)); diff != "" {
			t.Fatalf("after %d steps the rows are changed:\n%.2000s", n, diff)
		}
		cut++
	}
	if cut < 5 {
		t.Errorf("it was cut off %d times", cut)
	}
	upgraded(t, db, before)
}

func TestADatabaseThatHas00003WithoutItsKeyOfContactsGetsIt(t *testing.T) {
	t.Parallel()
	db := open(t)
	p, err := provider(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "ALTER TABLE contacts DROP KEY contacts_external")
	if err := Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	got := dump(t, db, "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM information_schema.statistics "+
		"WHERE table_schema = DATABASE() AND table_name = 'contacts' AND index_name IN ('PRIMARY', 'contacts_external') GROUP BY index_name ORDER BY index_name")
	want := dump(t, db, "SELECT 'crop_id,external_userid' UNION ALL SELECT 'crop_id,id'")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
