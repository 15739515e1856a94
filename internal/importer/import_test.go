package importer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/tools/demo"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// clock is what an import sees: a moment that is the next day in China.
func clock() time.Time { return time.Date(2024, 5, 6, 23, 30, 0, 0, time.UTC) }

const imported = "2024-05-07 07:30:00"

// house is a database with tables, and a writer to it.
type house struct {
	t  testing.TB
	db *sql.DB
	w  *writer.Writer
}

func setup(t testing.TB) house {
	t.Helper()
	db, err := store.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	return house{t: t, db: db, w: writer.New(db, clock)}
}

// load imports these lines and wants all of them loaded.
func (h house) load(lines ...string) importer.Report {
	h.t.Helper()
	report, err := h.try(importer.Options{}, lines...)
	if err != nil {
		h.t.Fatalf("import: %v %v", err, report.Bad)
	}
	return report
}

// try imports these lines.
func (h house) try(o importer.Options, lines ...string) (importer.Report, error) {
	h.t.Helper()
	o.Now = clock
	return importer.Import(h.t.Context(), h.w, []importer.Source{source("f", lines...)}, o)
}

func source(name string, lines ...string) importer.Source {
	return importer.Source{Name: name, Reader: strings.NewReader(strings.Join(lines, "\n"))}
}

// bad wants exactly these problems from importing the lines, and nothing loaded of them.
func (h house) bad(want []string, lines ...string) {
	h.t.Helper()
	before := h.dump()
	report, err := h.try(importer.Options{}, lines...)
	if !errors.Is(err, importer.ErrBadRecords) {
		h.t.Errorf("%.300q: error %v", lines, err)
	}
	if diff := cmp.Diff(want, texts(report.Bad)); diff != "" {
		h.t.Errorf("%.300q: problems (-want +got):\n%s", lines, diff)
	}
	if !report.Stopped || report.Loaded() != 0 {
		h.t.Errorf("%.300q: report %+v", lines, report)
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		h.t.Errorf("%.300q: a bad batch changed the tables:\n%s", lines, diff)
	}
}

func texts[T fmt.Stringer](of []T) (texts []string) {
	for _, x := range of {
		texts = append(texts, x.String())
	}
	return texts
}

// query returns the rows of a query, each as one text with | between its values.
func (h house) query(statement string, args ...any) (all []string) {
	h.t.Helper()
	rows, err := h.db.QueryContext(h.t.Context(), statement, args...)
	if err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		h.t.Fatal(err)
	}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			h.t.Fatal(err)
		}
		var parts []string
		for _, v := range values {
			if !v.Valid {
				v.String = "NULL"
			}
			parts = append(parts, v.String)
		}
		all = append(all, strings.Join(parts, "|"))
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return all
}

// want compares the rows of a query.
func (h house) want(statement string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.query(statement)); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", statement, diff)
	}
}

// dump returns every row of every table that says what the data is; versions only say that it
// changed.
func (h house) dump() (all []string) {
	h.t.Helper()
	for _, table := range h.query("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name NOT IN ('goose_db_version', 'versions')") {
		for _, row := range h.query("SELECT * FROM " + table) {
			all = append(all, table+": "+row)
		}
	}
	sort.Strings(all)
	return all
}

// check wants everything derived to be what the base rows call for.
func (h house) check() {
	h.t.Helper()
	if found, err := writer.Check(h.t.Context(), h.db, nil); err != nil || len(found) > 0 {
		h.t.Errorf("check: %v %v", found, err)
	}
}

// index gives every enterprise an index, which the writer then keeps.
func (h house) index() {
	h.t.Helper()
	if err := h.w.FillIndexes(h.t.Context(), 0, nil); err != nil {
		h.t.Fatal(err)
	}
}

// emptyIndex gives every enterprise the index of no rows.
func (h house) emptyIndex() {
	h.t.Helper()
	if _, err := h.db.ExecContext(h.t.Context(), "UPDATE versions SET indexed = ?", index.Format); err != nil {
		h.t.Fatal(err)
	}
}

// tagged returns the follows of an enterprise with this tag, as the index has them, and wants the
// plain query to say the same.
func (h house) tagged(crop uint32, tag string) []uint64 {
	h.t.Helper()
	var found [2][]uint64
	for i := range found {
		r := index.Reader{Queries: gendb.New(h.db), CropID: crop, Indexed: i == 0}
		var err error
		if _, found[i], err = r.Page(h.t.Context(), &filter.Filter{TagsAny: []string{tag}}, index.Window{Limit: 100}); err != nil {
			h.t.Fatal(err)
		}
	}
	if !slices.Equal(found[0], found[1]) {
		h.t.Errorf("tag %q: by the index %v, by the rows %v", tag, found[0], found[1])
	}
	return found[0]
}

// The records of most tests: two enterprises of two mall accounts.
const (
	business1 = `{"business":{"uniacid":2,"id":1,"name":"一"}}`
	business9 = `{"business":{"uniacid":3,"id":9,"name":"九"}}`
	employee1 = `{"employee":{"id":12,"uniacid":2,"business_id":1,"uid":0,"user_id":"XiaoLiangZi","name":"李健平","mobile":"13547567468","position":"","gender":1,"telephone":"","email":"","avatar":"a","alias":"","status":1,"qr_code":"q","address":"","open_userid":"1_X","main_department":"1","updated_at":"2021-09-24 16:31:09","created_at":"2021-09-24 16:31:09","deleted_at":null,"right_type":0,"disabled":0}}`
	customer1 = `{"customer":{"id":20,"uniacid":2,"crop_id":1,"uid":3061,"external_userid":"wmA","name":"Abe","avatar":"v","external_type":2,"gender":2,"unionid":"o","position":"","corp_name":"","corp_full_name":"","external_profile":"null","is_member":1,"created_at":"2021-08-23 18:24:42","updated_at":"2021-08-23 18:40:42","deleted_at":null}}`
	tag1      = `{"tag":{"id":27,"uniacid":2,"crop_id":1,"tag_id":"etA","name":"标签","create_time":1615434976,"order":0,"created_at":"2021-08-24 16:13:28","updated_at":"2021-08-24 16:13:28","deleted_at":null,"group_id":"g","group_name":"组"}}`
	follow1   = `{"follow":{"id":62,"uniacid":2,"crop_id":1,"uid":0,"userid":"XiaoLiangZi","external_userid":"wmA","remark":"ＡＢ","description":"","customer_create_time":1632277573,"remark_corp_name":"","remark_mobiles":"[]","oper_userid":"XiaoLiangZi","tag_id":"etB,etA","createtime":1632277573,"add_way":"1","state":"","status":1,"created_at":"2021-09-28 09:21:46","updated_at":null,"deleted_at":null,"tag_name":"no, matter"}}`
)

func base() []string { return []string{business1, business9, employee1, customer1, tag1, follow1} }

// follow, customer and so on write a record of enterprise 1 with these fields.
func follow(fields string) string {
	return `{"follow":{"crop_id":1,"userid":"u","external_userid":"wmA",` + fields + `}}`
}
func customer(fields string) string { return `{"customer":{"crop_id":1,` + fields + `}}` }

