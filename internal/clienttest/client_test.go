package clienttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/api/client"
	"example.com/wechatcustomers/internal/canonical"
	"example.com/wechatcustomers/internal/httpapi"
)

// The examples are in the module's documentation, and have no server there.
func TestTheExamplesRun(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-v", "-run", "^Example", ".")
	cmd.Dir = "../../api/client"
	cmd.Env = append(os.Environ(), "CLIENT_EXAMPLES_URL="+m.url, "CLIENT_EXAMPLES_TOKEN="+m.token)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: ExampleClient_GetList")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// tap is called with every request before it goes out.
type tap func(*http.Request)

func (f tap) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return http.DefaultTransport.RoundTrip(r)
}

func through(f tap) client.Option { return client.WithHTTPClient(&http.Client{Transport: f}) }

func ids(rows []client.Follow) []int64 {
	list := []int64{}
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return list
}

func TestAQueryBecomesTheLiteralParametersAndFindsItsRows(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	var sent url.Values
	c := m.client(through(func(r *http.Request) { sent = r.URL.Query() }))
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	for name, w := range map[string]struct {
		query client.Query
		sent  url.Values
		ids   []int64
	}{
		"nothing":     {client.Query{}, url.Values{}, []int64{5, 4, 3, 2, 1}},
		"customer":    {client.Query{Customer: "李"}, url.Values{"search[customer]": {"李"}}, []int64{5, 3, 1}},
		"odd text":    {client.Query{Customer: "a&b=c;d%+ "}, url.Values{"search[customer]": {"a&b=c;d%+ "}}, []int64{}},
		"member":      {client.Query{Member: new(int64(3061))}, url.Values{"search[member]": {"3061"}}, []int64{5, 1}},
		"no member":   {client.Query{Member: new(int64(0))}, url.Values{"search[member]": {"0"}}, []int64{4, 3, 2}},
		"unknown way": {client.Query{AddWay: new(int32(0))}, url.Values{"search[add_way_type]": {"0"}}, []int64{2}},
		"tag":         {client.Query{Tags: []string{"etVIP"}}, url.Values{"search[tags_data]": {"etVIP"}}, []int64{4, 1}},
		"any tag":     {client.Query{Tags: []string{"etVIP", "etNew"}}, url.Values{"search[tags_data]": {"etVIP,etNew"}}, []int64{4, 2, 1}},
		"employee":    {client.Query{Employee: "weiping"}, url.Values{"search[employee_member]": {"weiping"}}, []int64{5, 4, 3}},
		"type":        {client.Query{Type: client.TypeWeCom}, url.Values{"search[type]": {"2"}}, []int64{5, 1}},
		"status":      {client.Query{Status: client.StatusLost}, url.Values{"search[status]": {"-1"}}, []int64{3}},
		"remark":      {client.Query{Remark: "新"}, url.Values{"search[remark]": {"新"}}, []int64{4}},
		"from":        {client.Query{From: at(1632400000)}, url.Values{"search[time][]": {"1632400000", ""}}, []int64{5, 4}},
		"from later":  {client.Query{From: at(1632400000).Add(1)}, url.Values{"search[time][]": {"1632400001", ""}}, []int64{5}},
		"to":          {client.Query{To: at(1632277573).Add(time.Second - 1)}, url.Values{"search[time][]": {"", "1632277573"}}, []int64{2, 1}},
		"between":     {client.Query{From: at(1632277573), To: at(1632300000)}, url.Values{"search[time][]": {"1632277573", "1632300000"}}, []int64{3, 2}},
		"1970":        {client.Query{From: at(0)}, url.Values{"search[time][]": {"0", ""}}, []int64{5, 4, 3, 2, 1}},
		"tagged":      {client.Query{Tags: []string{client.AnyTag}}, url.Values{"search[tags_data]": {"*"}}, []int64{4, 2, 1}},
		"all tags":    {client.Query{TagsAll: []string{"etVIP", "etNew"}}, url.Values{"search[tags_all]": {"etVIP,etNew"}}, []int64{4}},
		"no VIP":      {client.Query{TagsNone: []string{"etVIP"}}, url.Values{"search[tags_none]": {"etVIP"}}, []int64{5, 3, 2}},
		"untagged":    {client.Query{TagsNone: []string{client.AnyTag}}, url.Values{"search[tags_none]": {"*"}}, []int64{5, 3}},
		"new, no VIP": {client.Query{TagsAll: []string{"etNew"}, TagsNone: []string{"etVIP"}}, url.Values{"search[tags_all]": {"etNew"}, "search[tags_none]": {"etVIP"}}, []int64{2}},
		"employees":   {client.Query{Employee: "weiping", Employees: []string{"Nobody"}}, url.Values{"search[employee_member]": {"weiping,Nobody"}}, []int64{5, 4, 3}},
		"both":        {client.Query{Employees: []string{"WeiPing", "XiaoLiangZi"}}, url.Values{"search[employee_member]": {"WeiPing,XiaoLiangZi"}}, []int64{5, 4, 3, 2, 1}},
		"gender":      {client.Query{Gender: new(client.GenderFemale)}, url.Values{"search[gender]": {"2"}}, []int64{2}},
		"no gender":   {client.Query{Gender: new(client.GenderUnknown)}, url.Values{"search[gender]": {"0"}}, []int64{4, 3}},
		"mobile":      {client.Query{Mobile: "+5-4 7567"}, url.Values{"search[mobile]": {"+5-4 7567"}}, []int64{1}},
		"keyword":     {client.Query{Keyword: "李"}, url.Values{"search[keyword]": {"李"}}, []int64{5, 3, 1}},
		"initials":    {client.Query{Keyword: "lyt"}, url.Values{"search[keyword]": {"lyt"}}, []int64{5, 1}},
		"pinyin":      {client.Query{Keyword: "xinjian"}, url.Values{"search[keyword]": {"xinjian"}}, []int64{4}},
		"an id":       {client.Query{Keyword: "wm3"}, url.Values{"search[keyword]": {"wm3"}}, []int64{3}},
		"oldest":      {client.Query{Sort: client.SortByCreatetime, PerPage: 2, Page: 2}, url.Values{"sort": {"createtime"}, "per_page": {"2"}, "page": {"2"}}, []int64{3, 4}},
		"newest":      {client.Query{Sort: client.SortByCreatetimeDesc}, url.Values{"sort": {"-createtime"}}, []int64{5, 4, 3, 2, 1}},
		"page":        {client.Query{Page: 2, PerPage: 2}, url.Values{"page": {"2"}, "per_page": {"2"}}, []int64{3, 2}},
		"before":      {client.Query{BeforeID: 3, CropID: 1}, url.Values{"before_id": {"3"}, "crop_id": {"1"}}, []int64{2, 1}},
		"omit":        {client.Query{OmitTags: true, OmitEmployees: true}, url.Values{"omit": {"tag,employee"}}, []int64{5, 4, 3, 2, 1}},
		"omit one":    {client.Query{OmitEmployees: true}, url.Values{"omit": {"employee"}}, []int64{5, 4, 3, 2, 1}},
		"all": {client.Query{Customer: "孙", AddWay: new(int32(202)), Tags: []string{"etNew"}, Employee: "WeiPing", Type: client.TypeWeChat, Status: client.StatusFollowing, Remark: "新"},
			url.Values{"search[customer]": {"孙"}, "search[add_way_type]": {"202"}, "search[tags_data]": {"etNew"}, "search[employee_member]": {"WeiPing"}, "search[type]": {"1"},
				"search[status]": {"1"}, "search[remark]": {"新"}}, []int64{4}},
	} {
		page, err := c.GetList(t.Context(), 2, w.query)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(w.sent, sent); diff != "" {
			t.Errorf("%s: sent (-want +got)\n%s", name, diff)
		}
		if diff := cmp.Diff(w.ids, ids(page.Data)); diff != "" {
			t.Errorf("%s: rows (-want +got)\n%s", name, diff)
		}
		if len(page.Tag) == 0 != w.query.OmitTags || len(page.Employee) == 0 != w.query.OmitEmployees {
			t.Errorf("%s: %d tags, %d employees", name, len(page.Tag), len(page.Employee))
		}
	}
}

