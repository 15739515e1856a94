package filter_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	document "example.com/wechatcustomers/api"
	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
)

// What has been forgotten of a new filter fails here, and says which file it belongs in. What a
// filter means is held against its rows in internal/httpapi.

// spellings are the document's second names of filters.
var spellings = map[string]string{"search[类型]": "search[type]"}

// further are values that reach what a parameter's example in the document does not.
var further = map[string][]string{
	"search[keyword]": {`"13547567468"`},
}

// documented is a filter of the document.
type documented struct {
	name   string
	values []string // in JSON: its example there, and those of further
}

// documentedFilters returns the document's filters that the server is to have, in the document's
// order.
func documentedFilters(t *testing.T) (list []documented) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(document.Document)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range doc.Paths.Value("/business/{uniacid}/plugin/WechatCustomers/getList").Parameters {
		name := p.Value.Name
		if !strings.HasPrefix(name, "search[") || spellings[name] != "" {
			continue
		}
		example, err := json.Marshal(p.Value.Schema.Value.Example)
		if err != nil || p.Value.Schema.Value.Example == nil {
			t.Fatalf("api/openapi.yaml: the schema of %s has no example: %v", name, err)
		}
		list = append(list, documented{name, append([]string{string(example)}, further[name]...)})
	}
	return list
}

// read returns the filter of a request with these parameters: names and values in JSON, by turns.
func read(t *testing.T, parameters ...string) filter.Filter {
	t.Helper()
	given := map[string]json.RawMessage{}
	for i := 0; i < len(parameters); i += 2 {
		given[parameters[i]] = json.RawMessage(parameters[i+1])
	}
	text, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	var p api.GetListParams
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	f, err := filter.Read(&p)
	if err != nil {
		t.Fatalf("%q: %v", parameters, err)
	}
	return f
}

// all returns a filter with every parameter set.
func all(t *testing.T) filter.Filter {
	t.Helper()
	var parameters []string
	for _, p := range documentedFilters(t) {
		parameters = append(parameters, p.name, p.values[0])
	}
	return read(t, parameters...)
}

func TestTheTableHasEachFilterOfTheDocumentInItsOrder(t *testing.T) {
	t.Parallel()
	names := filter.ParamNames()
	var documented []string
	for _, p := range documentedFilters(t) {
		documented = append(documented, p.name)
		if !slices.Contains(names, p.name) {
			t.Errorf("internal/filter/table.go: no entry for %s, which api/openapi.yaml has", p.name)
		}
	}
	if !t.Failed() && !slices.Equal(names, documented) {
		t.Errorf("internal/filter/table.go: the entries are in the order\n%q, api/openapi.yaml has\n%q", names, documented)
	}
}

func TestEachFilterIsReadAndReachesTheSetsAndThePlainQueries(t *testing.T) {
	t.Parallel()
	var none filter.Filter
	if active := none.Active(); len(active) > 0 {
		t.Fatalf("filters are set where none is: %v", active)
	}
	unset := none.Params(1)
	for _, p := range documentedFilters(t) {
		if !slices.Contains(filter.ParamNames(), p.name) {
			continue // said above
		}
		f := read(t, p.name, p.values[0])
		if reflect.DeepEqual(f, none) {
			t.Errorf("internal/filter/table.go: read of %s takes nothing of %s into the filter", p.name, p.values[0])
			continue
		}
		switch active := f.Active(); {
		case len(active) == 0:
			t.Errorf("internal/filter/table.go: sets of %s says that %s is no filter", p.name, p.values[0])
		case len(active) > 1 || active[0].Param != p.name:
			t.Errorf("internal/filter/table.go: %s sets the filters %v", p.name, active)
		case len(names(active[0].Expr)) == 0:
			t.Errorf("internal/filter/table.go: sets of %s names no set for %s", p.name, p.values[0])
		}
		if params := f.Params(1); params == unset {
			t.Errorf(
				"internal/filter/table.go: plain of %s fills no parameter of CountFollows (db/queries/follows.sql), where both "+
					"queries want the filter's condition",
				p.name,
			)
		}
		if only := f.Only(p.name); !reflect.DeepEqual(only, f) {
			t.Errorf("internal/filter/table.go: fields of %s lacks what its read fills: %s", p.name, cmp.Diff(f, only))
		}
	}
}

// fromRows stands for an index of the base tables.
const fromRows = "rows"

