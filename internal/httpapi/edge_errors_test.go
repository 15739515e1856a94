package httpapi_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
)

func TestEachWrongParameterIsNamedWithWhatItMayBeAndWhatItWas(t *testing.T) {
	t.Parallel()
	b := setup(t, manager)
	signed := of(t, uid)
	long := strings.Repeat("长", 201)
	cut := "「" + strings.Repeat("长", 40) + "…」"
	for _, c := range []struct{ query, field, may, got string }{
		{"search[status]=0", "search[status]", "只能是 1 或 -1", "「0」"},
		{"search[status]=lost", "search[status]", "只能是 1 或 -1", "「lost」"},
		{"search[status]=1.5", "search[status]", "只能是 1 或 -1", "「1.5」"},
		{"search[status]=99999999999999999999", "search[status]", "只能是 1 或 -1", "「99999999999999999999」"},
		{"search[type]=3", "search[type]", "只能是 1 或 2", "「3」"},
		{"search[类型]=微信", "search[类型]", "只能是 1 或 2", "「微信」"},
		{"search[add_way_type]=-1", "search[add_way_type]", "只能是 0 到 65535 的整数", "「-1」"},
		{"search[add_way_type]=65536", "search[add_way_type]", "只能是 0 到 65535 的整数", "「65536」"},
		{"search[add_way_type]=0x1", "search[add_way_type]", "只能是 0 到 65535 的整数", "「0x1」"},
		{"search[add_way_type]=%2B1", "search[add_way_type]", "", ""}, // +1 is a number in Go and in kin-openapi: 1
		{"search[member]=李", "search[member]", "只能是 1 到 20 位数字", "「李」"},
		{"search[member]=123456789012345678901", "search[member]", "只能是 1 到 20 位数字", "「123456789012345678901」"},
		{"search[customer]=" + long, "search[customer]", "最多 200 个字符", cut},
		{"search[remark]=" + long, "search[remark]", "最多 200 个字符", cut},
		{"search[employee_member]=" + strings.Repeat("a,", 1000) + "a", "search[employee_member]",
			"最多 1000 个 userid", "「" + strings.Repeat("a,", 20) + "…」"},
		{"search[gender]=3", "search[gender]", "只能是 0 或 1 或 2", "「3」"},
		{"search[mobile]=abc", "search[mobile]", "只能是数字,可以有空格、+ 和 -", "「abc」"},
		{"search[mobile]=%2B-", "search[mobile]", "只能是数字,可以有空格、+ 和 -", "「+-」"},
		{"search[mobile]=" + strings.Repeat("1", 41), "search[mobile]", "最多 40 个字符",
			"「" + strings.Repeat("1", 40) + "…」"},
		{"search[keyword]=" + long, "search[keyword]", "最多 200 个字符", cut},
		{"sort=name", "sort", "只能是 -id 或 -createtime 或 createtime", "「name」"},
		{"search[tags_data]=" + strings.Repeat("a,", 1000) + "a", "search[tags_data]", "最多 1000 个标签 id", "「" + strings.Repeat("a,", 20) + "…」"},
		{"search[tags_all]=" + strings.Repeat("a,", 1000) + "a", "search[tags_all]", "最多 1000 个标签 id", "「" + strings.Repeat("a,", 20) + "…」"},
		{"search[tags_none]=" + strings.Repeat("a,", 1000) + "a", "search[tags_none]", "最多 1000 个标签 id", "「" + strings.Repeat("a,", 20) + "…」"},
		{"corp_id=500", "corp_id", "不是可用的参数,您是否想用 crop_id?", ""},
		{"pageSize=50", "pageSize", "不是可用的参数,您是否想用 per_page?", ""},
		{"params[search][status]=1", "params[search][status]", "不是可用的筛选项,您是否想用 search[status]?", ""},
		{"search[time][]=5&search[time][]=4", "search[time][]", "开始时间不能晚于结束时间", "「5,4」"},
		{"search[time][]=yesterday", "search[time][]", "应为 unix 时间戳(秒或毫秒),不限的一侧留空", "「yesterday」"},
		{"search[time][]=1&search[time][]=2&search[time][]=3", "search[time][]", "应为起、止两项", "「3」"},
		{"page=-1", "page", "应为正整数", "「-1」"},
		{"page=1.5", "page", "应为正整数", "「1.5」"},
		{"page=x", "page", "应为正整数", "「x」"},
		{"per_page=101", "per_page", "只能是 1 到 100 的整数", "「101」"},
		{"per_page=0", "per_page", "只能是 1 到 100 的整数", "「0」"},
		{"crop_id=0", "crop_id", "只能是 1 到 4294967295 的整数", "「0」"},
		{"crop_id=4294967296", "crop_id", "只能是 1 到 4294967295 的整数", "「4294967296」"},
		{"omit=all", "omit", "只能是 tag、employee 或 tag,employee", "「all」"},
		{"before_id=0", "before_id", "只能是不小于 1 的整数", "「0」"},
		{"before_id=9223372036854775808", "before_id", "只能是不小于 1 的整数", "「9223372036854775808」"},
		{"before_id=5&page=2", "before_id", "不能与 1 以外的 page 同时使用", "「5」"},
		{"search[type]=1&search[类型]=2", "search[type]", "与 search[类型] 不同,两者含义相同,请只传一个", "「1」"},
		{"search[statu]=1", "search[statu]", "不是可用的筛选项,您是否想用 search[status]?", ""},
		{"search[tag]=a", "search[tag]", "不是可用的筛选项,您是否想用 search[tags_data]?", ""},
		{"search[zzzzzz]=a", "search[zzzzzz]", "不是可用的筛选项", ""},
	} {
		for _, a := range []ask{
			{query: c.query, token: signed},
			{method: http.MethodPost, body: c.query, header: http.Header{"Content-Type": {formType}}, token: signed},
		} {
			answer := b.send(t, a)
			if c.may == "" {
				if answer.status != http.StatusOK {
					t.Errorf("%s: %d %s", c.query, answer.status, answer.body)
				}
				continue
			}
			message := c.may
			if c.got != "" {
				message += ",收到的是 " + c.got
			}
			t.Log(c.query)
			answer.want(t, 400, "参数错误:"+c.field+" "+c.may, c.field, message)
		}
	}
	b.send(t, ask{path: strings.Replace(listPath, "/2/", "/x/", 1), token: signed}).
		want(t, 400, "参数错误:uniacid 只能是 1 到 4294967295 的整数", "uniacid", "只能是 1 到 4294967295 的整数,收到的是 「x」")
	b.send(t, ask{method: http.MethodPost, body: `{"search":{"status":true}}`, header: http.Header{"Content-Type": {jsonType}}, token: signed}).
		want(t, 400, "参数错误:search[status] 不能是布尔值", "search[status]", "不能是布尔值,收到的是 「true」")
	b.send(t, ask{method: http.MethodPost, body: `{"search":`, header: http.Header{"Content-Type": {jsonType}}, token: signed}).
		want(t, 400, "参数错误:body 不是有效的 JSON", "body", "不是有效的 JSON")
}

