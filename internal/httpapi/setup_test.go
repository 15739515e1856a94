package httpapi_test

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// secret signs the tests' tokens.
var secret = []byte("Zm7Qx0vLr2Tn8KdWc5HyUe1BsJ4aGpXo")

// uniacid, crop and uid are those of most tests: member 7 of account 2 manages enterprise 1.
const (
	uniacid = 2
	crop    = 1
	uid     = 7
)

// manager are the records of that enterprise and its manager, which others need before them.
const manager = `{"business":{"uniacid":2,"id":1,"name":"芸众"}}
{"manager":{"uniacid":2,"uid":7,"business_id":1}}
`

// bundle is a server on a database of its own.
type bundle struct {
	URL    string // the server's address
	DB     *sql.DB
	Client *client.ClientWithResponses // of member 7, whose token names no enterprise
	HTTP   *http.Client                // without a token; like every client of a bundle it holds each answer against the document

	dsn string // the database's
	t   testing.TB
}

type settings struct {
	indexed   bool
	publicURL string
	edit      []func(*httpapi.Config)
}

// option changes a bundle's server.
type option func(*settings)

// indexed gives each enterprise an index, however small it is.
func indexed() option { return func(s *settings) { s.indexed = true } }

// publicURL sets what page links begin with.
func publicURL(url string) option { return func(s *settings) { s.publicURL = url } }

// config changes the edge's configuration.
func config(edit func(*httpapi.Config)) option {
	return func(s *settings) { s.edit = append(s.edit, edit) }
}

