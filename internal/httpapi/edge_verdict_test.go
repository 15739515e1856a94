package httpapi_test

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// verdict is a request and whether it is right: both sides of each rule of the document. The same
// table is put to openapi-core by make test/generators.
type verdict struct {
	Rule  string
	Query string
	Type  string // of the body; "" is a GET
	Body  string
	OK    bool
	Prose string // set where only the document's description refuses it, and why
	Kin   string // set where kin-openapi takes another view than the document, and why
	Core  string // set where openapi-core does
}

func verdicts(t *testing.T) []verdict {
	t.Helper()
	text, err := os.ReadFile("testdata/verdicts.json")
	mustSucceed(t, err)
	var list []verdict
	mustSucceed(t, json.Unmarshal(text, &list))
	return list
}

func TestTheServerTakesWhatTheDocumentTakesAndNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(3).records())
	signed := of(t, uid)
	doc, err := document()
	mustSucceed(t, err)
	item := doc.Paths.Value("/business/{uniacid}/plugin/WechatCustomers/getList")
	sides := map[string]map[bool]bool{}
	for _, v := range verdicts(t) {
		a := ask{query: v.Query, token: signed}
		if v.Type != "" {
			a.method, a.body, a.header = http.MethodPost, v.Body, http.Header{"Content-Type": {v.Type}}
		}
		answer := b.send(t, a)
		if want := map[bool]int{true: http.StatusOK, false: http.StatusBadRequest}[v.OK]; answer.status != want {
			t.Errorf("%s: ?%.200s %.200s: the server answers %d: %.300s", v.Rule, v.Query, v.Body, answer.status, answer.body)
		}
		route := &routers.Route{Spec: doc, PathItem: item, Method: http.MethodGet, Operation: item.Get}
		if v.Type != "" {
			route.Method, route.Operation = http.MethodPost, item.Post
		}
		r, err := http.NewRequestWithContext(t.Context(), route.Method, listPath+"?"+v.Query, strings.NewReader(v.Body))
		mustSucceed(t, err)
		r.Header.Set("Content-Type", v.Type)
		err = openapi3filter.ValidateRequest(t.Context(), &openapi3filter.RequestValidationInput{
			Request: r, PathParams: map[string]string{"uniacid": "2"}, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
		})
		want := v.OK || v.Prose != ""
		if got := err == nil; got != want != (v.Kin != "") {
			t.Errorf("%s: ?%.200s %.200s: the document says %v", v.Rule, v.Query, v.Body, err)
		}
		rule, _, _ := strings.Cut(v.Rule, ",")
		if sides[rule] == nil {
			sides[rule] = map[bool]bool{}
		}
		sides[rule][v.OK] = true
	}
	for rule, has := range sides {
		if !has[true] || !has[false] {
			t.Errorf("%s has one side alone", rule)
		}
	}
	if len(sides) < 40 {
		t.Errorf("only %d rules are tried", len(sides))
	}
}
