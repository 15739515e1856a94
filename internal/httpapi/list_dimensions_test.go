package httpapi_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/filter"
)

// dimension is one filter of the list: what it means, and random values of it. To test a new
// filter, add its entry to dimensions; the random worlds then vary the columns that it reads, and
// every test of the list has it.
type dimension struct {
	param string   // the document's
	as    string   // the parameter of which it is another spelling
	reads []column // what it reads of a row
	// set gives p a random value of it.
	set func(d *rand.Rand, p *client.GetListParams)
	// asks returns which rows p asks for by it, nil where it is not set.
	asks func(p *client.GetListParams) func(f *client.Follow) bool

	facet  string                          // the list of getFacets that counts its values; "" for none
	values func(f *client.Follow) []string // a row's values in it
}

// name returns the parameter that the filter is called by.
func (d *dimension) name() string {
	if d.as != "" {
		return d.as
	}
	return d.param
}

// dimensions are all filters, in the document's order.
var dimensions = []dimension{
	{
		param: "search[customer]", reads: []column{contactName, followContact},
		set: func(d *rand.Rand, p *client.GetListParams) { p.SearchCustomer = new(pick(d, words)) },
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			text := query(p.SearchCustomer)
			if text == "" {
				return nil
			}
			id := trimmed(*p.SearchCustomer)
			return func(f *client.Follow) bool { return contains(text, f.HasOneCustomer.Name) || f.ExternalUserid == id }
		},
	},
	{
		param: "search[member]", reads: []column{contactUID},
		set: func(d *rand.Rand, p *client.GetListParams) {
			p.SearchMember = new(pick(d, []string{"0", "0", "00", "3061", "3062", "003061", "8", "4294967295", "4294967296", "99999999999999999999"}))
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchMember == nil || *p.SearchMember == "" {
				return nil
			}
			digits := withoutZeros(*p.SearchMember)
			return func(f *client.Follow) bool { return strconv.FormatInt(f.HasOneCustomer.UID, 10) == digits }
		},
	},
	{
		param: "search[add_way_type]", reads: []column{followAddWay},
		set: func(d *rand.Rand, p *client.GetListParams) {
			n, _ := strconv.ParseInt(pick(d, append([]string{"5"}, addWays[1:]...)), 10, 32)
			p.SearchAddWayType = new(int32(n))
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchAddWayType == nil {
				return nil
			}
			way := strconv.Itoa(int(*p.SearchAddWayType))
			return func(f *client.Follow) bool { return f.AddWay == way }
		},
		facet: "add_way", values: func(f *client.Follow) []string { return []string{f.AddWay} },
	},
	{
		param: "search[tags_data]", reads: []column{followTags},
		set: func(d *rand.Rand, p *client.GetListParams) { p.SearchTagsData = new(askedTags(d, 4)) },
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			return tagged(p.SearchTagsData, func(carries func(id string) bool, asked []string) bool {
				return slices.ContainsFunc(asked, carries)
			})
		},
		facet: "tag", values: func(f *client.Follow) []string { return ids(f.TagID) },
	},
	{
		param: "search[tags_all]", reads: []column{followTags},
		set: func(d *rand.Rand, p *client.GetListParams) { p.SearchTagsAll = new(askedTags(d, 2)) },
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			return tagged(p.SearchTagsAll, func(carries func(id string) bool, asked []string) bool {
				return !slices.ContainsFunc(asked, func(id string) bool { return !carries(id) })
			})
		},
	},
	{
		param: "search[tags_none]", reads: []column{followTags},
		set: func(d *rand.Rand, p *client.GetListParams) { p.SearchTagsNone = new(askedTags(d, 4)) },
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			return tagged(p.SearchTagsNone, func(carries func(id string) bool, asked []string) bool {
				return !slices.ContainsFunc(asked, carries)
			})
		},
	},
	{
		param: "search[employee_member]", reads: []column{followUserid},
		set: func(d *rand.Rand, p *client.GetListParams) {
			odd := []string{"nobody", "wEIpING", "小明", "XiaoLiangZ", "%", " WeiPing ", "\u3000", "XiaoLiangZ\u0131", "\u200bweiping\ufeff", "\u200b"}
			asked := pick(d, append(odd, userids...))
			for range max(0, d.IntN(4)-1) {
				asked += "," + pick(d, append(odd, userids...))
			}
			p.SearchEmployeeMember = &asked
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchEmployeeMember == nil {
				return nil
			}
			asked := ids(*p.SearchEmployeeMember)
			if len(asked) == 0 {
				return nil
			}
			return func(f *client.Follow) bool {
				return slices.ContainsFunc(asked, func(userid string) bool { return lower(userid) == lower(f.Userid) })
			}
		},
		facet: "employee", values: func(f *client.Follow) []string { return []string{lower(f.Userid)} },
	},
	{
		param: "search[类型]", as: "search[type]", reads: []column{contactType},
		set: func(d *rand.Rand, p *client.GetListParams) {
			p.SearchLeixing = new(client.ExternalTypeFilter(1 + d.Int32N(2)))
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool { return typed(p.SearchLeixing) },
	},
	{
		param: "search[type]", reads: []column{contactType},
		set: func(d *rand.Rand, p *client.GetListParams) {
			p.SearchType = new(client.ExternalTypeFilter(1 + d.Int32N(2)))
		},
		asks:  func(p *client.GetListParams) func(f *client.Follow) bool { return typed(p.SearchType) },
		facet: "type", values: func(f *client.Follow) []string { return number(f.HasOneCustomer.ExternalType) },
	},
	{
		param: "search[gender]", reads: []column{contactGender},
		set: func(d *rand.Rand, p *client.GetListParams) {
			p.SearchGender = new(client.GenderFilter(d.Int32N(3)))
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchGender == nil {
				return nil
			}
			gender := int32(*p.SearchGender)
			return func(f *client.Follow) bool { return f.HasOneCustomer.Gender == gender }
		},
		facet: "gender", values: func(f *client.Follow) []string {
			return []string{strconv.Itoa(int(f.HasOneCustomer.Gender))}
		},
	},
	{
		param: "search[status]", reads: []column{followStatus},
		set: func(d *rand.Rand, p *client.GetListParams) {
			p.SearchStatus = new(client.StatusFilter(1 - 2*d.Int32N(2)))
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchStatus == nil {
				return nil
			}
			return func(f *client.Follow) bool { return f.Status == int32(*p.SearchStatus) }
		},
		facet: "status", values: func(f *client.Follow) []string { return number(f.Status) },
	},
	{
		param: "search[time][]", reads: []column{followCreatetime},
		set: func(d *rand.Rand, p *client.GetListParams) {
			var sides [2]int64
			for i := range sides {
				sides[i] = max(0, pick(d, times))
				if d.IntN(3) == 0 {
					sides[i] = 1_625_000_000 + d.Int64N(100_000_000)
				}
			}
			slices.Sort(sides[:])
			written := client.TimeRange{strconv.FormatInt(sides[0], 10), strconv.FormatInt(sides[1], 10)}
			for i, n := range sides {
				if 1e8 <= n && n < 1e10 && d.IntN(3) == 0 {
					written[i] += fmt.Sprintf("%03d", d.IntN(1000)) // milliseconds
				}
				if d.IntN(4) == 0 {
					written[i] = ""
				}
			}
			p.SearchTime = &written
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchTime == nil {
				return nil
			}
			from, to := (*p.SearchTime)[0], (*p.SearchTime)[1]
			if from == "" && to == "" {
				return nil
			}
			return func(f *client.Follow) bool {
				return (from == "" || f.Createtime >= seconds(from)) && (to == "" || f.Createtime <= seconds(to))
			}
		},
	},
	{
		param: "search[remark]", reads: []column{followRemark},
		set: func(d *rand.Rand, p *client.GetListParams) { p.SearchRemark = new(pick(d, words)) },
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			text := query(p.SearchRemark)
			if text == "" {
				return nil
			}
			return func(f *client.Follow) bool { return contains(text, f.Remark) }
		},
	},
	{
		param: "search[mobile]", reads: []column{followMobiles},
		set: func(d *rand.Rand, p *client.GetListParams) { p.SearchMobile = new(pick(d, numbers)) },
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			if p.SearchMobile == nil || digits(*p.SearchMobile) == "" {
				return nil
			}
			return func(f *client.Follow) bool { return hasMobile(f, digits(*p.SearchMobile)) }
		},
	},
	{
		param: "search[keyword]", reads: []column{
			contactName, contactCorpName, contactCorpFullName, contactUnionid,
			followRemark, followDescription, followRemarkCorpName, followMobiles, followContact, followUserid,
		},
		set: func(d *rand.Rand, p *client.GetListParams) {
			var text string
			switch d.IntN(6) {
			case 0:
				text = spelling(d, pick(d, names))
			case 1:
				text = pick(d, numbers)
			case 2:
				text = pick(d, append([]string{"xiaoliangzi", "weiping\u200b", " Nobody", "wm2", "WM2", "州市", "有限公司", "广州公司"}, unionids...))
			case 3:
				text = pick(d, companies)
			default:
				text = pick(d, words)
			}
			p.SearchKeyword = &text
		},
		asks: func(p *client.GetListParams) func(f *client.Follow) bool {
			text := query(p.SearchKeyword)
			if text == "" {
				return nil
			}
			id, spelt, mobile := trimmed(*p.SearchKeyword), letters(*p.SearchKeyword), digits(text)
			if strings.Trim(text, "0123456789+- ") != "" {
				mobile = ""
			}
			return func(f *client.Follow) bool {
				c := &f.HasOneCustomer
				return contains(text, c.Name, c.CorpName, c.CorpFullName, f.Remark, f.Description, f.RemarkCorpName) ||
					spells(spelt, c.Name) || spells(spelt, f.Remark) ||
					mobile != "" && hasMobile(f, mobile) ||
					f.ExternalUserid == id || c.Unionid == id || lower(f.Userid) == lower(id)
			}
		},
	},
}