func TestTheContractsObjectsAreStoredAsTheyCome(t *testing.T) {
	t.Parallel()
	h := setup(t)
	report := h.load(base()...)
	if report.New != 6 || report.Loaded() != 6 || len(report.Duplicates) != 0 || report.LoadedTo.String() != "f:6" || report.Stopped {
		t.Errorf("report %+v", report)
	}
	h.want("SELECT * FROM businesses", "1|2|一|"+imported+"|NULL|NULL", "9|3|九|"+imported+"|NULL|NULL")
	h.want("SELECT * FROM employees", "12|1|0|XiaoLiangZi|李健平|13547567468||1|||a||1|q||1_X|1|2021-09-24 16:31:09|2021-09-24 16:31:09|NULL|0|0")
	h.want("SELECT * FROM contacts", "20|1|3061|wmA|Abe|v|2|2|o||||null|1|2021-08-23 18:24:42|2021-08-23 18:40:42|NULL")
	h.want("SELECT * FROM tags", "27|1|etA|标签|1615434976|0|2021-08-24 16:13:28|2021-08-24 16:13:28|NULL|g|组")
	h.want("SELECT * FROM follows", "62|1|0|XiaoLiangZi|wmA|ＡＢ||1632277573||[]|XiaoLiangZi|etB,etA|1632277573|1||1|2021-09-28 09:21:46|NULL|NULL|ab|2|abe|3061|2|20||||[\"*\",\"etB\",\"etA\"]")
	h.check()
}

func TestANewRecordTakesTheDefaultsOfWhatItDoesNotBring(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(business1, `{"manager":{"uniacid":2,"uid":7,"business_id":1}}`, `{"employee":{"business_id":1,"user_id":"u"}}`, customer(`"external_userid":"wmA"`),
		`{"tag":{"crop_id":1,"tag_id":"t"}}`, follow(`"tag_id":"x"`))
	h.want("SELECT * FROM managers", "2|7|1|"+imported+"|NULL|NULL")
	h.want("SELECT * FROM employees", "1|1|0|u||||0|||||1|||||"+imported+"|NULL|NULL|0|0")
	h.want("SELECT * FROM contacts", "1|1|0|wmA|||1|0|||||null|0|"+imported+"|NULL|NULL")
	h.want("SELECT * FROM tags", "1|1|t||0|0|"+imported+"|NULL|NULL||")
	h.want("SELECT * FROM follows", "1|1|0|u|wmA|||0||[]||x|0|0||1|"+imported+"|NULL|NULL||1||0|0|1||||[\"*\",\"x\"]")
}

func TestAnAbsentKeyKeepsTheStoredValueAndNullTakesItAway(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	before := h.dump()
	report := h.load(`{"business":{"uniacid":2,"id":1}}`, `{"employee":{"business_id":1,"user_id":"XiaoLiangZi"}}`, customer(`"external_userid":"wmA"`),
		`{"tag":{"crop_id":1,"tag_id":"etA"}}`, `{"follow":{"crop_id":1,"userid":"XiaoLiangZi","external_userid":"wmA"}}`)
	if diff := cmp.Diff(before, h.dump()); diff != "" || report.Unchanged != 5 {
		t.Errorf("records without fields changed the tables, report %+v:\n%s", report, diff)
	}
	h.load(`{"tag":{"crop_id":1,"tag_id":"etA","updated_at":null,"name":""}}`)
	h.want("SELECT name, updated_at, created_at FROM tags", "|NULL|2021-08-24 16:13:28")
}

func TestImportingTheDemonstrationTwiceIsImportingItOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var records bytes.Buffer
	if err := demo.Write(&records); err != nil {
		t.Fatal(err)
	}
	once := importer.Source{Name: "demo", Reader: bytes.NewReader(records.Bytes())}
	report, err := importer.Import(t.Context(), h.w, []importer.Source{once}, importer.Options{})
	if err != nil {
		t.Fatal(err, texts(report.Bad))
	}
	h.index()
	before := h.dump()
	if int64(bytes.Count(records.Bytes(), []byte("\n"))) != report.New {
		t.Errorf("report %+v", report)
	}
	h.want("SELECT COUNT(*) FROM follows WHERE crop_id = 1 AND deleted_at IS NULL", "2000")
	h.check()
	versions := h.query("SELECT * FROM versions")
	once.Reader = bytes.NewReader(records.Bytes())
	again, err := importer.Import(t.Context(), h.w, []importer.Source{once}, importer.Options{})
	if err != nil {
		t.Fatal(err, texts(again.Bad))
	}
	if diff := cmp.Diff(before, h.dump()); diff != "" {
		t.Errorf("the second import changed the tables:\n%s", diff)
	}
	if diff := cmp.Diff(versions, h.query("SELECT * FROM versions")); diff != "" {
		t.Errorf("the second import says that something changed:\n%s", diff)
	}
	if again.Unchanged != report.New || again.New+again.Changed != 0 {
		t.Errorf("the second report %+v", again)
	}
}