// names returns the names that an expression says rows are in, and a word for each other source of
// rows.
func names(e filter.Expr) []string {
	switch {
	case e.Op == filter.Value || e.Op == filter.Between:
		return []string{e.First}
	case e.Op == filter.Rows && e.Source != nil:
		return []string{fromRows}
	}
	var list []string
	for _, of := range e.Of {
		list = append(list, names(of)...)
	}
	return list
}

// Sets that no row is in find nothing.
func TestSomeEntryNamesTheKindsOfSetsThatFiltersAskFor(t *testing.T) {
	t.Parallel()
	var full, empty filter.Row
	fill(reflect.ValueOf(&full).Elem())
	full.Pinyin = filter.Spelt("李")
	named := map[byte]bool{}
	for _, r := range []*filter.Row{&full, &empty} {
		filter.Names(r, func(name []byte) { named[name[0]] = true })
	}
	for _, p := range documentedFilters(t) {
		f := read(t, p.name, p.values[0])
		for _, a := range f.Active() {
			for _, name := range names(a.Expr) {
				if name != fromRows && !named[name[0]] {
					t.Errorf("internal/filter/table.go: %s asks for sets of the kind %q, which row of no entry names", p.name, name[0])
				}
			}
		}
	}
}

// A field that no entry lists is lost where one filter is left out, and where each is asked alone.
func TestEachFieldOfTheFilterIsOfAnEntry(t *testing.T) {
	t.Parallel()
	var full filter.Filter
	fields := reflect.ValueOf(&full).Elem()
	for _, field := range fields.Fields() {
		fill(field)
	}
	for i := range fields.NumField() {
		var of []string
		for _, name := range filter.ParamNames() {
			only := full.Only(name)
			if !reflect.ValueOf(only).Field(i).IsZero() {
				of = append(of, name)
			}
		}
		if len(of) == 0 {
			t.Errorf("internal/filter/table.go: Filter.%s is in the fields of no entry", fields.Type().Field(i).Name)
		}
	}
}

// fill gives a field a value that is not zero.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString("a")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	default:
		v.SetInt(1)
	}
}

func TestLeavingOneFilterOutLeavesTheOthers(t *testing.T) {
	t.Parallel()
	params := func(f filter.Filter) (list []string) {
		for _, a := range f.Active() {
			list = append(list, a.Param)
		}
		return list
	}
	f := all(t)
	if got := params(f); !slices.Equal(got, filter.ParamNames()) {
		t.Fatalf("with all set: %q", got)
	}
	for i, name := range filter.ParamNames() {
		if got := params(f.Only(name)); !slices.Equal(got, []string{name}) {
			t.Errorf("only %s: %q", name, got)
		}
		if got := params(f.Without(name)); !slices.Equal(got, slices.Delete(filter.ParamNames(), i, i+1)) {
			t.Errorf("without %s: %q", name, got)
		}
	}
}

func TestEachParameterOfThePlainQueriesIsOfAFilter(t *testing.T) {
	t.Parallel()
	filled := map[string]bool{"CropID": true}
	for _, p := range documentedFilters(t) {
		for _, value := range p.values {
			f := read(t, p.name, value)
			for _, field := range filledFields(f.Params(1)) {
				filled[field] = true
			}
		}
	}
	for _, field := range fieldsOf[gendb.CountFollowsParams]() {
		if !filled[field.Name] {
			t.Errorf(
				"db/queries/follows.sql: nothing fills %s of CountFollows: plain of an entry in internal/filter/table.go would, "+
					"or a value that does is missing in further of this test",
				field.Name,
			)
		}
	}
}

// filledFields returns the fields of a query's parameters that are not NULL.
func filledFields(p any) (filled []string) {
	v := reflect.ValueOf(p)
	for i := range v.NumField() {
		if !v.Field(i).IsZero() {
			filled = append(filled, v.Type().Field(i).Name)
		}
	}
	return filled
}

func fieldsOf[T any]() []reflect.StructField { return reflect.VisibleFields(reflect.TypeFor[T]()) }

