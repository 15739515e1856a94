package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/wechatcustomers/api/client"
)

// These tests need no database: they are of what the client does by itself, and of answers that the
// server does not give. The others are in internal/clienttest, against the server.

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func asError(err error) (refused *client.Error, ok bool) {
	ok = errors.As(err, &refused)
	return refused, ok
}

// doer answers in the place of a server.
type doer func(*http.Request) (*http.Response, error)

func (f doer) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const success = `{"result":1,"msg":"ok","data":[]}`

// steps returns a client of a server that answers so, one after the other and the last for ever,
// and the number of requests that it had.
func steps(t *testing.T, answers []func(http.ResponseWriter, *http.Request), options ...client.Option) (*client.Client, *int) {
	t.Helper()
	n := 0
	answer := doer(func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		answers[min(n, len(answers)-1)](w, r)
		n++
		return w.Result(), r.Context().Err()
	})
	c, err := client.New("http://localhost", append([]client.Option{client.WithHTTPClient(&http.Client{Transport: answer})}, options...)...)
	must(t, err)
	return c, &n
}

// answered answers with the status, the body and pairs of header fields.
func answered(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		w.Write([]byte(body))
	}
}

func TestABusyServerIsAskedAgainABoundedNumberOfTimes(t *testing.T) {
	t.Parallel()
	const busy = `{"result":0,"msg":"忙","data":[]}`
	now := []string{"Retry-After", "0"}
	past := []string{"Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT"}
	late := []string{"Retry-After", "3600"}
	ok := answered(200, success)
	type answers = []func(http.ResponseWriter, *http.Request)
	for name, w := range map[string]struct {
		answers  answers
		options  []client.Option
		requests int
		code     client.Code // "": success
	}{
		"429":                {answers{answered(429, busy, now...), ok}, nil, 2, ""},
		"503 twice":          {answers{answered(503, busy, now...), answered(503, "<html>", past...), ok}, nil, 3, ""},
		"the code of a 200":  {answers{answered(200, busy, append(now, "X-Error-Code", "unavailable")...), ok}, nil, 2, ""},
		"for ever":           {answers{answered(429, busy, now...)}, nil, 3, client.CodeTooManyRequests},
		"for ever, four":     {answers{answered(503, busy, now...)}, []client.Option{client.WithRetries(4)}, 5, client.CodeUnavailable},
		"no retries":         {answers{answered(503, busy, now...), ok}, []client.Option{client.WithRetries(0)}, 1, client.CodeUnavailable},
		"longer than a call": {answers{answered(503, busy, late...), ok}, nil, 1, client.CodeUnavailable},
		"500 is not busy":    {answers{answered(500, busy, now...), ok}, nil, 1, client.CodeInternal},
		"400 is not":         {answers{answered(400, busy, now...), ok}, nil, 1, client.CodeInvalidParameter},
	} {
		c, requests := steps(t, w.answers, w.options...)
		_, err := c.GetBusinessList(t.Context(), 2)
		if client.CodeOf(err) != w.code || (err == nil) != (w.code == "") || *requests != w.requests {
			t.Errorf("%s: %v in %d requests", name, err, *requests)
		}
	}
}

func TestTheWaitIsWhatTheServerSays(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "": time.Second, "soon": time.Second} {
		synctest.Test(t, func(t *testing.T) { // on a clock of its own
			c, _ := steps(t, []func(http.ResponseWriter, *http.Request){answered(503, "", "Retry-After", header), answered(200, success)})
			start := time.Now()
			_, err := c.GetBusinessList(t.Context(), 2)
			must(t, err)
			if waited := time.Since(start); waited != want {
				t.Errorf("%q: waited %s", header, waited)
			}
		})
	}
}

func TestAWaitEndsWithTheCallsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c, requests := steps(t, []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, r *http.Request) {
		answered(503, "", "Retry-After", "3600")(w, r)
	}}, client.WithTimeout(0))
	done := make(chan error)
	go func() {
		_, err := c.GetBusinessList(ctx, 2)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || *requests > 1 {
		t.Errorf("%v in %d requests", err, *requests)
	}
}