// tagged returns which rows are asked for by what they carry, nil where no tag is asked for. * is
// carried by each row with a tag.
func tagged(list *string, meets func(carries func(id string) bool, asked []string) bool) func(f *client.Follow) bool {
	if list == nil || len(ids(*list)) == 0 {
		return nil
	}
	asked := ids(*list)
	return func(f *client.Follow) bool {
		own := ids(f.TagID)
		return meets(func(id string) bool { return slices.Contains(own, id) || id == "*" && len(own) > 0 }, asked)
	}
}

func typed(kind *client.ExternalTypeFilter) func(f *client.Follow) bool {
	if kind == nil {
		return nil
	}
	return func(f *client.Follow) bool { return f.HasOneCustomer.ExternalType == int32(*kind) }
}

func number(n int32) []string { return []string{strconv.Itoa(int(n))} }

// contains says whether one of these texts contains a folded one.
func contains(text string, in ...string) bool {
	return slices.ContainsFunc(in, func(s string) bool { return strings.Contains(folded(s), text) })
}

// digits returns the digits of a text.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// hasMobile says whether one of a row's telephone numbers contains these digits.
func hasMobile(f *client.Follow, contained string) bool {
	var list []any
	decoder := json.NewDecoder(strings.NewReader(f.RemarkMobiles))
	decoder.UseNumber()
	if decoder.Decode(&list) != nil { // cut short: each run that is no punctuation of JSON is a number
		for part := range strings.FieldsFuncSeq(f.RemarkMobiles, func(r rune) bool { return strings.ContainsRune(`",[]`, r) }) {
			list = append(list, part)
		}
	}
	return slices.ContainsFunc(list, func(v any) bool { return strings.Contains(digits(folded(fmt.Sprint(v))), contained) })
}

