package listing_test

import (
	"context"
	"database/sql"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/listing"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/tools/demo"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// explainer asks the server how it reads each query before it runs it.
type explainer struct {
	*sql.DB
	t testing.TB

	mu    sync.Mutex
	plans map[string][]step // of each query, in the order of reading
}

// step is how a query reads one table, in EXPLAIN's words.
type step struct {
	table, access, key string
	length             int // bytes of the key that are looked up
	sorts              bool
}

var queryName = regexp.MustCompile(`^-- name: (\w+)`)

func (e *explainer) explain(ctx context.Context, query string, args []any) {
	e.t.Helper()
	rows, err := e.DB.QueryContext(ctx, "EXPLAIN FORMAT=TRADITIONAL "+query, args...)
	if err != nil {
		e.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		e.t.Fatal(err)
	}
	var steps []step
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			e.t.Fatal(err)
		}
		field := func(name string) string { return values[slices.Index(columns, name)].String }
		length, _ := strconv.Atoi(field("key_len"))
		extra := field("Extra")
		steps = append(steps, step{
			table: field("table"), access: field("type"), key: field("key"), length: length,
			sorts: strings.Contains(extra, "filesort") || strings.Contains(extra, "temporary"),
		})
	}
	if err := rows.Err(); err != nil {
		e.t.Fatal(err)
	}
	name := queryName.FindStringSubmatch(query)[1]
	// A time is the only filter of 64 bits.
	ranged := slices.ContainsFunc(args, func(arg any) bool { n, ok := arg.(*int64); return ok && n != nil })
	if _, other := indexes[name+" of all"]; other && !ranged {
		name += " of all"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.plans[name] = append(e.plans[name], steps...)
}

func (e *explainer) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	e.explain(ctx, query, args)
	return e.DB.QueryContext(ctx, query, args...)
}

func (e *explainer) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	e.explain(ctx, query, args)
	return e.DB.QueryRowContext(ctx, query, args...)
}

// index is one by which a table is read, and the fewest bytes of it that must be looked up: 4 is the enterprise alone, all of whose rows are then in reach, in the
// order that the query stops in.
type index struct {
	key    string
	length int
}

// indexes says by which index each query reads each of its tables. A query that is not here fails the test.
var indexes = map[string]map[string]index{
	"GetAccess":                  {"m": {"PRIMARY", 12}, "b": {"PRIMARY", 4}, "v": {"PRIMARY", 4}},
	"GetVersions":                {"v": {"PRIMARY", 4}},
	"ListBusinesses":             {"m": {"PRIMARY", 8}, "b": {"PRIMARY", 4}, "v": {"PRIMARY", 4}},
	"ListTags":                   {"tags": {"tags_tag", 4}},
	"ListEmployees":              {"employees": {"employees_list", 10}},
	"GetEmployees":               {"employees": {"employees_userid", 261}},
	"GetFollows":                 {"f": {"PRIMARY", 12}, "c": {"PRIMARY", 406}},
	"ListFollowIDs":              {"f": {"PRIMARY", 4}},
	"CountFollowsOfEmployee":     {"f": {"follows_employee", 112}},
	"ListFollowIDsOfEmployee":    {"f": {"follows_employee", 112}},
	"CountFollowsInTime of all":  {"f": {"follows_time", 10}}, // without a range
	"CountFollowsInTime":         {"f": {"follows_time", 18}},
	"ListFollowIDsInTime of all": {"f": {"follows_time", 10}},
	"ListFollowIDsInTime":        {"f": {"follows_time", 18}},
	"CountFollowsOfMember":       {"c": {"contacts_uid", 8}, "f": {"follows_contact", 406}},
	"ListFollowIDsOfMember":      {"c": {"contacts_uid", 8}, "f": {"follows_contact", 406}},
	"CountFollowsTagged":         {"t": {"PRIMARY", 406}, "f": {"PRIMARY", 12}},
	"ListFollowIDsTagged":        {"t": {"PRIMARY", 406}, "f": {"PRIMARY", 12}},
	"CountFollowsMatching":       {"g": {"PRIMARY", 12}, "f": {"PRIMARY", 12}, "h": {"PRIMARY", 20}},
	"ListFollowIDsMatching":      {"g": {"PRIMARY", 12}, "f": {"PRIMARY", 12}, "h": {"PRIMARY", 20}},
	"ListFollowIDsOfGram":        {"g": {"PRIMARY", 12}, "f": {"PRIMARY", 12}, "h": {"PRIMARY", 20}},
	"ListFollowIDsOfContact":     {"f": {"follows_contact", 406}},
	"CountGram":                  {"g": {"PRIMARY", 12}},
	"ListGram":                   {"g": {"PRIMARY", 12}},
	"CountLetter":                {"g": {"PRIMARY", 12}},
	"ListLetter":                 {"g": {"PRIMARY", 12}},
	"CountTagLinks":              {"t": {"PRIMARY", 406}},
	"CountTagLinksOfOne":         {"t": {"PRIMARY", 406}},
	"ListTagLinks":               {"t": {"PRIMARY", 406}},
	"ListFollowBlocks":           {"b": {"PRIMARY", 4}},
	"SumFollowCounts":            {"s": {"PRIMARY", 4}},
	"ListFollowMixes":            {"s": {"PRIMARY", 16}},
	"ListFollowIDsOfMix":         {"f": {"follows_mix", 22}},
	"ListFollowIDsAmongNewest":   {"f": {"PRIMARY", 4}},
	"ListFollowIDsFromOldest":    {"f": {"PRIMARY", 4}},
}

