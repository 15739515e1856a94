package httpapi_test

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	difference "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/wechatcustomers/gen/client"
)

// facetParts are what getFacets can leave out.
var facetParts = []string{"status", "type", "add_way", "gender", "employee", "tag", "without", "customers"}

// counted is a value with the rows that have it.
type counted struct {
	value string
	count int64
}

// facets counts the rows under p's filters as plainly as it can be said. What left names is left
// out.
func (w *world) facets(business int64, p client.GetListParams, left ...string) client.CustomerFacets {
	conditions := asked(p)
	without := func(name string) []client.Follow {
		return w.rows(business, slices.DeleteFunc(slices.Clone(conditions), func(c condition) bool { return c.name == name }))
	}
	rows := without("")
	all := client.CustomerFacets{
		Total: int64(len(rows)), Status: []client.NumberCount{}, Type: []client.NumberCount{}, AddWay: []client.AddWayCount{},
		Gender: []client.NumberCount{}, Employee: []client.EmployeeCount{}, Tag: []client.TagCount{}, Without: []client.FilterTotal{},
	}
	contacts := map[int64]bool{}
	for _, f := range rows {
		contacts[f.HasOneCustomer.ID] = true
	}
	if !slices.Contains(left, "customers") {
		all.Customers = int64(len(contacts))
	}
	for _, f := range without("search[tags_data]") {
		if len(ids(f.TagID)) == 0 {
			all.Untagged++
		}
	}
	if !slices.Contains(left, "without") {
		for _, c := range conditions {
			one := client.FilterTotal{Filter: c.name, Total: int64(len(without(c.name)))}
			if !slices.Contains(all.Without, one) { // the type, in both spellings
				all.Without = append(all.Without, one)
			}
		}
	}
	for i := range dimensions {
		dim := &dimensions[i]
		if dim.facet == "" || slices.Contains(left, dim.facet) {
			continue
		}
		w.fill(business, &all, dim.facet, countsOf(dim, without(dim.name())))
	}
	return all
}

// countsOf returns how many rows have each value, most first, equal ones by number or id.
func countsOf(dim *dimension, rows []client.Follow) (list []counted) {
	n := map[string]int64{}
	for i := range rows {
		for _, value := range dim.values(&rows[i]) {
			n[value]++
		}
	}
	for value, count := range n {
		list = append(list, counted{value, count})
	}
	slices.SortFunc(list, func(a, b counted) int {
		x, errX := strconv.ParseInt(a.value, 10, 64)
		y, errY := strconv.ParseInt(b.value, 10, 64)
		if errX == nil && errY == nil {
			return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(x, y))
		}
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.value, b.value))
	})
	return list
}

// fill writes counts into the list of this name.
func (w *world) fill(business int64, all *client.CustomerFacets, name string, counts []counted) {
	for _, c := range counts {
		n, _ := strconv.ParseInt(c.value, 10, 32)
		one := client.NumberCount{Value: int32(n), Count: c.count}
		switch name {
		case "status":
			all.Status = append(all.Status, one)
		case "type":
			all.Type = append(all.Type, one)
		case "gender":
			all.Gender = append(all.Gender, one)
		case "add_way":
			all.AddWay = append(all.AddWay, client.AddWayCount{Value: c.value, Count: c.count})
		case "employee":
			all.Employee = append(all.Employee, w.countedEmployee(business, c))
		case "tag":
			t := client.TagCount{TagID: c.value, Count: c.count}
			for _, known := range w.tags {
				if known.CropID == business && known.TagID == c.value {
					t.Name, t.GroupID, t.GroupName = known.Name, known.GroupID, known.GroupName
				}
			}
			all.Tag = append(all.Tag, t)
		default:
			panic("internal/httpapi/list_facets_test.go: fill has no list " + name)
		}
	}
}

// countedEmployee names an employee as the dictionary does, or one that it does not have as the
// newest row.
func (w *world) countedEmployee(business int64, c counted) client.EmployeeCount {
	e := client.EmployeeCount{Deleted: true, Count: c.count}
	for _, f := range w.list(business, client.GetListParams{}) {
		if e.UserID == "" && lower(f.Userid) == c.value {
			e.UserID = f.Userid
		}
	}
	for _, known := range w.employees {
		if known.BusinessID == business && lower(known.UserID) == c.value {
			e.UserID, e.Name, e.Deleted = known.UserID, known.Name, known.DeletedAt != nil
		}
	}
	return e
}