func TestSeveralWrongParametersAreAllNamed(t *testing.T) {
	t.Parallel()
	b := setup(t, manager)
	b.send(t, ask{query: "search[status]=3&per_page=0&page=-1&search[custmer]=a&omit=x", token: of(t, uid)}).want(t, 400,
		"参数错误:search[custmer] 不是可用的筛选项,您是否想用 search[customer]?;search[status] 只能是 1 或 -1;per_page 只能是 1 到 100 的整数;omit 只能是 tag、employee 或 tag,employee;page 应为正整数",
		"search[custmer]", "不是可用的筛选项,您是否想用 search[customer]?", "search[status]", "只能是 1 或 -1,收到的是 「3」",
		"per_page", "只能是 1 到 100 的整数,收到的是 「0」", "omit", "只能是 tag、employee 或 tag,employee,收到的是 「x」", "page", "应为正整数,收到的是 「-1」")
}

// refusals are the requests that are answered with each failure but those of the server itself.
func refusals(t *testing.T) map[string]struct {
	ask
	status int
	msg    string
} {
	t.Helper()
	signed := of(t, uid)
	typed := func(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }
	return map[string]struct {
		ask
		status int
		msg    string
	}{
		"no token":               {ask{}, 401, "请登录"},
		"a token that is none":   {ask{token: "x.y.z"}, 401, "请登录"},
		"another account":        {ask{token: signed, path: strings.Replace(listPath, "/2/", "/3/", 1)}, 403, "无权管理该企业"},
		"another enterprise":     {ask{token: signed, query: "crop_id=9"}, 403, "无权管理该企业"},
		"several enterprises":    {ask{token: of(t, 8)}, 400, "请先选择要管理的企业"},
		"no enterprise":          {ask{token: of(t, 9)}, 403, "无权管理该企业"},
		"no route":               {ask{token: signed, path: "/business/2/plugin/WechatCustomers/getlist"}, 404, "接口不存在"},
		"no route, no account":   {ask{path: "/business/"}, 404, "接口不存在"},
		"no route to POST to":    {ask{method: "POST", path: "/business/2/x", body: "x"}, 404, "接口不存在"},
		"PUT":                    {ask{method: "PUT", token: signed}, 405, "不支持的请求方法"},
		"DELETE":                 {ask{method: "DELETE"}, 405, "不支持的请求方法"},
		"PATCH":                  {ask{method: "PATCH", body: "{}"}, 405, "不支持的请求方法"},
		"OPTIONS":                {ask{method: "OPTIONS"}, 405, "不支持的请求方法"},
		"TRACE":                  {ask{method: "TRACE"}, 405, "不支持的请求方法"},
		"a method of no one":     {ask{method: "BREW"}, 405, "不支持的请求方法"},
		"POST to the other":      {ask{method: "POST", path: businessPath, token: signed}, 405, "不支持的请求方法"},
		"a large body":           {ask{method: "POST", token: signed, body: strings.Repeat("a", 256<<10+1), header: typed(formType)}, 413, "请求内容过大"},
		"a large body of a GET":  {ask{token: signed, body: strings.Repeat("a", 256<<10+1), header: typed(formType)}, 413, "请求内容过大"},
		"many pairs in the body": {ask{method: "POST", token: signed, body: strings.Repeat("a=&", 201), header: typed(formType)}, 413, "请求内容过大"},
		"a long address":         {ask{token: signed, query: strings.Repeat("a", 16<<10)}, 414, "请求地址过长"},
		"a long path":            {ask{path: "/business/" + strings.Repeat("2", 16<<10)}, 414, "请求地址过长"},
		"many pairs":             {ask{token: signed, query: strings.Repeat("a=&", 201)}, 414, "请求地址过长"},
		"XML":                    {ask{method: "POST", token: signed, body: "<a/>", header: typed("text/xml")}, 415, "不支持的请求内容类型,请使用 JSON 或表单"},
		"no type":                {ask{method: "POST", token: signed, body: "a"}, 415, "不支持的请求内容类型,请使用 JSON 或表单"},
		"text in a GET":          {ask{token: signed, body: "a", header: typed("text/plain")}, 415, "不支持的请求内容类型,请使用 JSON 或表单"},
		"a compressed body": {ask{method: "POST", token: signed, body: "\x1f\x8b", header: http.Header{"Content-Type": {jsonType}, "Content-Encoding": {"gzip"}}},
			415, "不支持的请求内容类型,请使用 JSON 或表单"},
		"a large header": {ask{token: signed, header: http.Header{"X-Much": {strings.Repeat("a", 16<<10), strings.Repeat("a", 16<<10)}}}, 431, "请求头过大"},
	}
}