// column is a field of a follow or of its contact that a filter reads, with what random worlds have
// in it. One without is part of what names the row, and varies with the rows that there are.
type column struct {
	name    string // the document's: follow.remark, contact.name
	follow  func(d *rand.Rand, f *client.Follow)
	contact func(d *rand.Rand, c *client.Contact)
}

var (
	contactName         = column{name: "contact.name", contact: func(d *rand.Rand, c *client.Contact) { c.Name = pick(d, names) }}
	contactUID          = column{name: "contact.uid", contact: func(d *rand.Rand, c *client.Contact) { c.UID = pick(d, memberIDs) }}
	contactGender       = column{name: "contact.gender", contact: func(d *rand.Rand, c *client.Contact) { c.Gender = d.Int32N(3) }}
	contactType         = column{name: "contact.external_type", contact: func(d *rand.Rand, c *client.Contact) { c.ExternalType = pick(d, []int32{1, 1, 2, 2, 9}) }}
	contactUnionid      = column{name: "contact.unionid", contact: func(d *rand.Rand, c *client.Contact) { c.Unionid = pick(d, unionids) }}
	contactCorpName     = column{name: "contact.corp_name", contact: func(d *rand.Rand, c *client.Contact) { c.CorpName = pick(d, companies) }}
	contactCorpFullName = column{name: "contact.corp_full_name", contact: func(d *rand.Rand, c *client.Contact) { c.CorpFullName = pick(d, companies) }}

	followContact        = column{name: "follow.external_userid"}
	followUserid         = column{name: "follow.userid"}
	followRemark         = column{name: "follow.remark", follow: func(d *rand.Rand, f *client.Follow) { f.Remark = pick(d, names) }}
	followDescription    = column{name: "follow.description", follow: func(d *rand.Rand, f *client.Follow) { f.Description = pick(d, companies) }}
	followRemarkCorpName = column{name: "follow.remark_corp_name", follow: func(d *rand.Rand, f *client.Follow) { f.RemarkCorpName = pick(d, companies) }}
	followMobiles        = column{name: "follow.remark_mobiles", follow: func(d *rand.Rand, f *client.Follow) { f.RemarkMobiles = pick(d, mobiles) }}
	followTags           = column{name: "follow.tag_id", follow: func(d *rand.Rand, f *client.Follow) { f.TagID = randomTags(d) }}
	followCreatetime     = column{name: "follow.createtime", follow: func(d *rand.Rand, f *client.Follow) {
		f.Createtime = pick(d, append(slices.Clip(times), 0, 99_999_999_999))
	}}
	followAddWay = column{name: "follow.add_way", follow: func(d *rand.Rand, f *client.Follow) { f.AddWay = pick(d, addWays) }}
	followStatus = column{name: "follow.status", follow: func(d *rand.Rand, f *client.Follow) { f.Status = pick(d, []int32{1, 1, 1, -1, -1}) }}
)

