package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	spec "example.com/wechatcustomers/api"
	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
)

// bound takes getList's bound parameters and answers nothing: what is left is the request's way to
// the operations.
type bound struct {
	httpapi.Operations // nil: nothing else is asked for
	params             api.GetListParams
}

func (b *bound) GetList(_ context.Context, _ getlist.Request, request api.GetListRequestObject) (api.GetListResponseObject, error) {
	b.params = request.Params
	return b, nil
}

func (b *bound) VisitGetListResponse(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusOK)
	return nil
}

// BenchmarkRequestPath is the request's way without the database: route, authenticate, normalise,
// validate, bind, log. All filters are set but one.
func BenchmarkRequestPath(b *testing.B) {
	const (
		literal = "search%5Bcustomer%5D=%E6%9D%8E%E4%B8%80%E5%A4%A9&search%5Bmember%5D=3061&search%5Badd_way_type%5D=1&search%5Btags_data%5D=etA%2CetB&search%5Bemployee_member%5D=XiaoLiangZi" +
			"&search%5Bstatus%5D=1&search%5Btime%5D%5B%5D=1631950639&search%5Btime%5D%5B%5D=1632277573&search%5Bremark%5D=Abe&per_page=20&page=2"
		axios = "page=2&per_page=20&search[customer]=%E6%9D%8E%E4%B8%80%E5%A4%A9&search[member]=3061&search[add_way_type]=1&search[tags_data][0]=etA&search[tags_data][1]=etB" +
			"&search[employee_member]=XiaoLiangZi&search[%E7%B1%BB%E5%9E%8B]=&search[status]=1&search[time][0]=1631950639000&search[time][1]=1632277573000&search[remark]=Abe"
		body = `{"page":2,"per_page":20,"search":{"customer":"李一天","member":3061,"add_way_type":1,"tags_data":["etA","etB"],"employee_member":"XiaoLiangZi","类型":null,"status":"1",` +
			`"time":[1631950639,1632277573],"remark":"Abe"}}`
	)
	for _, c := range []struct{ name, method, query, contentType, body string }{
		{"nothing set", http.MethodGet, "", "", ""},
		{"literal query", http.MethodGet, literal, "", ""},
		{"axios query", http.MethodGet, axios, "", ""},
		{"form", http.MethodPost, "", formType, axios},
		{"JSON", http.MethodPost, "", jsonType, body},
	} {
		b.Run(c.name, func(b *testing.B) {
			verifier, err := auth.New(b.Context(), auth.Config{Secret: secret})
			mustSucceed(b, err)
			var operations bound
			handler, err := httpapi.New(httpapi.Config{
				Document: spec.Document, Operations: &operations, Verifier: verifier, Limits: httpapi.DefaultLimits, Log: slog.New(slog.NewTextHandler(&nowhere{}, nil)),
			})
			mustSucceed(b, err)
			signed := token(b, auth.Member{UID: uid, Uniacid: uniacid})
			w := &nowhere{}
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), c.method, listPath+"?"+c.query, strings.NewReader(c.body))
				r.Header.Set("Authorization", "Bearer "+signed)
				if c.contentType != "" {
					r.Header.Set("Content-Type", c.contentType)
				}
				w.status, w.header = 0, http.Header{}
				handler.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Fatalf("status %d", w.status)
				}
			}
			if p := operations.params; c.name != "nothing set" && (p.SearchTime == nil || *p.SearchTagsData != "etA,etB" || *p.Page != 2) {
				b.Fatalf("bound %+v", p)
			}
		})
	}
}

// nowhere takes an answer without keeping it.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(status int)      { n.status = status }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
