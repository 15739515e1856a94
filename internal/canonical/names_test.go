package canonical_test

import (
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/canonical"
)

// refusal returns what is said of the only wrong key of a request, "" where it passes.
func refusal(t *testing.T, n *canonical.Normaliser, query, body string) string {
	t.Helper()
	_, err := n.Normalise(query, jsonType, []byte(body))
	if err == nil {
		return ""
	}
	var f *apierr.Error
	if !errors.As(err, &f) || f.Code != apierr.Invalid || len(f.Fields) == 0 {
		t.Fatalf("%s %s: %v", query, body, err)
	}
	return f.Fields[0].Field + " " + f.Fields[0].Message
}

func TestAKeyThatMisspellsOneOfOursIsRefusedWithIt(t *testing.T) {
	t.Parallel()
	n := setup(t)
	for want, keys := range map[string][]string{
		"crop_id": {
			"corp_id", "cropId", "cropid", "corp", "crop", "CROP_ID", "crop-id", "crop.id", "crop_ids", "cropID", "corpId", "corpID", "crop_id ", "?crop_id", "amp;crop_id",
			"business_id", "businessId", "companyId", "enterprise_id", "params[crop_id]", "params[cropId]", "data.corp_id", "my_crop_id", "crop_id_list", "corp_id[]", "a[b][crop_id][]",
		},
		"per_page": {"pageSize", "perPage", "limit", "Limit", "page_size", "PAGE_SIZE", "perpage", "per-page", "per_pages", "size", "itemsPerPage", "rows_per_page", "params[limit]"},
		"page": {
			"Page", "PAGE", "pgae", "pag", "pages", "page_num", "pageNum", "pageNo", "pageIndex", "page_number", "currentPage", "params[page]", "params.page", "data[0][page]", "offset",
		},
		"sort":             {"Sort", "sorts", "sotr", "orderBy", "sort_by", "order", "options[sort]"},
		"before_id":        {"beforeId", "before", "before_ids", "befor_id", "params[before_id]"},
		"omit":             {"Omit", "ommit", "omits"},
		"search[status]":   {"search_status", "searchStatus", "search-status", "search:status", "searchstatus", "serach_status", "search[Status]", "SEARCH[STATUS]", "search%5Bstatus%5D", "status", "Status", "params[search][status]", "params.search.status", "params[search_status]", "filter[status]", "filters.status", "a[b][search][stauts]", "paramsSearchStatus", "query[status]"},
		"search[time][]":   {"search_time", "searchTime[]", "Search[time][]", "filter[time][0]", "params[search][time][]", "time[]", "time[0]"},
		"search[customer]": {"search_customer", "custmer", "search_customer_name", "filter[customer]"},
		"search[type]":     {"search_type", "filter[type]", "params[search][type]"},
		"search[类型]":       {"search_类型", "类型", "filter[类型]"},
		"search[tags_data]": {"search_tags", "searchTag", "tags_data", "tagsData", "tag_data", "params[tags_data][]",
			"search[tag]"},
		"search[employee_member]": {"employee_member", "employeeMember", "search_employee"},
		"search[keyword]":         {"keyword", "keywords", "search_key_word"},
		"search":                  {"Search", "serach", "searchh", "filter"},
	} {
		for _, key := range keys {
			got := refusal(t, n, url.QueryEscape(key)+"=1", "")
			if !strings.HasSuffix(got, ",您是否想用 "+want+"?") {
				t.Errorf("%s: %q, want %s", key, got, want)
			}
			body, err := json.Marshal(map[string]any{key: 1})
			if err != nil {
				t.Fatal(err)
			}
			if inJSON := refusal(t, n, "", string(body)); inJSON != got {
				t.Errorf("%s: %q in JSON, %q in a query", key, inJSON, got)
			}
		}
	}
	for body, want := range map[string]string{
		`{"corp_id":500}`:                                        "corp_id 不是可用的参数,您是否想用 crop_id?",
		`{"params":{"search":{"status":1}}}`:                     "params[search][status] 不是可用的筛选项,您是否想用 search[status]?",
		`{"params":{"a":"","search":{"time":[null,5]}}}`:         "params[search][time][] 不是可用的筛选项,您是否想用 search[time][]?",
		`{"data":[{"params":{"search":{"x":1}}}]}`:               "data[][params][search][x] 不是可用的筛选项",
		`{"params":{"page":2}}`:                                  "params[page] 不是可用的参数,您是否想用 page?",
		`{"variables":{"input":{"cropId":"500"}}}`:               "variables[input][cropId] 不是可用的参数,您是否想用 crop_id?",
		`{"Search":{"status":1}}`:                                "Search[status] 不是可用的筛选项,您是否想用 search[status]?",
		`{"filter":{"type":false}}`:                              "filter[type] 不是可用的筛选项,您是否想用 search[type]?",
		`{"params":{"search":"{\"status\":1}"}}`:                 "params[search] 不是可用的参数,您是否想用 search?",
		`{"x":{"x":{"x":{"x":{"x":{"x":{"search":{"y":1}}}}}}}}`: "x[x][x][x][x][x][search][y] 不是可用的筛选项",
		`{"_":{"` + strings.Repeat("x", 600) + `":1,"page":{}}}`: "",
	} {
		if got := refusal(t, n, "", body); got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

func TestWhatOldPagesSendAndWhatIsNothingToDoWithUsPasses(t *testing.T) {
	t.Parallel()
	n := setup(t)
	keys := slices.Collect(maps.Keys(canonical.Passing))
	for key, reason := range canonical.Passing {
		if len(reason) < 4 {
			t.Errorf("%s passes without a reason", key)
		}
	}
	keys = append(keys, "foo", "x[y]", "goods_id", "member_id", "prev_page_url", "first_page_url", "webpage", "homepage", "searching", "research[x]", "custom_field", "column", "image",
		"storage", "language", "message", "sign", "nonce", "version", "platform", "tab", "keep", "debug", "store", "report", "html", "q", "id", "ids", "")
	for _, key := range keys {
		body, err := json.Marshal(map[string]any{key: "1"})
		if err != nil {
			t.Fatal(err)
		}
		if got := refusal(t, n, url.QueryEscape(key)+"=1", string(body)); got != "" {
			t.Errorf("%s: %s", key, got)
		}
	}
}

// edits returns every text that is one edit off: a character dropped, doubled, swapped with the
// next, replaced or inserted.
func edits(text string) []string {
	const others = "aeiklnoprstxz019_-"
	runes := []rune(text)
	var all []string
	for i := range runes {
		before, at, after := string(runes[:i]), string(runes[i]), string(runes[i+1:])
		all = append(all, before+after, before+at+at+after)
		if i+1 < len(runes) {
			all = append(all, before+string(runes[i+1])+at+string(runes[i+2:]))
		}
		for _, other := range others {
			all = append(all, before+string(other)+after, before+string(other)+at+after, before+at+string(other)+after)
		}
	}
	return all
}

// variants returns text in other ways to write its words.
func variants(text string) []string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("[]_", r) })
	camel := slices.Clone(words)
	for i, word := range camel {
		runes := []rune(word)
		runes[0] = unicode.ToUpper(runes[0])
		camel[i] = string(runes)
	}
	pascal := strings.Join(camel, "")
	first := []rune(pascal)
	first[0] = unicode.ToLower(first[0])
	return []string{
		strings.Join(words, "_"), strings.Join(words, "-"), strings.Join(words, ""), strings.Join(words, " "), pascal, string(first),
		strings.ToUpper(text), strings.ToUpper(strings.Join(words, "_")), strings.Join(camel, "-"),
		"params[" + strings.Join(words, "_") + "]", "params." + text, "data[" + strings.Replace(text, "[", "][", 1), "a[b][" + pascal + "]",
	}
}

// Whatever an edit or another way of writing makes of a key of ours, it is refused and a key of
// ours named, unless it is a key of ours, or passes by the table.
func TestEveryMisspellingOfEveryKeyOfOursIsRefused(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, item := range document.Paths.Map() {
		params := canonical.Params(item)
		n := canonical.New(params, 200, false)
		var ours []string
		for _, p := range params {
			ours = append(ours, strings.TrimSuffix(p.Name, "[]"))
		}
		for _, key := range ours {
			for _, misspelt := range append(edits(key), variants(key)...) {
				if _, passes := canonical.Passing[misspelt]; passes || slices.Contains(ours, misspelt) {
					continue
				}
				count++
				got := refusal(t, n, url.QueryEscape(misspelt)+"=1", "")
				if !strings.Contains(got, ",您是否想用 ") {
					t.Errorf("%s: %s for %s: %q", path, misspelt, key, got)
				}
			}
		}
	}
	if count < 10_000 {
		t.Errorf("only %d misspellings were tried", count)
	}
}