func TestAQueryCanSayEachParameterOfTheDocument(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	must(t, err)
	var sent url.Values
	c, err := client.New("http://localhost:1", through(func(r *http.Request) { sent = r.URL.Query() }))
	must(t, err)
	q := client.Query{
		Customer: "李", Member: new(int64(0)), AddWay: new(int32(0)), Tags: []string{"a", "b"},
		TagsAll: []string{"c", "d"}, TagsNone: []string{client.AnyTag}, Employee: "A",
		Employees: []string{"B", "C"}, Type: client.TypeWeChat, Gender: new(client.GenderUnknown),
		Status: client.StatusLost, From: time.Unix(1, 0), Remark: "a", Mobile: "+86 135",
		Keyword: "lyt", CropID: 1, Page: 1, PerPage: 2, Sort: client.SortByCreatetime,
		OmitTags: true, OmitEmployees: true,
	}
	want := url.Values{
		"search[customer]": {"李"}, "search[member]": {"0"}, "search[add_way_type]": {"0"},
		"search[tags_data]": {"a,b"}, "search[tags_all]": {"c,d"}, "search[tags_none]": {"*"},
		"search[employee_member]": {"A,B,C"}, "search[type]": {"1"}, "search[gender]": {"0"},
		"search[status]": {"-1"}, "search[time][]": {"1", ""}, "search[remark]": {"a"},
		"search[mobile]": {"+86 135"}, "search[keyword]": {"lyt"}, "crop_id": {"1"},
	}
	facets := maps.Clone(want)
	facets["omit"] = []string{"status,type,add_way,gender,employee,tag,without,customers"}
	maps.Copy(want, url.Values{
		"page": {"1"}, "per_page": {"2"}, "sort": {"createtime"}, "omit": {"tag,employee"},
	})
	for operation, call := range map[string]struct {
		want url.Values
		do   func() error
	}{
		"getList": {want, func() error {
			_, err := c.GetList(t.Context(), 2, q)
			return err
		}},
		"getFacets": {facets, func() error {
			_, err := c.GetFacets(t.Context(), 2, q,
				client.FacetStatus, client.FacetType, client.FacetAddWay, client.FacetGender,
				client.FacetEmployee, client.FacetTag, client.FacetWithout, client.FacetCustomers)
			return err
		}},
	} {
		if err := call.do(); err == nil || !strings.HasPrefix(err.Error(), operation+": ") {
			t.Errorf("%s where no server is: %v", operation, err)
		}
		if diff := cmp.Diff(call.want, sent); diff != "" {
			t.Errorf("%s sent (-want +got)\n%s", operation, diff)
		}
		item := document.Paths.Value("/business/{uniacid}/plugin/WechatCustomers/" + operation)
		for _, p := range canonical.Params(item) {
			// search[type] has two spellings, and before_id stands instead of page: its own test sends it.
			if _, ok := sent[p.Name]; !ok && p.Name != "search[类型]" && p.Name != "before_id" {
				t.Errorf("api/client/query.go: nothing in a Query of %s says %s, which api/openapi.yaml has", operation, p.Name)
			}
		}
	}
}