// managers lets member 8 manage two enterprises.
const managers = `{"business":{"uniacid":2,"id":2,"name":"又一家"}}
` + manager + `{"manager":{"uniacid":2,"uid":8,"business_id":1}}
{"manager":{"uniacid":2,"uid":8,"business_id":2}}
`

func TestEachRefusalHasItsStatusAndItsText(t *testing.T) {
	t.Parallel()
	b := setup(t, managers)
	for name, c := range refusals(t) {
		answer := b.send(t, c.ask)
		t.Log(name)
		answer.want(t, c.status, c.msg)
		if id := answer.header.Get("X-Request-Id"); len(id) != 12 {
			t.Errorf("%s: X-Request-Id %q", name, id)
		}
		if c.status == http.StatusMethodNotAllowed && !strings.Contains(answer.header.Get("Allow"), "GET") {
			t.Errorf("%s: Allow is %q", name, answer.header.Get("Allow"))
		}
		if answer.header.Get("Cache-Control") != "no-store" || answer.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %v", name, answer.header)
		}
	}
}

func TestLegacyStatusSendsEveryEnvelopeAs200(t *testing.T) {
	t.Parallel()
	b := setup(t, managers+tag, config(func(c *httpapi.Config) { c.LegacyStatus = true }))
	for name, c := range refusals(t) {
		t.Log(name)
		b.send(t, c.ask).want(t, 200, c.msg)
	}
	b.send(t, ask{query: "search[status]=3", token: of(t, uid)}).
		want(t, 200, "参数错误:search[status] 只能是 1 或 -1", "search[status]", "只能是 1 或 -1,收到的是 「3」")
	if answer := b.send(t, ask{path: "/nothing"}); answer.status != http.StatusNotFound {
		t.Errorf("outside the API: %d", answer.status)
	}
	b.unreadable(t)
	if answer := b.send(t, ask{token: of(t, uid)}); answer.status != 200 || !strings.HasPrefix(answer.failure(t).Msg, "服务器内部错误") {
		t.Errorf("a failure of the server: %d %s", answer.status, answer.body)
	}
}

// logged is a log whose lines can be waited for: a request is logged after its answer went out.
type logged chan string

func (l logged) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// of returns the line of the request with this id.
func (l logged) of(id string) string {
	for line := range l {
		if strings.Contains(line, `"request_id":"`+id+`"`) {
			return line
		}
	}
	return ""
}

const tag = `{"tag":{"uniacid":2,"id":1,"crop_id":1,"tag_id":"etA","name":"标签"}}
`

