package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/httpapi"
)

// odd is a name that every client escapes in its own way; the recorded requests search for it.
const odd = `100% a+b&c=d;e #?/\"'[]😀`

// market returns a world in which every recorded filter finds some rows and not all.
func market() *world {
	w := crowd(40)
	for i := range w.follows {
		w.follows[i].Createtime = 1631950639 - 20 + int64(i)
		if i%2 == 1 {
			w.follows[i].Status = -1
		}
	}
	w.contacts[3].UID, w.follows[4].AddWay = 3061, "0" // all but one contact have no member, most rows come from a QR code
	w.contacts[5].Name, w.follows[5].Remark = odd, "%zz %41 é"
	for i, tags := range []string{"etA", "etB", "etA_-1", "etB,etA", "etC"} {
		w.follows[20+2*i].TagID = tags
	}
	// One row under the filters that are recorded all at once.
	w.employees = append(w.employees, newEmployee(2, "XiaoLiangZi", "李健平"))
	c, f := newContact(41, "wmAll", "李一天"), newFollow(41, "XiaoLiangZi", "wmAll")
	c.UID, c.ExternalType = 3061, 2
	f.Remark, f.AddWay, f.Status, f.TagID, f.Createtime = "Abe", "202", -1, "etDesSDgAACFJtKmZ8DmxP3DjZmceyLw", 1632277573
	w.contacts, w.follows = append(w.contacts, c), append(w.follows, f)
	late := newFollow(42, "XiaoLiangZi", "wm1")
	late.Createtime = 1632277574
	w.follows = append(w.follows, late)
	return w
}

func TestEveryRecordedRequestAnswersAsItsLiteralGET(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../canonical/testdata/vectors.json")
	mustSucceed(t, err)
	var vectors []struct {
		Name, Method, Query, ContentType, Body string
		Meaning                                url.Values
	}
	mustSucceed(t, json.Unmarshal(text, &vectors))

	b := setup(t, manager+market().records())
	signed := of(t, uid)
	all := b.send(t, ask{token: signed}).page(t).Total
	literal := map[string]string{}
	for _, v := range vectors {
		query := v.Meaning.Encode()
		if literal[query] == "" {
			answer := b.send(t, ask{query: query, token: signed})
			literal[query] = answer.body
			filters := v.Meaning
			for _, other := range []string{"page", "per_page", "crop_id"} {
				delete(filters, other)
			}
			if total := answer.page(t).Total; len(filters) > 0 && (total == 0 || total == all) {
				t.Fatalf("%s finds %d of %d rows: it would prove nothing", query, total, all)
			}
		}
		a := ask{method: v.Method, query: v.Query, body: v.Body, token: signed}
		if v.ContentType != "" {
			a.header = http.Header{"Content-Type": {v.ContentType}}
		}
		if diff := cmp.Diff(literal[query], b.send(t, a).body); diff != "" {
			t.Errorf("%s: (-literal +recorded)\n%s\n%s\n%s", v.Name, diff, v.Query, v.Body)
		}
	}
	if len(literal) < 10 {
		t.Errorf("only %d meanings were asked", len(literal))
	}
}