// sorting are the queries that may sort or gather what they read: it is all of one enterprise's tags, one member's or contact's rows, or what an index has in
// another order.
var sorting = []string{
	"ListTags", "ListBusinesses", "ListFollowIDsOfMember", "ListFollowIDsOfContact", "ListFollowIDsInTime", "ListFollowIDsInTime of all", "ListFollowIDsTagged", "ListFollowIDsMatching", "ListLetter",
}

// elsewhere are the queries of other rooms, which read a row or are tested there.
var elsewhere = []string{"FirstManager", "HasBusinesses", "GetContactsToFollow", "LockBusinesses"}

func TestEachQueryReadsByItsIndexAndNeverAWholeTable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := store.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(ctx, db, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	records, w := io.Pipe()
	go func() { w.CloseWithError(demo.Write(w)) }()
	if _, err := importer.Import(ctx, writer.New(db, time.Now), []importer.Source{{Name: "demonstration", Reader: records}}, importer.Options{}); err != nil {
		t.Fatal(err)
	}

	e := &explainer{DB: db, t: t, plans: map[string][]step{}}
	q := gendb.New(e)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(q.GetAccess(ctx, gendb.GetAccessParams{Uniacid: demo.Uniacid, UID: demo.ManagerUID, BusinessID: demo.CropID}))
	must(q.GetVersions(ctx, demo.CropID))
	must(q.ListBusinesses(ctx, gendb.ListBusinessesParams{Uniacid: demo.Uniacid, UID: demo.ManagerUID}))
	must(q.ListTags(ctx, demo.CropID))
	must(q.ListEmployees(ctx, demo.CropID))
	must(q.GetEmployees(ctx, gendb.GetEmployeesParams{BusinessID: demo.CropID, UserIds: []string{"XiaoLiangZi", "WeiPing"}}))
	must(q.GetFollows(ctx, gendb.GetFollowsParams{CropID: demo.CropID, Ids: []uint64{62, 63}}))
	must(q.ListFollowBlocks(ctx, demo.CropID)) // the demonstration is too small for a request to need them
	must(q.ListFollowIDsFromOldest(ctx, gendb.ListFollowIDsFromOldestParams{CropID: demo.CropID, Limit: 15, Offset: 7}))

	var (
		status, kind = int32(-1), int32(2)
		way, uid     = uint32(3), uint32(3061)
		none         = uint32(0)
		from, to     = int64(1_600_000_000), int64(1_700_000_000)
		userid       = "xiaoliangzi"
		external     = "wmDesSDgAAG17vSqReXF2Z5NoJs9yGgg"
		text         = func(s string) sql.NullString { return sql.NullString{String: s, Valid: true} }
	)
	must(q.CountFollowsMatching(ctx, gendb.CountFollowsMatchingParams{ // the demonstration has few of any text
		CropID: demo.CropID, Remark: text("客户"), Gram: writer.Gram('客', '户'), GramTo: writer.Gram('客', '户'), Fields: writer.GramInRemark,
	}))
	for name, f := range map[string]listing.Filter{
		"nothing":              {},
		"status":               {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Status: &status}},
		"rare mix":             {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Status: &status, ExternalType: &kind, AddWay: &way}},
		"employee":             {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Userid: &userid, Status: &status}},
		"time":                 {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{TimeFrom: &from, TimeTo: &to}},
		"member":               {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Member: &uid}},
		"no member":            {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Member: &none}},
		"tag":                  {TagIDs: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow"}},
		"tags":                 {TagIDs: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow", "etDesSDgAACFJtKmZ8DmxP3DjZmceyLw"}},
		"tag and status":       {TagIDs: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow"}, CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Status: &status}},
		"letter":               {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Remark: text("李")}},
		"two letters":          {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Remark: text("客户")}},
		"three letters":        {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Customer: text("李一天"), ExternalUserid: &external}},
		"four letters":         {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Remark: text("客户李一")}},
		"letter and status":    {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Remark: text("客"), Status: &status}},
		"letters and status":   {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Remark: text("客户"), Status: &status}},
		"two texts and status": {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Customer: text("李"), Remark: text("客户"), Status: &status}},
	} {
		f.CropID = demo.CropID
		total, err := listing.Total(ctx, q, &f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		before := uint64(1500)
		for _, window := range []listing.Window{{Limit: 15}, {Limit: 15, BeforeID: &before}, {Offset: 30, Limit: 15}} {
			must(listing.IDs(ctx, q, &f, total, window))
		}
	}

	// Where many rows match they are read from the newest, and are the same. The demonstration has few: the number is made up.
	for name, f := range map[string]listing.Filter{
		"letter":            {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Remark: text("客")}},
		"letter and status": {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Customer: text("李"), Status: new(int32(1))}},
		"no member":         {CountFollowsOfMemberParams: gendb.CountFollowsOfMemberParams{Member: &none, ExternalType: &kind}},
	} {
		f.CropID = demo.CropID
		before := uint64(1500)
		for _, window := range []listing.Window{{Limit: 15}, {Limit: 15, BeforeID: &before}, {Offset: 10, Limit: 15}} {
			few, err := listing.IDs(ctx, q, &f, 100, window)
			if err != nil {
				t.Fatal(err)
			}
			many, err := listing.IDs(ctx, q, &f, 1<<20, window)
			if err != nil {
				t.Fatal(err)
			}
			if len(few) == 0 || !slices.Equal(few, many) {
				t.Errorf("%s: %v of few, %v of many", name, few, many)
			}
		}
	}

	for name, steps := range e.plans {
		for _, step := range steps {
			want := indexes[name][step.table]
			switch {
			case strings.HasPrefix(step.table, "<"), step.table == "", step.access == "":
				continue // rows that the query itself has made, or none
			case step.access == "ALL" || step.access == "index":
				t.Errorf("%s reads the whole of %s", name, step.table)
			case step.key != want.key || step.length < want.length:
				t.Errorf("%s reads %s by %d bytes of %q, want %d of %q", name, step.table, step.length, step.key, want.length, want.key)
			case step.sorts && !slices.Contains(sorting, name):
				t.Errorf("%s sorts what it reads of %s", name, step.table)
			}
		}
	}
	methods := reflect.TypeFor[*gendb.Queries]()
	for method := range methods.Methods() {
		name := method.Name
		if _, planned := e.plans[name]; !planned && name != "WithTx" && !slices.Contains(elsewhere, name) {
			t.Errorf("%s was not asked for its plan", name)
		}
	}
	if len(e.plans) != len(indexes) {
		t.Errorf("plans of %v", slices.Sorted(maps.Keys(e.plans)))
	}
}
