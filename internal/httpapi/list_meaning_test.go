package httpapi_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/auth"
)

// The expectations here are written out, not computed: what people would say that a filter finds.

func TestTextSearchFindsWhatPeopleMean(t *testing.T) {
	t.Parallel()
	onBothPaths(t, textSearch)
}

func textSearch(t *testing.T, path option) {
	t.Helper()
	tests := []struct {
		name   string
		text   string
		found  []string
		absent []string
	}{
		{"contains", "张三丰", []string{"张三丰", "三", "张三", " 三丰 "}, []string{"张丰", "张三丰丰", "章"}},
		{"percent", "100%好评", []string{"%", "0%好", "100%"}, []string{"1%评", "%%", "100%评"}},
		{"underscore", "a_b", []string{"_", "a_b"}, []string{"__", "a_c", "_b_"}},
		{"plain letters where a wildcard would match", "axb100好评", []string{"axb"}, []string{"a_b", "100%好", "%", "_"}},
		{"backslash", `C:\路\%_`, []string{`\`, `:\路`, `\%`, `\%_`}, []string{`\\`, `C:路`, `\_`}},
		{"quotes", `o'neil "x" --`, []string{`'`, `"`, `o'n`, `--`}, []string{`''`, `' OR 1=1`}},
		{"emoji", "小😀花🌸", []string{"😀", "🌸", "😀花"}, []string{"😁", "🌼"}},
		{"emoji of several signs", "👨‍👩‍👧家", []string{"👨‍👩‍👧", "👩", "👧家"}, []string{"👦"}},
		{"full width", "ＶＩＰ０１２客户", []string{"vip", "VIP012", "ｖｉｐ", "ip０１"}, []string{"vip 012"}},
		{"half width", "vip012", []string{"ＶＩＰ０１２", "Vip"}, nil},
		{"Katakana", "ｶﾞｽ屋", []string{"ガス", "ｶﾞｽ", "ス屋"}, []string{"カス"}},
		{"Turkish capital İ", "İstanbul", []string{"i̇stanbul", "İSTANBUL", "stanbul", "i"}, []string{"istanbul", "ıstanbul"}},
		{"dotless ı", "ısı", []string{"ı", "Sı"}, []string{"isi", "I"}},
		{"sharp s", "Große Straße", []string{"strasse", "STRASSE", "straße", "ẞ", "groSSE"}, []string{"strase"}},
		{"Greek final sigma", "Σίσυφος", []string{"ΣΊΣΥΦΟΣ", "σίσυφοσ", "φος", "ΟΣ"}, []string{"σισυφος"}},
		{"composed accent", "José", []string{"jose\u0301", "JOSÉ", "é"}, []string{"jose"}},
		{"combining accent", "Jose\u0301", []string{"josé", "É", "e\u0301"}, []string{"jose"}},
		{"ligature", "ﬁne ㎏", []string{"fine", "FI", "kg", "K"}, []string{"fi ne"}},
		{"white space within", "全　角 半\u00a0角", []string{"全 角", "全　角", "半 角"}, []string{"全角", "半  角"}},
		{"simplified is not traditional", "马上", []string{"马"}, []string{"馬"}},
		{"words of SQL and JSON", "NULL null 0", []string{"null", "NULL n", "0"}, []string{"nil"}},
		{"what is not seen", "李\u200b一\ufeff天❤\ufe0f", []string{"李一天", "天❤", "\u00ad一\u2060天", "❤\ufe0e"}, []string{"李 一天"}},
		{"letters in a row", "哈哈哈哈", []string{"哈", "哈哈哈", "哈哈哈哈"}, []string{"哈哈哈哈哈"}},
		{"all parts of a text and not the text", "bcdabc 3456123", []string{"bcda", "dabc 3", "3456"}, []string{"abcd", "123456"}},
	}
	// An enterprise for each text, which is a name and, in another row, a remark; and rows that have
	// nothing of it.
	var businesses, managers strings.Builder
	all := &world{}
	for i, test := range tests {
		fmt.Fprintf(&businesses, `{"business":{"uniacid":2,"id":%d,"name":""}}`+"\n", i+1)
		fmt.Fprintf(&managers, `{"manager":{"uniacid":2,"uid":7,"business_id":%d}}`+"\n", i+1)
		w := crowd(4)
		w.contacts[0].Name, w.contacts[1].Name, w.contacts[2].Name, w.contacts[3].Name = "壬", test.text, "癸", ""
		w.follows[2].Remark = test.text
		for row := range w.follows {
			c, f := &w.contacts[row], &w.follows[row]
			c.CropID, f.CropID = int64(i+1), int64(i+1)
			c.ID += int64(10 * i)
			f.ID = c.ID
		}
		all.contacts, all.follows = append(all.contacts, w.contacts...), append(all.follows, w.follows...)
	}
	b := setup(t, businesses.String()+managers.String()+all.records(), path)
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			business := int64(i + 1)
			look := func(p client.GetListParams, rows ...int64) {
				t.Helper()
				p.CropID = &business
				for n := range rows {
					rows[n] += int64(10 * i)
				}
				if got := rowIDs(b.get(t, p).Data); !slices.Equal(got, rows) && len(got)+len(rows) > 0 {
					t.Errorf("%s in %q: rows %v, want %v", marshal(p), test.text, got, rows)
				}
			}
			for _, word := range append(test.found, test.text) {
				look(client.GetListParams{SearchCustomer: &word}, 2)
				look(client.GetListParams{SearchRemark: &word}, 3)
			}
			for _, word := range test.absent {
				look(client.GetListParams{SearchCustomer: &word})
				look(client.GetListParams{SearchRemark: &word})
			}
			for _, nothing := range []string{"", " ", "\u3000", "\t\u2003\u00a0\n", "\u200b", " \ufeff\u00ad \ufe0f"} {
				look(client.GetListParams{SearchCustomer: &nothing}, 4, 3, 2, 1)
				look(client.GetListParams{SearchRemark: &nothing}, 4, 3, 2, 1)
			}
		})
	}
}