func TestABadRecordIsNamedByFileLineAndFieldAndItsBatchLoadsNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	long := strings.Repeat("长", 256)
	for _, x := range []struct{ line, want string }{
		{`nonsense`, `the line is not a JSON object`},
		{`{"follow":{`, `the follow record is not JSON: it ends too early`},
		{`{"follow":{"id":1,}}`, `the follow record is not JSON at byte 19`},
		{`{"follow":[]}`, `the follow record must be an object`},
		{`{"follow":{}} x`, `the follow record has text after it`},
		{`{"follow":{},"tag":{}}`, `the follow record has another key beside it`},
		{`{"fellow":{}}`, `fellow is no known kind of record; there are business, manager, employee, customer, tag and follow`},
		{`{}`, `the line names no kind of record`},
		{follow(`"has_one_customer":null`), `follow.has_one_customer is no field of a follow`},
		{follow(`"Remark":"x"`), `follow.Remark is no field of a follow`},
		{follow(`"remark":"x","remark":"x"`), `follow.remark is there twice`},
		{follow(`"remark":null`), `follow.remark must not be null`},
		{follow(`"created_at":null`), `follow.created_at must not be null`},
		{follow(`"remark":1`), `follow.remark must be a text, not a number`},
		{follow(`"remark":true`), `follow.remark must be a text`},
		{follow(`"remark":{"a":1}`), `follow.remark must be a text`},
		{follow(`"remark":"` + "a\xff" + `"`), `the line is not valid UTF-8`},
		{follow(`"remark":"a\u0000"`), `follow.remark must not contain NUL`},
		{follow(`"remark":"a\ud800"`), `follow.remark has half of a surrogate pair`},
		{follow(`"remark":"` + long + `"`), `follow.remark is longer than 255 characters`},
		{follow(`"status":"1"`), `follow.status must be a number, not a text`},
		{follow(`"status":1.0`), `follow.status must be a whole number`},
		{follow(`"status":1e2`), `follow.status must be a whole number`},
		{follow(`"status":01`), `follow.status is not a number of JSON`},
		{follow(`"status":2147483648`), `follow.status must be 1 or -1`},
		{follow(`"status":0`), `follow.status must be 1 or -1`},
		{follow(`"createtime":-1`), `follow.createtime must be a time in unix seconds, from 0`},
		{follow(`"createtime":1632277573000000`), `follow.createtime must be a time in unix seconds, from 0`},
		{follow(`"created_at":0`), `follow.created_at must be a date, or a time in unix seconds, from 1`},
		{follow(`"remark_mobiles":"[\"138"`), `follow.remark_mobiles must be a JSON list, as ["13800000001"]`},
		{follow(`"remark_mobiles":""`), `follow.remark_mobiles must be a JSON list, as ["13800000001"]`},
		{follow(`"remark_mobiles":"null"`), `follow.remark_mobiles must be a JSON list, as ["13800000001"]`},
		{follow(`"remark_mobiles":{}`), `follow.remark_mobiles must be a list, or its JSON as a text`},
		{follow(`"tag_id":["a,b"]`), `follow.tag_id must be a text, ids separated by commas, or a list of texts`},
		{follow(`"tag_id":7`), `follow.tag_id must be a text, ids separated by commas, or a list of texts, not a number`},
		{follow(`"add_way":-1`), `follow.add_way must be digits, at most 4294967295`},
		{`{"customer":{"crop_id":1,"external_userid":"wmA","external_profile":true}}`, `customer.external_profile must be a text or an object`},
		{`{"customer":{"crop_id":1,"external_userid":"wmA","type":1,"external_type":1}}`, `customer.external_type is there twice`},
		{follow(`"createtime":9223372036854775808`), `follow.createtime must be a 64-bit number`},
		{follow(`"uid":-1`), `follow.uid must be 0 to 4294967295`},
		{follow(`"id":0`), `follow.id must be 1 to 9007199254740991`},
		{follow(`"id":9007199254740992`), `follow.id must be 1 to 9007199254740991`},
		{follow(`"add_way":"4294967296"`), `follow.add_way must be digits, at most 4294967295`},
		{follow(`"add_way":" "`), `follow.add_way must be digits, at most 4294967295`},
		{follow(`"add_way":"-1"`), `follow.add_way must be digits, at most 4294967295`},
		{follow(`"created_at":"2021-02-29 00:00:00"`), `follow.created_at must be a date as YYYY-MM-DD hh:mm:ss`},
		{follow(`"created_at":"2021-02-28 24:00:00"`), `follow.created_at must be a date as YYYY-MM-DD hh:mm:ss`},
		{follow(`"deleted_at":"0000-00-00 00:00:00"`), `follow.deleted_at must be a date as YYYY-MM-DD hh:mm:ss`},
		{follow(`"deleted_at":""`), `follow.deleted_at must be a date as YYYY-MM-DD hh:mm:ss`},
		{follow(`"tag_id":"et A"`), `follow.tag_id must be tag ids without white space, separated by commas`},
		{follow(`"tag_id":"a,` + strings.Repeat("b", 101) + `"`), `follow.tag_id has a tag id longer than 100 characters`},
		{`{"follow":{"crop_id":1,"userid":"李","external_userid":"wmA"}}`, `follow.userid must be printable ASCII without spaces`},
		{`{"follow":{"crop_id":1,"userid":"a b","external_userid":"wmA"}}`, `follow.userid must be printable ASCII without spaces`},
		{`{"follow":{"crop_id":1,"userid":"","external_userid":"wmA"}}`, `follow.userid must not be empty`},
		{`{"follow":{"crop_id":1,"external_userid":"wmA"}}`, `follow.userid is missing`},
		{`{"follow":{"crop_id":1,"userid":"` + strings.Repeat("u", 101) + `","external_userid":"wmA"}}`, `follow.userid is longer than 100 characters`},
		{`{"follow":{"crop_id":1,"userid":"u","external_userid":"wm,A"}}`, `follow.external_userid must not contain white space or commas`},
		{`{"follow":{"crop_id":1,"userid":"u","external_userid":"wm\u3000A"}}`, `follow.external_userid must not contain white space or commas`},
		{`{"follow":{"crop_id":1,"userid":"u","external_userid":"wma"}}`, `follow.external_userid is no known customer of the business`},
		{`{"follow":{"crop_id":9,"userid":"u","external_userid":"wmA"}}`, `follow.external_userid is no known customer of the business`},
		{`{"follow":{"crop_id":5,"userid":"u","external_userid":"wmA"}}`, `follow.crop_id is no known business`},
		{`{"follow":{"crop_id":0,"userid":"u","external_userid":"wmA"}}`, `follow.crop_id must be 1 to 4294967295`},
		{follow(`"uniacid":3`), `follow.uniacid is not that of its business, 2`},
		{`{"manager":{"uniacid":3,"uid":7,"business_id":1}}`, `manager.uniacid is not that of its business, 2`},
		{`{"business":{"uniacid":3,"id":1}}`, `business.uniacid is not that of the business, 2, which never changes`},
		{`{"business":{"id":1}}`, `business.uniacid is missing`},
		{follow(`"id":62`), `follow.id belongs to another follow`},
		{`{"tag":{"crop_id":9,"tag_id":"etA","id":27}}`, `tag.id belongs to another tag`},
		{`{"tag":{"crop_id":1,"tag_id":"et","order":"1"}}`, `tag.order must be a number, not a text`},
		{`{"employee":{"business_id":9,"user_id":"XiaoLiangZi","id":12}}`, `employee.id belongs to another employee`},
		{`{"employee":{"business_id":1,"user_id":"x","main_department":1}}`, `employee.main_department must be a text, not a number`},
		{`{"customer":{"crop_id":9,"external_userid":"wmA","id":20}}`, `customer.id belongs to another customer`},
	} {
		want := "f:1: " + x.want
		h.bad([]string{want}, x.line)
	}
	// A good record beside it is not loaded either.
	h.bad([]string{"f:3: follow.uid must be 0 to 4294967295"}, "", follow(`"id":70`), follow(`"uid":3000000000000`))
	// All bad records of the batch are named, those that the database knows of too.
	h.bad([]string{"f:1: follow.external_userid is no known customer of the business", "f:3: follow.id belongs to another follow"},
		`{"follow":{"crop_id":1,"userid":"u","external_userid":"no"}}`, follow(`"remark":"fine"`), `{"follow":{"crop_id":1,"userid":"v","external_userid":"wmA","id":62}}`)
}

// A stream may have its records in any order in which each comes after what it refers to: as if each
// were loaded alone, wherever batches end.
func TestARecordNeedsNoMoreThanWhatItRefersToBeforeIt(t *testing.T) {
	t.Parallel()
	customerOf := func(crop int, name string) string {
		return fmt.Sprintf(`{"customer":{"crop_id":%d,"external_userid":"%s"}}`, crop, name)
	}
	followOf := func(crop int, name string) string {
		return fmt.Sprintf(`{"follow":{"crop_id":%d,"external_userid":"%s","userid":"u"}}`, crop, name)
	}
	for _, rows := range []int{1, 2, 3, 1000} {
		h := setup(t)
		o := importer.Options{BatchRows: rows, KeepGoing: true}
		report, err := h.try(o, business1, customerOf(1, "a"), followOf(1, "a"), tag1, customerOf(1, "b"), followOf(1, "b"), employee1, customerOf(1, "a"),
			business9, followOf(1, "a"), customerOf(9, "a"), followOf(9, "a"), business1)
		if err != nil || report.Loaded() != 13 || report.New != 10 {
			t.Errorf("batches of %d: %+v, %v", rows, report, err)
		}
		h.want("SELECT crop_id, external_userid FROM follows ORDER BY id", "1|a", "1|b", "9|a")
		report, err = h.try(o, followOf(1, "late"), customerOf(1, "late"), customerOf(8, "x"), `{"business":{"uniacid":2,"id":8}}`, customerOf(8, "y"), followOf(1, "late"))
		want := []string{"f:1: follow.external_userid is no known customer of the business", "f:3: customer.crop_id is no known business"}
		if diff := cmp.Diff(want, texts(report.Bad)); diff != "" || report.New != 4 || !errors.Is(err, importer.ErrBadRecords) {
			t.Errorf("batches of %d: %+v, %v\n%s", rows, report, err, diff)
		}
		h.check()
	}
}

func TestEveryWrongFieldOfALineIsNamed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	h.bad([]string{
		"f:1: follow.status must be a number, not a text", "f:1: follow.fellow is no field of a follow", "f:1: follow.remark must be a text",
		"f:1: follow.createtime must be a whole number", "f:1: follow.uid must be 0 to 4294967295", "f:1: follow.userid must not be empty",
	}, `{"follow":{"uid":-1,"crop_id":1,"external_userid":"wmA","status":"1","fellow":{"a":[1,"x"]},"remark":[1],"createtime":1.5,"userid":""}}`)
	h.bad([]string{"f:1: tag.create_time must be a 64-bit number", "f:1: tag.crop_id is missing", "f:1: tag.tag_id must not contain white space or commas"},
		`{"tag":{"tag_id":"a b","create_time":9223372036854775808}}`)
}