// facetParams returns the parameters of getFacets that say the same filters.
func facetParams(p client.GetListParams, left ...string) (facets client.GetFacetsParams) {
	p.Omit = nil
	if err := json.Unmarshal([]byte(marshal(p)), &facets); err != nil {
		panic(err) // the same fields
	}
	if len(left) > 0 {
		facets.Omit = new(strings.Join(left, ","))
	}
	return facets
}

// count holds the facets under p's filters against w's own.
func count(t *testing.T, b *bundle, w *world, p client.GetListParams, left ...string) {
	t.Helper()
	asked := facetParams(p, left...)
	answer, err := b.Client.GetFacetsWithResponse(t.Context(), uniacid, &asked)
	mustSucceed(t, err)
	if answer.JSON200 == nil {
		t.Fatalf("%s: %s\n%s", marshal(asked), answer.Status(), answer.Body)
	}
	want, got := w.facets(*p.CropID, p, left...), answer.JSON200.Data
	if diff := difference.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", marshal(asked), diff)
	}
}

func TestFacetsCountTheRowsOfAPlainFilterOfTheSameRecords(t *testing.T) {
	t.Parallel()
	onBothPaths(t, facetsOfTheSameRecords)
}

func facetsOfTheSameRecords(t *testing.T, path option) {
	t.Helper()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records(), path)
	for business := range int64(2) {
		count(t, b, w, client.GetListParams{CropID: new(business + 1)})
	}
	for _, dim := range dimensions {
		count(t, b, w, w.aim(d, w.start(d), dim))
	}
	for _, part := range facetParts {
		count(t, b, w, w.aim(d, w.start(d), filters(d)...), part)
	}
	count(t, b, w, w.aim(d, w.start(d), filters(d)...), facetParts...)
	for range 60 {
		count(t, b, w, w.aim(d, w.start(d), filters(d)...), some(d, facetParts)...)
	}
}

// some returns about every eighth, or mostly none.
func some(d *rand.Rand, parts []string) (list []string) {
	for _, part := range parts {
		if d.IntN(8) == 0 {
			list = append(list, part)
		}
	}
	return list
}

