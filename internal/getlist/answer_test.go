package getlist

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/paginate"
)

// numbered gives each field of a row a value of its own.
func numbered[T any](t *testing.T) (row T) {
	t.Helper()
	v := reflect.ValueOf(&row).Elem()
	for i := range v.NumField() {
		switch field := v.Field(i); field.Interface().(type) {
		case string:
			field.SetString(fmt.Sprint("text ", i))
		case *string:
			field.Set(reflect.ValueOf(new(fmt.Sprint("text ", i))))
		case int32, int64:
			field.SetInt(int64(100 + i))
		case uint32, uint64:
			field.SetUint(uint64(100 + i))
		default:
			t.Fatalf("%s is a %s", v.Type().Field(i).Name, field.Type())
		}
	}
	return row
}

// same says which fields of the contract's object, but for these, are not those of the row by the
// same name.
func same(t *testing.T, object, row any, but ...string) {
	t.Helper()
	o, r := reflect.ValueOf(object), reflect.ValueOf(row)
	for i := range o.NumField() {
		name := o.Type().Field(i).Name
		if slices.Contains(but, name) {
			continue
		}
		of := r.FieldByName(name)
		if !of.IsValid() {
			t.Errorf("%s.%s is no column", o.Type(), name)
			continue
		}
		if got, want := fmt.Sprint(reflect.Indirect(o.Field(i))), fmt.Sprint(reflect.Indirect(of)); got != want {
			t.Errorf("%s.%s is %s, the column %s", o.Type(), name, got, want)
		}
	}
}

func TestEachFieldIsTheColumnOfItsName(t *testing.T) {
	t.Parallel()
	follow, contact, employee, tag := numbered[gendb.Follow](t), numbered[gendb.Contact](
		t,
	), numbered[gendb.Employee](t), numbered[gendb.Tag](
		t,
	)
	same(t, toFollow(2, follow), follow, "Uniacid", "TagName", "HasOneCustomer", "HasOneEmployee")
	same(t, toContact(2, contact), contact, "Uniacid")
	same(t, *toEmployee(2, employee), employee, "Uniacid")
	same(t, toTags(2, []gendb.Tag{tag})[0], tag, "Uniacid")
	of := numbered[gendb.ListEmployeesRow](t)
	same(t, toEmployeeNames([]gendb.ListEmployeesRow{of})[0], of)
	for _, uniacid := range []int64{toFollow(2, follow).Uniacid, toContact(2, contact).Uniacid, toEmployee(2, employee).Uniacid, toTags(2, []gendb.Tag{tag})[0].Uniacid} {
		if uniacid != 2 {
			t.Errorf("uniacid %d", uniacid)
		}
	}
}

// read is an answer with these rows, of 45.
func read(ids ...uint64) answer {
	a := answer{
		page:      paginate.Of(45, 2, 3),
		lists:     &lists{names: newTagNames([]gendb.Tag{{TagID: "etB", Name: "乙"}, {TagID: "etA", Name: "甲"}})},
		employees: []gendb.Employee{{UserID: "zhangsan", Name: "张三"}},
	}
	for _, id := range ids {
		a.rows = append(a.rows, gendb.GetFollowsRow{
			Follow: gendb.Follow{
				ID:     id,
				Userid: "ZhangSan",
				TagID:  "etA, etNobody,etB\u200b",
				Pinyin: "x",
			},
			Contact: gendb.Contact{ID: 100 + id},
		})
	}
	return a
}