func TestWeComsAndOtherProgramsFormsAreReadAsTheTablesHaveThem(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(business1,
		customer(`"external_userid":"wmA","type":2,"external_profile":{ "external_attr" : [ {"type":0,"name":"签名<"} ] },"created_at":1632277573,"updated_at":"2021-09-22T10:26:13+08:00"`),
		customer(`"external_userid":"wmB","external_profile":null,"created_at":1632277573999,"updated_at":"2021-09-22T02:26:13.5Z","deleted_at":"2021-09-22"`),
		follow(`"tag_id":["etA","etB"],"remark_mobiles":["138<",  139],"add_way":202,"createtime":1632277573999,"created_at":"2021-09-22T10:26:13"`),
		`{"follow":{"crop_id":1,"userid":"v","external_userid":"wmA","tag_id":[],"remark_mobiles":[],"add_way":0}}`)
	h.want("SELECT external_type, external_profile, created_at, updated_at, deleted_at FROM contacts ORDER BY external_userid",
		`2|{"external_attr":[{"type":0,"name":"签名<"}]}|2021-09-22 10:26:13|2021-09-22 10:26:13|NULL`, "1|null|2021-09-22 10:26:13|2021-09-22 10:26:13|2021-09-22 00:00:00")
	h.want("SELECT tag_id, remark_mobiles, add_way, createtime FROM follows ORDER BY userid", `etA,etB|["138<",139]|202|1632277573`, "|[]|0|0")
	h.check()
}

func TestGzipIsReadAsWhatItHolds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var packed bytes.Buffer
	for _, part := range [][]string{base()[:2], base()[2:]} { // as files joined by cat
		z := gzip.NewWriter(&packed)
		if _, err := io.WriteString(z, strings.Join(part, "\n")+"\n"); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	size := int64(packed.Len())
	var last importer.Progress
	report, err := importer.Import(t.Context(), h.w, []importer.Source{{Name: "f", Reader: &packed, Size: size}}, importer.Options{Progress: func(p importer.Progress) { last = p }})
	if err != nil || report.New != 6 || last.Bytes != size {
		t.Errorf("%+v, %v, %+v", report, err, last)
	}
}

func TestADryRunReportsWhatLoadingWouldDoAndChangesNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(business1, customer1, follow1)
	before := h.dump()
	lines := []string{business9, `{"customer":{"crop_id":9,"external_userid":"wmN"}}`, `{"follow":{"crop_id":9,"external_userid":"wmN","userid":"u"}}`,
		`{"follow":{"crop_id":9,"external_userid":"no","userid":"u"}}`, customer(`"external_userid":"wmA","name":"new"`), follow1}
	for _, rows := range []int{1, 1000} {
		o := importer.Options{DryRun: true, KeepGoing: true, BatchRows: rows}
		report, err := h.try(o, lines...)
		if !errors.Is(err, importer.ErrBadRecords) || report.New != 3 || report.Changed != 1 || report.Unchanged != 1 || len(report.Bad) != 1 {
			t.Errorf("batches of %d: %+v, %v", rows, report, err)
		}
		if diff := cmp.Diff(before, h.dump()); diff != "" {
			t.Errorf("batches of %d: a dry run changed the tables:\n%s", rows, diff)
		}
	}
}

func answerOf(rows, tags, employees string) string {
	return `{"result":1,"msg":"ok","data":{"current_page":1,"data":[` + rows + `],"total":2,"tag":[` + tags + `],"employee":[` + employees + `]}}`
}

func inner(record string) string {
	_, object, _ := strings.Cut(strings.TrimSuffix(record, "}"), ":")
	return object
}

// The answer brings all that its rows hold, and is loaded as the records of a file are; what the
// original has beside the contract's fields is read over.
func TestASavedAnswerIsAnInput(t *testing.T) {
	t.Parallel()
	row := strings.TrimSuffix(inner(follow1), "}") + `,"has_one_customer":` + inner(customer1) + `,"has_one_employee":` + inner(employee1) + `,"extra":{"a":1}}`
	other := `{"id":63,"uniacid":2,"crop_id":1,"userid":"gone","external_userid":"wmA","has_one_customer":` + inner(customer1) + `,"has_one_employee":null}`
	tag := strings.TrimSuffix(inner(tag1), "}") + `,"shop_tag_id":0}`
	names := `{"user_id":"XiaoLiangZi","name":"李健平"},{"user_id":"only","name":"名"}`
	one := answerOf(row+","+other, tag, names)
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(one), "", "\t"); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"one": one, "pretty": "\ufeff\n" + pretty.String(), "many": answerOf(row, tag, names) + "\n" + answerOf(other, tag, names) + "\n", "without a line between": answerOf(other, tag, names) + answerOf(row, tag, names),
	} {
		h := setup(t)
		report := h.load(text)
		if report.New != 7 || report.Changed+report.Unchanged > 1 || len(report.Duplicates) > 0 {
			t.Errorf("%s: %+v", name, report)
		}
		h.want("SELECT id, uniacid FROM businesses", "1|2")
		h.want("SELECT id, userid, tag_id FROM follows ORDER BY id", "62|XiaoLiangZi|etB,etA", "63|gone|")
		h.want("SELECT id, user_id, mobile FROM employees WHERE id < 1000", "12|XiaoLiangZi|13547567468")
		h.want("SELECT id > 1000, user_id, name FROM employees WHERE id > 1000", "1|only|名")
		h.want("SELECT id, uid FROM contacts", "20|3061")
		h.want("SELECT id FROM tags", "27")
		before := h.dump()
		again := h.load(text)
		if diff := cmp.Diff(before, h.dump()); diff != "" || again.New+again.Changed != 0 || len(again.Duplicates) > 0 {
			t.Errorf("%s: the second import %+v\n%s", name, again, diff)
		}
		// An employee who was known by name gets his own row, whatever its id.
		h.load(`{"employee":{"id":3,"business_id":1,"user_id":"only","name":"名","mobile":"138"}}`)
		h.want("SELECT id, mobile FROM employees WHERE user_id = 'only'", "3|138")
		h.load(text)
		h.want("SELECT id, mobile FROM employees WHERE user_id = 'only'", "3|138")
		h.check()
	}
}

func TestWhatIsWrongWithASavedAnswerIsNamedByItsPlace(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	for _, x := range []struct{ text, want string }{
		{`{"result":0,"msg":"请登录","data":[]}`, `f:1: the line is an answer that says what went wrong: "请登录"`},
		{`{"msg":"x"}`, `f:1: the line is an answer that says what went wrong: "x"`},
		{"\n" + answerOf(`{"id":1,"crop_id":1,"userid":"u","external_userid":"wmA","status":7,"has_one_customer":{"crop_id":1,"external_userid":"wmA","gender":"x"}}`, "", ""),
			`f:2 data[0]: customer.gender must be a number, not a text`},
		{answerOf(`{"id":1,"crop_id":1,"userid":"u","external_userid":"no","has_one_customer":null}`, "", ""), `f:1 data[0]: follow.external_userid is no known customer of the business`},
		{answerOf("7", "", ""), `f:1 data[0]: the follow record must be an object`},
		{answerOf("", "", `{"user_id":"u","name":"n"}`), `f:1 employee[0]: employee.business_id is not known: the answer has no row and no tag`},
		{`{"result":1,"data":{"data":[`, `f:1: the line is no answer of getList: it ends too early`},
	} {
		report, err := h.try(importer.Options{}, x.text)
		if got := texts(report.Bad); !errors.Is(err, importer.ErrBadRecords) || len(got) == 0 || got[0] != x.want {
			t.Errorf("%s: %q, %v, want %q", x.text, got, err, x.want)
		}
	}
}