// columns are those that any filter reads, each once.
func columns() (all []column) {
	for _, dim := range dimensions {
		for _, c := range dim.reads {
			if !slices.ContainsFunc(all, func(known column) bool { return known.name == c.name }) {
				all = append(all, c)
			}
		}
	}
	return all
}

// vary gives the columns of a follow, of a contact, random values; either may be nil. Only some of
// the columns where share says so: each with one chance in as many.
func vary(d *rand.Rand, f *client.Follow, c *client.Contact, share int) {
	for _, column := range columns() {
		if d.IntN(share) > 0 {
			continue
		}
		if column.follow != nil && f != nil {
			column.follow(d, f)
		}
		if column.contact != nil && c != nil {
			column.contact(d, c)
		}
	}
}

// names are contacts' names and remarks, with everything that a search may stumble over.
var names = []string{
	"李一天", "李宝佳", "孙新建-广州", "100%", "100", "50%_折", "a_b", "axb", `C:\路径`, `C:路径`, `%`, `_`, `\`, `\\%`, "😀笑", "👨‍👩‍👧 家", "👨", "ＡＢＣ公司", "abc", "aBc", "İstanbul",
	"istanbul", "ISTANBUL", "ıstanbul", "Straße", "STRASSE", "strasse", "ΣΊΣΥΦΟΣ", "σίσυφος", "Σίσυφοσ", "José", "Jose\u0301", "Jose", "ﬁne", "㎏", "kg", "ｶﾞｽ", "ガス", "カス",
	" 前后 ", "\u3000全\u3000角\u3000", "全 角", "", "'; DROP TABLE follows; -- ", `"引号"`, "马", "馬", "0", "NULL", "null", "a\u00a0b", "ǅ", "ﬀ", "①", "1", "Å", "Å", "\u0301x", "ÿ", "tab\there",
	// What is not seen, and by itself.
	"李\u200b一天", "\ufeff马", "❤\ufe0f", "❤", "\u00ad", "e\u2060\u0301",
	// The same letters in a row, and all parts of a longer text without the text.
	"哈哈哈哈", "aaaa", "abcabcabd", "bcdabc",
	// Pinyin: characters of several readings, other letters between, more of them than are spelt.
	"曾单重行乐", "王小A明", "吕绿", "西安", strings.Repeat("一", 33) + "李",
}

// words are what is searched for: the names, parts of them, other writings of them, and nothing at
// all.
var words = append([]string{
	"李", "天李", "%%", "__", "100\\%", "a_", "ａＢｃ", "A", "i", "I", "İ", "i̇", "ı", "ss", "ß", "ẞ", "Σ", "ς", "σ", "Σς", "e", "é", "e\u0301", "É", "f", "fi", "ﬀﬁ", "Ｋｇ", "ガ", "ｶ", "😀", "👩",
	"\u200d", " ", "\u3000", "\u2003\t", "\u3000李\u3000", " abc ", "角\u3000", "全　角", "'", "--", `"`, "无此人", "NUL", "wm1", "WM1", " wo2 ", "etA", "\u0301", "¨", "²", "⁄",
	"\u200b", "\u00ad \ufe0f", "\ufeff李\u00ad一", "wm\u200b1", "❤\ufe0e", "👨👩",
	"哈哈", "哈哈哈哈哈", "aa", "aaaaa", "bcab", "cabcab", "abcabd", "abcd", "一一一一一", "tanbu", "DROP TABLE",
}, names...)