func TestTheLongestTextsAreFoundThoughFoldingMakesThemLonger(t *testing.T) {
	t.Parallel()
	w := crowd(1)
	w.contacts[0].Name = strings.Repeat("\ufdfa", 254) + "尾" // each becomes 18 letters
	w.follows[0].Remark = strings.Repeat("\ufdfa", 255)
	b := setup(t, manager+w.records())
	for _, p := range []client.GetListParams{
		{SearchCustomer: new("尾")}, {SearchCustomer: new(strings.Repeat("\ufdfa", 199) + "尾")}, {SearchRemark: new(strings.Repeat("\ufdfa", 200))},
	} {
		if got := b.get(t, p); got.Total != 1 {
			t.Errorf("%.100s: %d rows", marshal(p), got.Total)
		}
	}
}

func TestACustomerIsFoundByTheExactExternalUserid(t *testing.T) {
	t.Parallel()
	w := crowd(3)
	w.contacts[0] = newContact(1, "wmAbC", "甲")
	w.contacts[1] = newContact(2, "wmabc", "乙")
	w.contacts[2] = newContact(3, "wm3", "名叫wmAbC的")
	for i := range w.follows {
		w.follows[i].ExternalUserid = w.contacts[i].ExternalUserid
	}
	b := setup(t, manager+w.records())
	for word, want := range map[string][]int64{"wmAbC": {3, 1}, "\u3000wmAbC\u3000": {3, 1}, "wmabc": {3, 2}, "WMABC": {3}, "wmAb": {3}, "wm3": {3}, "wm": {3}} {
		if got := rowIDs(b.get(t, client.GetListParams{SearchCustomer: &word}).Data); !slices.Equal(got, want) {
			t.Errorf("%q: rows %v, want %v", word, got, want)
		}
	}
}

