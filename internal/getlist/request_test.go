package getlist

import (
	"errors"
	"math"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	document "example.com/wechatcustomers/api"
	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
)

func TestWhatIsNotAskedForHasTheDocumentsDefault(t *testing.T) {
	t.Parallel()
	w, err := toWanted(&api.GetListParams{})
	want := wanted{perPage: 15, page: 1, order: index.NewestID}
	if diff := cmp.Diff(want, w, cmp.AllowUnexported(wanted{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

func TestARequestIsReadIntoItsWindow(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params api.GetListParams
		want   index.Window
	}{
		"the first page": {api.GetListParams{}, index.Window{Limit: 15}},
		"another":        {api.GetListParams{Page: new(int64(4)), PerPage: new(int32(7))}, index.Window{Offset: 21, Limit: 7}},
		"one past all":   {api.GetListParams{Page: new(int64(math.MaxInt64)), PerPage: new(int32(100))}, index.Window{Offset: (farPage - 1) * 100, Limit: 100}},
		"sorted":         {api.GetListParams{Page: new(int64(2)), Sort: new(api.SortByCreatetime)}, index.Window{Order: index.OldestTime, Offset: 15, Limit: 15}},
		"sorted the other way": {
			api.GetListParams{Sort: new(api.SortByCreatetimeDesc), PerPage: new(int32(1))}, index.Window{Order: index.NewestTime, Limit: 1},
		},
		"sorted as it is": {api.GetListParams{Sort: new(api.SortByIDDesc)}, index.Window{Limit: 15}},
		// One row more tells whether the walk goes on.
		"a walk": {api.GetListParams{BeforeID: new(int64(9)), PerPage: new(int32(3))}, index.Window{BeforeID: new(uint64(9)), Limit: 4}},
		"a walk in the default order": {
			api.GetListParams{BeforeID: new(int64(math.MaxInt64)), Sort: new(api.SortByIDDesc)}, index.Window{BeforeID: new(uint64(math.MaxInt64)), Limit: 16},
		},
	} {
		w, err := toWanted(&c.params)
		if diff := cmp.Diff(c.want, w.window()); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

func TestBeforeIDTakesNoPageAndNoOtherOrder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params  api.GetListParams
		message string
	}{
		"with a page":       {api.GetListParams{BeforeID: new(int64(5)), Page: new(int64(1))}, "不能与 1 以外的 page 同时使用"},
		"by time":           {api.GetListParams{BeforeID: new(int64(5)), Sort: new(api.SortByCreatetime)}, "只能与默认的 sort 一起使用"},
		"by time, the last": {api.GetListParams{BeforeID: new(int64(5)), Sort: new(api.SortByCreatetimeDesc)}, "只能与默认的 sort 一起使用"},
	} {
		_, err := toWanted(&c.params)
		wrong, ok := errors.AsType[*apierr.Error](err)
		if !ok || wrong.Code != apierr.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff([]apierr.Field{{Field: "before_id", Message: c.message, Got: "「5」"}}, wrong.Fields); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func TestEachOrderOfTheDocumentIsKnown(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(document.Document)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[index.Order]string{}
	for _, name := range doc.Components.Schemas["Sort"].Value.Enum {
		order, known := orders[api.Sort(name.(string))]
		if !known {
			t.Errorf("internal/getlist/request.go: orders has no %s, which api/openapi.yaml has", name)
		}
		if same, twice := seen[order]; twice {
			t.Errorf("%s is the order of %s", name, same)
		}
		seen[order] = name.(string)
	}
}

func TestListsToOmitAreReadInAnyOrder(t *testing.T) {
	t.Parallel()
	for omit, want := range map[string][2]bool{
		"": {false, false}, "tag": {true, false}, "employee": {false, true}, "tag,employee": {true, true}, "employee,tag": {true, true}, "tag,tag": {true, false},
	} {
		w, err := toWanted(&api.GetListParams{Omit: &omit})
		if got := [2]bool{w.omitTags, w.omitEmployees}; got != want || err != nil {
			t.Errorf("%q: %v, %v", omit, got, err)
		}
	}
}

func TestAWrongFilterIsTheRequestsError(t *testing.T) {
	t.Parallel()
	one, other := api.ExternalTypeFilter(1), api.ExternalTypeFilter(2)
	_, err := toWanted(&api.GetListParams{SearchType: &one, SearchLeixing: &other})
	wrong, ok := errors.AsType[*apierr.Error](err)
	if !ok || wrong.Code != apierr.Invalid || len(wrong.Fields) != 1 || wrong.Fields[0].Field != "search[type]" {
		t.Errorf("%v", err)
	}
}

func TestTheFiltersOfARequestAreThoseOfFilterRead(t *testing.T) {
	t.Parallel()
	p := api.GetListParams{
		SearchCustomer: new("李"),
		SearchStatus:   new(api.StatusFollowing),
		SearchTime:     &api.TimeRange{"1", ""},
	}
	want, err := filter.Read(&p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := toWanted(&p)
	if diff := cmp.Diff(want, got.filter); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