func TestFacetsCountTheRowsUnderAllFiltersButTheirOwn(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	m.load(`{"follow":{"uniacid":2,"crop_id":1,"id":6,"userid":"Gone","external_userid":"wm2","tag_id":"etNew"}}
{"follow":{"uniacid":2,"crop_id":1,"id":7,"userid":"Gone","external_userid":"wm3","tag_id":"etNew"}}
{"follow":{"uniacid":2,"crop_id":1,"id":8,"userid":"Gone","external_userid":"wm4","tag_id":"etNew"}}`)
	q := client.Query{Tags: []string{"etVIP", "etNew"}, PerPage: 1, Page: 2, Sort: client.SortByCreatetime}
	got, err := m.client().GetFacets(t.Context(), 2, q)
	must(t, err)
	want := &client.Facets{
		Total: 6, Customers: 4, Untagged: 2,
		Status: []client.NumberCount{{Value: 1, Count: 6}},
		Type:   []client.NumberCount{{Value: 1, Count: 5}, {Value: 2, Count: 1}},
		AddWay: []client.AddWayCount{{Value: "0", Count: 4}, {Value: "1", Count: 1}, {Value: "202", Count: 1}},
		Gender: []client.NumberCount{{Value: 0, Count: 3}, {Value: 2, Count: 2}, {Value: 1, Count: 1}},
		Employee: []client.EmployeeCount{
			{UserID: "Gone", Deleted: true, Count: 3},
			{UserID: "XiaoLiangZi", Name: "李健平", Count: 2},
			{UserID: "WeiPing", Name: "韦平", Count: 1},
		},
		Tag:     []client.TagCount{{TagID: "etNew", Name: "新客", Count: 5}, {TagID: "etVIP", Name: "贵宾", Count: 2}},
		Without: []client.FilterTotal{{Filter: "search[tags_data]", Total: 8}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got, err = m.client().GetFacets(t.Context(), 2, q, client.FacetEmployee, client.FacetTag, client.FacetCustomers, client.FacetWithout)
	must(t, err)
	want.Employee, want.Tag, want.Customers, want.Without = []client.EmployeeCount{}, []client.TagCount{}, 0, []client.FilterTotal{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with parts left out (-want +got)\n%s", diff)
	}
	_, err = m.client().GetFacets(t.Context(), 2, client.Query{Mobile: "abc"})
	if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusBadRequest || len(refused.Fields) != 1 {
		t.Errorf("a number without digits: %v", err)
	}
}

func TestARefusalIsATypedErrorAlsoWhereItComesAs200(t *testing.T) {
	t.Parallel()
	for _, legacy := range []bool{false, true} {
		m := open(t, func(c *httpapi.Config) { c.LegacyStatus = legacy })
		for name, w := range map[string]struct {
			token   string
			uniacid int64
			query   client.Query
			status  int
			code    client.Code
			msg     string
			fields  []string
		}{
			"parameters": {m.token, 2, client.Query{Mobile: "abc", Remark: strings.Repeat("长", 201)}, 400, client.CodeInvalidParameter,
				"参数错误:search[remark]", []string{"search[remark]", "search[mobile]"}},
			"token":      {"x.y.z", 2, client.Query{}, 401, client.CodeUnauthenticated, "请登录", nil},
			"enterprise": {m.token, 2, client.Query{CropID: 3}, 403, client.CodeForbidden, "无权管理该企业", nil},
			"account":    {m.token, 9, client.Query{}, 403, client.CodeForbidden, "无权管理该企业", nil},
			"several":    {m.of(8), 2, client.Query{}, 400, client.CodeNoEnterprise, "请先选择要管理的企业", nil},
		} {
			var response client.Response
			page, err := m.client(client.WithToken(w.token)).GetList(client.WithResponse(t.Context(), &response), w.uniacid, w.query)
			refused, ok := errors.AsType[*client.Error](err)
			if !ok || page != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if legacy {
				w.status = http.StatusOK
			}
			var fields []string
			for _, f := range refused.Fields {
				fields = append(fields, f.Field)
			}
			if refused.Status != w.status || !strings.HasPrefix(refused.Msg, w.msg) || !slices.Equal(fields, w.fields) {
				t.Errorf("%s: %d %s %v", name, refused.Status, refused.Msg, fields)
			}
			if len(refused.RequestID) != 12 || refused.RequestID != response.RequestID || refused.Status != response.Status {
				t.Errorf("%s: request %q, response %+v", name, refused.RequestID, response)
			}
			// What a server that names no code is taken to say is the module's own test.
			if response.Header.Get("X-Error-Code") != "" && refused.Code != w.code {
				t.Errorf("%s: code %q", name, refused.Code)
			}
		}
		_, err := m.client(client.WithToken("")).GetBusinessList(t.Context(), 2)
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Msg != "请登录" || !strings.HasPrefix(err.Error(), "getBusinessList: ") {
			t.Errorf("getBusinessList: %v", err)
		}
	}
}

func TestRowsComeExactlyOnceWhileOthersWrite(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	requests := 0
	c := m.client(through(func(r *http.Request) {
		if q := r.URL.Query(); q.Get("omit") != "tag,employee" || q.Get("per_page") != "2" {
			t.Errorf("sent %v", q)
		}
		if requests++; requests == 2 { // new rows, one that is gone, and one that another page would have repeated
			m.load(`{"follow":{"uniacid":2,"crop_id":1,"id":6,"userid":"WeiPing","external_userid":"wm2"}}
{"follow":{"uniacid":2,"crop_id":1,"id":7,"userid":"WeiPing2","external_userid":"wm3"}}
{"follow":{"uniacid":2,"crop_id":1,"id":2,"userid":"XiaoLiangZi","external_userid":"wm2","deleted_at":"2024-05-01 08:00:00"}}`)
		}
	}))
	rows := c.Rows(t.Context(), 2, client.Query{PerPage: 2})
	read := func() (got []client.Follow) {
		for row, err := range rows {
			must(t, err)
			got = append(got, row)
		}
		return got
	}
	if diff := cmp.Diff([]int64{5, 4, 3, 1}, ids(read())); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]int64{7, 6, 5, 4, 3, 1}, ids(read())); diff != "" {
		t.Errorf("once more (-want +got)\n%s", diff)
	}
	if requests != 5 {
		t.Errorf("%d requests", requests)
	}
}

