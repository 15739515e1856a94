package webui_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/oasdiff/yaml"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/internal/webui"
)

func setup(t *testing.T) *httptest.Server {
	t.Helper()
	register, err := webui.New(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	register(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server
}

func get(t *testing.T, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

var loads = regexp.MustCompile(`(?:src|href)="\./([^"]+)"`)

func TestPagesLoadOnlyWhatIsServedAndKeptForever(t *testing.T) {
	t.Parallel()
	server := setup(t)
	for _, page := range []string{"/console", "/docs"} {
		answer, body := get(t, server.URL+page)
		if answer.StatusCode != http.StatusOK || answer.Header.Get("Cache-Control") != "no-cache" || answer.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("%s: %s %v", page, answer.Status, answer.Header)
		}
		names := loads.FindAllStringSubmatch(body, -1)
		if len(names) < 3 {
			t.Errorf("%s loads %v, want an icon, a script and a style sheet at least", page, names)
		}
		for _, name := range names {
			asset, _ := get(t, server.URL+"/"+name[1])
			if asset.StatusCode != http.StatusOK || !strings.Contains(asset.Header.Get("Cache-Control"), "immutable") || asset.Header.Get("Content-Type") == "" {
				t.Errorf("%s of %s: %s %v", name[1], page, asset.Status, asset.Header)
			}
		}
	}
}

func TestPagesAllowNoInlineScriptAndNoOtherOrigin(t *testing.T) {
	t.Parallel()
	server := setup(t)
	for _, page := range []string{"/console", "/docs"} {
		answer, body := get(t, server.URL+page)
		policy := answer.Header.Get("Content-Security-Policy")
		for _, directive := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, directive) {
				t.Errorf("%s: %q lacks %q", page, policy, directive)
			}
		}
		if strings.Contains(policy, "unsafe") || regexp.MustCompile(`<script[^>]*>[^<]|<style|\sstyle=|\son\w+=`).MatchString(body) {
			t.Errorf("%s: %q with\n%s", page, policy, body)
		}
		if answer.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", page, answer.Header)
		}
	}
}

func TestFirstLoadOfTheCustomerPageIsUnder300KB(t *testing.T) {
	t.Parallel()
	server := setup(t)
	_, body := get(t, server.URL+"/console")
	total := len(body)
	for _, name := range loads.FindAllStringSubmatch(body, -1) {
		answer, compressed := get(t, server.URL+"/"+name[1], "Accept-Encoding", "br, gzip")
		if answer.Header.Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed", name[1])
		}
		total += len(compressed)
	}
	if total >= 300_000 {
		t.Errorf("%d bytes", total)
	}
}

func TestCompressedAndPlainAreTheSameDocument(t *testing.T) {
	t.Parallel()
	server := setup(t)
	plain, body := get(t, server.URL+"/openapi.yaml")
	if body != string(api.Document) || plain.Header.Get("Content-Encoding") != "" {
		t.Errorf("%d bytes, want %d; %v", len(body), len(api.Document), plain.Header)
	}
	for header, want := range map[string]string{"gzip": "gzip", "deflate, gzip;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.0, br": "", "br": ""} {
		answer, body := get(t, server.URL+"/openapi.yaml", "Accept-Encoding", header)
		if got := answer.Header.Get("Content-Encoding"); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
		if want == "" {
			continue
		}
		r, err := gzip.NewReader(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if unpacked, err := io.ReadAll(r); err != nil || string(unpacked) != string(api.Document) {
			t.Errorf("%q: %v", header, err)
		}
	}
}

func TestJSONDocumentHasEveryOperation(t *testing.T) {
	t.Parallel()
	_, body := get(t, setup(t).URL+"/openapi.json")
	var doc struct {
		Paths map[string]struct{ Get, Post struct{ OperationID string } }
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	list := doc.Paths["/business/{uniacid}/plugin/WechatCustomers/getList"]
	if list.Get.OperationID != "getList" || list.Post.OperationID != "postList" {
		t.Errorf("%v", doc.Paths)
	}
}

func TestJSONDocumentIsTheYAMLInItsOrder(t *testing.T) {
	t.Parallel()
	_, body := get(t, setup(t).URL+"/openapi.json")
	converted, err := yaml.YAMLToJSON(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := errors.Join(json.Unmarshal(converted, &want), json.Unmarshal([]byte(body), &got)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(want, got) {
		t.Error("it says something else")
	}
	at := 0
	for _, key := range []string{
		`"openapi":`, `"info":`, `"title":`, `"version":`, `"servers":`, `"paths":`, `/getList":`, `"search[customer]"`,
		`"search[member]"`, `"crop_id"`, `/getFacets":`, `"components":`, `"parameters":`, `"headers":`, `"schemas":`,
	} {
		next := strings.Index(body[at:], key)
		if next < 0 {
			t.Fatalf("%s is not behind what the document has before it", key)
		}
		at += next
	}
}

func TestWhatTheBrowserHasIsNotSentAgain(t *testing.T) {
	t.Parallel()
	server := setup(t)
	first, _ := get(t, server.URL+"/console")
	again, body := get(t, server.URL+"/console", "If-None-Match", first.Header.Get("ETag"))
	if again.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("%s, %d bytes", again.Status, len(body))
	}
	other, _ := get(t, server.URL+"/docs", "If-None-Match", first.Header.Get("ETag"))
	if other.StatusCode != http.StatusOK {
		t.Errorf("/docs: %s", other.Status)
	}
}

func TestHomeLeadsToTheCustomerPageAlsoBelowAFolder(t *testing.T) {
	t.Parallel()
	answer, _ := get(t, setup(t).URL+"/")
	if answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != "console" {
		t.Errorf("%s %q", answer.Status, answer.Header.Get("Location"))
	}
}

// What a page loads is relative to its own address: with a slash behind that it would load nothing.
func TestAPageWithSlashesBehindItsAddressLeadsToTheAddress(t *testing.T) {
	t.Parallel()
	register, err := webui.New(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Pre(func(next echo.HandlerFunc) echo.HandlerFunc { // as the server does
		return func(c echo.Context) error {
			c.Request().URL.Path = strings.TrimRight(c.Request().URL.Path, "/")
			return next(c)
		}
	})
	register(e)
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	for path, want := range map[string]string{"/docs/": "../docs", "/console/?a=/": "../console", "/console//": "../../console"} {
		answer, _ := get(t, server.URL+path)
		if answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != want {
			t.Errorf("%s: %s %q", path, answer.Status, answer.Header.Get("Location"))
			continue
		}
		to, err := answer.Location()
		if err != nil || "/"+strings.TrimLeft(want, "./") != to.Path {
			t.Errorf("%s leads to %v, %v", path, to, err)
		}
	}
}

func TestTheSourceOfTheEmbedIsNotServed(t *testing.T) {
	t.Parallel()
	server := setup(t)
	for _, name := range []string{"/web.go", "/assets/", "/assets/../console.html", "/console.html"} {
		if answer, _ := get(t, server.URL+name); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", name, answer.Status)
		}
	}
}
