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
	"strings"
	"sync"
	"testing"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/database"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/demo"
	"example.com/wechatcustomers/internal/listing"
	"example.com/wechatcustomers/internal/ndjson"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// explainer asks the server how it reads each query before it runs it.
type explainer struct {
	*sql.DB
	t testing.TB

	mu    sync.Mutex
	plans map[string][]string // query → "table access key", in the order of reading
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
	var steps []string
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
		steps = append(steps, strings.TrimSpace(field("table")+" "+field("type")+" "+field("key")))
	}
	if err := rows.Err(); err != nil {
		e.t.Fatal(err)
	}
	name := queryName.FindStringSubmatch(query)[1]
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

// indexes says which index each query reads each of its tables by. A query that is not here fails the test.
var indexes = map[string]map[string]string{
	"GetAccess":                {"m": "PRIMARY", "b": "PRIMARY", "v": "PRIMARY"},
	"GetVersions":              {"v": "PRIMARY"},
	"ListBusinesses":           {"m": "PRIMARY", "b": "PRIMARY", "v": "PRIMARY"},
	"ListTags":                 {"tags": "tags_tag"},
	"ListEmployees":            {"employees": "employees_list"},
	"GetEmployees":             {"employees": "employees_userid"},
	"GetFollows":               {"f": "PRIMARY", "c": "PRIMARY"},
	"CountFollows":             {"f": "PRIMARY", "m": "PRIMARY"},
	"ListFollowIDs":            {"f": "PRIMARY", "m": "PRIMARY"},
	"CountFollowsOfEmployee":   {"f": "follows_employee"},
	"ListFollowIDsOfEmployee":  {"f": "follows_employee"},
	"CountFollowsInTime":       {"f": "follows_time"},
	"ListFollowIDsInTime":      {"f": "follows_time"},
	"CountFollowsOfMember":     {"c": "contacts_uid", "f": "follows_contact"},
	"ListFollowIDsOfMember":    {"c": "contacts_uid", "f": "follows_contact"},
	"CountFollowsTagged":       {"t": "PRIMARY", "f": "PRIMARY", "m": "PRIMARY"},
	"ListFollowIDsTagged":      {"t": "PRIMARY", "f": "PRIMARY", "m": "PRIMARY"},
	"CountFollowsMatching":     {"g": "PRIMARY", "f": "PRIMARY", "h": "PRIMARY", "m": "PRIMARY"},
	"ListFollowIDsMatching":    {"g": "PRIMARY", "f": "PRIMARY", "h": "PRIMARY", "m": "PRIMARY"},
	"ListFollowIDsOfContact":   {"f": "follows_contact", "m": "PRIMARY"},
	"CountGram":                {"g": "PRIMARY"},
	"ListGram":                 {"g": "PRIMARY"},
	"CountLetter":              {"g": "PRIMARY"},
	"ListLetter":               {"g": "PRIMARY"},
	"CountTagLinks":            {"t": "PRIMARY"},
	"CountTagLinksOfOne":       {"t": "PRIMARY"},
	"ListTagLinks":             {"t": "PRIMARY"},
	"ListFollowBlocks":         {"b": "PRIMARY"},
	"SumFollowCounts":          {"s": "PRIMARY"},
	"ListFollowMixes":          {"s": "PRIMARY"},
	"ListFollowIDsOfMix":       {"f": "follows_mix"},
	"ListFollowIDsAmongNewest": {"f": "PRIMARY"},
	"ListFollowIDsFromOldest":  {"f": "PRIMARY"},
}

// elsewhere are the queries of other rooms, which read a row or are tested there.
var elsewhere = []string{"FirstManager", "HasBusinesses", "GetContactsToFollow", "LockBusinesses"}

func TestEachQueryReadsByItsIndexAndNeverAWholeTable(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	db, err := database.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := database.Migrate(ctx, db, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	records, w := io.Pipe()
	go func() { w.CloseWithError(demo.Write(w)) }()
	if _, err := ndjson.Import(ctx, writer.New(db, time.Now), []ndjson.Source{{Name: "demonstration", Reader: records}}, ndjson.Options{}); err != nil {
		t.Fatal(err)
	}

	e := &explainer{DB: db, t: t, plans: map[string][]string{}}
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
		CropID: demo.CropID, Remark: text("客户"), Gram: writer.Grams(nil, "客户")[0], GramTo: writer.Grams(nil, "客户")[0], Fields: writer.GramInRemark,
	}))
	for name, f := range map[string]listing.Filter{
		"nothing":              {},
		"status":               {CountFollowsParams: gendb.CountFollowsParams{Status: &status}},
		"rare mix":             {CountFollowsParams: gendb.CountFollowsParams{Status: &status, ExternalType: &kind, AddWay: &way}},
		"employee":             {CountFollowsParams: gendb.CountFollowsParams{Userid: &userid, Status: &status}},
		"time":                 {CountFollowsParams: gendb.CountFollowsParams{TimeFrom: &from, TimeTo: &to}},
		"member":               {CountFollowsParams: gendb.CountFollowsParams{Member: &uid}},
		"no member":            {CountFollowsParams: gendb.CountFollowsParams{Member: &none}},
		"tag":                  {TagIDs: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow"}},
		"tags":                 {TagIDs: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow", "etDesSDgAACFJtKmZ8DmxP3DjZmceyLw"}},
		"tag and status":       {TagIDs: []string{"etDesSDgAAB6_PNgMEt6fWHVVJhceQow"}, CountFollowsParams: gendb.CountFollowsParams{Status: &status}},
		"letter":               {CountFollowsParams: gendb.CountFollowsParams{Remark: text("李")}},
		"two letters":          {CountFollowsParams: gendb.CountFollowsParams{Remark: text("客户")}},
		"three letters":        {CountFollowsParams: gendb.CountFollowsParams{Customer: text("李一天"), ExternalUserid: &external}},
		"two texts and status": {CountFollowsParams: gendb.CountFollowsParams{Customer: text("李"), Remark: text("客户"), Status: &status}},
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

	for name, steps := range e.plans {
		for _, step := range steps {
			table, how, _ := strings.Cut(step, " ")
			access, key, _ := strings.Cut(how, " ")
			switch {
			case strings.HasPrefix(table, "<"), table == "", access == "":
				continue // rows that the query itself has made, or none
			case access == "ALL" || access == "index":
				t.Errorf("%s reads the whole of %s", name, table)
			case key != indexes[name][table]:
				t.Errorf("%s reads %s by %q, want %q", name, table, key, indexes[name][table])
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