func TestAnEmptySourceIsTheUnknownOne(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(append(base(), `{"follow":{"crop_id":1,"userid":"XiaoLiangZi","external_userid":"wmA","add_way":""}}`)...)
	h.want("SELECT add_way FROM follows", "0")
}

func TestTextsOfEveryLengthThatTheColumnsHoldAreStoredWhole(t *testing.T) {
	t.Parallel()
	h := setup(t)
	name := strings.Repeat("\ufdfa", 255) // folds to 18 characters each
	emoji := strings.Repeat("🌸", 255)
	h.load(business1, customer(`"external_userid":"`+strings.Repeat("外", 100)+`"`), customer(`"external_userid":"wmA","name":"`+name+`","external_profile":"`+strings.Repeat("x", 900_000)+`"`),
		follow(`"remark":"`+emoji+`","description":"\ud83c\udf38\"\\\/\b\f\n\r\t","tag_id":"`+strings.Repeat("标,", 16000)+`"`))
	h.want("SELECT CHAR_LENGTH(name), LENGTH(external_profile) FROM contacts WHERE external_userid = 'wmA'", "255|900000")
	h.want("SELECT CHAR_LENGTH(name_folded), CHAR_LENGTH(remark_folded), HEX(description), LENGTH(tag_id) FROM follows", "4590|255|F09F8CB8225C2F080C0A0D09|64000")
	h.want("SELECT tags FROM follows", `["*","标"]`)
	h.index()
	if got := h.tagged(1, "标"); len(got) != 1 {
		t.Errorf("%v have the tag", got)
	}
	h.check()
}

func TestTooLongALineIsOneBadRecord(t *testing.T) {
	t.Parallel()
	h := setup(t)
	report, err := h.try(importer.Options{KeepGoing: true}, business1, strings.Repeat("x", 3*importer.MaxLine), business9)
	if !errors.Is(err, importer.ErrBadRecords) || report.New != 2 {
		t.Errorf("report %+v, %v", report, err)
	}
	if diff := cmp.Diff([]string{"f:2: the line is longer than 1048576 bytes"}, texts(report.Bad)); diff != "" {
		t.Error(diff)
	}
	exact := `{"business":{"uniacid":2,"id":3,"name":"x"}}`
	exact += strings.Repeat(" ", importer.MaxLine-len(exact))
	h.load(exact, exact)
	h.bad([]string{"f:1: the line is longer than 1048576 bytes"}, exact+" ")
}

func TestLinesMayEndAsWindowsEndsThemAndBeginWithAMark(t *testing.T) {
	t.Parallel()
	h := setup(t)
	report, err := importer.Import(t.Context(), h.w, []importer.Source{{Name: "f", Reader: strings.NewReader("\ufeff" + business1 + "\r\n\r\n " + business9 + " \r\n")}}, importer.Options{})
	if err != nil || report.New != 2 {
		t.Errorf("report %+v, %v", report, err)
	}
}

func TestKeepGoingLoadsTheRestAndListsEveryBadRecord(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	lines := []string{business1, "bad", customer(`"external_userid":"new"`), customer(`"external_userid":"n e w"`), follow(`"id":70`), `{"follow":{"crop_id":1,"userid":"v","external_userid":"no"}}`, follow(`"status":""`), `{"follow":{"crop_id":1,"userid":"v","external_userid":"new"}}`}
	for _, rows := range []int{1, 2, 3, 1000} {
		report, err := h.try(importer.Options{KeepGoing: true, BatchRows: rows}, lines...)
		if !errors.Is(err, importer.ErrBadRecords) || report.Stopped || report.Loaded() != 4 || report.LoadedTo.Line != 8 {
			t.Errorf("batches of %d: %+v, %v", rows, report, err)
		}
		want := []string{
			"f:2: the line is not a JSON object", "f:4: customer.external_userid must not contain white space or commas",
			"f:6: follow.external_userid is no known customer of the business", "f:7: follow.status must be a number, not a text",
		}
		if diff := cmp.Diff(want, texts(report.Bad)); diff != "" {
			t.Errorf("batches of %d:\n%s", rows, diff)
		}
	}
	h.want("SELECT userid, external_userid FROM follows ORDER BY id", "XiaoLiangZi|wmA", "u|wmA", "v|new")
}

func TestWithoutKeepGoingTheBatchesBeforeTheBadOneStay(t *testing.T) {
	t.Parallel()
	h := setup(t)
	lines := []string{business1}
	for i := range 5 {
		lines = append(lines, customer(fmt.Sprintf(`"external_userid":"c%d"`, i)))
	}
	lines[4] = "bad"
	report, err := h.try(importer.Options{BatchRows: 2}, lines...)
	if !errors.Is(err, importer.ErrBadRecords) || !report.Stopped || report.LoadedTo.String() != "f:4" || report.Loaded() != 4 {
		t.Errorf("report %+v, %v", report, err)
	}
	h.want("SELECT external_userid FROM contacts ORDER BY id", "c0", "c1", "c2")
}

func TestADeletedManagerHasLostTheRight(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const manager = `{"manager":{"uniacid":2,"uid":7,"business_id":1,"created_at":"2021-01-01 00:00:00"`
	h.load(business1, manager+`}}`)
	h.load(manager + `,"deleted_at":"2022-01-01 00:00:00"}}`)
	h.want("SELECT * FROM managers", "2|7|1|2021-01-01 00:00:00|NULL|2022-01-01 00:00:00")
	h.load(manager + `,"deleted_at":null}}`)
	h.want("SELECT * FROM managers", "2|7|1|2021-01-01 00:00:00|NULL|NULL")
}

func TestUseridsDifferInMoreThanCaseAndExternalUseridsInCaseToo(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	report := h.load(`{"employee":{"business_id":1,"user_id":"XIAOLIANGZI","name":"new"}}`, customer(`"external_userid":"WMA"`), `{"tag":{"crop_id":1,"tag_id":"ETA"}}`,
		`{"follow":{"crop_id":1,"userid":"xiaoliangzi","external_userid":"wmA","remark":"r"}}`, `{"follow":{"crop_id":1,"userid":"xiaoliangzi","external_userid":"WMA"}}`)
	if report.New != 3 || report.Changed != 2 {
		t.Errorf("report %+v", report)
	}
	// The spelling that is stored stays.
	h.want("SELECT id, user_id, name, mobile FROM employees", "12|XiaoLiangZi|new|13547567468")
	h.want("SELECT userid, external_userid, remark FROM follows ORDER BY id", "XiaoLiangZi|wmA|r", "xiaoliangzi|WMA|")
	h.load(`{"follow":{"id":900,"crop_id":1,"userid":"xiaoLIANGzi","external_userid":"wmA"}}`)
	h.want("SELECT id, userid FROM follows WHERE external_userid = 'wmA'", "900|XiaoLiangZi")
}