// unreadable makes a column of the tags another than the program reads: a fault that no operator's
// doing explains, and so the program's.
func (b *bundle) unreadable(t *testing.T) {
	t.Helper()
	_, err := b.DB.ExecContext(t.Context(), "ALTER TABLE tags MODIFY COLUMN `order` VARCHAR(10) NOT NULL DEFAULT 'none'")
	mustSucceed(t, err)
	_, err = b.DB.ExecContext(t.Context(), "UPDATE tags SET `order` = 'none'")
	mustSucceed(t, err)
}

func TestAFailureOfTheServerSaysItsRequestAndNeverItsCauseWhichIsLogged(t *testing.T) {
	t.Parallel()
	log := make(logged, 100)
	b := setup(t, manager+tag, config(func(c *httpapi.Config) { c.Log = slog.New(slog.NewJSONHandler(log, nil)) }))
	b.unreadable(t)
	answer := b.send(t, ask{token: of(t, uid), query: "search[customer]=secret"})
	id := answer.header.Get("X-Request-Id")
	answer.want(t, 500, "服务器内部错误(请求 "+id+")")
	line := log.of(id)
	if !strings.Contains(line, `converting driver.Value type`) || !strings.Contains(line, `"level":"ERROR"`) {
		t.Errorf("the log says\n%s", line)
	}
	if strings.Contains(line, "secret") || strings.Contains(line, of(t, uid)[:20]) {
		t.Errorf("the log has what was searched for, or the token:\n%s", line)
	}
}

func TestAPanicIsAFailureOfTheServer(t *testing.T) {
	t.Parallel()
	log := make(logged, 100)
	b := setup(t, manager, config(func(c *httpapi.Config) {
		c.Operations, c.Log = nil, slog.New(slog.NewJSONHandler(log, nil)) // a nil interface is called
	}))
	answer := b.send(t, ask{token: of(t, uid)})
	id := answer.header.Get("X-Request-Id")
	answer.want(t, 500, "服务器内部错误(请求 "+id+")")
	if line := log.of(id); !strings.Contains(line, "panic: ") || !strings.Contains(line, "gen/api") {
		t.Errorf("the log says\n%s", line)
	}
}

func TestADatabaseThatIsGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]string{
		"nobody listens": "u:p@tcp(127.0.0.1:1)/x",
		"no socket":      "u:p@unix(/nowhere/mysqld.sock)/x",
	} {
		db, err := store.Open(dsn)
		mustSucceed(t, err)
		defer db.Close()
		b := setup(t, manager, config(func(c *httpapi.Config) { c.Operations = getlist.New(getlist.Config{DB: db}) }))
		for _, path := range []string{listPath, businessPath} {
			t.Log(name, path)
			b.send(t, ask{path: path, token: of(t, uid)}).want(t, 503, "服务暂时不可用,请稍后再试")
		}
	}
}

func TestTheDatabaseComingBackIsEnough(t *testing.T) {
	t.Parallel()
	w := dbtest.StartWire(t, dbtest.New(t), nil)
	db, err := store.Open(w.DSN)
	mustSucceed(t, err)
	defer db.Close()
	mustSucceed(t, store.Migrate(t.Context(), db, slog.New(slog.DiscardHandler)))
	b := setup(t, manager, config(func(c *httpapi.Config) { c.Operations = getlist.New(getlist.Config{DB: db}) }))
	// This server's own database is another one, where nobody manages anything.
	b.send(t, ask{token: of(t, uid)}).want(t, 403, "无权管理该企业")
	w.Cut()
	b.send(t, ask{token: of(t, uid)}).want(t, 503, "服务暂时不可用,请稍后再试")
	w.Mend(t)
	b.send(t, ask{token: of(t, uid)}).want(t, 403, "无权管理该企业")
}

func TestTheGeneratedClientReadsAFailureByItsStatus(t *testing.T) {
	t.Parallel()
	b := setup(t, managers)
	answer, err := b.as(auth.Member{UID: 8, Uniacid: uniacid}).GetListWithResponse(t.Context(), uniacid, &client.GetListParams{})
	mustSucceed(t, err)
	if answer.JSON400 == nil || answer.JSON400.Msg != "请先选择要管理的企业" {
		t.Errorf("%s %s", answer.Status(), answer.Body)
	}
}

func TestTimeToAnswerThatIsOverIsUnavailable(t *testing.T) {
	t.Parallel()
	b := setup(t, manager, config(func(c *httpapi.Config) { c.Limits.Handle = time.Nanosecond }))
	for _, path := range []string{listPath, businessPath} {
		b.send(t, ask{path: path, token: of(t, uid)}).want(t, 503, "服务暂时不可用,请稍后再试")
	}
}