var (
	userids   = []string{"XiaoLiangZi", "xiaoliangzi", "XIAOLIANGZI", "WeiPing", "SunXinJian", "Left-01", "Nobody", "a.b@c_d"}
	tagIDs    = []string{"etA", "eta", "etB", "etC", "etDeleted", "etNobody", "et%", "et_", "etABC"}
	memberIDs = []int64{0, 0, 0, 3061, 3062, 7, 4294967295}
	addWays   = []string{"4294967295", "0", "1", "2", "10", "16", "201", "202", "65535"} // the first is none that the filter takes
	// Around the beginning of a day and of some days in China, and so many at one second that the
	// order needs the ids.
	times = []int64{
		0, 1, 1631950638, 1631950639, 1631950640, 1632239999, 1632240000, 1632277573, 1632326399, 1632326400, 1633536000, 1714521600, 99999999999,
	}
	unionids  = []string{"", "", "", "oUnion-1", "ounion-1", "oUnion-2", "wm1", "WeiPing", "李一天", "13547567468"}
	companies = []string{"", "", "芸众", "广州市芸众信息科技有限公司", "Ａcme", "ACME GmbH", "广", "州公司", "广州", "abcd", "ab", "cd", "100%_", "a\u200bb", "李一天", "wm1", "13547567468"}
	mobiles   = []string{
		"[]", "[]", `["13547567468"]`, `["+86 135-4756-7468","020-8888"]`, `["１３８００"]`, `["132211","2122112132"]`, `["1354756","4756746"]`, `[13547567468]`, `["13131313131"]`,
		`["ext. 12","\u0031\u00333"]`,
	}
	// What is searched for in them; some begin in one number of a row and end in the next.
	numbers = []string{"135", "1", "+86 135", "8-613", "7567468", "13547567468", "4756746", "135475674", "1121322", "020", "0208888", "31313", "131313131", "13800", "2", "12", "133", "9"}
)

func randomTags(d *rand.Rand) string {
	var own []string
	for range max(0, d.IntN(6)-1) {
		id := pick(d, tagIDs)
		if d.IntN(20) == 0 {
			id += "\u200b"
		}
		own = append(own, id)
	}
	return strings.Join(own, pick(d, []string{",", ",", ", "}))
}

// askedTags returns a list of up to so many tag ids to ask for, and of what is none.
func askedTags(d *rand.Rand, most int) string {
	asked := pick(d, append([]string{"*", "\u200betA\ufeff"}, tagIDs...))
	for range d.IntN(most) {
		asked += "," + pick(d, append([]string{"etUnknown", "", " etB ", "\u200b", "*", "etA", "etA"}, tagIDs...))
	}
	return asked
}

// agree lets both spellings of the type say the same: otherwise they are an error.
func agree(p *client.GetListParams) {
	if p.SearchType != nil && p.SearchLeixing != nil {
		p.SearchLeixing = p.SearchType
	}
}

const thisFile = "internal/httpapi/list_dimensions_test.go"

func TestEachFilterOfTheDocumentIsADimension(t *testing.T) {
	t.Parallel()
	doc, err := document()
	mustSucceed(t, err)
	var documented []string
	for _, p := range doc.Paths.Value("/business/{uniacid}/plugin/WechatCustomers/getList").Parameters {
		name := p.Value.Name
		if !strings.HasPrefix(name, "search[") {
			continue
		}
		documented = append(documented, name)
		served := slices.Contains(filter.ParamNames(), name) // a test of internal/filter says what is not
		if served && !slices.ContainsFunc(dimensions, func(dim dimension) bool { return dim.param == name }) {
			t.Errorf("%s: dimensions has no entry for %s, which api/openapi.yaml has: what it means, random values of it, and the columns that it reads", thisFile, name)
		}
	}
	place := -1
	for _, dim := range dimensions {
		at := slices.Index(documented, dim.param)
		if at < 0 {
			t.Errorf("%s: %s is no parameter of getList in api/openapi.yaml", thisFile, dim.param)
		} else if at < place {
			t.Errorf("%s: %s is not in the order of api/openapi.yaml", thisFile, dim.param)
		}
		place = at
	}
}

// rowsOf returns the rows of both enterprises of a world, live ones, with their contacts.
func rowsOf(w *world) []client.Follow {
	return append(w.list(1, client.GetListParams{}), w.list(2, client.GetListParams{})...)
}