func TestACallEndsWithItsTime(t *testing.T) {
	t.Parallel()
	c, _ := steps(t, []func(http.ResponseWriter, *http.Request){func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		client.WithTimeout(time.Millisecond))
	if _, err := c.GetBusinessList(t.Context(), 2); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestTheCodeIsTheHeadersElseTheDatasElseTheStatuss(t *testing.T) {
	t.Parallel()
	body := func(data string) string { return `{"result":0,"msg":"不","data":` + data + `}` }
	named := []string{"X-Error-Code", "unknown_parameter"}
	for name, w := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request)
		want   client.Code
	}{
		"header":       {answered(400, body(`[{"field":"a","message":"b","code":"invalid_body"}]`), named...), client.CodeUnknownParameter},
		"entry":        {answered(400, body(`[{"field":"a","message":"b","code":"invalid_body"}]`)), client.CodeInvalidBody},
		"object":       {answered(400, body(`{"code":"no_enterprise"}`)), client.CodeNoEnterprise},
		"a new one":    {answered(418, body(`[]`), "X-Error-Code", "teapot"), "teapot"},
		"400":          {answered(400, body(`[]`)), client.CodeInvalidParameter},
		"401":          {answered(401, body(`[]`)), client.CodeUnauthenticated},
		"403":          {answered(403, body(`[]`)), client.CodeForbidden},
		"404":          {answered(404, "<html>"), client.CodeNotFound},
		"405":          {answered(405, body(`[]`)), client.CodeMethodNotAllowed},
		"413":          {answered(413, "<html>"), client.CodeTooLarge},
		"414":          {answered(414, "<html>"), client.CodeTooLarge},
		"415":          {answered(415, body(`[]`)), client.CodeUnsupportedMediaType},
		"429":          {answered(429, body(`[]`)), client.CodeTooManyRequests},
		"431":          {answered(431, "<html>"), client.CodeTooLarge},
		"500":          {answered(500, body(`[]`)), client.CodeInternal},
		"503":          {answered(503, "<html>"), client.CodeUnavailable},
		"legacy":       {answered(200, body(`[]`), "X-Error-Code", "forbidden"), client.CodeForbidden},
		"nothing said": {answered(200, body(`[]`)), ""},
	} {
		c, _ := steps(t, []func(http.ResponseWriter, *http.Request){w.answer}, client.WithRetries(0))
		_, err := c.GetBusinessList(t.Context(), 2)
		if _, ok := asError(err); !ok || client.CodeOf(err) != w.want {
			t.Errorf("%s: %q, %v", name, client.CodeOf(err), err)
		}
		if client.IsUnauthenticated(err) != (w.want == client.CodeUnauthenticated) || client.IsForbidden(err) != (w.want == client.CodeForbidden) {
			t.Errorf("%s: unauthenticated %t, forbidden %t", name, client.IsUnauthenticated(err), client.IsForbidden(err))
		}
	}
}