func TestTheSameKeysInTwoEnterprisesAreTwoRows(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	h.load(`{"employee":{"business_id":9,"user_id":"XiaoLiangZi"}}`, `{"customer":{"crop_id":9,"uniacid":3,"external_userid":"wmA","name":"Other"}}`, `{"tag":{"crop_id":9,"tag_id":"etA"}}`,
		`{"follow":{"crop_id":9,"userid":"XiaoLiangZi","external_userid":"wmA","tag_id":"etA"}}`)
	h.want("SELECT crop_id, name_folded, external_type FROM follows ORDER BY crop_id", "1|abe|2", "9|other|1")
	h.index()
	for crop, want := range map[uint32][]uint64{1: {62}, 9: {63}} {
		if got := h.tagged(crop, "etA"); !slices.Equal(got, want) {
			t.Errorf("enterprise %d: %v have the tag, want %v", crop, got, want)
		}
	}
	// Nor does a change of the one reach the other.
	h.load(`{"customer":{"crop_id":9,"external_userid":"wmA","name":"Third"}}`,
		`{"follow":{"crop_id":9,"userid":"XiaoLiangZi","external_userid":"wmA","tag_id":""}}`)
	if one, nine := h.tagged(1, "etA"), h.tagged(9, "etA"); !slices.Equal(one, []uint64{62}) || len(nine) > 0 {
		t.Errorf("%v and %v have the tag", one, nine)
	}
	h.want("SELECT crop_id, name_folded FROM follows ORDER BY crop_id", "1|abe", "9|third")
	h.check()
}

func TestTagsFollowRetaggingDeletingAndUndeleting(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	h.index()
	// want wants the follow to be found by these tags and no others.
	want := func(tags ...string) {
		t.Helper()
		var got []string
		for _, tag := range []string{"*", "cut-mid-i", "etA", "etB", "etC", "etD", "etX", "etY"} {
			if slices.Equal(h.tagged(1, tag), []uint64{62}) {
				got = append(got, tag)
			}
		}
		if !slices.Equal(got, tags) {
			t.Errorf("found by %v, want %v", got, tags)
		}
	}
	row := func(fields string) string {
		return `{"follow":{"crop_id":1,"userid":"XiaoLiangZi","external_userid":"wmA",` + fields + `}}`
	}
	want("*", "etA", "etB")
	h.load(row(`"tag_id":" etC , etB ,, etC,cut-mid-i"`))
	want("*", "cut-mid-i", "etB", "etC")
	h.load(row(`"deleted_at":"2022-01-01 00:00:00"`))
	want()
	h.load(row(`"tag_id":"etD"`))
	want()
	h.load(row(`"deleted_at":null`))
	want("*", "etD")
	h.load(row(`"status":-1`))
	want("*", "etD")
	h.load(row(`"tag_id":""`))
	want()
	// Within one batch too.
	h.load(row(`"tag_id":"etX"`), row(`"deleted_at":"2022-01-01 00:00:00"`), row(`"deleted_at":null`), row(`"tag_id":"etY"`))
	want("*", "etY")
	h.check()
}

func TestAContactsNewNameAndTypeReachItsFollows(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(append(base(), `{"follow":{"crop_id":1,"userid":"v","external_userid":"wmA","deleted_at":"2022-01-01 00:00:00"}}`)...)
	h.load(`{"customer":{"crop_id":9,"external_userid":"wmA","name":"Nine"}}`, `{"follow":{"crop_id":9,"userid":"v","external_userid":"wmA"}}`)
	h.load(customer(`"external_userid":"wmA","name":"ＮＥＷ","external_type":1`))
	const derived = "SELECT crop_id, userid, external_type, name_folded, remark_folded FROM follows ORDER BY crop_id, id"
	h.want(derived, "1|XiaoLiangZi|1|new|ab", "1|v|1|new|", "9|v|1|nine|")
	// Deleted contacts are still shown, with the name that they had.
	h.load(customer(`"external_userid":"wmA","deleted_at":"2022-01-01 00:00:00"`))
	h.want(derived, "1|XiaoLiangZi|1|new|ab", "1|v|1|new|", "9|v|1|nine|")
	// A remark changes by itself.
	h.load(follow1)
	h.want("SELECT remark_folded, name_folded FROM follows WHERE id = 62", "ab|new")
}

// Of records of one key with different ids the live one is kept, then the one with the higher id,
// and it is kept whole.
func TestDuplicatesAreSettledInAnyOrderAndAnyBatches(t *testing.T) {
	t.Parallel()
	const deleted = `"deleted_at":"2022-01-01 00:00:00"`
	records := func(kind, key string) []string {
		return []string{
			`{"` + kind + `":{` + key + `,"id":105,` + deleted + `,"created_at":"2021-01-05 00:00:00"}}`,
			`{"` + kind + `":{` + key + `,"id":103,"uid":3,"created_at":"2021-01-03 00:00:00"}}`,
			`{"` + kind + `":{` + key + `,"id":104,"created_at":"2021-01-04 00:00:00"}}`,
			`{"` + kind + `":{` + key + `,"id":109,"uid":9,` + deleted + `,"created_at":"2021-01-09 00:00:00"}}`,
		}
	}
	for name, x := range map[string]struct{ kind, key, table string }{
		"follow":   {"follow", `"crop_id":1,"userid":"u","external_userid":"wmA"`, "follows"},
		"customer": {"customer", `"crop_id":1,"external_userid":"wmA"`, "contacts"},
		"employee": {"employee", `"business_id":1,"user_id":"u"`, "employees"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			random := rand.New(rand.NewPCG(1, 2))
			for range 12 {
				for _, table := range []string{"follows", "contacts", "employees"} {
					if _, err := h.db.ExecContext(t.Context(), "DELETE FROM "+table); err != nil {
						t.Fatal(err)
					}
				}
				h.load(business1)
				if x.kind == "follow" {
					h.load(customer1)
				}
				lines := records(x.kind, x.key)
				random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
				var dropped []int64
				for len(lines) > 0 {
					n := 1 + random.IntN(len(lines))
					report := h.load(lines[:n]...)
					for _, d := range report.Duplicates {
						dropped = append(dropped, d.Dropped)
					}
					lines = lines[n:]
				}
				h.want("SELECT id, uid, created_at, deleted_at FROM "+x.table, "104|0|2021-01-04 00:00:00|NULL")
				slices.Sort(dropped)
				if !slices.Equal(dropped, []int64{103, 105, 109}) {
					t.Errorf("dropped %v", dropped)
				}
			}
		})
	}
}

func TestADroppedDuplicateIsListedWithItsLine(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	report := h.load(`{"follow":{"crop_id":1,"userid":"xiaoliangzi","external_userid":"wmA","id":61,"tag_id":"no"}}`, `{"follow":{"crop_id":1,"userid":"xiaoliangzi","external_userid":"wmA","id":99,"tag_id":"et9"}}`)
	want := []string{
		"f:1: two records of one follow (crop_id 1, external_userid wmA, userid xiaoliangzi): kept id 62, dropped id 61",
		"f:2: two records of one follow (crop_id 1, external_userid wmA, userid XiaoLiangZi): kept id 99, dropped id 62",
	}
	if diff := cmp.Diff(want, texts(report.Duplicates)); diff != "" {
		t.Error(diff)
	}
	h.want("SELECT id, remark, createtime, tag_id FROM follows", "99||0|et9")
	h.want("SELECT tags FROM follows", `["*","et9"]`)
	// The id that was dropped is nobody's now.
	h.load(follow(`"id":62`))
	h.want("SELECT id, userid FROM follows ORDER BY id", "62|u", "99|XiaoLiangZi")
}

func TestARecordWithoutAnIdUpdatesWhateverIsThere(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.load(base()...)
	h.load(`{"follow":{"crop_id":1,"userid":"XiaoLiangZi","external_userid":"wmA","remark":"r"}}`)
	h.want("SELECT id, remark FROM follows", "62|r")
	// A row that was given its id by the database can meet a record with one, in the same batch.
	h.load(follow(`"remark":"none"`), follow(`"id":5`), follow(`"id":1000,"remark":"late"`))
	h.want("SELECT id, remark FROM follows ORDER BY id", "62|r", "1000|late")
}