// A filter that finds all rows, or none, is proven by nothing.
func TestEachDimensionHasValuesThatFindSomeRowsAndMissSome(t *testing.T) {
	t.Parallel()
	d := dice(t)
	rows := rowsOf(randomWorld(d))
	for _, dim := range dimensions {
		telling := map[string]bool{}
		for range 300 {
			var p client.GetListParams
			dim.set(d, &p)
			meets := dim.asks(&p)
			if meets == nil {
				continue
			}
			found := 0
			for i := range rows {
				if meets(&rows[i]) {
					found++
				}
			}
			if 0 < found && found < len(rows) {
				telling[marshal(p)] = true
			}
		}
		if len(telling) < 2 {
			t.Errorf("%s: only %d values of %s find some rows and miss some: %v", thisFile, len(telling), dim.param, telling)
		}
	}
}

// values returns the fields of a row and of its contact by their names in the document.
func values(f *client.Follow) map[string]any {
	all := map[string]any{}
	for kind, v := range map[string]reflect.Value{"follow.": reflect.ValueOf(*f), "contact.": reflect.ValueOf(f.HasOneCustomer)} {
		for i := range v.NumField() {
			all[kind+v.Type().Field(i).Tag.Get("json")] = v.Field(i).Interface()
		}
	}
	return all
}

// alwaysRead are the columns that decide whether there is a row at all, and how many contacts there
// are.
var alwaysRead = []string{"follow.deleted_at", "contact.id"}

func TestEachColumnThatAFilterReadsVariesAndIsChanged(t *testing.T) {
	t.Parallel()
	d := dice(t)
	w := randomWorld(d)
	all := slices.Clone(alwaysRead)
	for _, c := range columns() {
		all = append(all, c.name)
	}
	different, changed := map[string]map[string]bool{}, map[string]bool{}
	look := func() map[int64]map[string]string {
		rows := map[int64]map[string]string{}
		for _, f := range w.follows {
			f.HasOneCustomer = *w.contact(f.CropID, f.ExternalUserid)
			of := values(&f)
			rows[f.ID] = map[string]string{}
			for _, name := range all {
				value, known := of[name]
				if !known {
					t.Fatalf("%s: there is no column %s", thisFile, name)
				}
				text := lower(marshal(value)) // a userid in other letters is the same
				if different[name] == nil {
					different[name] = map[string]bool{}
				}
				different[name][text], rows[f.ID][name] = true, text
			}
		}
		return rows
	}
	was := look()
	for name, texts := range different {
		if len(texts) < 2 {
			t.Errorf("%s: the random worlds do not vary %s, which a filter reads", thisFile, name)
		}
	}
	for range 12 {
		change(d, w, true)
		is := look()
		for id, row := range is {
			for name, text := range row {
				if before, known := was[id]; known && before[name] != text {
					changed[name] = true
				}
			}
		}
		was = is
	}
	for _, name := range all {
		if !changed[name] {
			t.Errorf("%s: the random writes do not change %s of any row, which a filter reads", thisFile, name)
		}
	}
}

// The columns that a filter does not name may be any: it must find the same rows.
func TestADimensionNamesEachColumnThatItReads(t *testing.T) {
	t.Parallel()
	d := dice(t)
	rows := rowsOf(randomWorld(d))
	for _, dim := range dimensions {
		read := map[string]bool{}
		for _, c := range dim.reads {
			read[c.name] = true
		}
		for range 2000 {
			var p client.GetListParams
			dim.set(d, &p)
			meets := dim.asks(&p)
			if meets == nil {
				continue
			}
			f, other := pick(d, rows), pick(d, rows)
			mixed := other
			mixed.HasOneEmployee = nil
			for _, pair := range [][3]any{{"follow.", &mixed, &f}, {"contact.", &mixed.HasOneCustomer, &f.HasOneCustomer}} {
				to, from := reflect.ValueOf(pair[1]).Elem(), reflect.ValueOf(pair[2]).Elem()
				for i := range to.NumField() {
					if read[pair[0].(string)+to.Type().Field(i).Tag.Get("json")] {
						to.Field(i).Set(from.Field(i))
					}
				}
			}
			if meets(&f) != meets(&mixed) {
				t.Errorf("%s: %s reads more than its entry says: by %s the rows\n%s\n%s\ndiffer, which have the same %v", thisFile, dim.param, marshal(p), marshal(f), marshal(mixed), read)
				break
			}
		}
	}
}
