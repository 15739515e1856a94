package index_test

import (
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/tools/demo"
	"example.com/wechatcustomers/internal/writer"
)

// by is how a query reads a table: by which index, and the fewest bytes of it that must be looked
// up. 4 are the enterprise alone, all of whose rows are then in reach.
type by struct {
	key    string
	length int
}

// plans says by which index each query of db/queries reads each of its tables. A query that is not
// here fails the test.
var plans = map[string]map[string]by{
	"GetAccess":              {"m": {"PRIMARY", 12}, "b": {"PRIMARY", 4}, "v": {"PRIMARY", 4}},
	"GetVersions":            {"v": {"PRIMARY", 4}},
	"ListBusinesses":         {"m": {"PRIMARY", 8}, "b": {"PRIMARY", 4}, "v": {"PRIMARY", 4}},
	"ListTags":               {"tags": {"tags_tag", 4}},
	"ListAllTags":            {"tags": {"tags_tag", 4}},
	"ListEmployees":          {"employees": {"employees_list", 10}},
	"ListEmployeeNames":      {"employees": {"employees_list", 4}},
	"GetEmployees":           {"employees": {"employees_userid", 261}},
	"CountFollows":           {"f": {"PRIMARY", 4}, "c": {"contacts_unionid", 54}},
	"ListFollowIDs":          {"f": {"PRIMARY", 4}, "c": {"contacts_unionid", 54}},
	"GetFollows":             {"f": {"PRIMARY", 12}, "c": {"PRIMARY", 12}},
	"GetSets":                {"s": {"PRIMARY", 407}},
	"GetSetsBetween":         {"s": {"PRIMARY", 407}},
	"MatchFollows":           {"f": {"PRIMARY", 12}, "c": {"contacts_unionid", 54}},
	"ListFollowTimes":        {"f": {"follows_createtime", 12}},
	"ListFollowIDsOfMember":  {"c": {"contacts_uid", 8}, "f": {"follows_contact", 406}},
	"ListFollowIDsOfContact": {"f": {"follows_contact", 406}},
	"ListFollowIDsOfUnionid": {"c": {"contacts_unionid", 54}, "f": {"follows_contact", 406}},
	"ListLiveFollows":        {"f": {"PRIMARY", 12}},
	"GetLiveFollows":         {"f": {"PRIMARY", 12}},
	"ListStoredSets":         {"s": {"PRIMARY", 407}},
	"DeleteSets":             {"follow_sets": {"PRIMARY", 4}},
	"HasFollows":             {"f": {"PRIMARY", 4}},
	"ListFollowChanges":      {"c": {"PRIMARY", 4}},
	"DeleteFollowChanges":    {"follow_changes": {"PRIMARY", 4}},
	"LockBusinesses":         {"b": {"PRIMARY", 4}, "v": {"PRIMARY", 4}},
}

// sorting are the queries that may sort or gather what they read: all of one enterprise's tags, one
// member's enterprises, or the rows of an enterprise that has few.
var sorting = []string{"ListBusinesses", "ListTags", "ListFollowIDs"}

// whole are the queries that read a whole table, of which there is a row for each enterprise or
// right.
var whole = []string{"FirstManager", "HasBusinesses", "ListEnterprisesToIndex", "CountIndexed", "NewestVersion"}

// unplanned are the statements that have no plan.
var unplanned = []string{"SetIndexed"}

