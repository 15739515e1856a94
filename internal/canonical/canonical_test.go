package canonical_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/canonical"
)

// setup returns a Normaliser for the document's getList.
func setup(t testing.TB) *canonical.Normaliser {
	t.Helper()
	return normaliser(t, false)
}

func normaliser(t testing.TB, legacy bool) *canonical.Normaliser {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	item := document.Paths.Value("/business/{uniacid}/plugin/WechatCustomers/getList")
	return canonical.New(canonical.Params(item), 200, legacy)
}

type vector struct {
	Name, Method, Query, ContentType, Body string
	Meaning                                url.Values
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	if err := json.Unmarshal(text, &vs); err != nil {
		t.Fatal(err)
	}
	if len(vs) < 100 {
		t.Fatalf("only %d vectors", len(vs))
	}
	return vs
}

func TestEveryRecordedClientSaysWhatItMeant(t *testing.T) {
	t.Parallel()
	n := setup(t)
	for _, v := range vectors(t) {
		got, err := n.Normalise(v.Query, v.ContentType, []byte(v.Body))
		if err != nil {
			t.Errorf("%s: %v\n%s\n%s", v.Name, err, v.Query, v.Body)
			continue
		}
		if diff := cmp.Diff(v.Meaning, parse(t, got)); diff != "" {
			t.Errorf("%s: (-meant +understood)\n%s\n%s\n%s", v.Name, diff, v.Query, v.Body)
		}
	}
}

func parse(t testing.TB, query string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	return values
}

const (
	jsonType      = "application/json"
	formType      = "application/x-www-form-urlencoded"
	multipartType = "multipart/form-data; boundary=b"
)

