package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/httpapi"
)

func TestEachLimitIsTheConfiguredOneAndWhatFitsPasses(t *testing.T) {
	t.Parallel()
	b := setup(t, manager, config(func(c *httpapi.Config) {
		c.Limits.URL, c.Limits.Header, c.Limits.Pairs, c.Limits.Body = 200, 1000, 3, 50
	}))
	signed := of(t, uid)
	form := http.Header{"Content-Type": {formType}}
	room := 200 - len(listPath+"?")
	for name, c := range map[string]struct {
		ask
		status int
		msg    string
	}{
		"an address that just fits":  {ask{query: strings.Repeat("a", room)}, 0, ""},
		"an address one byte longer": {ask{query: strings.Repeat("a", room+1)}, 414, "请求地址过长"},
		"three pairs":                {ask{query: "a=1&a=2&b=3&&"}, 0, ""},
		"four pairs":                 {ask{query: "a=1&a=2&b=3&c"}, 414, "请求地址过长"},
		"three in each":              {ask{method: "POST", query: "a&b&c", body: "d&e&f", header: form}, 0, ""},
		"four in the body":           {ask{method: "POST", query: "a&b&c", body: "d&e&f&g", header: form}, 413, "请求内容过大"},
		"a body that just fits":      {ask{method: "POST", body: strings.Repeat("a", 50), header: form}, 0, ""},
		"a body one byte longer":     {ask{method: "POST", body: strings.Repeat("a", 51), header: form}, 413, "请求内容过大"},
		"a large header":             {ask{header: http.Header{"X-Much": {strings.Repeat("a", 1000)}}}, 431, "请求头过大"},
	} {
		c.token = signed
		answer := b.send(t, c.ask)
		t.Log(name)
		if c.status == 0 {
			answer.page(t)
		} else {
			answer.want(t, c.status, c.msg)
		}
	}
}

func TestStringsAtTheirLimitPassAndAreCountedInCharacters(t *testing.T) {
	t.Parallel()
	b := setup(t, manager)
	for key, n := range map[string]int{"search[customer]": 200, "search[remark]": 200, "search[employee_member]": 1500, "search[tags_data]": 1500, "search[member]": 20} {
		unit := "长"
		if key == "search[member]" {
			unit = "9"
		}
		body := key + "=" + strings.Repeat(unit, n)
		answer := b.send(t, ask{method: http.MethodPost, body: body, header: http.Header{"Content-Type": {formType}}, token: of(t, uid)})
		if answer.status != http.StatusOK || answer.page(t).Total != 0 {
			t.Errorf("%s of %d: %d %.300s", key, n, answer.status, answer.body)
		}
	}
}

func TestAPageSoLargeThatItsOffsetOverflowsIsEmpty(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(3).records())
	for _, page := range []string{"1000000001", "9223372036854775807", "9223372036854775808", "99999999999999999999999999"} {
		for _, perPage := range []string{"1", "100"} {
			got := b.send(t, ask{query: "per_page=" + perPage + "&page=" + page, token: of(t, uid)}).page(t)
			if len(got.Data) != 0 || got.Total != 3 || got.From != nil || got.To != nil || got.NextPageURL != nil {
				t.Errorf("page %s of %s: %+v", page, perPage, got)
			}
		}
	}
	got := b.send(t, ask{query: "before_id=9223372036854775807", token: of(t, uid)}).page(t)
	if !cmp.Equal(rowIDs(got.Data), []int64{3, 2, 1}) {
		t.Errorf("before_id at its largest: %v", rowIDs(got.Data))
	}
}

func TestABodyThatBreaksOffIsTheSendersError(t *testing.T) {
	t.Parallel()
	b := setup(t, manager)
	for name, request := range map[string]string{
		"no chunk":      "Transfer-Encoding: chunked\r\n\r\nthis is no chunk\r\n",
		"a broken size": "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
	} {
		answer := b.wire(t, "POST "+listPath+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nAuthorization: Bearer "+of(t, uid)+"\r\n"+request)
		t.Log(name)
		answer.want(t, 400, "参数错误:body 没有完整收到", "body", "没有完整收到")
	}
	// The other route has no use for a body.
	answer := b.wire(t, "GET "+businessPath+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "+of(t, uid)+"\r\nTransfer-Encoding: chunked\r\n\r\nthis is no chunk\r\n")
	if answer.status != http.StatusOK {
		t.Errorf("%d %s", answer.status, answer.body)
	}
}

func TestACallerThatLeavesLeavesNoQueryBehind(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(3).records())
	lock, err := b.DB.Conn(t.Context())
	mustSucceed(t, err)
	defer lock.Close()
	// Nobody reads follows while it is locked: the request's query stands in the server's list until
	// it is ended there.
	_, err = lock.ExecContext(t.Context(), "LOCK TABLES follows WRITE")
	mustSucceed(t, err)
	running := func() int { t.Helper(); return dbtest.Running(t, b.DB, "FROM follows") }
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	left := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.URL+listPath+"?search[customer]=a", http.NoBody)
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+of(t, uid))
			var answer *http.Response
			if answer, err = b.HTTP.Do(r); err == nil {
				answer.Body.Close()
			}
		}
		left <- err
	}()
	for running() == 0 {
		if t.Context().Err() != nil {
			t.Fatal("the query did not come")
		}
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller got %v", err)
	}
	for running() > 0 { // ends, or the test's own deadline does it
		if t.Context().Err() != nil {
			t.Fatal("the query runs on")
		}
	}
	_, err = lock.ExecContext(t.Context(), "UNLOCK TABLES")
	mustSucceed(t, err)
	if got := b.send(t, ask{token: of(t, uid)}).page(t); got.Total != 3 {
		t.Errorf("afterwards: %+v", got)
	}
}
