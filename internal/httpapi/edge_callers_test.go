package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/telemetry"
)

// entries hears of each request that is reply.
type entries chan *httpapi.Entry

func (e entries) config() option {
	return config(func(c *httpapi.Config) { c.Record = func(_ context.Context, x *httpapi.Entry) { e <- x } })
}

// proxies are trusted proxies; the tests themselves call from 127.0.0.1.
func proxies(t *testing.T, list ...string) option {
	t.Helper()
	p, err := httpapi.ParseProxies(list)
	mustSucceed(t, err)
	return config(func(c *httpapi.Config) { c.Proxies = p })
}

func TestTheLogSaysWhoAskedForWhatAndNoValueOfAFilter(t *testing.T) {
	t.Parallel()
	log, heard := make(logged, 100), make(entries, 100)
	b := setup(t, manager+crowd(7).records(), heard.config(), config(func(c *httpapi.Config) { c.Log = slog.New(slog.NewJSONHandler(log, nil)) }))
	var last *httpapi.Entry
	for i, want := range []struct {
		rows int
		kept bool
	}{{2, false}, {2, true}} {
		answer := b.send(t, ask{token: of(t, uid), query: "search[status]=1&search[customer]=%E5%AE%A2&per_page=2", header: http.Header{
			"User-Agent": {"export/1"}, "X-Request-Id": {"order-" + strconv.Itoa(i)}, "Traceparent": {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}})
		if answer.status != http.StatusOK || answer.header.Get("X-Request-Id") != "order-"+strconv.Itoa(i) {
			t.Fatalf("%d %s %s", answer.status, answer.header, answer.body)
		}
		last = <-heard
		if last.Served.Rows != want.rows || last.Served.Kept != want.kept || last.Served.CropID != crop {
			t.Errorf("served %+v, want %+v", last.Served, want)
		}
	}
	line := log.of("order-1")
	for _, want := range []string{
		`"member":7`, `"uniacid":2`, `"crop_id":1`, `"operation":"getList"`, `"rows":2`, `"kept":true`, `"client":"127.0.0.1"`,
		`"user_agent":"export/1"`, `"trace_id":"0af7651916cd43dd8448eb211c80319c"`, `"filters":"search[customer] search[status]"`, `"level":"INFO"`,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("%s is not in\n%s", want, line)
		}
	}
	if strings.Contains(line, "\u53f7") || strings.Contains(line, "客") {
		t.Errorf("the log has what was searched for:\n%s", line)
	}
	if strings.Contains(last.Asked, "per_page") || !strings.Contains(last.Asked, "客") {
		t.Errorf("what makes pages pages of one list is %q", last.Asked)
	}
	for id, sane := range map[string]bool{"a b": false, strings.Repeat("x", 200): false, "<script>": false, "8f14e45f-ceea": true} {
		answer := b.send(t, ask{token: of(t, uid), header: http.Header{"X-Request-Id": {id}}})
		if got := answer.header.Get("X-Request-Id"); (got == id) != sane || got == "" {
			t.Errorf("%q became %q", id, got)
		}
	}
}

func TestWhoHasNoRightIsAWarning(t *testing.T) {
	t.Parallel()
	log := make(logged, 100)
	b := setup(t, manager, config(func(c *httpapi.Config) { c.Log = slog.New(slog.NewJSONHandler(log, nil)) }))
	for status, signed := range map[int]string{401: "", 403: of(t, uid+1)} {
		answer := b.send(t, ask{token: signed})
		if line := log.of(answer.header.Get("X-Request-Id")); answer.status != status || !strings.Contains(line, `"level":"WARN"`) {
			t.Errorf("%d, want %d:\n%s", answer.status, status, line)
		}
	}
}

func TestARefusedTokensReasonIsInTheLogWithItsMember(t *testing.T) {
	t.Parallel()
	log, heard := make(logged, 100), make(entries, 100)
	b := setup(t, manager, heard.config(), config(func(c *httpapi.Config) { c.Log = slog.New(slog.NewJSONHandler(log, nil)) }))
	mint := func(secret []byte, issued time.Time) string {
		signed, err := auth.Mint(secret, auth.Member{UID: uid, Uniacid: uniacid}, time.Minute, issued, "", "")
		mustSucceed(t, err)
		return signed
	}
	for name, c := range map[string]struct {
		token string
		want  []string
		never string
	}{
		"expired": {mint(secret, time.Now().Add(-time.Hour)), []string{`"member":7`, `"uniacid":2`, "token is expired"}, `"signed"`},
		"forged": {mint([]byte("another secret, also of 32 bytes!"), time.Now()),
			[]string{`"member":7`, `"uniacid":2`, `"signed":false`, "signature is invalid"}, "token is expired"},
		"none":      {"", []string{"no token"}, `"member"`},
		"not a JWT": {"x.y.z", []string{"malformed"}, `"member"`},
	} {
		answer := b.send(t, ask{token: c.token})
		line := log.of(answer.header.Get("X-Request-Id"))
		for _, want := range append(c.want, `"level":"WARN"`, `"status":401`) {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %s is not in\n%s", name, want, line)
			}
		}
		if strings.Contains(line, c.never) || c.token != "" && strings.Contains(line, c.token) {
			t.Errorf("%s: it has %s, or the token\n%s", name, c.never, line)
		}
		if e := <-heard; e.Member != (auth.Member{}) {
			t.Errorf("%s: %+v has signed in", name, e.Member)
		}
	}
}