func TestSpellingsMeanTheLiteralQuery(t *testing.T) {
	t.Parallel()
	n := setup(t)
	for _, c := range []struct{ name, query, contentType, body, want string }{
		{"a lone % is text", "search[customer]=100%", "", "", "search[customer]=100%"},
		{"a broken escape is text", "search[customer]=%zz%4", "", "", "search[customer]=%zz%4"},
		{"a semicolon is text", "search[customer]=a;b&search[status]=1;", "", "", "search[customer]=a;b&search[status]=1;"},
		{"a plus is a space", "search[customer]=a+b%2Bc", "", "", "search[customer]=a b+c"},
		{"text beyond ASCII, raw and escaped", "search[类型]=1&search[customer]=%E6%9D%8E", "", "", "search[customer]=李&search[类型]=1"},
		{"the last scalar wins", "search[status]=1&search[status]=-1", "", "", "search[status]=-1"},
		{"a last empty scalar wins too", "search[status]=1&search[status]=", "", "", ""},
		{"old pages' keys pass", "_=1&i=2&c=site&type=7&mid[a]=3&per_page=&crop_id=", "", "", ""},
		{"pages' keys of any shape pass in JSON", "", jsonType, `{"i":{"a":[[[[[true]]]]]},"_":true,"_":1,"type":1,"mid":[1],"":0}`, ""},
		{"a misspelt key without a value passes", "corp_id=&limit=", jsonType, `{"params":{"search":{"status":"","time":[]},"page":null},"perPage":{}}`, ""},
		{"numbers with spaces", "page=+2+&crop_id=%201&search[status]=+1&search[time][]=+4&search[time][]=5+", jsonType, `{"per_page":" 20 "}`,
			"search[status]=1&search[time][]=4&search[time][]=5&crop_id=1&per_page=20&page=2"},
		{"a page with its sign", "page=%2B2", "", "", "page=2"},
		{"spaces alone are no value", "page=+&search[status]=%20&search[time][]=+&search[time][]=4", "", "", "search[time][]=&search[time][]=4"},
		{"an unknown filter without a value passes", "search[x]=&search[y][]=&search[status][]=", jsonType, `{"search":{"x":"","y":null,"z":[],"w":{}}}`, ""},
		{"pages", "page=007", "", "", "page=7"},
		{"the first page is not written", "page=1", "", "", ""},
		{"page 0 is the first", "page=000", "", "", ""},
		{"a page past every list", "page=99999999999999999999999", "", "", "page=1000000000"},
		{"an exact page from JSON", "", jsonType, `{"page":2.0}`, "page=2"},
		{"exponents", "", jsonType, `{"page":1e1,"search":{"member":123456789012345678901,"add_way_type":2.01e2}}`, "search[member]=123456789012345678901&search[add_way_type]=201&page=10"},
		{"a start alone", "search[time]=5", "", "", "search[time][]=5&search[time][]="},
		{"an end alone by its index", "search[time][1]=5", "", "", "search[time][]=&search[time][]=5"},
		{"indexes in any order", "search[time][1]=5&search[time][0]=4", "", "", "search[time][]=4&search[time][]=5"},
		{"after an index the next item is the next", "search[time][0]=4&search[time][]=5", "", "", "search[time][]=4&search[time][]=5"},
		{"a cleared field before the picker's", "search[time]=&search[time][]=4&search[time][]=5", "", "", "search[time][]=4&search[time][]=5"},
		{"a time joined by String()", "search[time]=4,5", "", "", "search[time][]=4&search[time][]=5"},
		{"seconds with a fraction", "", jsonType, `{"search":{"time":[1631950639.9,1631950639999.5]}}`, "search[time][]=1631950639&search[time][]=1631950639"},
		{"the same second twice", "search[time][]=1631950639999&search[time][]=1631950639000", "", "", "search[time][]=1631950639&search[time][]=1631950639"},
		{"a PHP object as array", "", jsonType, `{"search":{"time":{"1":5},"tags_data":{"7":"a","9":"b"}}}`, "search[tags_data]=a,b&search[time][]=&search[time][]=5"},
		{"tag ids with gaps", "search[tags_data][]=a,,b&search[tags_data][]=&search[tags_data][9]= c", "", "", "search[tags_data]=a,b,c"},
		{"dots", "search.status=1&search.time.1=5&search.tags_data[0]=a&search[tags_data].1=b", "", "", "search[tags_data]=a,b&search[status]=1&search[time][]=&search[time][]=5"},
		{"the body wins key by key", "search[status]=1&search[remark]=r&page=3&search[time][]=1&search[time][]=2", jsonType, `{"search":{"status":-1,"time":[null,5]}}`,
			"search[status]=-1&search[time][]=&search[time][]=5&search[remark]=r&page=3"},
		{"an empty one in the body wins", "search[status]=1&search[remark]=r", formType, "search[status]=", "search[remark]=r"},
		{"an empty list in the body wins", "search[tags_data]=a&search[time][]=1&search[time][]=2", jsonType, `{"search":{"tags_data":[],"time":[]}}`, ""},
		{"an empty search leaves the query", "search[status]=1", jsonType, `{"search":[]}`, "search[status]=1"},
		{"filters as JSON in a form", "", formType, `search={"status":1}`, "search[status]=1"},
		{"filters as JSON in JSON", "", jsonType, `{"search":"{\"status\":1}"}`, "search[status]=1"},
		{"literal keys in JSON", "", jsonType, `{"search[status]":1,"search[time][]":[4,5]}`, "search[status]=1&search[time][]=4&search[time][]=5"},
		{"an empty search text", "search=", formType, "search=null", ""},
		{"an empty body of any type", "page=2", "text/plain", " \n", "page=2"},
		{"nothing but null", "page=2", jsonType, "null", "page=2"},
		{"PHP's empty array", "page=2", jsonType, "[]", "page=2"},
		{"a type in capitals, with parameters", "", "Application/JSON ; Charset=utf-8; x", `{"page":2}`, "page=2"},
		{"a page past every list, from JavaScript", "", jsonType, `{"page":1e+21}`, "page=1000000000"},
		{"a page past every list, from PHP", "", jsonType, `{"page":1.0e+16}`, "page=1000000000"},
		{"minus zero", "", jsonType, `{"page":-0.0,"search":{"add_way_type":-0.0}}`, "search[add_way_type]=0"},
		{"JSON sent as a form", "search[remark]=r", formType + "; charset=UTF-8", ` {"page":2,"search":{"status":1}}`, "search[status]=1&search[remark]=r&page=2"},
		{"a character in two halves", "", jsonType, `{"search":{"customer":"\ud83d\ude00\\ud83d"}}`, `search[customer]=😀\ud83d`},
		{"keys that only resemble a filter's", "research[x]=1&searching=1&each.y=1&search_word=1", jsonType, `{"research":{"state":1},"searchable":5}`, ""},
		{"multipart", "", multipartType, "--b\r\nContent-Disposition: form-data; name=\"search[customer]\"\r\n\r\n100%\r\n--b--\r\n", "search[customer]=100%"},
	} {
		got, err := n.Normalise(c.query, c.contentType, []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if plain, err := url.QueryUnescape(got); err != nil || plain != c.want {
			t.Errorf("%s: got %s, want %s", c.name, plain, c.want)
		}
	}
}

func TestWrongRequestsNameEachField(t *testing.T) {
	t.Parallel()
	n := setup(t)
	for _, c := range []struct{ name, query, contentType, body, want string }{
		{"a misspelt filter", "search[stauts]=1", "", "", "search[stauts] 不是可用的筛选项,您是否想用 search[status]?"},
		{"a misspelt filter in JSON", "", jsonType, `{"search":{"stauts":false}}`, "search[stauts] 不是可用的筛选项,您是否想用 search[status]?"},
		{"a filter cut short", "search[employee]=a", "", "", "search[employee] 不是可用的筛选项,您是否想用 search[employee_member]?"},
		{"a filter with more", "search[customer_name]=a", "", "", "search[customer_name] 不是可用的筛选项,您是否想用 search[customer]?"},
		{"a filter beyond ASCII", "search[类形]=1", "", "", "search[类形] 不是可用的筛选项,您是否想用 search[类型]?"},
		{"a filter in capitals", "Search[Time][]=1", "", "", "Search[Time][] 不是可用的筛选项,您是否想用 search[time][]?"},
		{"a filter escaped twice", "search%255Bstatus%255D=1", "", "", "search%5Bstatus%5D 不是可用的筛选项,您是否想用 search[status]?"},
		{"a filter like no other", "search[zzzzzz]=1", "", "", "search[zzzzzz] 不是可用的筛选项"},
		{"brackets left open", "search[status=1", "", "", "search[status 不是可用的筛选项,您是否想用 search[status]?"},
		{"several at once, in order", "search[a]=1&search[time][]=x&page=-1", "", "", "search[a] 不是可用的筛选项; search[time][] 应为 unix 时间戳(秒或毫秒),不限的一侧留空; page 应为正整数"},
		{"the same one twice", "search[a]=1&search[a]=2", "", "", "search[a] 不是可用的筛选项"},
		{"a negative page", "page=-1", "", "", "page 应为正整数"},
		{"a hexadecimal page", "page=0x1", "", "", "page 应为正整数"},
		{"half a page", "", jsonType, `{"page":1.5}`, "page 应为正整数"},
		{"an object for a page", "", jsonType, `{"page":{"a":1}}`, "page 只能给一个值"},
		{"a list for a scalar", "search[status][]=1", "", "", "search[status] 只能给一个值"},
		{"a misspelt filter with dots", "search.stauts=1", "", "", "search.stauts 不是可用的筛选项,您是否想用 search[status]?"},
		{"a boolean", "", jsonType, `{"search":{"status":true}}`, "search[status] 不能是布尔值"},
		{"a boolean among items", "", jsonType, `{"search":{"time":[false,1]}}`, "search[time][] 不能是布尔值"},
		{"a backward time", "search[time][]=2&search[time][]=1", "", "", "search[time][] 开始时间不能晚于结束时间"},
		{"a backward time in two units", "search[time][]=1632277573&search[time][]=1631950639999", "", "", "search[time][] 开始时间不能晚于结束时间"},
		{"three times", "search[time][]=1&search[time][]=2&search[time][]=3", "", "", "search[time][] 应为起、止两项"},
		{"a named side", "search[time][start]=1", "", "", "search[time][] 应为起、止两项"},
		{"a time before 1970", "search[time][]=-1", "", "", "search[time][] 应为 unix 时间戳(秒或毫秒),不限的一侧留空"},
		{"a date for a time", "search[time][]=2021-09-18", "", "", "search[time][] 应为 unix 时间戳(秒或毫秒),不限的一侧留空"},
		{"a time past any calendar", "search[time][]=100000000000000", "", "", "search[time][] 应为 unix 时间戳(秒或毫秒),不限的一侧留空"},
		{"nested items", "", jsonType, `{"search":{"tags_data":[["a"]]}}`, "search[tags_data] 格式不正确"},
		{"very deeply nested items", "", jsonType, `{"search":{"tags_data":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, "search[tags_data] 格式不正确"},
		{"invalid UTF-8", "search[customer]=%FF", "", "", "search[customer] 不是有效的 UTF-8 文本"},
		{"GBK", "search[customer]=%C0%EE", "", "", "search[customer] 不是有效的 UTF-8 文本"},
		{"invalid UTF-8 in JSON", "", jsonType, "{\"search\":{\"customer\":\"\xff\"}}", "search[customer] 不是有效的 UTF-8 文本"},
		{"invalid UTF-8 in a tag id", "search[tags_data][]=a&search[tags_data][]=%FF", "", "", "search[tags_data] 不是有效的 UTF-8 文本"},
		{"a NUL", "search[remark]=a%00", "", "", "search[remark] 不能含有空字符"},
		{"broken JSON", "", jsonType, `{"page":`, "body 不是有效的 JSON"},
		{"JSON and more", "", jsonType, `{"page":1} x`, "body 不是有效的 JSON"},
		{"a JSON list", "", jsonType, `[{"page":1}]`, "body 应为 JSON 对象"},
		{"a JSON string", "", jsonType, `"page"`, "body 应为 JSON 对象"},
		{"a key twice", "", jsonType, `{"search":{"status":1,"status":-1}}`, "search[status] 重复出现"},
		{"the search twice", "", jsonType, `{"search":{"status":1},"search":{}}`, "search 重复出现"},
		{"a search that is an object's name", "search=[object Object]", "", "", "search 不是有效的 JSON"},
		{"a search that is text", "search=abc", "", "", "search 应为对象,如 search[status]=1"},
		{"a search that is a number", "", jsonType, `{"search":5}`, "search 应为对象,如 search[status]=1"},
		{"a search that is a boolean", "", jsonType, `{"search":true}`, "search 应为对象,如 search[status]=1"},
		{"a search that is a list", "", jsonType, `{"search":["a"]}`, "search[0] 不是可用的筛选项"},
		{"a broken multipart", "", multipartType, "--b\r\nContent-Dis", "body 不是有效的 multipart/form-data"},
		{"a multipart of another boundary", "", multipartType, "--c\r\nContent-Disposition: form-data; name=\"page\"\r\n\r\n2\r\n--c--\r\n", "body 不是有效的 multipart/form-data"},
		{"a multipart cut after a part", "", multipartType, "--b\r\nContent-Disposition: form-data; name=\"page\"\r\n\r\n2\r\n--b\r\n", "body 不是有效的 multipart/form-data"},
		{"a multipart cut in a header", "", multipartType, "--b\r\nContent-Disposition: form-data; name=\"page\"", "body 不是有效的 multipart/form-data"},
		{"a multipart whose part has no name", "", multipartType, "--b\r\nContent-Disposition: form-data; name=search[status]\r\n\r\n1\r\n--b--\r\n", "body 不是有效的 multipart/form-data"},
		{"a misspelt search", "serach[status]=1", "", "", "serach[status] 不是可用的筛选项,您是否想用 search[status]?"},
		{"a misspelt search of JSON", "serach=%7B%22status%22:1%7D", "", "", "serach 不是可用的参数,您是否想用 search?"},
		{"a misspelt search in JSON", "", jsonType, `{"searxh":{"status":1}}`, "searxh[status] 不是可用的筛选项,您是否想用 search[status]?"},
		{"an address escaped for HTML", "page=2&amp;search[status]=1", "", "", "amp;search[status] 不是可用的筛选项,您是否想用 search[status]?"},
		{"an address with two question marks", "?search[status]=1", "", "", "?search[status] 不是可用的筛选项,您是否想用 search[status]?"},
		{"half a character", "", jsonType, `{"search":{"customer":"\ud83d"}}`, "search[customer] 不是有效的 UTF-8 文本"},
		{"the other half of a character", "", jsonType, `{"search":{"customer":"a\ude00\ud83d"}}`, "search[customer] 不是有效的 UTF-8 文本"},
		{"broken JSON sent as a form", "", formType, `{"page":2`, "body 不是有效的 JSON"},
		{"a multipart without boundary", "", "multipart/form-data", "--\r\n\r\na\r\n----", "body 不是有效的 multipart/form-data"},
	} {
		got, err := n.Normalise(c.query, c.contentType, []byte(c.body))
		var f *apierr.Error
		if !errors.As(err, &f) || f.Code != apierr.Invalid {
			t.Errorf("%s: got %q, %v", c.name, got, err)
			continue
		}
		var texts []string
		for _, field := range f.Fields {
			texts = append(texts, field.Field+" "+field.Message)
		}
		if text := strings.Join(texts, "; "); text != c.want {
			t.Errorf("%s: got %s, want %s", c.name, text, c.want)
		}
	}
}

func TestLimitsAndTypes(t *testing.T) {
	t.Parallel()
	n := setup(t)
	for _, c := range []struct {
		name, query, contentType, body string
		want                           apierr.Code
	}{
		{"text", "", "text/plain", "page=1", apierr.MediaType},
		{"no type", "", "", "page=1", apierr.MediaType},
		{"XML", "", "application/xml; charset=utf-8", "<a/>", apierr.MediaType},
		{"pairs in the query", strings.Repeat("a&", 201), "", "", apierr.TooLong},
		{"pairs in a form", strings.Repeat("a&", 200), formType, strings.Repeat("a&", 201), apierr.TooLarge},
		{"pairs in JSON", "", jsonType, `{"search":{"time":[` + strings.Repeat(`1,`, 200) + `1]}}`, apierr.TooLarge},
		{"pairs in a JSON text", "", formType, `search={"time":[` + strings.Repeat(`1,`, 200) + `1]}`, apierr.TooLarge},
		{"unrelated keys in JSON", "", jsonType, `{` + strings.Repeat(`"a":1,`, 200) + `"b":1}`, apierr.TooLarge},
		{"empty lists in JSON", "", jsonType, `{"search":{"time":[` + strings.Repeat(`[],`, 200) + `[]]}}`, apierr.TooLarge},
		{"pairs beside a list", "", jsonType, `{"search":{"tags_data":["a","b"]},` + strings.Repeat(`"a":1,`, 199) + `"b":1}`, apierr.TooLarge},
	} {
		if _, err := n.Normalise(c.query, c.contentType, []byte(c.body)); err == nil || apierr.Of(err).Code != c.want {
			t.Errorf("%s: got %v, want %d", c.name, err, c.want)
		}
	}
	if _, err := n.Normalise(strings.Repeat("a&", 200), formType, []byte(strings.Repeat("a&", 200))); err != nil {
		t.Errorf("as many pairs as allowed: %v", err)
	}
	items := strings.Repeat(`"a",`, 999) + `"b"`
	for _, body := range []string{`{"search":{"tags_data":[` + items + `]},` + strings.Repeat(`"a":1,`, 198) + `"b":1}`, `{"search[tags_data]":[` + items + `]}`} {
		got, err := n.Normalise("", jsonType, []byte(body))
		if want := "search%5Btags_data%5D=" + strings.Repeat("a%2C", 999) + "b"; err != nil || got != want {
			t.Errorf("a long list: %v, %d bytes", err, len(got))
		}
	}
	if got, err := n.Normalise("", formType, []byte(strings.Repeat("search[tags_data][]=a&", 1000))); err != nil || strings.Count(got, "%2C") != 999 {
		t.Errorf("a long list in a form: %v, %d bytes", err, len(got))
	}
}

func TestInLegacyAPageThatIsNoneIsTheFirst(t *testing.T) {
	t.Parallel()
	legacy := normaliser(t, true)
	for _, c := range []struct{ query, body, want string }{
		{"page=x&search[status]=1", "", "search[status]=1"},
		{"page=-1", "", ""},
		{"page=1.5", "", ""},
		{"page[]=2", "", ""},
		{"page=%FF", "", ""},
		{"page=+2", "", "page=2"},
		{"", `{"page":true,"search":{"status":1}}`, "search[status]=1"},
		{"", `{"page":{"a":1}}`, ""},
		{"page=3", `{"page":"x"}`, ""},
	} {
		got, err := legacy.Normalise(c.query, jsonType, []byte(c.body))
		if plain, _ := url.QueryUnescape(got); err != nil || plain != c.want {
			t.Errorf("%s %s: got %q, %v", c.query, c.body, got, err)
		}
	}
	if _, err := legacy.Normalise("page=x&search[time][]=x", "", nil); apierr.Of(err).Code != apierr.Invalid || len(apierr.Of(err).Fields) != 1 {
		t.Errorf("other garbage: %v", err)
	}
}

func TestParametersComeFromTheDocument(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData([]byte(`
openapi: 3.0.3
info: { title: t, version: "1" }
paths:
  /{p}:
    parameters:
      - { name: p, in: path, required: true, schema: { type: string } }
      - { name: page, in: query, x-comma-list: true, schema: { type: string } }
      - { name: 'search[time][]', in: query, schema: { type: array, items: { type: string } } }
    get:
      parameters:
        - { name: omit, in: query, style: form, explode: false, schema: { type: array, items: { type: string } } }
        - { name: 'search[tags_data]', in: query, schema: { type: string, x-comma-list: true } }
        - { name: 'search[new]', in: query, schema: { type: integer } }
        - { name: page, in: query, schema: { type: integer } }
        - { name: 'search[text]', in: query, schema: { type: string, maxLength: 9 } }
        - { name: sort, in: query, schema: { type: string, enum: [id] } }
      responses: {}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := canonical.Params(document.Paths.Value("/{p}"))
	want := []canonical.Param{
		{Name: "search[time][]", Kind: canonical.Range}, {Name: "omit", Kind: canonical.List},
		{Name: "search[tags_data]", Kind: canonical.List}, {Name: "search[new]", Kind: canonical.Number},
		{Name: "page", Kind: canonical.Page}, {Name: "search[text]", Length: 9}, {Name: "sort", Kind: canonical.Word},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzNormalise(f *testing.F) {
	n := setup(f)
	for _, v := range vectors(f) {
		f.Add(v.Query, v.ContentType, []byte(v.Body))
	}
	f.Add(
		"search[customer]=100%&search[time][7]=1&a;b",
		jsonType,
		[]byte(`{"search":{"time":{"1":1e11},"tags_data":[[]]},"page":1.0}`),
	)
	f.Fuzz(func(t *testing.T, query, contentType string, body []byte) {
		got, err := n.Normalise(query, contentType, body)
		if err != nil {
			var e *apierr.Error
			if !errors.As(err, &e) || e.Code == apierr.Internal || (e.Code == apierr.Invalid) != (len(e.Fields) > 0) {
				t.Fatalf("no answer for a caller: %#v", err)
			}
			for _, field := range e.Fields {
				if field.Field == "" || field.Message == "" || !utf8.ValidString(field.Field+field.Message) {
					t.Fatalf("wrong field: %+q", field.Field+field.Message)
				}
			}
			return
		}
		for name, values := range parse(t, got) {
			if !utf8.ValidString(name + strings.Join(values, "")) {
				t.Fatalf("not UTF-8: %q", got)
			}
		}
		if again, err := n.Normalise(got, "", nil); err != nil || again != got {
			t.Fatalf("%q became %q, %v", got, again, err)
		}
	})
}

func BenchmarkNormalise(b *testing.B) {
	n := setup(b)
	for _, v := range vectors(b) {
		switch v.Name {
		case "axios 1 get: everything set",
			"axios 1 post json: everything set",
			"axios 0.27 get: everything set",
			"jquery post: everything set",
			"jquery get: nothing set":
			b.Run(v.Name, func(b *testing.B) {
				body := []byte(v.Body)
				b.ReportAllocs()
				for b.Loop() {
					if _, err := n.Normalise(v.Query, v.ContentType, body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
