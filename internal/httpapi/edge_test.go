package httpapi_test

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/auth"
)

const (
	listPath     = "/business/2/plugin/WechatCustomers/getList"
	facetsPath   = "/business/2/plugin/WechatCustomers/getFacets"
	businessPath = "/business/2/plugin/WechatCustomers/getBusinessList"

	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// ask is a request as it goes over the wire.
type ask struct {
	method string // GET
	path   string // listPath
	query  string // raw
	header http.Header
	body   string
	token  string // as Authorization; "" for none
}

// reply is what it got.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a by the bundle's own client, which holds the answer against the document.
func (b *bundle) send(t testing.TB, a ask) reply {
	t.Helper()
	if a.method == "" {
		a.method = http.MethodGet
	}
	if a.path == "" {
		a.path = listPath
	}
	r, err := http.NewRequestWithContext(t.Context(), a.method, b.URL+a.path, strings.NewReader(a.body))
	mustSucceed(t, err)
	if a.body == "" {
		r.Body = http.NoBody
	}
	r.URL.RawQuery = a.query
	maps.Copy(r.Header, a.header)
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	answer, err := b.HTTP.Do(r)
	mustSucceed(t, err)
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	mustSucceed(t, err)
	return reply{answer.StatusCode, answer.Header, string(body)}
}

// of returns a token of a member of account 2.
func of(t testing.TB, uid uint32) string {
	t.Helper()
	return token(t, auth.Member{UID: uid, Uniacid: uniacid})
}

// failure returns the envelope of a reply that is one.
func (r reply) failure(t testing.TB) client.ErrorResult {
	t.Helper()
	var e client.ErrorResult
	if err := json.Unmarshal([]byte(r.body), &e); err != nil || e.Result != 0 {
		t.Fatalf("not an error envelope (%v): %d %.500s", err, r.status, r.body)
	}
	return e
}

// page returns the page of a reply that is one.
func (r reply) page(t testing.TB) client.CustomerPage {
	t.Helper()
	var l client.ListResult
	if err := json.Unmarshal([]byte(r.body), &l); err != nil || l.Result != 1 || r.status != http.StatusOK {
		t.Fatalf("not a page (%v): %d %.500s", err, r.status, r.body)
	}
	return l.Data
}

// want fails the test unless r has this status and is the envelope of msg that names these fields
// with their messages, which alternate.
func (r reply) want(t testing.TB, status int, msg string, fields ...string) {
	t.Helper()
	want := client.ErrorResult{Msg: msg, Data: []client.FieldError{}}
	for i := 0; i < len(fields); i += 2 {
		code := client.FieldInvalid
		switch {
		case strings.HasPrefix(fields[i+1], "不是可用的"):
			code = client.FieldUnknown
		case fields[i] == "body":
			code = client.FieldBody
		}
		want.Data = append(want.Data, client.FieldError{Field: fields[i], Message: fields[i+1], Code: code})
	}
	code := codes[msg]
	if len(want.Data) > 0 {
		code = client.ErrorCode(want.Data[0].Code)
	}
	if strings.HasPrefix(msg, "服务器内部错误") {
		code = client.CodeInternal
	}
	if got := r.header.Get("X-Error-Code"); got != string(code) {
		t.Errorf("X-Error-Code %q, want %q: %.500s", got, code, r.body)
	}
	if r.status != status {
		t.Errorf("status %d, want %d: %.500s", r.status, status, r.body)
	}
	if diff := cmp.Diff(want, r.failure(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// codes are those of the failures that name no field, by their texts.
var codes = map[string]client.ErrorCode{
	"请登录": client.CodeUnauthenticated, "无权管理该企业": client.CodeForbidden, "请先选择要管理的企业": client.CodeNoEnterprise,
	"接口不存在": client.CodeNotFound, "不支持的请求方法": client.CodeMethodNotAllowed,
	"请求内容过大": client.CodeTooLarge, "请求地址过长": client.CodeTooLarge, "请求头过大": client.CodeTooLarge,
	"不支持的请求内容类型,请使用 JSON 或表单": client.CodeUnsupportedMediaType,
	"请求过于频繁,请稍后再试":            client.CodeTooManyRequests, "服务暂时不可用,请稍后再试": client.CodeUnavailable,
}

// wire sends a request byte by byte as no client would write it, and returns the answer.
func (b *bundle) wire(t testing.TB, request string) reply {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(b.URL, "http://"))
	mustSucceed(t, err)
	defer c.Close()
	_, err = io.WriteString(c, request)
	mustSucceed(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	mustSucceed(t, err)
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	mustSucceed(t, err)
	return reply{answer.StatusCode, answer.Header, string(body)}
}