// setup returns a server on a new database that holds the records, which are those of an import.
func setup(t testing.TB, records string, options ...option) *bundle {
	t.Helper()
	b := &bundle{t: t, dsn: dbtest.New(t)}
	var err error
	if b.DB, err = store.Open(b.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.DB.Close() })
	if err := store.Migrate(t.Context(), b.DB, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	b.load(records)
	var s settings
	for _, o := range options {
		o(&s)
	}
	if s.indexed {
		if err := writer.New(b.DB, time.Now).FillIndexes(t.Context(), 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	return b.instance(options...)
}

// instance returns a server of its own on b's database.
func (b *bundle) instance(options ...option) *bundle {
	t := b.t
	t.Helper()
	var s settings
	for _, o := range options {
		o(&s)
	}
	verifier, err := auth.New(t.Context(), auth.Config{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	cfg := httpapi.Config{
		Document: api.Document, Verifier: verifier,
		Operations: getlist.New(getlist.Config{DB: b.DB, PublicURL: s.publicURL, Memory: cache.New(16 << 20), Build: "test"}),
		Ready:      nil, Limits: httpapi.DefaultLimits, Log: slog.New(slog.DiscardHandler),
	}
	for _, edit := range s.edit {
		edit(&cfg)
	}
	handler, err := httpapi.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	b = &bundle{DB: b.DB, URL: server.URL, dsn: b.dsn, t: t}
	b.HTTP = &http.Client{Transport: newChecked(t, server.Client().Transport, cfg.LegacyStatus)}
	b.Client = b.as(auth.Member{UID: uid, Uniacid: uniacid})
	return b
}

// load imports records; a bad one fails the test.
func (b *bundle) load(records string) {
	b.t.Helper()
	report, err := importer.Import(b.t.Context(), writer.New(b.DB, time.Now), []importer.Source{{Name: "records", Reader: strings.NewReader(records)}}, importer.Options{})
	if err != nil {
		b.t.Fatalf("import: %v %v", err, report.Bad)
	}
}

// indexed says whether every enterprise with rows has a complete index, and not none; a mixture
// fails the test.
func (b *bundle) indexed(t testing.TB) bool {
	t.Helper()
	var all, complete int
	err := b.DB.QueryRowContext(t.Context(), "SELECT COUNT(*), COALESCE(SUM(COALESCE(v.indexed, 0) > 0), 0) FROM "+
		"(SELECT DISTINCT crop_id FROM follows WHERE deleted_at IS NULL) f LEFT JOIN versions v ON v.crop_id = f.crop_id").Scan(&all, &complete)
	if err != nil || complete != 0 && complete != all {
		t.Fatalf("%d of %d enterprises have an index: %v", complete, all, err)
	}
	return complete > 0
}

// token returns a token of m that holds for an hour.
func token(t testing.TB, m auth.Member) string {
	t.Helper()
	signed, err := auth.Mint(secret, m, time.Hour, time.Now(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// as returns a client that sends m's token.
func (b *bundle) as(m auth.Member) *client.ClientWithResponses {
	b.t.Helper()
	signed := token(b.t, m)
	c, err := client.NewClientWithResponses(b.URL, client.WithHTTPClient(&http.Client{Transport: bearer{signed, b.HTTP.Transport}}))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// bearer sends a token with every request.
type bearer struct {
	token string
	next  http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return b.next.RoundTrip(r)
}

// get returns the page that a list request answers with; anything but the page fails the test.
func (b *bundle) get(t testing.TB, p client.GetListParams) client.CustomerPage {
	t.Helper()
	_, page := b.raw(t, p)
	return page
}

// raw is get with the answer's bytes.
func (b *bundle) raw(t testing.TB, p client.GetListParams) ([]byte, client.CustomerPage) {
	t.Helper()
	answer, err := b.Client.GetListWithResponse(t.Context(), uniacid, &p)
	if err != nil {
		t.Fatal(err)
	}
	if answer.JSON200 == nil {
		t.Fatalf("%s\n%s", answer.Status(), answer.Body)
	}
	return answer.Body, answer.JSON200.Data
}

// follow returns the page behind a link of an answer, which must be one of this server's.
func (b *bundle) follow(t testing.TB, link string) client.CustomerPage {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token(t, auth.Member{UID: uid, Uniacid: uniacid}))
	answer, err := b.HTTP.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := client.ParseGetListResponse(answer)
	if err != nil {
		t.Fatal(err)
	}
	if parsed.JSON200 == nil {
		t.Fatalf("%s: %s\n%s", link, parsed.Status(), parsed.Body)
	}
	return parsed.JSON200.Data
}

// checked holds every answer under the API's path against the document: status, type and schema,
// and beyond the schema that each object has exactly the document's keys, in its order. An answer
// to what the document does not have must be the error envelope.
type checked struct {
	t      testing.TB
	next   http.RoundTripper
	doc    *openapi3.T
	paths  map[*regexp.Regexp]string
	legacy bool // errors come as 200
}

// document is read once for all tests, which do not change it.
var document = sync.OnceValues(func() (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(api.Document) })

func newChecked(t testing.TB, next http.RoundTripper, legacy bool) *checked {
	t.Helper()
	doc, err := document()
	if err != nil {
		t.Fatal(err)
	}
	c := &checked{t: t, next: next, doc: doc, paths: map[*regexp.Regexp]string{}, legacy: legacy}
	for path := range doc.Paths.Map() {
		c.paths[regexp.MustCompile("^"+strings.ReplaceAll(path, "{uniacid}", "[^/]+")+"$")] = path
	}
	return c
}

func (c *checked) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	if strings.HasPrefix(r.URL.Path, "/business/") {
		if err := c.check(r, answer, body); err != nil {
			c.t.Errorf("%s %s answered %s, against the document: %v\n%.2000s", r.Method, r.URL, answer.Status, err, body)
		}
	}
	return answer, nil
}

var slashes = regexp.MustCompile("//+")

// route returns what the document has for r, nil for nothing.
func (c *checked) route(r *http.Request) *routers.Route {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	// With doubled slashes, or one at its end, a path is the same route.
	asked := strings.TrimRight(slashes.ReplaceAllString(r.URL.EscapedPath(), "/"), "/")
	for pattern, path := range c.paths {
		if !pattern.MatchString(asked) {
			continue
		}
		item := c.doc.Paths.Value(path)
		if operation := item.GetOperation(method); operation != nil {
			return &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: method, Operation: operation}
		}
	}
	return nil
}

func (c *checked) check(r *http.Request, answer *http.Response, body []byte) error {
	if r.Method == http.MethodOptions && answer.StatusCode == http.StatusNoContent {
		return nil // a browser's question before its request
	}
	if c.legacy && answer.StatusCode != http.StatusOK {
		return errors.New("the status is not 200")
	}
	route := c.route(r)
	if r.Method == http.MethodHead {
		if len(body) > 0 {
			return errors.New("an answer to HEAD has a body")
		}
		return nil
	}
	if route == nil || c.legacy && failure(body) {
		// Limits are looked at before the route.
		if !c.legacy && !slices.Contains([]int{404, 405, 413, 414, 431}, answer.StatusCode) {
			return errors.New("the document does not have it, and yet it is answered")
		}
		return conforms(c.doc.Components.Schemas["ErrorResult"], body)
	}
	err := openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: route},
		Status:                 answer.StatusCode,
		Header:                 answer.Header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true},
	})
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusNotModified {
		if len(body) > 0 {
			return errors.New("an answer that nothing has changed has a body")
		}
		return nil
	}
	declared := route.Operation.Responses.Value(strconv.Itoa(answer.StatusCode)).Value
	return exact(declared.Content.Get("application/json").Schema, body)
}

// failure says whether body is the envelope of an error.
func failure(body []byte) bool {
	var outcome struct{ Result *int }
	return json.Unmarshal(body, &outcome) == nil && outcome.Result != nil && *outcome.Result == 0
}

// conforms says where body is not what schema describes, keys and their order included.
func conforms(schema *openapi3.SchemaRef, body []byte) error {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return err
	}
	if err := schema.Value.VisitJSON(value); err != nil {
		return err
	}
	return exact(schema, body)
}

