package listing

import (
	"database/sql"
	"reflect"
	"slices"
	"testing"

	gendb "example.com/wechatcustomers/gen/db"
)

// Each query's parameters are filled field by field, and a field left out would be a filter dropped in silence.
func TestNoFilterIsForgottenOnItsWayToAQuery(t *testing.T) {
	t.Parallel()
	var all Filter
	filters := reflect.ValueOf(&all.CountFollowsOfMemberParams).Elem()
	for _, filter := range filters.Fields() {
		set(filter)
	}
	w := Window{Limit: 1}
	for _, params := range []any{
		all.page(w), all.covered(), all.coveredPage(w), all.counted(), all.amongNewest(w),
		all.tagged(), all.taggedPage(w), all.matching(term{}), all.matchingPage(term{}, w), all.ofGram(term{}, w),
	} {
		to := reflect.ValueOf(params)
		for i := range filters.NumField() {
			name := filters.Type().Field(i).Name
			if field := to.FieldByName(name); field.IsValid() && field.IsZero() {
				t.Errorf("%s does not get %s", to.Type(), name)
			}
		}
	}
}

func TestAListIsReadFromWhereEachOfItsFiltersIsKnown(t *testing.T) {
	t.Parallel()
	// What the queries of each start can tell rows apart by.
	known := map[start]reflect.Type{
		fromMixes: reflect.TypeFor[gendb.SumFollowCountsParams](), fromMember: reflect.TypeFor[gendb.CountFollowsOfMemberParams](),
		fromEmployee: reflect.TypeFor[gendb.CountFollowsOfEmployeeParams](), fromTime: reflect.TypeFor[gendb.CountFollowsInTimeParams](),
		fromTags: reflect.TypeFor[gendb.CountFollowsTaggedParams](), fromText: reflect.TypeFor[gendb.CountFollowsMatchingParams](),
		fromNewest: reflect.TypeFor[gendb.CountFollowsInTimeParams](),
	}
	names := reflect.TypeFor[gendb.CountFollowsOfMemberParams]()
	for i := range names.NumField() {
		for j := range names.NumField() {
			for n := range 4 {
				tags, member := [][]string{nil, {"t"}}[n%2], uint32(n/2)
				f := Filter{TagIDs: tags}
				filters := reflect.ValueOf(&f.CountFollowsOfMemberParams).Elem()
				set(filters.Field(i))
				set(filters.Field(j))
				if f.ExternalUserid != nil {
					f.Customer = sql.NullString{String: "wm1", Valid: true} // it comes with the text that it is
				}
				if f.Member != nil {
					*f.Member = member
				}
				from := f.start()
				for _, k := range []int{i, j} {
					name := names.Field(k).Name
					// The rows of an external_userid are looked up beside a gram, by ListFollowIDsOfContact.
					byText := []string{"CropID", "Customer", "Remark", "ExternalUserid"}
					alone := from == fromLinks && name == "CropID" || (from == fromGram || from == fromLetter) && slices.Contains(byText, name)
					if _, ok := known[from]; !alone && (!ok || !has(known[from], name)) {
						t.Errorf("%s and %s (tags %v) are read from %d, which does not know %s", names.Field(i).Name, names.Field(j).Name, tags, from, name)
					}
				}
			}
		}
	}
}

func has(t reflect.Type, field string) bool {
	_, ok := t.FieldByName(field)
	return ok
}

// set gives a filter a value that is not its zero.
func set(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[sql.NullString]():
		v.Set(reflect.ValueOf(sql.NullString{String: "李四", Valid: true}))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		set(v.Elem())
	case v.CanInt():
		v.SetInt(1)
	case v.CanUint():
		v.SetUint(1)
	default:
		v.SetString("x")
	}
}