func TestTextThatAQueryParserStumblesOverIsSearchedForOrRefusedNeverDropped(t *testing.T) {
	t.Parallel()
	w := crowd(6)
	for i, name := range []string{"100%", "a;b", "%zz", "%", "李%41"} {
		w.contacts[i].Name = name
	}
	b := setup(t, manager+w.records())
	signed := of(t, uid)
	for query, ids := range map[string][]int64{
		"search[customer]=100%":                     {1},
		"search[customer]=100%25":                   {1},
		"search[customer]=a;b":                      {2},
		"search[customer]=a%3Bb&search[status]=1":   {2},
		"search[customer]=%zz":                      {3},
		"search[customer]=%":                        {5, 4, 3, 1},
		"search[customer]=%E6%9D%8E%":               {5},
		"search%5Bcustomer%5D=%E6%9D%8E%2541":       {5},
		"search[customer]=a;b&search[status]=-1":    {},
		"a=%zz&b;c=%&search[customer]=a;b&_=%zz;%&": {2},
	} {
		got := b.send(t, ask{query: query, token: signed}).page(t)
		if diff := cmp.Diff(ids, rowIDs(got.Data)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
		form := b.send(t, ask{method: http.MethodPost, body: query, header: http.Header{"Content-Type": {formType}}, token: signed}).page(t)
		if diff := cmp.Diff(ids, rowIDs(form.Data)); diff != "" {
			t.Errorf("%s as a form: (-want +got)\n%s", query, diff)
		}
	}
	const utf8, nul = "不是有效的 UTF-8 文本", "不能含有空字符"
	for query, message := range map[string][2]string{
		"search[customer]=%FF": {utf8, "「\uFFFD」"}, "search[customer]=a%ED%A0%80": {utf8, "「a\uFFFD\uFFFD\uFFFD」"}, "search[customer]=a%00": {nul, "「a\uFFFD」"},
	} {
		b.send(t, ask{query: query, token: signed}).want(t, 400, "参数错误:search[customer] "+message[0], "search[customer]", message[0]+",收到的是 "+message[1])
	}
	b.send(t, ask{method: http.MethodPost, body: `{"search":{"customer":"\u0000"}}`, header: http.Header{"Content-Type": {jsonType}}, token: signed}).
		want(t, 400, "参数错误:search[customer] "+nul, "search[customer]", nul+",收到的是 「\uFFFD」")
}

func TestABodyCountsWhateverTheMethodAndAnEmptyOneMayBeOfAnyType(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+market().records())
	signed := of(t, uid)
	lost := b.send(t, ask{query: "search[status]=-1", token: signed}).body
	all := b.send(t, ask{token: signed}).body
	for name, c := range map[string]struct {
		ask
		want string
	}{
		"a GET with JSON":         {ask{body: `{"search":{"status":-1}}`, header: http.Header{"Content-Type": {jsonType}}}, lost},
		"the body wins":           {ask{method: "POST", query: "search[status]=1", body: "search[status]=-1", header: http.Header{"Content-Type": {formType}}}, lost},
		"the query counts beside": {ask{method: "POST", query: "search[status]=-1", body: `{"page":1}`, header: http.Header{"Content-Type": {jsonType}}}, lost},
		"no body, no type":        {ask{method: "POST"}, all},
		"no body, any type":       {ask{method: "POST", header: http.Header{"Content-Type": {"text/xml"}}}, all},
		"white space as JSON":     {ask{method: "POST", body: " \r\n", header: http.Header{"Content-Type": {jsonType}}}, all},
		"a byte order mark":       {ask{method: "POST", body: "\ufeff{\"search\":{\"status\":-1}}", header: http.Header{"Content-Type": {jsonType}}}, lost},
		"an empty object":         {ask{method: "POST", body: "{}", header: http.Header{"Content-Type": {jsonType + "; charset=utf-8"}}}, all},
		"no encoding":             {ask{method: "POST", body: "{}", header: http.Header{"Content-Type": {jsonType}, "Content-Encoding": {"identity"}}}, all},
	} {
		c.token = signed
		if got := b.send(t, c.ask); got.body != c.want {
			t.Errorf("%s: %d %.300s", name, got.status, got.body)
		}
	}
}

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(40).records())
	signed := of(t, uid)
	for _, a := range []ask{
		{token: signed}, {token: signed, query: "per_page=1&omit=employee"}, {path: businessPath, token: signed},
		{}, {token: signed, query: "search[status]=9"}, {token: signed, path: "/business/3/plugin/WechatCustomers/getList"}, {path: "/business/2/nothing"},
	} {
		a.header = http.Header{"Accept-Encoding": {"identity"}} // or the client asks for gzip with the GET alone
		get := b.send(t, a)
		a.method = http.MethodHead
		head := b.send(t, a)
		for _, own := range []string{"Date", "X-Request-Id"} {
			get.header.Del(own)
			head.header.Del(own)
		}
		if head.header.Get("Content-Length") == "" {
			get.header.Del("Content-Length") // a long answer is sent in chunks, and its length not known before
		}
		if head.body != "" || head.status != get.status {
			t.Errorf("%+v: HEAD %d, %d bytes; GET %d", a, head.status, len(head.body), get.status)
		}
		if len(head.header) > 0 {
			if n, err := strconv.Atoi(head.header.Get("Content-Length")); err == nil && n != len(get.body) {
				t.Errorf("%+v: HEAD says %d bytes, GET has %d", a, n, len(get.body))
			}
		}
		if diff := cmp.Diff(get.header, head.header); diff != "" {
			t.Errorf("%+v: (-GET +HEAD)\n%s", a, diff)
		}
	}
}

func TestPostByTheGeneratedClientAnswersAsGet(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+market().records())
	status, page, from := client.StatusLost, int64(2), int64(1631950639)
	want, _ := b.raw(t, client.GetListParams{SearchStatus: &status, PerPage: new(int32(5)), Page: &page, SearchTime: &[]string{"1631950639", ""}})
	got, err := b.Client.PostListWithResponse(t.Context(), uniacid, nil, client.PostListJSONRequestBody{
		Page: &page, PerPage: new(int32(5)), Search: &client.ListSearch{Status: &status, Time: &[]*int64{&from, nil}},
	})
	mustSucceed(t, err)
	if diff := cmp.Diff(string(want), string(got.Body)); diff != "" {
		t.Errorf("JSON: (-GET +POST)\n%s", diff)
	}
	got, err = b.Client.PostListWithFormdataBodyWithResponse(t.Context(), uniacid, nil, client.PostListFormdataRequestBody{
		Page: &page, PerPage: new(int32(5)), SearchStatus: &status, SearchTime: &[]string{"1631950639", ""},
	})
	mustSucceed(t, err)
	if diff := cmp.Diff(string(want), string(got.Body)); diff != "" {
		t.Errorf("form: (-GET +POST)\n%s", diff)
	}
}