func TestZeroIsAValueOfMemberAndSource(t *testing.T) {
	t.Parallel()
	w := crowd(4)
	w.contacts[0].UID, w.contacts[1].UID, w.contacts[2].UID = 3061, 30, 4294967295
	w.follows[0].UID = 5 // the follow's own, which the filter does not read
	w.follows[1].AddWay, w.follows[2].AddWay, w.follows[3].AddWay = "0", "65535", "4294967295"
	b := setup(t, manager+w.records())
	for member, want := range map[string][]int64{
		"0": {4}, "00": {4}, "3061": {1}, "03061": {1}, "30": {2}, "5": {}, "4294967295": {3}, "4294967296": {}, "99999999999999999999": {}, "": {4, 3, 2, 1},
	} {
		if got := rowIDs(b.get(t, client.GetListParams{SearchMember: &member}).Data); !slices.Equal(got, want) {
			t.Errorf("member %q: rows %v, want %v", member, got, want)
		}
	}
	for source, want := range map[int32][]int64{0: {2}, 1: {1}, 65535: {3}, 2: {}} {
		if got := rowIDs(b.get(t, client.GetListParams{SearchAddWayType: &source}).Data); !slices.Equal(got, want) {
			t.Errorf("source %d: rows %v, want %v", source, got, want)
		}
	}
}

func TestTimeIsInclusiveOnBothSidesInSecondsOrMilliseconds(t *testing.T) {
	t.Parallel()
	w := crowd(4)
	for i := range w.follows {
		w.follows[i].Createtime = 1631950639 + int64(i)
		w.follows[i].CustomerCreateTime = 5
	}
	b := setup(t, manager+w.records())
	for _, test := range []struct {
		from, to string
		want     []int64
	}{
		{"1631950640", "1631950641", []int64{3, 2}},
		{"1631950640", "1631950640", []int64{2}},
		{"1631950640000", "1631950641999", []int64{3, 2}},
		{"1631950640999", "1631950640000", []int64{2}},
		{"1631950640", "1631950641000", []int64{3, 2}},
		{"", "1631950640", []int64{2, 1}},
		{"1631950641", "", []int64{4, 3}},
		{"", "", []int64{4, 3, 2, 1}},
		{"0", "5", []int64{}},
		{"1631950643", "9999999999999", []int64{}},
	} {
		if got := rowIDs(b.get(t, client.GetListParams{SearchTime: &client.TimeRange{test.from, test.to}}).Data); !slices.Equal(got, test.want) {
			t.Errorf("%q to %q: rows %v, want %v", test.from, test.to, got, test.want)
		}
	}
}