func TestContactsCanExchangeTheirIds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const deleted = `"deleted_at":"2022-01-01 00:00:00"`
	h.load(business1, customer(`"external_userid":"a","id":5,`+deleted), customer(`"external_userid":"b","id":9,`+deleted),
		`{"follow":{"crop_id":1,"userid":"u","external_userid":"a"}}`)
	h.load(customer(`"external_userid":"b","id":12,`+deleted), customer(`"external_userid":"a","id":9`), customer(`"external_userid":"b","id":5`))
	h.want("SELECT external_userid, id FROM contacts ORDER BY id", "b|5", "a|9")
}

// A stored row that wins, and is deleted by a later record, gives way to the live one that was
// dropped for it, however far behind.
func TestADeletedWinnerGivesWayToTheLiveRecordInEitherOrder(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct{ kind, key, table string }{
		"follow":   {"follow", `"crop_id":1,"external_userid":"wmA","userid":"u%d"`, "follows"},
		"customer": {"customer", `"crop_id":1,"external_userid":"wm%d"`, "contacts"},
		"employee": {"employee", `"business_id":1,"user_id":"u%d"`, "employees"},
		"tag":      {"tag", `"crop_id":1,"tag_id":"t%d"`, "tags"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.load(business1, customer1)
			h.emptyIndex()
			n := 100
			for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}} {
				for _, rows := range []int{1, 1000} {
					n += 100
					record := func(id int, fields string) string {
						return fmt.Sprintf(`{"%s":{`+x.key+`,"id":%d,"created_at":"2021-01-0%d 00:00:00"%s}}`, x.kind, n, n+id, id, fields)
					}
					h.load(record(9, ""))
					three := []string{record(5, ""), fmt.Sprintf(`{"%s":{`+x.key+`}}`, x.kind, n+1), record(9, `,"deleted_at":"2022-01-01 00:00:00"`)}
					lines := []string{three[order[0]], three[order[1]], three[order[2]]}
					o := importer.Options{BatchRows: rows}
					report, err := h.try(o, lines...)
					if err != nil || report.New != 1 || report.Loaded() != 3 {
						t.Errorf("batches of %d: report %+v, %v", rows, report, err)
					}
					if d := report.Duplicates; len(d) != 1 || d[0].Kept != int64(n+5) || d[0].Dropped != int64(n+9) || d[0].Line != 3 {
						t.Errorf("batches of %d: %v", rows, texts(d))
					}
					h.want(fmt.Sprintf("SELECT id, created_at, deleted_at FROM %s WHERE id BETWEEN %d AND %d", x.table, n+1, n+9), fmt.Sprintf("%d|2021-01-05 00:00:00|NULL", n+5))
					before := append(h.dump(), h.query("SELECT * FROM versions")...)
					if again, err := h.try(o, lines...); err != nil || again.Unchanged != 3 {
						t.Errorf("batches of %d: the second report %+v, %v", rows, again, err)
					}
					if diff := cmp.Diff(before, append(h.dump(), h.query("SELECT * FROM versions")...)); diff != "" {
						t.Errorf("batches of %d: the second import changed the tables:\n%s", rows, diff)
					}
				}
			}
			h.check()
		})
	}
}

// What comes back is what was dropped last, whole; of several the best; and none whose id is
// another key's by now.
func TestWhatComesBackIsTheBestOfWhatWasDropped(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const deleted = `"deleted_at":"2022-01-01 00:00:00"`
	h.load(append(base(), follow(`"id":70,"remark":"stored","state":"s"`))...)
	// The stored row is the one that comes back, with what a record changed meanwhile.
	report := h.load(follow(`"id":80,"remark":"new"`), follow(`"id":70,"remark":"changed"`), follow(`"id":80,`+deleted))
	h.want("SELECT id, remark, state, deleted_at FROM follows WHERE userid = 'u'", "70|changed|s|NULL")
	if got := texts(report.Duplicates); len(got) != 1 || !strings.HasSuffix(got[0], "kept id 70, dropped id 80") {
		t.Errorf("duplicates %v", got)
	}
	// 65 is deleted before its turn, and 66 taken by another.
	h.load(follow(`"id":64,"remark":"64"`), follow(`"id":65`), follow(`"id":66`), follow(`"id":65,`+deleted),
		`{"follow":{"crop_id":1,"userid":"v","external_userid":"wmA","id":66}}`, follow(`"id":70,`+deleted))
	h.want("SELECT id, userid, remark FROM follows ORDER BY id", "62|XiaoLiangZi|ＡＢ", "64|u|64", "66|v|")
	// Of deleted ones the highest stays, dropped for a live one or not.
	h.load(follow(`"id":99,`+deleted), follow(`"id":98,`+deleted), follow(`"id":64,`+deleted))
	h.want("SELECT id, deleted_at FROM follows WHERE userid = 'u'", "99|2022-01-01 00:00:00")
	h.check()
}

// The result of an import does not depend on where batches end, nor on the order of the records of
// one kind, as far as they have different ids.
func TestAnyOrderAndAnyBatchesGiveTheSameTables(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 7))
	kinds := randomRecords(random)
	var want []string
	for i := range 6 {
		h := setup(t)
		h.load(kinds[0][0].line, kinds[0][1].line)
		h.emptyIndex()
		var lines []string
		for _, kind := range kinds {
			if i > 0 {
				kind = shuffled(random, kind)
			}
			for _, r := range kind {
				lines = append(lines, r.line)
			}
		}
		o := importer.Options{BatchRows: []int{1000, 1, 7, 64, 3, 500}[i]}
		report, err := h.try(o, lines...)
		if err != nil {
			t.Fatal(err, texts(report.Bad))
		}
		h.check()
		got := h.dump()
		if i > 0 {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("run %d:\n%s", i, diff)
			}
			continue
		}
		want = got
		if len(report.Duplicates) < 20 {
			t.Errorf("only %d duplicates", len(report.Duplicates))
		}
		for table, kind := range map[string][]randomRecord{"employees": kinds[1], "contacts": kinds[2], "tags": kinds[3], "follows": kinds[4]} {
			h.want("SELECT id, deleted_at IS NULL FROM "+table+" ORDER BY id", kept(kind)...)
		}
		if report, err := h.try(o, lines...); err != nil {
			t.Fatal(err, texts(report.Bad))
		}
		if diff := cmp.Diff(want, h.dump()); diff != "" {
			t.Errorf("the second import changed the tables:\n%s", diff)
		}
	}
}

// randomRecord is a record of an import.
type randomRecord struct {
	id   int
	key  string
	live bool
	line string
}

// shuffled returns the records in another order, in which those of one id stay in theirs: of these
// the last one counts.
func shuffled(random *rand.Rand, records []randomRecord) []randomRecord {
	byID := map[int][]randomRecord{}
	for _, r := range records {
		byID[r.id] = append(byID[r.id], r)
	}
	records = slices.Clone(records)
	random.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	for i, r := range records {
		records[i], byID[r.id] = byID[r.id][0], byID[r.id][1:]
	}
	return records
}

// kept returns the rows that are to be kept of the records, as "id|live": the plain form of the
// rule.
func kept(records []randomRecord) (rows []string) {
	last := map[int]randomRecord{}
	for _, r := range records {
		last[r.id] = r
	}
	best := map[string]randomRecord{}
	for _, r := range last {
		if b, found := best[r.key]; !found || r.live && !b.live || r.live == b.live && r.id > b.id {
			best[r.key] = r
		}
	}
	for _, r := range slices.SortedFunc(maps.Values(best), func(a, b randomRecord) int { return a.id - b.id }) {
		live := 0
		if r.live {
			live = 1
		}
		rows = append(rows, fmt.Sprintf("%d|%d", r.id, live))
	}
	return rows
}

