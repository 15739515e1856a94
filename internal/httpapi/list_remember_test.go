package httpapi_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
)

// fetch sends a GET of the path with its query, with these header fields, given as name, value,
// name, value.
func fetch(t testing.TB, b *bundle, target string, fields ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token(t, auth.Member{UID: uid, Uniacid: uniacid}))
	r.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
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
	return answer, body
}

// writes are imports that change what a list shows, each another part of it.
func writes(n int) []string {
	follow := `{"follow":{"uniacid":2,"crop_id":1,"external_userid":"wmRemember","userid":"a",%s}}`
	return []string{
		fmt.Sprintf(follow, fmt.Sprintf(`"remark":"备注%d"`, n)),
		fmt.Sprintf(follow, fmt.Sprintf(`"status":%d`, 1-2*(n%2))),
		fmt.Sprintf(follow, fmt.Sprintf(`"tag_id":"tag%d"`, n%3)),
		fmt.Sprintf(follow, []string{`"deleted_at":"2026-01-01 00:00:00"`, `"deleted_at":null`}[n%2]),
		fmt.Sprintf(`{"customer":{"uniacid":2,"crop_id":1,"external_userid":"wmRemember","name":"客户%d"}}`, n),
		fmt.Sprintf(`{"tag":{"uniacid":2,"crop_id":1,"tag_id":"tag%d","name":"标签%d"}}`, n%3, n),
		fmt.Sprintf(`{"employee":{"uniacid":2,"business_id":1,"user_id":"a","name":"成员%d"}}`, n),
		fmt.Sprintf(`{"employee":{"uniacid":2,"business_id":1,"user_id":"new%d","name":"新成员"}}`, n),
	}
}

const remembered = manager + `{"employee":{"uniacid":2,"business_id":1,"user_id":"a","name":"甲"}}
{"customer":{"uniacid":2,"crop_id":1,"external_userid":"wmRemember","name":"客户"}}
{"tag":{"uniacid":2,"crop_id":1,"tag_id":"tag1","name":"标签"}}
{"follow":{"uniacid":2,"crop_id":1,"external_userid":"wmRemember","userid":"a","createtime":1631950639,"add_way":"1"}}
`

func TestACommittedWriteIsInTheNextAnswerOfEveryInstance(t *testing.T) {
	t.Parallel()
	one := setup(t, manager+crowd(20).records())
	one.load(remembered)
	instance := func(bytes int64) *bundle {
		return one.instance(config(func(c *httpapi.Config) {
			c.Operations = getlist.New(getlist.Config{DB: one.DB, PublicURL: "http://list.example", Memory: cache.New(bytes)})
		}))
	}
	// Two that remember, and one that never does: what it answers is the truth.
	first, second, truth := instance(16<<20), instance(16<<20), instance(0)
	targets := []string{
		listPath, listPath + "?page=2&per_page=7", listPath + "?search[status]=1", listPath + "?search[tags_data]=tag1", listPath + "?search[customer]=客户",
		listPath + "?search[remark]=备注", listPath + "?omit=tag,employee", listPath + "?per_page=100&before_id=1000000", listPath + "?sort=-createtime",
		facetsPath, facetsPath + "?search[status]=1", facetsPath + "?search[tags_data]=tag1&omit=without",
	}
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 12 {
		for _, write := range writes(n) {
			target := pick(random, targets)
			for _, b := range []*bundle{first, second} { // so that there is something remembered that the write makes wrong
				fetch(t, b, target)
			}
			one.load(write)
			_, want := fetch(t, truth, target)
			for i, b := range []*bundle{first, second} {
				for range 2 { // read, then remembered
					if _, got := fetch(t, b, target); !bytes.Equal(got, want) {
						t.Fatalf("%s of instance %d after %s:\n%s\nwant\n%s", target, i, write, got, want)
					}
				}
			}
		}
	}
}

