package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/httpapi"
)

// rights are enterprises of two accounts and who manages them: in account 2, member 7 enterprise 1,
// 8 both 1 and 2, 10 the deleted 4, 11 both 1 and 4; in account 5, member 7 enterprise 3. Each
// enterprise has one follow, with the enterprise's number.
const rights = `{"business":{"uniacid":2,"id":1,"name":"一"}}
{"business":{"uniacid":2,"id":2,"name":"二"}}
{"business":{"uniacid":5,"id":3,"name":"三"}}
{"business":{"uniacid":2,"id":4,"name":"四","deleted_at":"2024-01-01 00:00:00"}}
{"manager":{"uniacid":2,"uid":7,"business_id":1}}
{"manager":{"uniacid":2,"uid":8,"business_id":1}}
{"manager":{"uniacid":2,"uid":8,"business_id":2}}
{"manager":{"uniacid":2,"uid":10,"business_id":4}}
{"manager":{"uniacid":2,"uid":11,"business_id":1}}
{"manager":{"uniacid":2,"uid":11,"business_id":4}}
{"manager":{"uniacid":2,"uid":12,"business_id":1,"deleted_at":"2024-01-01 00:00:00"}}
{"manager":{"uniacid":5,"uid":7,"business_id":3}}
{"customer":{"uniacid":2,"crop_id":1,"id":1,"external_userid":"wm1"}}
{"customer":{"uniacid":2,"crop_id":2,"id":2,"external_userid":"wm1"}}
{"customer":{"uniacid":5,"crop_id":3,"id":3,"external_userid":"wm1"}}
{"customer":{"uniacid":2,"crop_id":4,"id":4,"external_userid":"wm1"}}
{"follow":{"uniacid":2,"crop_id":1,"id":1,"userid":"a","external_userid":"wm1"}}
{"follow":{"uniacid":2,"crop_id":2,"id":2,"userid":"a","external_userid":"wm1"}}
{"follow":{"uniacid":5,"crop_id":3,"id":3,"userid":"a","external_userid":"wm1"}}
{"follow":{"uniacid":2,"crop_id":4,"id":4,"userid":"a","external_userid":"wm1"}}
`