func TestTagsFindARowOnceByTheIDsWrittenInIt(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(6)
		w.tags = []client.Tag{newTag(1, "etA", "甲"), newTag(2, "etB", "乙"), newTag(3, "etGone", "没了")}
		w.tags[2].DeletedAt = new(day)
		for i, own := range []string{"etA", "etB,etA", "etGone", "etUnknown,etB", "", "etAB,eta"} {
			w.follows[i].TagID = own
		}
		b := setup(t, manager+w.records(), path)
		all := []int64{6, 5, 4, 3, 2, 1}
		for asked, want := range map[string]struct{ any, all, none []int64 }{
			"etA":                                  {[]int64{2, 1}, []int64{2, 1}, []int64{6, 5, 4, 3}},
			"etB":                                  {[]int64{4, 2}, []int64{4, 2}, []int64{6, 5, 3, 1}},
			"etA,etB":                              {[]int64{4, 2, 1}, []int64{2}, []int64{6, 5, 3}},
			"etA,etA":                              {[]int64{2, 1}, []int64{2, 1}, []int64{6, 5, 4, 3}},
			"etB,etUnknown":                        {[]int64{4, 2}, []int64{4}, []int64{6, 5, 3, 1}},
			"etGone":                               {[]int64{3}, []int64{3}, []int64{6, 5, 4, 2, 1}},
			"etGone,etA":                           {[]int64{3, 2, 1}, []int64{}, []int64{6, 5, 4}},
			"etNobody":                             {[]int64{}, []int64{}, all},
			"eta":                                  {[]int64{6}, []int64{6}, []int64{5, 4, 3, 2, 1}},
			"ETA":                                  {[]int64{}, []int64{}, all},
			"etA%":                                 {[]int64{}, []int64{}, all},
			"*":                                    {[]int64{6, 4, 3, 2, 1}, []int64{6, 4, 3, 2, 1}, []int64{5}},
			"*,etA":                                {[]int64{6, 4, 3, 2, 1}, []int64{2, 1}, []int64{5}},
			"etNobody,*":                           {[]int64{6, 4, 3, 2, 1}, []int64{}, []int64{5}},
			"\u3000etA\t,\u00a0et\u200bGone\u3000": {[]int64{3, 2, 1}, []int64{}, []int64{6, 5, 4}},
			",etA,\u200b":                          {[]int64{2, 1}, []int64{2, 1}, []int64{6, 5, 4, 3}},
			"":                                     {all, all, all},
			",":                                    {all, all, all},
			"\u200b,\ufeff":                        {all, all, all},
		} {
			for name, c := range map[string]struct {
				p    client.GetListParams
				want []int64
			}{
				"any":  {client.GetListParams{SearchTagsData: &asked}, want.any},
				"all":  {client.GetListParams{SearchTagsAll: &asked}, want.all},
				"none": {client.GetListParams{SearchTagsNone: &asked}, want.none},
			} {
				got := b.get(t, c.p)
				if rows := rowIDs(got.Data); !slices.Equal(rows, c.want) || got.Total != int64(len(c.want)) {
					t.Errorf("%s of %q: rows %v, total %d, want %v", name, asked, rows, got.Total, c.want)
				}
			}
		}
		together := client.GetListParams{SearchTagsData: new("etA,etGone"), SearchTagsAll: new("*"), SearchTagsNone: new("etB")}
		if rows := rowIDs(b.get(t, together).Data); !slices.Equal(rows, []int64{3, 1}) {
			t.Errorf("all three: rows %v", rows)
		}
	})
}

func TestEmployeesAreFoundByUseridInAnyCaseKnownOrNot(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(4)
		w.employees = []client.Employee{newEmployee(1, "xiaoliangzi", "李健平")}
		for i, userid := range []string{"XiaoLiangZi", "XIAOLIANGZI", "Nobody", "XiaoLiangZi2"} {
			w.follows[i].Userid = userid
		}
		b := setup(t, manager+w.records(), path)
		for asked, want := range map[string][]int64{
			"XiaoLiangZi": {2, 1}, "xiaoliangzi": {2, 1}, "\u3000XIAOLIANGZI\u3000": {2, 1}, "nobody": {3}, "XiaoLiangZ": {}, "李健平": {}, "X\u0131aoLiangZi": {}, "%": {},
			"\u3000": {4, 3, 2, 1}, "nobody,XIAOLIANGZI": {3, 2, 1}, "xiaoliangzi2,\u200bNoBody\ufeff,": {4, 3}, "李健平,nobody": {3}, "\u200b": {4, 3, 2, 1}, "*": {},
		} {
			if got := rowIDs(b.get(t, client.GetListParams{SearchEmployeeMember: &asked}).Data); !slices.Equal(got, want) {
				t.Errorf("%q: rows %v, want %v", asked, got, want)
			}
		}
		for _, row := range b.get(t, client.GetListParams{}).Data {
			if known := row.ID <= 2; (row.HasOneEmployee != nil) != known {
				t.Errorf("row %d of %s: employee %v", row.ID, row.Userid, row.HasOneEmployee)
			}
		}
	})
}