func TestAPathWithSlashesAtItsEndOrDoubledIsTheSameRoute(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(40).records())
	signed := of(t, uid)
	for path, others := range map[string][]string{
		listPath:     {listPath + "/", listPath + "//", "/" + listPath, "//business//2/plugin///WechatCustomers/getList/", "/business/2/plugin/WechatCustomers//getList"},
		businessPath: {businessPath + "/", "/" + businessPath},
		"/healthz":   {"/healthz/", "//healthz"},
		"/nothing":   {"/nothing/"},
	} {
		want := b.send(t, ask{path: path, query: "page=2", token: signed})
		for _, other := range others {
			if got := b.send(t, ask{path: other, query: "page=2", token: signed}); got.status != want.status || got.body != want.body {
				t.Errorf("%s: %d %.300s", other, got.status, got.body)
			}
		}
	}
	if got := b.send(t, ask{method: "POST", path: listPath + "/", body: "page=2", header: http.Header{"Content-Type": {formType}}, token: signed}); got.page(t).CurrentPage != 2 {
		t.Errorf("POST: %.300s", got.body)
	}
	b.send(t, ask{path: "/business//plugin/WechatCustomers/getList", token: signed}).want(t, 404, "接口不存在")
}

func TestUnderLegacyStatusAPageThatIsNoneIsTheFirst(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(40).records())
	legacy := b.instance(config(func(c *httpapi.Config) { c.LegacyStatus = true }))
	signed := of(t, uid)
	first := legacy.send(t, ask{token: signed}).page(t)
	for _, page := range []string{"x", "-1", "1.5", "", "+"} {
		if got := legacy.send(t, ask{query: "page=" + page, token: signed}).page(t); got.CurrentPage != 1 || !cmp.Equal(rowIDs(first.Data), rowIDs(got.Data)) {
			t.Errorf("page=%s is page %d", page, got.CurrentPage)
		}
	}
	for _, each := range []*bundle{b, legacy} {
		if got := each.send(t, ask{query: "page=+2+&search[status]=+1&per_page=%205", token: signed}).page(t); got.CurrentPage != 2 || got.PerPage != 5 {
			t.Errorf("with spaces: page %d of %d", got.CurrentPage, got.PerPage)
		}
	}
	b.send(t, ask{query: "page=x", token: signed}).want(t, 400, "参数错误:page 应为正整数", "page", "应为正整数,收到的是 「x」")
}

// A page may let all of an enterprise's tags be chosen.
func TestAThousandTagsAreTakenInAnyBody(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(6)
		ids := make([]string, 1000)
		for i := range ids {
			ids[i] = fmt.Sprintf("etDesSDgAAB6_PNgMEt6fWHVVJhc%04d", i)
		}
		w.follows[1].TagID, w.follows[3].TagID, w.follows[4].TagID = ids[0], ids[999], "etOther"
		b := setup(t, manager+w.records(), path)
		signed := of(t, uid)
		inJSON, err := json.Marshal(map[string]any{"search": map[string]any{"tags_data": ids}})
		mustSucceed(t, err)
		var multi strings.Builder
		for _, id := range ids {
			multi.WriteString("--b\r\nContent-Disposition: form-data; name=\"search[tags_data][]\"\r\n\r\n" + id + "\r\n")
		}
		multi.WriteString("--b--\r\n")
		for name, a := range map[string]ask{
			"JSON":           {body: string(inJSON), header: http.Header{"Content-Type": {jsonType}}},
			"JSON, one text": {body: `{"search":{"tags_data":"` + strings.Join(ids, ",") + `"}}`, header: http.Header{"Content-Type": {jsonType}}},
			"a form":         {body: "search%5Btags_data%5D%5B%5D=" + strings.Join(ids, "&search%5Btags_data%5D%5B%5D="), header: http.Header{"Content-Type": {formType}}},
			"a form, joined": {body: "search[tags_data]=" + strings.Join(ids, "%2C"), header: http.Header{"Content-Type": {formType}}},
			"multipart":      {body: multi.String(), header: http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}},
		} {
			a.method, a.token = http.MethodPost, signed
			if got := b.send(t, a).page(t); !cmp.Equal(rowIDs(got.Data), []int64{4, 2}) || got.Total != 2 {
				t.Errorf("%s: %v of %d", name, rowIDs(got.Data), got.Total)
			}
		}
		query := "search[tags_data]=" + strings.Join(ids[:400], ",")
		if got := b.send(t, ask{query: query, token: signed}).page(t); !cmp.Equal(rowIDs(got.Data), []int64{2}) {
			t.Errorf("what an address bears: %v", rowIDs(got.Data))
		}
		b.send(t, ask{query: "search[tags_data]=" + strings.Join(ids, ","), token: signed}).want(t, 414, "请求地址过长")
	})
}