// Parameters go from one query's to another's, and from one operation's to another's, by their
// names (Same): one that the other lacks is a filter that is not there.
func TestWhatTakesTheSameFiltersTakesAllOfThem(t *testing.T) {
	t.Parallel()
	for _, pair := range []struct {
		has, lacks string
		from, to   []reflect.StructField
	}{
		{"CountFollows", "db/queries/follows.sql: ListFollowIDs", fieldsOf[gendb.CountFollowsParams](), fieldsOf[gendb.ListFollowIDsParams]()},
		{"getList", "api/openapi.yaml: getFacets", searches[api.GetListParams](), searches[api.GetFacetsParams]()},
		{"getFacets", "api/openapi.yaml: getList", searches[api.GetFacetsParams](), searches[api.GetListParams]()},
	} {
		for _, field := range pair.from {
			if !slices.ContainsFunc(
				pair.to,
				func(f reflect.StructField) bool { return f.Name == field.Name && f.Type == field.Type },
			) {
				t.Errorf("%s has no %s, which %s has", pair.lacks, field.Name, pair.has)
			}
		}
	}
}

func searches[T any]() []reflect.StructField {
	return slices.DeleteFunc(
		fieldsOf[T](),
		func(f reflect.StructField) bool { return !strings.HasPrefix(f.Name, "Search") },
	)
}

// A filter that its sets only narrow down is settled by MatchFollows.
func TestRowsAreLookedAtByAllThatTheFilterOfAMatchAsks(t *testing.T) {
	t.Parallel()
	matched := fieldsOf[gendb.MatchFollowsParams]()
	found := 0
	var walk func(param string, e filter.Expr)
	walk = func(param string, e filter.Expr) {
		if e.Op == filter.Match {
			found++
			filled := filledFields(e.Filter.Params(1))
			if len(filled) < 2 {
				t.Errorf("internal/filter/table.go: sets of %s has rows looked at by no filter", param)
			}
			for _, name := range filled {
				if !slices.ContainsFunc(matched, func(f reflect.StructField) bool { return f.Name == name }) {
					t.Errorf("db/queries/sets.sql: MatchFollows has no %s, by which rows of %s are looked at", name, param)
				}
			}
		}
		for _, of := range e.Of {
			walk(param, of)
		}
	}
	for _, p := range documentedFilters(t) {
		for _, value := range append(p.values, `"1234567890123"`, `"abcdefghijklm"`) {
			given := map[string]json.RawMessage{p.name: json.RawMessage(value)}
			text, err := json.Marshal(given)
			if err != nil {
				t.Fatal(err)
			}
			var params api.GetListParams
			if json.Unmarshal(text, &params) != nil {
				continue // no text
			}
			f, err := filter.Read(&params)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range f.Active() {
				walk(a.Param, a.Expr)
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d filters have rows looked at: this test would prove nothing", found)
	}
}

func TestBothSpellingsOfTheTypeAreOneFilter(t *testing.T) {
	t.Parallel()
	one, other := read(t, "search[type]", "2"), read(t, "search[类型]", "2")
	if diff := cmp.Diff(one, other); diff != "" || len(other.Active()) != 1 || other.Active()[0].Param != "search[type]" {
		t.Errorf("%v\n%s", other.Active(), diff)
	}
	if both := read(t, "search[type]", "1", "search[类型]", "1"); len(both.Active()) != 1 {
		t.Errorf("both: %v", both.Active())
	}
	type1, type2 := api.ExternalTypeFilter(1), api.ExternalTypeFilter(2)
	if _, err := filter.Read(&api.GetListParams{SearchType: &type1, SearchLeixing: &type2}); err == nil {
		t.Error("both, and different, are taken")
	}
}

func TestATextOfWhatIsNotSeenIsNoFilter(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"search[customer]", "search[remark]", "search[keyword]", "search[tags_data]", "search[tags_all]", "search[tags_none]",
		"search[employee_member]",
	} {
		for _, value := range []string{`""`, `" "`, `"\u200b"`, `"\ufeff \u3000\u00ad"`, `"\udb40\udd00\u2060"`} {
			f := read(t, name, value)
			if active := f.Active(); len(active) > 0 || f.Params(1) != (filter.Params{CropID: 1}) {
				t.Errorf("%s=%s: %v, %+v", name, value, active, f.Params(1))
			}
		}
	}
	// Beside an id it is left out, and within one.
	for _, name := range []string{"search[tags_data]", "search[tags_all]", "search[tags_none]", "search[employee_member]"} {
		if diff := cmp.Diff(read(t, name, `"a,b"`), read(t, name, `"\u200b, \ufeffa\u200b,,b ,a"`)); diff != "" {
			t.Errorf("%s: (-without +with)\n%s", name, diff)
		}
	}
}