func TestAPageHasItsRowsWithTheirOwnEmployeeAndTags(t *testing.T) {
	t.Parallel()
	r := Request{
		Address: "http://x/list",
		Query:   []paginate.Pair{{Key: "sort", Value: "createtime"}, {Key: "page", Value: "3"}},
	}
	p := toPage(2, wanted{}, read(9, 7), r)
	for i, id := range []int64{9, 7} {
		f := p.Data[i]
		if f.ID != id || f.HasOneCustomer.ID != 100+id || f.HasOneEmployee == nil || f.HasOneEmployee.Name != "张三" ||
			f.TagName != "乙,甲" {
			t.Errorf("row %d: %+v", i, f)
		}
	}
	p.Data = nil
	want := api.CustomerPage{
		CurrentPage:  3,
		FirstPageURL: "http://x/list?sort=createtime&page=1",
		From:         new(int64(5)),
		LastPage:     23,
		LastPageURL:  "http://x/list?sort=createtime&page=23",
		NextPageURL:  new("http://x/list?sort=createtime&page=4"),
		Path:         "http://x/list",
		PerPage:      2,
		PrevPageURL:  new("http://x/list?sort=createtime&page=2"),
		To:           new(int64(6)),
		Total:        45,
		Count:        45,
		Tag:          []api.Tag{},
		Employee:     []api.EmployeeName{},
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAWalkGoesOnBeforeItsLastRowAndHasNoNumbers(t *testing.T) {
	t.Parallel()
	r := Request{
		Address: "http://x/list",
		Query:   []paginate.Pair{{Key: "per_page", Value: "2"}, {Key: "before_id", Value: "10"}},
	}
	walk := wanted{beforeID: new(uint64(10))}
	for more, next := range map[bool]*string{true: new("http://x/list?per_page=2&before_id=7"), false: nil} {
		a := read(9, 7)
		a.more = more
		p := toPage(2, walk, a, r)
		if p.From != nil || p.To != nil || p.PrevPageURL != nil || p.Total != 45 ||
			p.FirstPageURL != "http://x/list?per_page=2&page=1" {
			t.Errorf("%+v", p)
		}
		if diff := cmp.Diff(next, p.NextPageURL); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}

// A list that is nil would be null in the answer.
func TestNoListOfAnAnswerIsNull(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{
		"a page":          toPage(2, wanted{}, read(), Request{}),
		"an empty walk":   toPage(2, wanted{beforeID: new(uint64(1))}, read(), Request{}),
		"facets":          toFacets(&index.Facets{}, nil, nil),
		"tags":            toTags(2, nil),
		"employees' name": toEmployeeNames(nil),
	} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range []string{"data", "tag", "employee", "status", "type", "add_way", "gender", "without"} {
			if strings.Contains(string(text), `"`+list+`":null`) || string(text) == "null" {
				t.Errorf("%s: %s is null: %s", name, list, text)
			}
		}
	}
}

func TestFacetsNameWhatTheyCount(t *testing.T) {
	t.Parallel()
	got := toFacets(
		&index.Facets{
			Total: 7, Contacts: 6, Untagged: 5,
			Counts: map[byte][]index.Count{
				filter.Status:   {{Value: "1", N: 4}, {Value: "-1", N: 3}},
				filter.Type:     {{Value: "2", N: 7}},
				filter.AddWay:   {{Value: "4294967295", N: 7}},
				filter.Employee: {{Value: "zhangsan", N: 4}, {Value: "lisi", N: 3}},
				filter.Tag:      {{Value: "etA", N: 3}, {Value: "etGone", N: 2}, {Value: "etNobody", N: 1}},
			},
			Excluding: []index.Count{{Value: "search[status]", N: 8}},
		},
		[]gendb.ListEmployeeNamesRow{
			{UserID: "LiSi", Name: "李四", DeletedAt: new("2024-05-01 08:00:00")},
			{UserID: "ZhangSan", Name: "张三"},
		},
		[]gendb.Tag{
			{TagID: "etGone", Name: "没了", GroupID: "g", GroupName: "组", DeletedAt: new("2024-05-01 08:00:00")},
			{TagID: "etA", Name: "甲"},
		},
	)
	want := api.CustomerFacets{
		Total:     7,
		Customers: 6,
		Untagged:  5,
		Status:    []api.NumberCount{{Value: 1, Count: 4}, {Value: -1, Count: 3}},
		Type:      []api.NumberCount{{Value: 2, Count: 7}},
		AddWay:    []api.AddWayCount{{Value: "4294967295", Count: 7}},
		Gender:    []api.NumberCount{},
		Employee: []api.EmployeeCount{
			{UserID: "ZhangSan", Name: "张三", Count: 4},
			{UserID: "LiSi", Name: "李四", Deleted: true, Count: 3},
		},
		Tag: []api.TagCount{
			{
				TagID: "etA",
				Name:  "甲",
				Count: 3,
			},
			{TagID: "etGone", Name: "没了", GroupID: "g", GroupName: "组", Count: 2},
			{TagID: "etNobody", Count: 1},
		},
		Without: []api.FilterTotal{{Filter: "search[status]", Total: 8}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