func TestWhatTheServerWouldRefuseIsNotSent(t *testing.T) {
	t.Parallel()
	c, requests := steps(t, []func(http.ResponseWriter, *http.Request){answered(200, success)})
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	negative, large, gender, member := int32(-1), int32(65536), client.Gender(3), int64(-1)
	for _, w := range []struct {
		query client.Query
		field string
	}{
		{client.Query{Tags: []string{""}}, "search[tags_data]"},
		{client.Query{Tags: []string{"a,b", " "}}, "search[tags_data]"},
		{client.Query{TagsAll: []string{"a,b"}}, "search[tags_all]"},
		{client.Query{TagsNone: []string{" "}}, "search[tags_none]"},
		{client.Query{Employees: []string{"a", ""}}, "search[employee_member]"},
		{client.Query{Employee: "a,b"}, "search[employee_member]"},
		{client.Query{Member: &member}, "search[member]"},
		{client.Query{AddWay: &negative}, "search[add_way_type]"},
		{client.Query{AddWay: &large}, "search[add_way_type]"},
		{client.Query{Type: 3}, "search[type]"},
		{client.Query{Gender: &gender}, "search[gender]"},
		{client.Query{Status: 3}, "search[status]"},
		{client.Query{From: at(-2)}, "search[time]"},
		{client.Query{To: at(-1)}, "search[time]"},
		{client.Query{From: at(1e11)}, "search[time]"},
		{client.Query{From: at(2), To: at(1)}, "search[time]"},
		{client.Query{CropID: -1}, "crop_id"},
		{client.Query{CropID: 1 << 32}, "crop_id"},
		{client.Query{Page: -1}, "page"},
		{client.Query{PerPage: 101}, "per_page"},
		{client.Query{PerPage: -1}, "per_page"},
		{client.Query{PerPage: 1<<32 + 1}, "per_page"},
		{client.Query{Sort: "id"}, "sort"},
		{client.Query{BeforeID: -1}, "before_id"},
		{client.Query{BeforeID: 9, Page: 1}, "before_id"},
		{client.Query{BeforeID: 9, Sort: client.SortByCreatetime}, "before_id"},
	} {
		_, err := c.GetList(t.Context(), 2, w.query)
		refused, ok := asError(err)
		if !ok || refused.Status != 0 || refused.Code != client.CodeInvalidParameter || len(refused.Fields) != 1 || refused.Fields[0].Field != w.field ||
			!strings.HasPrefix(err.Error(), "getList: not sent ") {
			t.Errorf("%+v: %v", w.query, err)
		}
	}
	_, err := c.GetList(t.Context(), 2, client.Query{Status: 3, Type: 3, PerPage: 101})
	if refused, ok := asError(err); !ok || len(refused.Fields) != 3 {
		t.Errorf("three at once: %v", err)
	}
	_, err = c.GetFacets(t.Context(), 2, client.Query{}, client.FacetTag, "tags")
	if refused, ok := asError(err); !ok || refused.Status != 0 || refused.Fields[0].Field != "omit" {
		t.Errorf("a facet that there is not: %v", err)
	}
	for _, uniacid := range []int64{0, -1, 1 << 32} {
		_, err := c.GetBusinessList(t.Context(), uniacid)
		if refused, ok := asError(err); !ok || refused.Status != 0 || refused.Fields[0].Field != "uniacid" {
			t.Errorf("account %d: %v", uniacid, err)
		}
	}
	if *requests != 0 {
		t.Errorf("%d requests", *requests)
	}
}