func TestRowsAreFetchedAsTheyAreRead(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	requests := 0
	c := m.client(through(func(*http.Request) { requests++ }))
	for row, err := range c.Rows(t.Context(), 2, client.Query{PerPage: 2, BeforeID: 5, Status: client.StatusFollowing}) {
		must(t, err)
		if row.ID == 2 {
			break
		}
	}
	if requests != 1 {
		t.Errorf("%d requests for the first page's rows", requests)
	}
	all, err := c.GetList(t.Context(), 2, client.Query{PerPage: 5})
	must(t, err)
	requests = 0
	n := 0
	for _, err := range c.Rows(t.Context(), 2, client.Query{}) {
		must(t, err)
		n++
	}
	if n != int(all.Total) || requests != 1 {
		t.Errorf("%d rows in %d requests", n, requests)
	}
}

func TestRowsEndWithTheErrorThatTheyMeet(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	requests := 0
	c := m.client(through(func(*http.Request) {
		if requests++; requests == 2 {
			m.load(`{"manager":{"uniacid":2,"uid":7,"business_id":1,"deleted_at":"2024-05-01 08:00:00"}}`)
		}
	}))
	var got []int64
	var errs []error
	for row, err := range c.Rows(t.Context(), 2, client.Query{PerPage: 3}) {
		if got = append(got, row.ID); err != nil {
			errs = append(errs, err)
		}
	}
	if !slices.Equal(got, []int64{5, 4, 3, 0}) || len(errs) != 1 {
		t.Fatalf("rows %v, errors %v", got, errs)
	}
	if refused, ok := errors.AsType[*client.Error](errs[0]); !ok || refused.Status != http.StatusForbidden {
		t.Errorf("%v", errs[0])
	}
	for _, q := range []client.Query{{Page: 2}, {Sort: client.SortByCreatetime}} {
		for _, err := range c.Rows(t.Context(), 2, q) {
			if err == nil || requests != 2 {
				t.Errorf("%+v: %v, %d requests", q, err, requests)
			}
		}
	}
}