func TestOnlyATrustedProxySaysWhoCallsAndWhereThePageIs(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"X-Forwarded-For": {"203.0.113.9, 198.51.100.7", "10.0.0.3"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"mall.example.com"},
	}
	for name, c := range map[string]struct {
		trusted      []string
		header       http.Header
		client, link string
	}{
		"nobody is trusted":                   {nil, header, "127.0.0.1", "http://127.0.0.1:"},
		"another is trusted":                  {[]string{"10.0.0.0/8"}, header, "127.0.0.1", "http://127.0.0.1:"},
		"the proxy is trusted":                {[]string{"127.0.0.1"}, header, "10.0.0.3", "https://mall.example.com/"},
		"and the one before it":               {[]string{"127.0.0.0/8", "10.0.0.0/8"}, header, "198.51.100.7", "https://mall.example.com/"},
		"a host that cannot stand in a link":  {[]string{"127.0.0.1"}, http.Header{"X-Forwarded-Host": {"a\"b"}}, "127.0.0.1", "http://127.0.0.1:"},
		"an address that is none ends it":     {[]string{"127.0.0.1", "10.0.0.0/8"}, http.Header{"X-Forwarded-For": {"203.0.113.9, unknown, 10.0.0.3"}}, "10.0.0.3", "http://127.0.0.1:"},
		"a scheme that is none is not quoted": {[]string{"127.0.0.1"}, http.Header{"X-Forwarded-Proto": {"javascript"}}, "127.0.0.1", "http://127.0.0.1:"},
	} {
		heard := make(entries, 1)
		b := setup(t, manager, heard.config(), proxies(t, c.trusted...))
		answer := b.send(t, ask{token: of(t, uid), header: c.header})
		if e := <-heard; e.Client != c.client {
			t.Errorf("%s: the caller is %s, want %s", name, e.Client, c.client)
		}
		if link := answer.page(t).Path; !strings.HasPrefix(link, c.link) {
			t.Errorf("%s: the page is at %s, want %s", name, link, c.link)
		}
	}
}

func TestEachCallerHasItsOwnRateAndFailedSignInsTheLowest(t *testing.T) {
	t.Parallel()
	// A burst of one, and in the time of the test nothing comes back.
	const slow = 1e-9
	rates := config(func(c *httpapi.Config) { c.Rates = httpapi.Rates{Member: slow, Address: slow, Failures: slow} })
	b := setup(t, manager, rates, proxies(t, "127.0.0.1"))
	from := func(address, signed string) reply {
		return b.send(t, ask{token: signed, header: http.Header{"X-Forwarded-For": {address}}})
	}
	refused := func(what string, a reply) {
		t.Helper()
		a.want(t, http.StatusTooManyRequests, "请求过于频繁,请稍后再试")
		if after, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || after < 1 {
			t.Errorf("%s: Retry-After is %q", what, a.header.Get("Retry-After"))
		}
	}
	member, other := of(t, uid), token(t, auth.Member{UID: uid, Uniacid: 3})
	if a := from("192.0.2.1", member); a.status != http.StatusOK {
		t.Errorf("the first: %d", a.status)
	}
	refused("a member from another address", from("192.0.2.2", member))
	refused("another member from an address that has had its share", from("192.0.2.1", other))
	if a := from("192.0.2.3", other); a.status != http.StatusForbidden {
		t.Errorf("a member of another account of the same id: %d", a.status)
	}
	if a := from("192.0.2.4", "x.y.z"); a.status != http.StatusUnauthorized {
		t.Errorf("the first bad token: %d", a.status)
	}
	refused("an address that had a bad token, with another", from("192.0.2.4", "x.y.z"))
	if a := b.send(t, ask{path: "/healthz"}); a.status != http.StatusOK {
		t.Errorf("/healthz counts: %d", a.status)
	}
}

func TestRequestsAreMeasuredByTheirOperationAndStatus(t *testing.T) {
	t.Parallel()
	watched, err := telemetry.New(t.Context(), "1.2.3", false)
	mustSucceed(t, err)
	heard := make(entries, 10)
	b := setup(t, manager+crowd(4).records(), heard.config(), config(func(c *httpapi.Config) { c.Telemetry = watched }))
	for _, a := range []ask{{token: of(t, uid)}, {token: of(t, uid)}, {}, {path: "/nowhere"}} {
		b.send(t, a)
		<-heard
	}
	text := metrics(t, watched)
	got := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, "#") {
			got[name] = value
		}
	}
	want := map[string]string{
		`http_request_duration_seconds_count{operation="getList",status="200"}`: "2",
		`http_request_duration_seconds_count{operation="getList",status="401"}`: "1",
		`wechat_answers_total{from="read",operation="getList"}`:                 "1",
		`wechat_answers_total{from="kept",operation="getList"}`:                 "1",
		`wechat_rows_sent_total`:                                         "8",
		`wechat_build_info{version="1.2.3"}`:                             "1",
		`http_request_duration_seconds_count{operation="",status="404"}`: "1",
	}
	for name := range got {
		if _, wanted := want[name]; !wanted {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s\n%s", diff, text)
	}
}

func metrics(t *testing.T, watched *telemetry.Telemetry) string {
	t.Helper()
	w := httptest.NewRecorder()
	watched.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody))
	return w.Body.String()
}