// exact says which object in body, which is valid JSON, has other keys than its schema's
// properties, or in another order (x-order). Validation takes both.
func exact(schema *openapi3.SchemaRef, body []byte) error {
	s := scanner{text: body}
	if err := s.value(schema); err != nil {
		return err
	}
	if s.next(); s.at < len(body) {
		return errors.New("there is more after the value")
	}
	return nil
}

// scanner reads valid JSON with its keys in their order. encoding/json's tokens would take most of
// the tests' time.
type scanner struct {
	text []byte
	at   int
}

// next returns the next byte that is no white space, 0 at the end.
func (s *scanner) next() byte {
	for ; s.at < len(s.text); s.at++ {
		if c := s.text[s.at]; c > ' ' {
			return c
		}
	}
	return 0
}

// take reads c where it is next.
func (s *scanner) take(c byte) bool {
	if s.next() != c {
		return false
	}
	s.at++
	return true
}

// word reads a string, with its quotes, or what is neither string, object nor array.
func (s *scanner) word() string {
	begin := s.at
	if s.next() != '"' {
		for s.at < len(s.text) && strings.IndexByte(",:]} \t\r\n", s.text[s.at]) < 0 {
			s.at++
		}
		return string(s.text[begin:s.at])
	}
	for s.at++; s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return string(s.text[begin:s.at])
}

func (s *scanner) value(schema *openapi3.SchemaRef) error {
	of := schema.Value
	for len(of.AllOf) == 1 && len(of.Properties) == 0 {
		of = of.AllOf[0].Value
	}
	switch s.next() {
	case '[':
		for s.at++; !s.take(']'); s.take(',') {
			if err := s.value(of.Items); err != nil {
				return err
			}
		}
	case '{':
		keys := ordered(of)
		s.at++
		for i := 0; !s.take('}'); i++ {
			key := s.word()
			if i >= len(keys) || key != `"`+keys[i]+`"` {
				return fmt.Errorf("key %d is %s, want exactly %v in this order", i+1, key, keys)
			}
			s.take(':')
			if err := s.value(of.Properties[keys[i]]); err != nil {
				return fmt.Errorf("%s: %w", keys[i], err)
			}
			s.take(',')
		}
	default:
		s.word()
	}
	return nil
}

var orders sync.Map // by schema, what ordered returns

// ordered returns the names of a schema's properties in the document's order.
func ordered(s *openapi3.Schema) []string {
	if keys, ok := orders.Load(s); ok {
		return keys.([]string)
	}
	keys := make([]string, 0, len(s.Properties))
	for key := range s.Properties {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return place(s.Properties[a]) - place(s.Properties[b]) })
	orders.Store(s, keys)
	return keys
}

func place(p *openapi3.SchemaRef) int {
	for _, extensions := range []map[string]any{p.Extensions, p.Value.Extensions} {
		if n, ok := extensions["x-order"].(float64); ok {
			return int(n)
		}
	}
	return 0
}

// The check itself must find what validation lets through.
func TestAnAnswerWithOtherKeysThanTheDocumentsIsFound(t *testing.T) {
	t.Parallel()
	c := newChecked(t, nil, false)
	business, result := c.doc.Components.Schemas["Business"], c.doc.Components.Schemas["BusinessListResult"]
	for _, good := range []string{`{"crop_id":1,"name":"a"}`} {
		if err := conforms(business, []byte(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		`{"crop_id":1,"name":"a","more":1}`, `{"name":"a","crop_id":1}`, `{"crop_id":1}`, `{"crop_id":1,"crop_id":1,"name":"a"}`, `{"crop_id":"1","name":"a"}`,
		`{"crop_id":1,"name":null}`, `{}`, `{"crop_id":1,"name":"a"}{}`,
	} {
		if conforms(business, []byte(bad)) == nil {
			t.Errorf("taken: %s", bad)
		}
	}
	if conforms(result, []byte(`{"result":1,"msg":"ok","data":[{"crop_id":1,"name":"a"},{"crop_id":1,"name":"a","more":1}]}`)) == nil {
		t.Error("a key too many is not found in a list")
	}
}