// The expectation here is written out, not computed.
func TestEachFacetIsUnderAllFiltersButItsOwnTheMostFrequentFirst(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(6)
		w.tags = []client.Tag{newTag(1, "etA", "甲"), newTag(2, "etGone", "没了")}
		w.tags[1].DeletedAt = new(day)
		w.contacts[0].Gender = 2
		w.employees = append(w.employees, newEmployee(2, "lisi", "李四"))
		w.employees[1].DeletedAt = new(day)
		for i, own := range []string{"etA", "etGone,etA", "etNobody,etA,etA", "", "etA", "etGone"} {
			f := &w.follows[i]
			f.TagID, f.AddWay = own, []string{"10", "9"}[i%2]
			if i < 2 {
				f.Status = -1
			}
			if i == 5 {
				w.contacts[i].ExternalType = 2
			}
			f.Userid = []string{"ZHANGSAN", "LiSi", "WangWu"}[i/2]
		}
		// Two rows of one contact, and one that is deleted.
		w.follows = append(w.follows, newFollow(7, "WangWu", "wm1"), newFollow(8, "ZhangSan", "wm5"))
		w.follows[7].DeletedAt = new(day)
		b := setup(t, manager+w.records(), path)
		for name, c := range map[string]struct {
			params client.GetListParams
			omit   []string
			want   client.CustomerFacets
		}{
			"no filter": {client.GetListParams{}, nil, client.CustomerFacets{
				Total: 7, Customers: 6, Untagged: 2, Status: []client.NumberCount{{Value: 1, Count: 5}, {Value: -1, Count: 2}},
				Type:   []client.NumberCount{{Value: 1, Count: 6}, {Value: 2, Count: 1}},
				AddWay: []client.AddWayCount{{Value: "9", Count: 3}, {Value: "10", Count: 3}, {Value: "1", Count: 1}},
				Gender: []client.NumberCount{{Value: 0, Count: 5}, {Value: 2, Count: 2}},
				Employee: []client.EmployeeCount{
					{UserID: "WangWu", Deleted: true, Count: 3}, {UserID: "lisi", Name: "李四", Deleted: true, Count: 2}, {UserID: "ZhangSan", Name: "张三", Count: 2},
				},
				Tag: []client.TagCount{
					{TagID: "etA", Name: "甲", GroupID: "etGroup", GroupName: "组", Count: 4}, {TagID: "etGone", Name: "没了", GroupID: "etGroup", GroupName: "组", Count: 2},
					{TagID: "etNobody", Count: 1},
				},
			}},
			"some filters": {client.GetListParams{SearchStatus: new(client.StatusFollowing), SearchTagsData: new("etA"), SearchTagsNone: new("etNobody")}, nil, client.CustomerFacets{
				Total: 1, Customers: 1, Untagged: 2, Status: []client.NumberCount{{Value: -1, Count: 2}, {Value: 1, Count: 1}},
				Type:     []client.NumberCount{{Value: 1, Count: 1}},
				AddWay:   []client.AddWayCount{{Value: "10", Count: 1}},
				Gender:   []client.NumberCount{{Value: 0, Count: 1}},
				Employee: []client.EmployeeCount{{UserID: "WangWu", Deleted: true, Count: 1}},
				Tag: []client.TagCount{
					{TagID: "etA", Name: "甲", GroupID: "etGroup", GroupName: "组", Count: 1}, {TagID: "etGone", Name: "没了", GroupID: "etGroup", GroupName: "组", Count: 1},
				},
				Without: []client.FilterTotal{{Filter: "search[tags_data]", Total: 4}, {Filter: "search[tags_none]", Total: 2}, {Filter: "search[status]", Total: 3}},
			}},
			"nobody": {client.GetListParams{SearchLeixing: new(client.TypeWeCom), SearchEmployeeMember: new("lisi")}, []string{"tag", "employee", "add_way", "customers"}, client.CustomerFacets{
				Type:    []client.NumberCount{{Value: 1, Count: 2}},
				Without: []client.FilterTotal{{Filter: "search[employee_member]", Total: 1}, {Filter: "search[type]", Total: 2}},
			}},
		} {
			asked := facetParams(c.params, c.omit...)
			answer, err := b.Client.GetFacetsWithResponse(t.Context(), uniacid, &asked)
			mustSucceed(t, err)
			if answer.JSON200 == nil {
				t.Fatalf("%s: %s\n%s", name, answer.Status(), answer.Body)
			}
			if diff := difference.Diff(c.want, answer.JSON200.Data, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got)\n%s", name, diff)
			}
		}
	})
}

func TestFacetsAreForWhoManagesTheEnterprise(t *testing.T) {
	t.Parallel()
	b := setup(t, managers)
	signed := of(t, uid)
	for name, c := range map[string]struct {
		ask
		status int
		msg    string
	}{
		"no token":              {ask{}, 401, "请登录"},
		"a token that is none":  {ask{token: "x.y.z"}, 401, "请登录"},
		"another account":       {ask{token: signed, path: strings.Replace(facetsPath, "/2/", "/3/", 1)}, 403, "无权管理该企业"},
		"another enterprise":    {ask{token: signed, query: "crop_id=2"}, 403, "无权管理该企业"},
		"one that there is not": {ask{token: signed, query: "crop_id=9"}, 403, "无权管理该企业"},
		"several enterprises":   {ask{token: of(t, 8)}, 400, "请先选择要管理的企业"},
		"no enterprise":         {ask{token: of(t, 9)}, 403, "无权管理该企业"},
		"PUT":                   {ask{method: http.MethodPut, token: signed}, 405, "不支持的请求方法"},
	} {
		if c.path == "" {
			c.path = facetsPath
		}
		t.Log(name)
		b.send(t, c.ask).want(t, c.status, c.msg)
		if c.method == "" {
			c.method = http.MethodPost
			b.send(t, c.ask).want(t, c.status, c.msg)
		}
	}
}

func TestWrongParametersOfFacetsAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, manager)
	for query, want := range map[string][3]string{
		"search[status]=3":                  {"search[status]", "只能是 1 或 -1", "「3」"},
		"search[mobile]=a":                  {"search[mobile]", "只能是数字,可以有空格、+ 和 -", "「a」"},
		"search[type]=1&search[类型]=2":       {"search[type]", "与 search[类型] 不同,两者含义相同,请只传一个", "「1」"},
		"search[time][]=5&search[time][]=4": {"search[time][]", "开始时间不能晚于结束时间", "「5,4」"},
		"omit=total":                        {"omit", "只能是 status、type、add_way、gender、employee、tag、without、customers", "「total」"},
		"crop_id=0":                         {"crop_id", "只能是 1 到 4294967295 的整数", "「0」"},
	} {
		for _, a := range []ask{{query: query}, {method: http.MethodPost, body: query, header: http.Header{"Content-Type": {formType}}}} {
			a.path, a.token = facetsPath, of(t, uid)
			b.send(t, a).want(t, 400, "参数错误:"+want[0]+" "+want[1], want[0], want[1]+",收到的是 "+want[2])
		}
	}
	// What pages of the list take beside the filters is nothing that facets know.
	if got := b.send(t, ask{path: facetsPath, query: "page=x&per_page=0&sort=name&before_id=-1", token: of(t, uid)}); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestFacetsByPostAnswerAsByGet(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+market().records())
	signed := of(t, uid)
	const query = "search[status]=-1&search[time][]=1631950620&search[time][]=&search[tags_none]=etC&crop_id=1&omit=without,customers"
	want := b.send(t, ask{path: facetsPath, query: query, token: signed})
	var facets client.FacetsResult
	mustSucceed(t, json.Unmarshal([]byte(want.body), &facets))
	if facets.Data.Total == 0 || facets.Data.Total > 30 {
		t.Fatalf("%d rows: it would prove nothing", facets.Data.Total)
	}
	multipart := func(pairs string) (body string) {
		for pair := range strings.SplitSeq(pairs, "&") {
			name, value, _ := strings.Cut(pair, "=")
			body += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
		}
		return body + "--b--\r\n"
	}
	for contentType, body := range map[string]string{
		formType: query, "multipart/form-data; boundary=b": multipart(query),
		jsonType: `{"search":{"status":"-1","time":[1631950620000,null],"tags_none":["etC"],"customer":"","type":null},"crop_id":1,"omit":["without","customers"]}`,
	} {
		got := b.send(t, ask{method: http.MethodPost, path: facetsPath, body: body, header: http.Header{"Content-Type": {contentType}}, token: signed})
		if diff := difference.Diff(want.body, got.body); diff != "" {
			t.Errorf("%s: %d (-GET +POST)\n%s", contentType, got.status, diff)
		}
	}
	status, from := client.StatusLost, int64(1631950620)
	byJSON, err := b.Client.PostFacetsWithResponse(t.Context(), uniacid, nil, client.PostFacetsJSONRequestBody{
		CropID: new(int64(1)), Omit: new("without,customers"), Search: &client.ListSearch{Status: &status, Time: &[]*int64{&from, nil}, TagsNone: new("etC")},
	})
	mustSucceed(t, err)
	byForm, err := b.Client.PostFacetsWithFormdataBodyWithResponse(t.Context(), uniacid, nil, client.PostFacetsFormdataRequestBody{
		CropID: new(int64(1)), Omit: new("without,customers"), SearchStatus: &status, SearchTime: &[]string{"1631950620", ""}, SearchTagsNone: new("etC"),
	})
	mustSucceed(t, err)
	for name, body := range map[string][]byte{"JSON": byJSON.Body, "a form": byForm.Body} {
		if diff := difference.Diff(want.body, string(body)); diff != "" {
			t.Errorf("the generated client by %s (-GET +POST)\n%s", name, diff)
		}
	}
	head := b.send(t, ask{method: http.MethodHead, path: facetsPath, query: query, token: signed})
	if head.status != http.StatusOK || head.body != "" || head.header.Get("ETag") == "" {
		t.Errorf("HEAD: %d, ETag %s, %q", head.status, head.header.Get("ETag"), head.body)
	}
}