func TestAPageThatHasNotChangedIsNotFetchedAgain(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	var sent []string
	c := m.client(through(func(r *http.Request) { sent = append(sent, r.Header.Get("If-None-Match")) }))
	get := func(q client.Query) (*client.Page, client.Response) {
		var response client.Response
		page, err := c.GetList(client.WithResponse(t.Context(), &response), 2, q)
		must(t, err)
		return page, response
	}
	first, response := get(client.Query{PerPage: 2})
	if response.Status != http.StatusOK || response.ETag == "" || response.RequestID == "" || sent[0] != "" {
		t.Fatalf("%+v, sent %q", response, sent)
	}
	etag := response.ETag
	first.Data[0].ID = -1 // what a caller does to its page is not the next one's
	again, response := get(client.Query{PerPage: 2})
	if response.Status != http.StatusNotModified || response.ETag != etag || sent[1] != etag || !slices.Equal(ids(again.Data), []int64{5, 4}) {
		t.Errorf("%+v, sent %q, rows %v", response, sent, ids(again.Data))
	}
	if _, response := get(client.Query{PerPage: 3}); response.Status != http.StatusOK || sent[2] != "" {
		t.Errorf("another page: %+v, sent %q", response, sent)
	}
	m.load(`{"follow":{"uniacid":2,"crop_id":1,"id":6,"userid":"WeiPing","external_userid":"wm2"}}`)
	if page, response := get(client.Query{PerPage: 2}); response.Status != http.StatusOK || !slices.Equal(ids(page.Data), []int64{6, 5}) {
		t.Errorf("once it has changed: %+v, rows %v", response, ids(page.Data))
	}
	// A list that is walked is not looked at again.
	sent = nil
	for range 2 {
		for _, err := range c.Rows(t.Context(), 2, client.Query{PerPage: 2}) {
			must(t, err)
		}
	}
	if strings.Join(sent, "") != "" {
		t.Errorf("a walk sent %q", sent)
	}
}