func TestAMobileIsFoundByAnyOfItsDigitsThatFollowOneAnother(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(5)
		for i, own := range []string{`["13547567468"]`, `["+86 135-4756-7468","020-8888"]`, `["１３８００１３８０００"]`, `["132211","2122112132"]`, `["13800",139]`} {
			w.follows[i].RemarkMobiles = own
		}
		b := setup(t, manager+w.records(), path)
		for asked, want := range map[string][]int64{
			"13547567468": {2, 1}, "135 4756-7468": {2, 1}, "+86": {2}, "86135": {2}, "74680": {}, "8888": {2}, "0208888": {2}, "7468020": {}, "13800": {5, 3}, "13800138000": {3},
			"1121322": {}, "13221": {4}, "211213": {4}, "139": {5}, "1391": {}, "1": {5, 4, 3, 2, 1}, "9": {5},
		} {
			if got := rowIDs(b.get(t, client.GetListParams{SearchMobile: &asked}).Data); !slices.Equal(got, want) {
				t.Errorf("%q: rows %v, want %v", asked, got, want)
			}
		}
	})
}

func TestAKeywordLooksAtAllThatARowIsKnownBy(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(9)
		for i := range w.contacts {
			w.contacts[i].Name = "" // "客户1" is found by kehu
		}
		w.contacts[0].Name, w.contacts[1].CorpName, w.contacts[2].CorpFullName, w.contacts[3].Unionid = "曾一天", "Ａcme", "广州市芸众信息科技有限公司", "oUnion-1"
		w.follows[4].Remark, w.follows[5].Description, w.follows[6].RemarkCorpName, w.follows[7].RemarkMobiles = "王小A明的李", "爱喝 ACME 汽水", "州公司", `["+86 135-4756-7468"]`
		w.follows[6].Description = "在广" // a text ends, and the next begins
		w.follows[8].Userid = "Acme"
		b := setup(t, manager+w.records(), path)
		for asked, want := range map[string][]int64{
			"一天": {1}, "acme": {9, 6, 2}, "ACME\u200b": {9, 6, 2}, "acm": {6, 2}, "芸众信息科技": {3}, "广": {7, 3}, "广州": {3}, "广州公司": {}, "喝 acme": {6},
			"oUnion-1": {4}, "\ufeffoUnion-1 ": {4}, "ounion-1": {}, "oUnion": {}, "wm3": {3}, "WM3": {}, "zhangSAN": {8, 7, 6, 5, 4, 3, 2, 1}, "zhangsa": {},
			"135 4756": {8}, "1354756": {8}, "+86-135": {8}, "135x": {}, "8613547567468": {8}, "１３５４": {8},
			// Pinyin, of name and remark only.
			"zengyitian": {1}, "cengyitian": {1}, "CengYi": {1}, "zeng yi": {1}, "yitian": {1}, "yit": {1}, "engyi": {}, "cyt": {1}, "zyt": {1}, "yt": {1}, "cyit": {}, "zt": {},
			"wangxiaoming": {5}, "xiaoaming": {}, "wxm": {5}, "xmdl": {5}, "deli": {5}, "guangzhou": {}, "tianwang": {}, "t": {1}, "x": {5}, "tian1": {},
			"": {9, 8, 7, 6, 5, 4, 3, 2, 1}, " \u200b": {9, 8, 7, 6, 5, 4, 3, 2, 1},
		} {
			if got := rowIDs(b.get(t, client.GetListParams{SearchKeyword: &asked}).Data); !slices.Equal(got, want) {
				t.Errorf("%q: rows %v, want %v", asked, got, want)
			}
		}
	})
}