func TestAnUnchangedAnswerIs304AndAChangedOneIsNot(t *testing.T) {
	t.Parallel()
	for path, others := range map[string][]string{
		listPath:   {"page=2", "per_page=3", "search[status]=1", "omit=tag", "sort=createtime"},
		facetsPath: {"search[status]=1", "omit=tag", "search[tags_none]=*"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			b := setup(t, remembered)
			answer, body := fetch(t, b, path)
			etag := answer.Header.Get("ETag")
			if etag == "" || answer.Header.Get("Cache-Control") != "private, no-cache" || !strings.Contains(answer.Header.Get("Vary"), "Accept-Encoding") {
				t.Fatalf("%v", answer.Header)
			}
			for _, condition := range []string{etag, "W/" + etag, `"other", ` + etag, "*"} {
				again, rest := fetch(t, b, path, "If-None-Match", condition)
				if again.StatusCode != http.StatusNotModified || len(rest) > 0 || again.Header.Get("ETag") != etag {
					t.Errorf("If-None-Match %s: %d, %d bytes, %s", condition, again.StatusCode, len(rest), again.Header.Get("ETag"))
				}
			}
			if again, rest := fetch(t, b, path, "If-None-Match", `"other"`); again.StatusCode != http.StatusOK || !bytes.Equal(rest, body) {
				t.Errorf("another ETag: %d", again.StatusCode)
			}
			for _, query := range others {
				if other, _ := fetch(t, b, path+"?"+query, "If-None-Match", etag); other.StatusCode != http.StatusOK || other.Header.Get("ETag") == etag {
					t.Errorf("%s: %d with the ETag of another request", query, other.StatusCode)
				}
			}
			changed := 0
			for _, write := range append(writes(1), writes(2)...) {
				before, was := fetch(t, b, path)
				b.load(write)
				_, is := fetch(t, b, path)
				after, _ := fetch(t, b, path, "If-None-Match", before.Header.Get("ETag"))
				if bytes.Equal(was, is) {
					continue
				}
				changed++
				if after.StatusCode != http.StatusOK {
					t.Errorf("after %s: %d", write, after.StatusCode)
				}
			}
			if least := map[string]int{listPath: 12, facetsPath: 6}[path]; changed < least {
				t.Errorf("only %d writes changed the answer", changed)
			}
		})
	}
	// The two operations' answers to the same filters are not each other's.
	b := setup(t, remembered)
	list, _ := fetch(t, b, listPath)
	if facets, _ := fetch(t, b, facetsPath, "If-None-Match", list.Header.Get("ETag")); facets.StatusCode != http.StatusOK {
		t.Errorf("getFacets with the ETag of getList: %d", facets.StatusCode)
	}
}

func TestARepeatedRequestAndA304AskTheDatabaseOnce(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	var statements atomic.Int64
	line := dbtest.StartWire(t, dsn, func(sent []byte) []byte {
		statements.Add(1) // the driver sends each statement in one go, and nothing else once it is connected
		return sent
	})
	direct, counted := open(t, dsn), open(t, line.DSN)
	counted.SetMaxOpenConns(1)
	mustSucceed(t, store.Migrate(t.Context(), direct, slog.New(slog.DiscardHandler)))
	(&bundle{t: t, DB: direct}).load(remembered)
	b := (&bundle{t: t, DB: direct}).instance(config(func(c *httpapi.Config) {
		c.Operations = getlist.New(getlist.Config{DB: counted, Memory: cache.New(16 << 20)})
	}))
	for _, target := range []string{
		listPath + "?crop_id=1", listPath + "?crop_id=1&search[status]=1&page=2", listPath + "?crop_id=1&search[remark]=备注&omit=tag,employee",
		listPath + "?crop_id=1&before_id=9", listPath + "?crop_id=1&sort=createtime", facetsPath + "?crop_id=1", facetsPath + "?crop_id=1&search[status]=1&omit=tag",
	} {
		answer, want := fetch(t, b, target)
		for name, fields := range map[string][]string{"again": nil, "again, compressed": {"Accept-Encoding", "gzip"}, "If-None-Match": {"If-None-Match", answer.Header.Get("ETag")}} {
			before := statements.Load()
			again, body := fetch(t, b, target, fields...)
			if n := statements.Load() - before; n != 1 {
				t.Errorf("%s, %s: %d statements", target, name, n)
			}
			if name == "again" && !bytes.Equal(body, want) || name == "If-None-Match" && again.StatusCode != http.StatusNotModified {
				t.Errorf("%s, %s: %d, %s", target, name, again.StatusCode, body)
			}
		}
	}
}