func TestALongFilterGoesOutAsAFormAndFindsTheSameRows(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	var method, address string
	c := m.client(through(func(r *http.Request) { method, address = r.Method, r.URL.String() }))
	tags := []string{"etVIP"}
	for i := range 200 {
		tags = append(tags, fmt.Sprintf("etOther%08d", i))
	}
	for _, w := range []struct {
		tags   []string
		method string
	}{{tags[:1], http.MethodGet}, {tags, http.MethodPost}} {
		q := client.Query{Tags: w.tags, From: time.Unix(1632000000, 0), PerPage: 1}
		page, err := c.GetList(t.Context(), 2, q)
		must(t, err)
		if method != w.method || !slices.Equal(ids(page.Data), []int64{4}) || page.Total != 1 || len(address) > 4096 {
			t.Errorf("%d tags: %s %s, rows %v", len(w.tags), method, address, ids(page.Data))
		}
		facets, err := c.GetFacets(t.Context(), 2, q, client.FacetTag)
		must(t, err)
		if method != w.method || facets.Total != 1 || len(facets.Employee) != 1 {
			t.Errorf("%d tags: %s, %+v", len(w.tags), method, facets)
		}
	}
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	var sent, asked []string
	var next func(refused string) (string, error)
	c := m.client(
		through(func(r *http.Request) {
			sent = append(sent, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
		}),
		client.WithTokenSource(func(_ context.Context, refused string) (string, error) {
			asked = append(asked, refused)
			return next(refused)
		}))
	gone := errors.New("no token left")
	for name, w := range map[string]struct {
		next        func(string) (string, error)
		sent, asked []string
		is          func(error) bool
	}{
		"one that holds":   {func(string) (string, error) { return m.token, nil }, []string{m.token}, []string{""}, nil},
		"a renewed one":    {func(r string) (string, error) { return map[string]string{"": "old", "old": m.token}[r], nil }, []string{"old", m.token}, []string{"", "old"}, nil},
		"the same again":   {func(string) (string, error) { return "old", nil }, []string{"old"}, []string{"", "old"}, client.IsUnauthenticated},
		"one as bad":       {func(r string) (string, error) { return r + "x", nil }, []string{"x", "xx"}, []string{"", "x"}, client.IsUnauthenticated},
		"none any more":    {func(r string) (string, error) { return map[string]string{"": "old"}[r], nil }, []string{"old"}, []string{"", "old"}, client.IsUnauthenticated},
		"the source fails": {func(string) (string, error) { return "", gone }, nil, []string{""}, func(err error) bool { return errors.Is(err, gone) }},
	} {
		sent, asked, next = nil, nil, w.next
		_, err := c.GetBusinessList(t.Context(), 2)
		if w.is == nil && err != nil || w.is != nil && !w.is(err) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff([][]string{w.sent, w.asked}, [][]string{sent, asked}); diff != "" {
			t.Errorf("%s: sent, asked (-want +got)\n%s", name, diff)
		}
	}
}

func TestPagesAreTheRowsOfTheWalk(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	requests := 0
	c := m.client(through(func(*http.Request) { requests++ }))
	var got [][]int64
	for page, err := range c.Pages(t.Context(), 2, client.Query{PerPage: 2}) {
		must(t, err)
		got = append(got, ids(page.Data))
		page.Data = nil // it is the caller's
	}
	if diff := cmp.Diff([][]int64{{5, 4}, {3, 2}, {1}}, got); diff != "" || requests != 3 {
		t.Errorf("%d requests (-want +got)\n%s", requests, diff)
	}
}