func TestOnlyTheFollowsOwnDeletionHidesARow(t *testing.T) {
	t.Parallel()
	w := crowd(3)
	w.tags = []client.Tag{newTag(1, "etA", "甲")}
	w.employees[0].DeletedAt = new(day)
	w.contacts[0].DeletedAt = new(day)
	w.follows[1].DeletedAt = new(day)
	for i := range w.follows {
		w.follows[i].TagID, w.follows[i].Remark, w.contacts[i].UID = "etA", "备注", 9
	}
	b := setup(t, manager+w.records())
	for _, p := range []client.GetListParams{
		{}, {SearchTagsData: new("etA")}, {SearchEmployeeMember: new("ZhangSan")}, {SearchMember: new("9")}, {SearchTime: &client.TimeRange{"1", ""}}, {SearchRemark: new("备")},
		{SearchCustomer: new("客户")}, {SearchStatus: new(client.StatusFollowing)},
	} {
		got := b.get(t, p)
		if rows := rowIDs(got.Data); !slices.Equal(rows, []int64{3, 1}) || got.Total != 2 {
			t.Errorf("%s: rows %v, total %d, want 3 and 1", marshal(p), rows, got.Total)
			continue
		}
		if contact := got.Data[1].HasOneCustomer; contact.DeletedAt == nil || *contact.DeletedAt != day || contact.Name != "客户1" {
			t.Errorf("the deleted contact is shown as %s", marshal(contact))
		}
		if got.Data[0].HasOneEmployee != nil || len(got.Employee) != 0 {
			t.Errorf("the deleted employee is shown")
		}
	}
	// It comes back where its deletion is taken back.
	w.follows[1].DeletedAt = nil
	b.load(records(nil, nil, nil, w.follows[1:2]))
	if got := b.get(t, client.GetListParams{SearchTagsData: new("etA")}); got.Total != 3 {
		t.Errorf("total %d after it came back, want 3", got.Total)
	}
}

func TestAnEmployeeWhoArrivesLaterAppearsAtOnceAndOneWhoLeavesIsGone(t *testing.T) {
	t.Parallel()
	w := crowd(1)
	w.employees = nil
	b := setup(t, manager+w.records())
	look := func(when string, want *client.Employee, list []client.EmployeeName) {
		t.Helper()
		got := b.get(t, client.GetListParams{})
		if diff := cmp.Diff(want, got.Data[0].HasOneEmployee) + cmp.Diff(list, got.Employee); diff != "" {
			t.Errorf("%s (-want +got)\n%s", when, diff)
		}
	}
	look("before", nil, []client.EmployeeName{})
	e := newEmployee(5, "zhangsan", "张三")
	b.load(records([]client.Employee{e}, nil, nil, nil))
	look("arrived", &e, []client.EmployeeName{{UserID: "zhangsan", Name: "张三"}})
	e.Name = "改名"
	b.load(records([]client.Employee{e}, nil, nil, nil))
	look("renamed", &e, []client.EmployeeName{{UserID: "zhangsan", Name: "改名"}})
	e.DeletedAt = new(day)
	b.load(records([]client.Employee{e}, nil, nil, nil))
	look("left", nil, []client.EmployeeName{})
}

func TestTagNamesFollowTheTagsInTheOrderOfTheTagList(t *testing.T) {
	t.Parallel()
	w := crowd(1)
	w.tags = []client.Tag{newTag(1, "etA", "甲"), newTag(5, "etB", "乙,丙"), newTag(3, "etC", "丁")}
	w.follows[0].TagID = "etA,etNobody,etB,etC"
	b := setup(t, manager+w.records())
	look := func(when, want string, list ...string) {
		t.Helper()
		got := b.get(t, client.GetListParams{})
		var names []string
		for _, tag := range got.Tag {
			names = append(names, tag.Name)
		}
		if got.Data[0].TagName != want || !slices.Equal(names, list) {
			t.Errorf("%s: %q, tags %q; want %q, %q", when, got.Data[0].TagName, names, want, list)
		}
	}
	look("at first", "乙,丙,丁,甲", "乙,丙", "丁", "甲")
	w.tags[2].Name = "新名"
	b.load(records(nil, nil, w.tags[2:], nil))
	look("renamed", "乙,丙,新名,甲", "乙,丙", "新名", "甲")
	w.tags[1].DeletedAt = new(day)
	b.load(records(nil, nil, w.tags[1:2], nil))
	look("deleted", "新名,甲", "新名", "甲")
	b.load(records(nil, nil, []client.Tag{newTag(2, "etNobody", "后来")}, nil))
	look("arrived", "新名,后来,甲", "新名", "后来", "甲")
	w.follows[0].TagID = "etB"
	b.load(records(nil, nil, nil, w.follows))
	look("taken off", "", "新名", "后来", "甲")
}