func TestAnOptionThatCannotBeIsAnError(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]client.Option{
		"WithHTTPClient": client.WithHTTPClient(nil), "WithTokenSource": client.WithTokenSource(nil),
		"WithTimeout": client.WithTimeout(-1), "WithRetries": client.WithRetries(-1), "WithCacheSize": client.WithCacheSize(-1),
	} {
		if c, err := client.New("http://localhost", option); err == nil || c != nil || !strings.HasPrefix(err.Error(), "client: "+name+": ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeadersAreThoseOfEveryRequest(t *testing.T) {
	t.Parallel()
	var got []string
	c, _ := steps(t, []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.Header.Get("X-Tenant")+" "+r.Header.Get("Authorization"))
		answered(200, success)(w, r)
	}}, client.WithToken("t"), client.WithHeaders(http.Header{"X-Tenant": {"a"}, "Authorization": {"Basic"}}))
	for range 2 {
		_, err := c.GetBusinessList(t.Context(), 2)
		must(t, err)
	}
	if want := []string{"a Bearer t", "a Bearer t"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestTheStoreIsBoundedAndOfOneToken(t *testing.T) {
	t.Parallel()
	token := "a"
	var asked []string
	c, _ := steps(t, []func(http.ResponseWriter, *http.Request){func(w http.ResponseWriter, r *http.Request) {
		version := r.Header.Get("Authorization") + r.URL.Path
		if is := r.Header.Get("If-None-Match"); is != "" {
			asked = append(asked, is)
			if is != version {
				t.Errorf("asked %s for %s", is, version)
			}
			w.WriteHeader(http.StatusNotModified)
			return
		}
		answered(200, `{"result":1,"msg":"ok","data":[{"crop_id":`+strings.Split(r.URL.Path, "/")[2]+`}]}`, "ETag", version)(w, r)
	}}, client.WithCacheSize(2), client.WithTokenSource(func(context.Context, string) (string, error) { return token, nil }))
	get := func(uniacid int64) (kept bool) {
		t.Helper()
		before := len(asked)
		list, err := c.GetBusinessList(t.Context(), uniacid)
		must(t, err)
		if len(list) != 1 || list[0].CropID != uniacid {
			t.Errorf("of %d: %+v", uniacid, list)
		}
		return len(asked) > before
	}
	var got []bool
	for _, uniacid := range []int64{1, 2, 1, 3, 1, 2} { // 3 drives out 2, which was asked for longest ago
		got = append(got, get(uniacid))
	}
	if want := []bool{false, false, true, false, true, false}; !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
	if token = "b"; get(2) {
		t.Error("another token's answer was kept")
	}
}

func TestFacetsAreReadAsTheContractHasThem(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"result":1,"msg":"ok","data":{"total":2,"customers":1,"untagged":0,
			"status":[{"value":-1,"count":2}],"type":[],"add_way":[{"value":"0","count":2}],"gender":[],
			"employee":[{"user_id":"A","name":"甲","deleted":true,"count":2}],
			"tag":[{"tag_id":"etA","name":"一","group_id":"g","group_name":"组","count":2}],
			"without":[{"filter":"search[status]","total":3}]}}`))
	}))
	defer server.Close()
	c, err := client.New(server.URL)
	must(t, err)
	got, err := c.GetFacets(t.Context(), 2, client.Query{})
	must(t, err)
	want := &client.Facets{
		Total: 2, Customers: 1, Status: []client.NumberCount{{Value: -1, Count: 2}},
		Type: []client.NumberCount{}, AddWay: []client.AddWayCount{{Value: "0", Count: 2}},
		Gender:   []client.NumberCount{},
		Employee: []client.EmployeeCount{{UserID: "A", Name: "甲", Deleted: true, Count: 2}},
		Tag:      []client.TagCount{{TagID: "etA", Name: "一", GroupID: "g", GroupName: "组", Count: 2}},
		Without:  []client.FilterTotal{{Filter: "search[status]", Total: 3}},
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAnAnswerThatIsNotTheServersIsAnErrorWithItsStatus(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"a proxy's page": {502, "<html>", "getList: 502 Bad Gateway (no envelope) (request abc)"},
		"a page":         {200, "<html>", "getList: 200 OK (no envelope)"},
		"other JSON":     {200, `{"data":[]}`, "getList: 200 OK (no envelope)"},
		"a list":         {200, `[]`, "getList: 200 OK (no envelope)"},
		"nothing":        {503, ``, "getList: 503 Service Unavailable (no envelope) (request abc)"},
		"data of no use": {200, `{"result":0,"msg":"坏了","data":{"a":1}}`, "getList: 200 坏了"},
		"a failure":      {500, `{"result":0,"msg":"坏了","data":[]}`, "getList: 500 坏了 (request abc)"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w2 http.ResponseWriter, _ *http.Request) {
			w2.Header().Set("X-Request-Id", "abc")
			w2.WriteHeader(w.status)
			w2.Write([]byte(w.body))
		}))
		c, err := client.New(server.URL)
		must(t, err)
		_, err = c.GetList(t.Context(), 2, client.Query{})
		if refused, ok := asError(err); !ok || refused.Status != w.status || err.Error() != w.want {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(`{"result":1,"msg":"ok","data":[]}`)) }))
	defer server.Close()
	c, err := client.New(server.URL)
	must(t, err)
	if page, err := c.GetList(t.Context(), 2, client.Query{}); err == nil {
		t.Errorf("a success without a page: %+v", page)
	}
}

func TestRowsOfAServerWithoutBeforeIDAreNotReadForever(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"result":1,"msg":"ok","data":{"data":[{"id":2},{"id":1}],"next_page_url":"x"}}`))
	}))
	defer server.Close()
	c, err := client.New(server.URL)
	must(t, err)
	var last error
	n := 0
	for _, err := range c.Rows(t.Context(), 2, client.Query{}) {
		last = err
		n++
	}
	if n != 3 || last == nil || !strings.Contains(last.Error(), "before_id") {
		t.Errorf("%d rows, then %v", n, last)
	}
}

func TestTheAddressMayHaveAPathAndMustBeOne(t *testing.T) {
	t.Parallel()
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		w.Write([]byte(`{"result":1,"msg":"ok","data":[]}`))
	}))
	defer server.Close()
	for _, base := range []string{server.URL + "/mall", server.URL + "/mall/"} {
		c, err := client.New(base)
		must(t, err)
		_, err = c.GetBusinessList(t.Context(), 2)
		must(t, err)
		if asked != "/mall/business/2/plugin/WechatCustomers/getBusinessList" {
			t.Errorf("asked %s", asked)
		}
	}
	for _, base := range []string{"", "mall.example.com", "ftp://mall.example.com", "http://", "/business", "http://a b"} {
		if _, err := client.New(base); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
}

func TestACancelledContextIsTheCallsError(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := client.New("http://localhost:1")
	must(t, err)
	if _, err := c.GetList(ctx, 2, client.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