func TestTheEnterpriseIsTheParametersElseTheTokensElseTheOnlyOneAndOnlyIfManaged(t *testing.T) {
	t.Parallel()
	b := setup(t, rights)
	const no, choose = "无权管理该企业", "请先选择要管理的企业"
	for name, c := range map[string]struct {
		member  auth.Member
		uniacid string
		query   string
		row     int64 // the enterprise that answers; 0 for none
		status  int
		msg     string
	}{
		"the only one":                       {auth.Member{UID: 7, Uniacid: 2}, "2", "", 1, 0, ""},
		"the only one, named":                {auth.Member{UID: 7, Uniacid: 2}, "2", "crop_id=1", 1, 0, ""},
		"the only one in the other account":  {auth.Member{UID: 7, Uniacid: 5}, "5", "", 3, 0, ""},
		"the parameter":                      {auth.Member{UID: 8, Uniacid: 2}, "2", "crop_id=2", 2, 0, ""},
		"the token's":                        {auth.Member{UID: 8, Uniacid: 2, CropID: 2}, "2", "", 2, 0, ""},
		"the token's is a default, no limit": {auth.Member{UID: 8, Uniacid: 2, CropID: 2}, "2", "crop_id=1", 1, 0, ""},
		"an empty parameter is none":         {auth.Member{UID: 8, Uniacid: 2, CropID: 2}, "2", "crop_id=", 2, 0, ""},
		"several":                            {auth.Member{UID: 8, Uniacid: 2}, "2", "", 0, 400, choose},
		"none":                               {auth.Member{UID: 9, Uniacid: 2}, "2", "", 0, 403, no},
		"none, named":                        {auth.Member{UID: 9, Uniacid: 2}, "2", "crop_id=1", 0, 403, no},
		"another's":                          {auth.Member{UID: 7, Uniacid: 2}, "2", "crop_id=2", 0, 403, no},
		"another's by the token":             {auth.Member{UID: 7, Uniacid: 2, CropID: 2}, "2", "", 0, 403, no},
		"the token's is not made up for":     {auth.Member{UID: 7, Uniacid: 2, CropID: 99}, "2", "", 0, 403, no},
		"one's own of another account":       {auth.Member{UID: 7, Uniacid: 2}, "2", "crop_id=3", 0, 403, no},
		"another account's path":             {auth.Member{UID: 7, Uniacid: 2}, "5", "", 0, 403, no},
		"another account's path and its own": {auth.Member{UID: 7, Uniacid: 2}, "5", "crop_id=3", 0, 403, no},
		"another account's path, named":      {auth.Member{UID: 7, Uniacid: 2}, "5", "crop_id=1", 0, 403, no},
		"an account that is none":            {auth.Member{UID: 7, Uniacid: 2}, "4294967295", "", 0, 403, no},
		"a deleted one alone":                {auth.Member{UID: 10, Uniacid: 2}, "2", "", 0, 403, no},
		"a deleted one, named":               {auth.Member{UID: 10, Uniacid: 2}, "2", "crop_id=4", 0, 403, no},
		"a deleted one does not count":       {auth.Member{UID: 11, Uniacid: 2}, "2", "", 1, 0, ""},
		"a right taken back":                 {auth.Member{UID: 12, Uniacid: 2}, "2", "", 0, 403, no},
		"a right taken back, named":          {auth.Member{UID: 12, Uniacid: 2}, "2", "crop_id=1", 0, 403, no},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			answer := b.send(t, ask{method: method, path: "/business/" + c.uniacid + "/plugin/WechatCustomers/getList", query: c.query, token: token(t, c.member)})
			t.Log(name, method)
			if c.row == 0 {
				answer.want(t, c.status, c.msg)
				continue
			}
			if diff := cmp.Diff([]int64{c.row}, rowIDs(answer.page(t).Data)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	}
}

func TestTheEnterprisesListedAreThoseThatAreManaged(t *testing.T) {
	t.Parallel()
	b := setup(t, rights)
	const none = `{"result":1,"msg":"ok","data":[]}`
	for name, c := range map[string]struct {
		member auth.Member
		want   string
	}{
		"one":                {auth.Member{UID: 7, Uniacid: 2}, `{"result":1,"msg":"ok","data":[{"crop_id":1,"name":"一"}]}`},
		"several":            {auth.Member{UID: 8, Uniacid: 2, CropID: 1}, `{"result":1,"msg":"ok","data":[{"crop_id":1,"name":"一"},{"crop_id":2,"name":"二"}]}`},
		"none":               {auth.Member{UID: 9, Uniacid: 2}, none},
		"a deleted one":      {auth.Member{UID: 10, Uniacid: 2}, none},
		"a right taken back": {auth.Member{UID: 12, Uniacid: 2}, none},
	} {
		if got := strings.TrimSpace(b.send(t, ask{path: businessPath, token: token(t, c.member)}).body); got != c.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	b.send(t, ask{path: businessPath, token: token(t, auth.Member{UID: 7, Uniacid: 5})}).want(t, 403, "无权管理该企业")
	b.send(t, ask{path: businessPath}).want(t, 401, "请登录")
}

func TestARightTakenBackOrAnEnterpriseDeletedCountsOnTheNextRequest(t *testing.T) {
	t.Parallel()
	b := setup(t, rights)
	seven, eight := of(t, 7), token(t, auth.Member{UID: 8, Uniacid: 2, CropID: 1})
	b.send(t, ask{token: seven}).page(t)
	b.send(t, ask{token: eight}).page(t)
	b.load(`{"manager":{"uniacid":2,"uid":7,"business_id":1,"deleted_at":"2024-05-01 08:00:00"}}`)
	b.send(t, ask{token: seven}).want(t, 403, "无权管理该企业")
	b.send(t, ask{token: eight}).page(t)
	b.load(`{"manager":{"uniacid":2,"uid":7,"business_id":1,"deleted_at":null}}`)
	b.send(t, ask{token: seven}).page(t)
	b.load(`{"business":{"uniacid":2,"id":1,"deleted_at":"2024-05-01 08:00:00"}}`)
	b.send(t, ask{token: seven}).want(t, 403, "无权管理该企业")
	b.send(t, ask{token: eight}).want(t, 403, "无权管理该企业")
	// What is left to member 8 is the only one now, and its token still names the other.
	if got := rowIDs(b.send(t, ask{token: of(t, 8)}).page(t).Data); !cmp.Equal(got, []int64{2}) {
		t.Errorf("rows %v", got)
	}
}

func TestWhetherAnEnterpriseExistsDoesNotShow(t *testing.T) {
	t.Parallel()
	b := setup(t, rights)
	signed := of(t, 7)
	want := b.send(t, ask{token: signed, query: "crop_id=2"})
	for _, query := range []string{"crop_id=3", "crop_id=4", "crop_id=99", "crop_id=4294967295"} {
		got := b.send(t, ask{token: signed, query: query})
		for _, own := range []string{"Date", "X-Request-Id"} {
			want.header.Del(own)
			got.header.Del(own)
		}
		if got.status != want.status || got.body != want.body || !cmp.Equal(got.header, want.header) {
			t.Errorf("%s: %+v, and for one that exists %+v", query, got, want)
		}
	}
}

// What the README advises for old pages, all of it at once.
func TestAnOldPageIsServedByItsCookieAloneAndSeesFailuresAs200(t *testing.T) {
	t.Parallel()
	b := setup(t, rights, config(func(c *httpapi.Config) { c.JWTCookie, c.LegacyStatus = "mall_token", true }))
	page := ask{
		method: http.MethodPost, query: "i=2&c=site&_=1", body: `{"page":1,"search":{"status":"","time":[],"customer":null}}`,
		header: http.Header{"Content-Type": {jsonType}, "Cookie": {"PHPSESSID=1; mall_token=" + token(t, auth.Member{UID: 8, Uniacid: 2, CropID: 2})}},
	}
	if got := rowIDs(b.send(t, page).page(t).Data); !cmp.Equal(got, []int64{2}) {
		t.Errorf("rows %v", got)
	}
	page.body = `{"search":{"status":2}}`
	b.send(t, page).want(t, 200, "参数错误:search[status] 只能是 1 或 -1", "search[status]", "只能是 1 或 -1,收到的是 「2」")
	page.header.Del("Cookie")
	b.send(t, page).want(t, 200, "请登录")
}

func TestTheTokenIsTheHeadersElseTheConfiguredCookies(t *testing.T) {
	t.Parallel()
	with := setup(t, rights, config(func(c *httpapi.Config) { c.JWTCookie = "mall_token" }))
	without := setup(t, rights)
	cookie := func(value string) http.Header {
		return http.Header{"Cookie": {"other=1; mall_token=" + value + "; last=2"}}
	}
	for name, c := range map[string]struct {
		*bundle
		ask
		row int64 // 0 for 401
	}{
		"the cookie":                     {with, ask{header: cookie(of(t, 7))}, 1},
		"the cookie's default":           {with, ask{header: cookie(token(t, auth.Member{UID: 8, Uniacid: 2, CropID: 2}))}, 2},
		"the header before the cookie":   {with, ask{header: cookie(of(t, 9)), token: of(t, 7)}, 1},
		"a bad header before the cookie": {with, ask{header: cookie(of(t, 7)), token: "x.y.z"}, 0},
		"a bad cookie":                   {with, ask{header: cookie("x.y.z")}, 0},
		"a bad cookie before the good":   {with, ask{header: cookie("x.y.z; mall_token=" + of(t, 7))}, 1},
		"another cookie":                 {with, ask{header: http.Header{"Cookie": {"token=" + of(t, 7)}}}, 0},
		"Basic beside the cookie":        {with, ask{header: http.Header{"Authorization": {"Basic eDp5"}, "Cookie": cookie(of(t, 7))["Cookie"]}}, 1},
		"no cookie configured":           {without, ask{header: cookie(of(t, 7))}, 0},
		"a token in the query":           {without, ask{query: "token=" + of(t, 7) + "&access_token=" + of(t, 7)}, 0},
	} {
		t.Log(name)
		answer := c.bundle.send(t, c.ask)
		if c.row == 0 {
			answer.want(t, 401, "请登录")
			if answer.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("WWW-Authenticate %q", answer.header.Get("WWW-Authenticate"))
			}
			continue
		}
		if got := rowIDs(answer.page(t).Data); !cmp.Equal(got, []int64{c.row}) {
			t.Errorf("rows %v", got)
		}
	}
}