// randomRecords returns records of each kind, several to a key, and of some ids several that differ
// in whether they are deleted.
func randomRecords(random *rand.Rand) (kinds [][]randomRecord) {
	ids := random.Perm(2000)
	add := func(to []randomRecord, kind, key, fields string) []randomRecord {
		r := randomRecord{id: ids[0] + 1, key: key, live: random.IntN(3) > 0}
		ids = ids[1:]
		if n := len(to); n >= 60 && random.IntN(2) == 0 {
			r.id, r.key = to[random.IntN(n)].id, ""
			for _, x := range to {
				if x.id == r.id {
					r.key = x.key
				}
			}
		}
		deleted := `"2022-01-01 00:00:00"`
		if r.live {
			deleted = "null"
		}
		r.line = fmt.Sprintf(`{"%s":{%s,%s,"id":%d,"created_at":"2021-01-01 00:00:00","deleted_at":%s}}`, kind, r.key, fields, r.id, deleted)
		return append(to, r)
	}
	var employees, customers, tags, follows []randomRecord
	for i := range 120 {
		crop := 1 + 2*random.IntN(2)
		employees = add(employees, "employee", fmt.Sprintf(`"business_id":%d,"user_id":"u%d"`, crop, random.IntN(10)), fmt.Sprintf(`"name":"n%d"`, random.IntN(9)))
		tags = add(tags, "tag", fmt.Sprintf(`"crop_id":%d,"tag_id":"t%d"`, crop, random.IntN(10)), fmt.Sprintf(`"name":"n%d"`, random.IntN(9)))
		customers = add(customers, "customer", fmt.Sprintf(`"crop_id":%d,"external_userid":"c%d"`, 1+2*(i%2), i/4%15), fmt.Sprintf(`"name":"Ｎ%d"`, random.IntN(99)))
	}
	for range 300 {
		follows = add(follows, "follow", fmt.Sprintf(`"crop_id":%d,"userid":"%s","external_userid":"c%d"`, 1+2*random.IntN(2), []string{"u1", "u2", "u3", "v", "w"}[random.IntN(5)], random.IntN(15)),
			fmt.Sprintf(`"remark":"R%d","tag_id":"t%d,t%d"`, random.IntN(99), random.IntN(9), random.IntN(9)))
	}
	return [][]randomRecord{{{line: business1}, {id: 3, line: `{"business":{"uniacid":2,"id":3}}`}}, employees, customers, tags, follows}
}

func TestACancelledImportStopsAndKeepsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	h := setup(t)
	lines := []string{business1}
	for i := range 500 {
		lines = append(lines, customer(fmt.Sprintf(`"external_userid":"c%d"`, i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := importer.Import(ctx, h.w, []importer.Source{source("f", lines...)}, importer.Options{BatchRows: 10, Progress: func(p importer.Progress) {
		if p.Rows > 100 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || !report.Stopped || report.Loaded() < 100 || report.Loaded() > 150 {
		t.Errorf("report %+v, %v", report, err)
	}
	h.want("SELECT COUNT(*) FROM contacts", fmt.Sprint(report.Loaded()-1))
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestAReadersErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	h := setup(t)
	report, err := importer.Import(t.Context(), h.w, []importer.Source{source("a", business1), {Name: "b", Reader: failing{}}}, importer.Options{})
	if err == nil || !strings.Contains(err.Error(), "b:1: disk on fire") || report.New != 1 || !report.Stopped {
		t.Errorf("report %+v, %v", report, err)
	}
}

// A bad record that was left out is no reason to take a half-read file, or half an import, for a
// whole one.
func TestKeepGoingEndsWithWhatEndedTheImportAlsoAfterABadRecord(t *testing.T) {
	t.Parallel()
	h := setup(t)
	report, err := importer.Import(t.Context(), h.w, []importer.Source{source("a", business1, "bad"), {Name: "b", Reader: failing{}}}, importer.Options{KeepGoing: true})
	if err == nil || errors.Is(err, importer.ErrBadRecords) || !strings.Contains(err.Error(), "b:1: disk on fire") || !report.Stopped || report.New != 1 || len(report.Bad) != 1 {
		t.Errorf("report %+v, %v", report, err)
	}
	lines := append([]string{business1, "bad"}, slices.Repeat([]string{business9}, 500)...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err = importer.Import(ctx, h.w, []importer.Source{source("f", lines...)}, importer.Options{KeepGoing: true, BatchRows: 10, Progress: func(p importer.Progress) {
		if p.Rows > 100 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || errors.Is(err, importer.ErrBadRecords) || !report.Stopped || len(report.Bad) != 1 || report.Loaded() > 150 {
		t.Errorf("report %+v, %v", report, err)
	}
}

// A pipe that stays open is never read to its end: neither a bad record nor the caller waits for
// more of it.
func TestAnImportThatIsEndedDoesNotWaitForItsSource(t *testing.T) {
	t.Parallel()
	h := setup(t)
	open := func(lines string, read func()) importer.Source {
		r, w := io.Pipe()
		t.Cleanup(func() { _ = r.Close() })
		go func() {
			if _, err := io.WriteString(w, lines); err == nil {
				read()
			}
		}()
		return importer.Source{Name: "pipe", Reader: r}
	}
	report, err := importer.Import(t.Context(), h.w, []importer.Source{open(business1+"\nbad\n"+business9+"\nworse\n", func() {})}, importer.Options{})
	if !errors.Is(err, importer.ErrBadRecords) || !report.Stopped || report.Loaded() != 0 {
		t.Errorf("report %+v, %v", report, err)
	}
	if diff := cmp.Diff([]string{"pipe:2: the line is not a JSON object", "pipe:4: the line is not a JSON object"}, texts(report.Bad)); diff != "" {
		t.Error(diff)
	}
	for _, keepGoing := range []bool{false, true} {
		ctx, cancel := context.WithCancel(t.Context())
		report, err = importer.Import(ctx, h.w, []importer.Source{open(business1+"\n", cancel)}, importer.Options{KeepGoing: keepGoing})
		if !errors.Is(err, context.Canceled) || !report.Stopped {
			t.Errorf("report %+v, %v", report, err)
		}
	}
}

func TestProgressTellsRowsRateAndTheTimeLeft(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		p    importer.Progress
		want string
	}{
		{importer.Progress{Rows: 1000, Elapsed: 2 * time.Second}, "1000 rows, 500 rows/s"},
		{importer.Progress{Rows: 1000, Elapsed: 2 * time.Second, Bytes: 100, Total: 400, Bad: 3}, "1000 rows, 500 rows/s, 3 bad, 25%, 6s left"},
		{importer.Progress{Rows: 4000, Elapsed: 8 * time.Second, Bytes: 400, Total: 400, Done: true}, "4000 rows, 500 rows/s"},
	} {
		if got := x.p.String(); got != x.want {
			t.Errorf("got %q, want %q", got, x.want)
		}
	}
	var terminal, plain strings.Builder
	shows := []func(importer.Progress){importer.Show(&terminal, true), importer.Show(&plain, false)}
	for i := range 8 {
		for _, show := range shows {
			show(importer.Progress{Rows: int64(i), Elapsed: time.Duration(i) * time.Second, Done: i == 7})
		}
	}
	if strings.Count(terminal.String(), "\r") != 7 || strings.Count(terminal.String(), "\n") != 1 {
		t.Errorf("on a terminal: %q", terminal.String())
	}
	if plain.String() != "5 rows, 1 rows/s\n7 rows, 1 rows/s\n" {
		t.Errorf("elsewhere: %q", plain.String())
	}
}