func TestAChangedContactIsFoundByWhatItIsNow(t *testing.T) {
	t.Parallel()
	w := crowd(2)
	w.follows = append(w.follows, newFollow(3, "LiSi", "wm1")) // a second follow of the first contact
	b := setup(t, manager+w.records())
	c := &w.contacts[0]
	c.Name, c.ExternalType, c.UID = "改名", 2, 3061
	b.load(records(nil, w.contacts[:1], nil, nil))
	for _, test := range []struct {
		p    client.GetListParams
		want []int64
	}{
		{client.GetListParams{SearchCustomer: new("改名")}, []int64{3, 1}},
		{client.GetListParams{SearchCustomer: new("客户1")}, []int64{}},
		{client.GetListParams{SearchType: new(client.TypeWeCom)}, []int64{3, 1}},
		{client.GetListParams{SearchLeixing: new(client.TypeWeChat)}, []int64{2}},
		{client.GetListParams{SearchMember: new("3061")}, []int64{3, 1}},
		{client.GetListParams{SearchMember: new("0")}, []int64{2}},
	} {
		if got := rowIDs(b.get(t, test.p).Data); !slices.Equal(got, test.want) {
			t.Errorf("%s: rows %v, want %v", marshal(test.p), got, test.want)
		}
	}
}

func TestEnterprisesThatShareUseridsAndContactsStayApart(t *testing.T) {
	t.Parallel()
	w := crowd(3)
	w.tags = []client.Tag{newTag(1, "etA", "一的")}
	w.employees = append(w.employees, newEmployee(2, "zhangsan", "二的张三"))
	w.employees[1].BusinessID = 2
	w.tags = append(w.tags, newTag(2, "etA", "二的"))
	w.tags[1].CropID = 2
	for i := range 2 {
		c, f := newContact(int64(10+i), w.contacts[i].ExternalUserid, "二的"+strconv.Itoa(i)), newFollow(int64(10+i), "ZHANGSAN", w.contacts[i].ExternalUserid)
		c.CropID, f.CropID, c.UID = 2, 2, 3061
		w.contacts, w.follows = append(w.contacts, c), append(w.follows, f)
	}
	for i := range w.follows {
		w.follows[i].TagID = "etA"
	}
	b := setup(t, twoEnterprises+w.records())
	for _, p := range []client.GetListParams{
		{}, {SearchTagsData: new("etA")}, {SearchEmployeeMember: new("ZhangSan")}, {SearchCustomer: new("wm1")}, {SearchCustomer: new("二的")}, {SearchMember: new("3061")},
		{SearchMember: new("0")}, {SearchTime: &client.TimeRange{"1", ""}}, {SearchRemark: new("无")},
	} {
		for _, business := range []int64{1, 2} {
			p.CropID, p.PerPage = &business, new(int32(15))
			compare(t, b, w, p)
		}
	}
	// The enterprise of a token is that of a request which names none.
	answer, err := b.as(auth.Member{UID: uid, Uniacid: uniacid, CropID: 2}).GetListWithResponse(t.Context(), uniacid, nil)
	mustSucceed(t, err)
	if answer.JSON200 == nil || !slices.Equal(rowIDs(answer.JSON200.Data.Data), []int64{11, 10}) {
		t.Errorf("%s %s", answer.Status(), answer.Body)
	}
}

func TestTimesAreAnsweredAsTheyWereImported(t *testing.T) {
	t.Parallel()
	w := crowd(2)
	for i, date := range []string{"1986-05-04 00:30:00", "2038-01-19 03:14:08"} { // within China's summer time of 1986; beyond 32 bits
		w.follows[i].CreatedAt, w.follows[i].UpdatedAt = date, &date
		w.contacts[i].CreatedAt, w.contacts[i].DeletedAt = date, &date
	}
	w.follows[1].Createtime, w.follows[1].CustomerCreateTime = 99999999999, -1
	b := setup(t, manager+w.records())
	if diff := cmp.Diff(w.list(crop, client.GetListParams{}), b.get(t, client.GetListParams{}).Data); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