func TestAnETagIsOfAllThatTheBytesDependOn(t *testing.T) {
	t.Parallel()
	one := setup(t, remembered)
	instance := func(build, public string) *bundle {
		return one.instance(config(func(c *httpapi.Config) {
			c.Operations = getlist.New(getlist.Config{DB: one.DB, PublicURL: public, Build: build})
		}))
	}
	b := instance("1", "http://list.example")
	answer, _ := fetch(t, b, listPath)
	etag := answer.Header.Get("ETag")
	for name, other := range map[string]*bundle{"another build": instance("2", "http://list.example"), "another PUBLIC_URL": instance("1", "http://other.example"), "the request's own address": instance("1", "")} {
		if again, _ := fetch(t, other, listPath, "If-None-Match", etag); again.StatusCode != http.StatusOK || again.Header.Get("ETag") == etag {
			t.Errorf("%s: %d, ETag %s", name, again.StatusCode, again.Header.Get("ETag"))
		}
	}
	if again, _ := fetch(t, instance("1", "http://list.example"), listPath, "If-None-Match", etag); again.StatusCode != http.StatusNotModified {
		t.Errorf("the same of another process: %d", again.StatusCode)
	}
	if vary := answer.Header.Get("Vary"); vary != "Accept-Encoding, Authorization, Cookie" {
		t.Errorf("Vary: %s", vary)
	}
	for condition, want := range map[string]int{"": http.StatusOK, etag: http.StatusNotModified, `"other"`: http.StatusOK} {
		head := b.send(t, ask{method: http.MethodHead, token: token(t, auth.Member{UID: uid, Uniacid: uniacid}), header: http.Header{"If-None-Match": {condition}, "Accept-Encoding": {"identity"}}})
		if head.status != want || head.header.Get("ETag") != etag || head.body != "" {
			t.Errorf("HEAD, If-None-Match %s: %d, %s, %q", condition, head.status, head.header.Get("ETag"), head.body)
		}
	}
}

func TestWhoMayNotSeeTheListGetsNo304EitherWay(t *testing.T) {
	t.Parallel()
	b := setup(t, remembered)
	etags := map[string]string{}
	for _, path := range []string{listPath, facetsPath} {
		answer, _ := fetch(t, b, path)
		etags[path] = answer.Header.Get("ETag")
	}
	b.load(`{"manager":{"uniacid":2,"uid":7,"business_id":1,"deleted_at":"2026-01-01 00:00:00"}}`)
	for path, etag := range etags {
		for _, condition := range []string{etag, "*"} {
			if after, _ := fetch(t, b, path+"?crop_id=1", "If-None-Match", condition); after.StatusCode != http.StatusForbidden {
				t.Errorf("%s of a revoked manager with If-None-Match %s: %d", path, condition, after.StatusCode)
			}
		}
	}
}

func TestACompressedAnswerHoldsTheSameBytesAndHasItsOwnETag(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(30).records())
	b.load(remembered)
	for _, path := range []string{listPath, facetsPath} {
		plain, want := fetch(t, b, path)
		for accepted, compressed := range map[string]bool{"gzip": true, "br, gzip;q=0.5": true, "*": true, "GZIP": true, "gzip;q=0": false, "gzip; q=0.0, *": false, "br": false, "identity": false} {
			for range 2 { // read, then remembered
				answer, body := fetch(t, b, path, "Accept-Encoding", accepted)
				if got := answer.Header.Get("Content-Encoding") == "gzip"; got != compressed {
					t.Errorf("%s, %q: compressed %t", path, accepted, got)
					continue
				}
				if same := answer.Header.Get("ETag") == plain.Header.Get("ETag"); same == compressed {
					t.Errorf("%s, %q: the ETag of the plain bytes: %t", path, accepted, same)
				}
				if compressed {
					r, err := gzip.NewReader(bytes.NewReader(body))
					if err != nil {
						t.Fatal(err)
					}
					if body, err = io.ReadAll(r); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.Equal(body, want) {
					t.Errorf("%s, %q: other bytes", path, accepted)
				}
			}
		}
	}
}

func TestAPostHasNoETag(t *testing.T) {
	t.Parallel()
	b := setup(t, remembered)
	for _, path := range []string{listPath, facetsPath} {
		answer := b.send(t, ask{method: http.MethodPost, path: path, body: "{}", header: http.Header{"Content-Type": {jsonType}}, token: of(t, uid)})
		if etag := answer.header.Get("ETag"); answer.status != http.StatusOK || etag != "" {
			t.Errorf("%s: %d, ETag %s", path, answer.status, etag)
		}
	}
}