func TestEachQueryReadsByItsIndexAndNeverAWholeTable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := dbtest.New(t)
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(ctx, db, nil); err != nil {
		t.Fatal(err)
	}
	records, w := io.Pipe()
	go func() { w.CloseWithError(demo.Write(w)) }()
	demonstration := []importer.Source{{Name: "demonstration", Reader: records}}
	if _, err := importer.Import(ctx, writer.New(db, time.Now), demonstration, importer.Options{}); err != nil {
		t.Fatal(err)
	}
	explained, asked := dbtest.Explain(t, dsn)
	if err := writer.New(explained, time.Now).FillIndexes(ctx, 0, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Check(ctx, explained, nil); err != nil {
		t.Fatal(err)
	}

	q := gendb.New(explained)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(q.GetAccess(ctx, gendb.GetAccessParams{Uniacid: demo.Uniacid, UID: demo.ManagerUID, BusinessID: demo.CropID}))
	must(q.ListBusinesses(ctx, gendb.ListBusinessesParams{Uniacid: demo.Uniacid, UID: demo.ManagerUID}))
	must(q.FirstManager(ctx))
	must(q.HasBusinesses(ctx, gendb.HasBusinessesParams{Ids: []uint32{1}, Names: []string{""}}))
	must(q.ListTags(ctx, demo.CropID))
	must(q.ListAllTags(ctx, demo.CropID))
	must(q.ListEmployees(ctx, demo.CropID))
	must(q.ListEmployeeNames(ctx, demo.CropID))
	must(
		q.GetEmployees(ctx, gendb.GetEmployeesParams{BusinessID: demo.CropID, UserIds: []string{"XiaoLiangZi", "WeiPing"}}),
	)
	must(q.GetFollows(ctx, gendb.GetFollowsParams{CropID: demo.CropID, Ids: []uint64{62, 63}}))
	must(q.NewestVersion(ctx))
	must(q.CountIndexed(ctx, 2))
	many := make([]uint64, 900) // of more, MariaDB makes a table, which it reads first where it is the smaller
	for i := range many {
		many[i] = uint64(i + 1)
	}
	must(q.GetLiveFollows(ctx, gendb.GetLiveFollowsParams{CropID: demo.CropID, Ids: many}))
	for _, ids := range [][]uint64{many[:1], many[:40], many} {
		must(
			q.MatchFollows(
				ctx,
				gendb.MatchFollowsParams{CropID: demo.CropID, Ids: ids, Keyword: text("李一天的"), KeywordID: ptr("李一天的")},
			),
		)
	}

	// What a list asks, with an index and without.
	for _, indexed := range []bool{true, false} {
		r := index.Reader{Queries: q, CropID: demo.CropID, Indexed: indexed}
		for name, f := range map[string]filter.Filter{
			"nothing":     {},
			"a status":    {Status: ptr(int32(-1))},
			"a mix":       {Status: ptr(int32(-1)), Type: ptr(int32(2)), AddWay: ptr(uint32(3))},
			"employees":   {Employees: []string{"xiaoliangzi", "weiping"}},
			"a time":      {From: ptr(int64(1_600_000_000)), To: ptr(int64(1_700_000_000))},
			"a member":    {Member: ptr(uint64(3061))},
			"no member":   {Member: ptr(uint64(0))},
			"tags":        {TagsAny: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow", "*"}, TagsNone: []string{"none"}, TagsAll: []string{"*"}},
			"a letter":    {Remark: filter.Text{Folded: "李"}},
			"letters":     {Remark: filter.Text{Folded: "客户"}, Customer: filter.Text{Folded: "李一", ID: "李一"}},
			"a text":      {Customer: filter.Text{Folded: "李一天的", ID: "wmDesSDgAAG17vSqReXF2Z5NoJs9yGgg"}},
			"a mobile":    {Mobile: "1540000"},
			"a keyword":   {Keyword: filter.Keyword{Text: filter.Text{Folded: "liyitian", ID: "LiYiTian"}, Pinyin: "liyitian"}},
			"a telephone": {Keyword: filter.Keyword{Text: filter.Text{Folded: "154", ID: "154"}, Digits: "154"}},
		} {
			for _, window := range []index.Window{{Limit: 15}, {Limit: 15, BeforeID: ptr(uint64(1500))}, {Offset: 30, Limit: 15}, {Order: index.NewestTime, Limit: 15}, {Order: index.OldestTime, Offset: 30, Limit: 15}} {
				if _, _, err := r.Page(ctx, &f, window); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			every := index.Asked{Contacts: true, Excluding: true}
			for kind := range filter.Counted {
				every.Kinds = append(every.Kinds, kind)
			}
			must(r.Facets(ctx, &f, every))
		}
	}

	seen := map[string]bool{}
	for _, step := range asked.Steps() {
		name := step.Statement
		seen[name] = true
		want, known := plans[name][step.Table]
		switch {
		case strings.Contains(name, " "), slices.Contains(whole, name):
			continue // the writer's own, which are tested there; or one of those that may
		case strings.HasPrefix(step.Table, "<"), step.Table == "", step.Access == "":
			continue // rows that the query itself has made, or none
		case !known || step.Access == "ALL" || step.Access == "index":
			t.Errorf("%s reads the whole of %s", name, step.Table)
		case step.Key != want.key || step.Length < want.length:
			t.Errorf(
				"%s reads %s by %d bytes of %q, want %d of %q",
				name,
				step.Table,
				step.Length,
				step.Key,
				want.length,
				want.key,
			)
		case step.Sorts && !slices.Contains(sorting, name):
			t.Errorf("%s sorts what it reads of %s", name, step.Table)
		}
	}
	others, err := os.ReadFile("../../db/queries/wecom.sql") // which internal/wecom asks
	must(nil, err)
	for method := range reflect.TypeFor[*gendb.Queries]().Methods() {
		if name := method.Name; !seen[name] && name != "WithTx" && !slices.Contains(unplanned, name) && !strings.Contains(string(others), "-- name: "+name+" ") {
			t.Errorf("%s was not asked for its plan", name)
		}
	}
	for name := range plans {
		if !seen[name] {
			t.Errorf("%s is no query any more", name)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }

// What Apply reads and deletes are single rows, however many names and parts a batch touches: a
// server that walked the table instead would also lock all of it.
func TestApplyFindsEachRowByItsNameAndPart(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	h := house{t: t, db: db, w: writer.New(db, time.Now)}
	// A table in which walking is never the right plan: in each of two enterprises 300 sets in 200
	// parts each, and 20,000 in one row.
	h.exec("CREATE TABLE numbers (n INT PRIMARY KEY)")
	for range 200 {
		h.exec("INSERT INTO numbers SELECT COUNT(*) FROM numbers")
	}
	for crop := 1; crop <= 2; crop++ {
		h.exec(
			"INSERT INTO follow_sets SELECT ?, CONCAT('T', a.n), b.n, IF(b.n = 0, '', x'3a300000010000000000000010000000ffff')"+
				" FROM numbers a, numbers b WHERE a.n < 100",
			crop,
		)
		h.exec(
			"INSERT INTO follow_sets SELECT ?, CONCAT('n', a.n, '-', b.n), 0, x'05' FROM numbers a, numbers b WHERE a.n < 100",
			crop,
		)
	}
	h.exec("ANALYZE TABLE follow_sets")
	explained, asked := dbtest.Explain(t, dsn)
	h.db = explained
	for _, x := range []struct{ names, rows, each int }{{1, 1, 1}, {7, 5, 2}, {100, 5, 3}, {3, 5000, 1}, {100, 5000, 1}, {3 * index.ApplyNames, 200, 9}, {index.ApplyNames, 5000, 20}} {
		// Each row is in some sets, in a part of its own, and leaves them.
		random := rand.New(rand.NewPCG(uint64(x.names), uint64(x.rows)))
		var enter, leave []index.Change
		for i := range x.rows {
			var tags []string
			for range x.each {
				tags = append(tags, fmt.Sprint(random.IntN(x.names)))
			}
			row := &filter.Row{ID: uint64(i%199)<<index.PartBits | uint64(i), CropID: 1, TagID: strings.Join(tags, ",")}
			enter, leave = append(enter, index.Change{New: row}), append(leave, index.Change{Old: row})
		}
		h.apply(1, enter...)
		h.apply(1, leave...)
	}
	seen := map[string]bool{}
	for _, step := range asked.Steps() {
		if !strings.Contains(step.Statement, "follow_sets") {
			continue
		}
		seen[step.Statement] = true
		if step.Key != "PRIMARY" || step.Length < 415 || !slices.Contains([]string{"range", "const", "eq_ref"}, step.Access) {
			t.Errorf("%+v", step)
		}
	}
	if !seen["SELECT follow_sets (PRIMARY)"] || !seen["DELETE follow_sets (PRIMARY)"] || len(seen) != 2 {
		t.Errorf("statements %v", seen)
	}
}
