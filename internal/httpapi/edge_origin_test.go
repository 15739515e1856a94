package httpapi_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
)

const shop, stranger = "https://shop.example.com", "https://evil.example.com"

// shared returns what an answer says about other origins.
func (r reply) shared() map[string]string {
	got := map[string]string{}
	for key, values := range r.header {
		if strings.HasPrefix(key, "Access-Control-") {
			got[key] = strings.Join(values, "|")
		}
	}
	return got
}

func preflight(origin, method string) http.Header {
	return http.Header{"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": {"authorization"}}
}

func TestWithoutOriginsNoAnswerSpeaksOfThem(t *testing.T) {
	t.Parallel()
	b := setup(t, manager)
	for _, a := range []ask{
		{token: of(t, uid), header: http.Header{"Origin": {shop}}}, {header: http.Header{"Origin": {shop}}},
		{method: http.MethodOptions, header: preflight(shop, "GET")}, {path: "/nothing", header: http.Header{"Origin": {shop}}},
	} {
		answer := b.send(t, a)
		if got := answer.shared(); len(got) > 0 || strings.Contains(strings.Join(answer.header["Vary"], ","), "Origin") {
			t.Errorf("%+v: %v", a, answer.header)
		}
		if a.method == http.MethodOptions {
			answer.want(t, 405, "不支持的请求方法")
		}
	}
}

func TestListedOriginsMayCallAndOthersMayNot(t *testing.T) {
	t.Parallel()
	b := setup(t, manager, config(func(c *httpapi.Config) { c.CORSOrigins = []string{shop, " http://localhost:5173"} }))
	simple := map[string]string{
		"Access-Control-Allow-Origin": shop, "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-Request-Id, X-Error-Code, ETag, Retry-After",
	}
	asked := map[string]string{
		"Access-Control-Allow-Origin": shop, "Access-Control-Allow-Credentials": "true", "Access-Control-Allow-Methods": "GET, HEAD, POST",
		"Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match, X-Requested-With, X-CSRF-TOKEN, X-XSRF-TOKEN", "Access-Control-Max-Age": "600",
	}
	local := map[string]string{
		"Access-Control-Allow-Origin": "http://localhost:5173", "Access-Control-Allow-Credentials": "true", "Access-Control-Expose-Headers": "X-Request-Id, X-Error-Code, ETag, Retry-After",
	}
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	for name, c := range map[string]struct {
		ask
		status int
		want   map[string]string
	}{
		"an answer":                 {ask{token: of(t, uid), header: from(shop)}, 200, simple},
		"the other origin":          {ask{token: of(t, uid), header: from("http://localhost:5173")}, 200, local},
		"a failure can be read too": {ask{header: from(shop)}, 401, simple},
		"a limit too":               {ask{query: strings.Repeat("a", 16<<10), header: from(shop)}, 414, simple},
		"a page that is none too":   {ask{path: "/business/", header: from(shop)}, 404, simple},
		"a question before":         {ask{method: http.MethodOptions, header: preflight(shop, "GET")}, 204, asked},
		"an OPTIONS of its own":     {ask{method: http.MethodOptions, header: from(shop)}, 405, simple},
		"no origin":                 {ask{token: of(t, uid)}, 200, map[string]string{}},
		"a stranger":                {ask{token: of(t, uid), header: from(stranger)}, 200, map[string]string{}},
		"a stranger's question":     {ask{method: http.MethodOptions, header: preflight(stranger, "GET")}, 405, map[string]string{}},
		"a longer name":             {ask{token: of(t, uid), header: from(shop + ".evil.com")}, 200, map[string]string{}},
		"another scheme":            {ask{token: of(t, uid), header: from("http://shop.example.com")}, 200, map[string]string{}},
		"null":                      {ask{token: of(t, uid), header: from("null")}, 200, map[string]string{}},
	} {
		answer := b.send(t, c.ask)
		if answer.status != c.status || !strings.Contains(strings.Join(answer.header["Vary"], ","), "Origin") {
			t.Errorf("%s: %d %v", name, answer.status, answer.header)
		}
		if diff := cmp.Diff(c.want, answer.shared()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestWhatIsNoOriginStopsTheServerFromStarting(t *testing.T) {
	t.Parallel()
	for _, origin := range []string{"*", "https://*.example.com", "shop.example.com", "https://shop.example.com/", "https://shop.example.com/a", "null", "", "https://Shop.example.com"} {
		_, err := httpapi.New(httpapi.Config{
			Document: api.Document, Operations: getlist.New(getlist.Config{}), CORSOrigins: []string{origin}, Limits: httpapi.DefaultLimits, Log: slog.New(slog.DiscardHandler),
		})
		if err == nil || !strings.Contains(err.Error(), "CORS_ORIGINS") {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
