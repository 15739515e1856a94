package httpapi_test

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
)

// fields are a page's numbers, and which pages its links lead to: 0 for null.
type fields struct {
	Current, PerPage, Total, Count, LastPage int64
	From, To                                 int64
	First, Last, Prev, Next                  int64
	Rows                                     int
}

func fieldsOf(t *testing.T, p client.CustomerPage) fields {
	t.Helper()
	number := func(n *int64) int64 {
		if n == nil {
			return 0
		}
		return *n
	}
	leadsTo := func(link *string) int64 {
		if link == nil {
			return 0
		}
		u, err := url.Parse(*link)
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.ParseInt(u.Query().Get("page"), 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", *link, err)
		}
		return n
	}
	return fields{
		Current: p.CurrentPage, PerPage: int64(p.PerPage), Total: p.Total, Count: p.Count, LastPage: p.LastPage, From: number(p.From), To: number(p.To),
		First: leadsTo(&p.FirstPageURL), Last: leadsTo(&p.LastPageURL), Prev: leadsTo(p.PrevPageURL), Next: leadsTo(p.NextPageURL), Rows: len(p.Data),
	}
}

func TestPagesAreCountedAsLaravelDoes(t *testing.T) {
	t.Parallel()
	// 45 rows: 5 with source 5, 30 with source 30 and 10 with source 1.
	w := crowd(45)
	for i := range w.follows {
		switch {
		case i < 5:
			w.follows[i].AddWay = "5"
		case i < 35:
			w.follows[i].AddWay = "30"
		}
	}
	b := setup(t, manager+w.records())
	const huge = 1_000_000_000 // what any larger page becomes
	for _, test := range []struct {
		name                string
		source, perPage     int32 // 0: not sent
		page                int64
		want                fields
		newestRow, lastRows int64
	}{
		{"empty", 99, 0, 0, fields{Current: 1, PerPage: 15, LastPage: 1, First: 1, Last: 1}, 0, 0},
		{"empty, second page", 99, 0, 2, fields{Current: 2, PerPage: 15, LastPage: 1, First: 1, Last: 1, Prev: 1}, 0, 0},
		{"one page", 5, 0, 0, fields{Current: 1, PerPage: 15, Total: 5, LastPage: 1, From: 1, To: 5, First: 1, Last: 1, Rows: 5}, 5, 1},
		{"one page, full", 5, 5, 1, fields{Current: 1, PerPage: 5, Total: 5, LastPage: 1, From: 1, To: 5, First: 1, Last: 1, Rows: 5}, 5, 1},
		{"exact multiple, first page", 30, 0, 1, fields{Current: 1, PerPage: 15, Total: 30, LastPage: 2, From: 1, To: 15, First: 1, Last: 2, Next: 2, Rows: 15}, 35, 21},
		{"exact multiple, last page", 30, 0, 2, fields{Current: 2, PerPage: 15, Total: 30, LastPage: 2, From: 16, To: 30, First: 1, Last: 2, Prev: 1, Rows: 15}, 20, 6},
		{"exact multiple, past the end", 30, 0, 3, fields{Current: 3, PerPage: 15, Total: 30, LastPage: 2, First: 1, Last: 2, Prev: 2}, 0, 0},
		{"default page", 0, 0, 0, fields{Current: 1, PerPage: 15, Total: 45, LastPage: 3, From: 1, To: 15, First: 1, Last: 3, Next: 2, Rows: 15}, 45, 31},
		{"middle page", 0, 10, 3, fields{Current: 3, PerPage: 10, Total: 45, LastPage: 5, From: 21, To: 30, First: 1, Last: 5, Prev: 2, Next: 4, Rows: 10}, 25, 16},
		{"last page, not full", 0, 10, 5, fields{Current: 5, PerPage: 10, Total: 45, LastPage: 5, From: 41, To: 45, First: 1, Last: 5, Prev: 4, Rows: 5}, 5, 1},
		{"past the end", 0, 10, 6, fields{Current: 6, PerPage: 10, Total: 45, LastPage: 5, First: 1, Last: 5, Prev: 5}, 0, 0},
		{"far past the end", 0, 10, 100, fields{Current: 100, PerPage: 10, Total: 45, LastPage: 5, First: 1, Last: 5, Prev: 99}, 0, 0},
		{"one to a page", 0, 1, 45, fields{Current: 45, PerPage: 1, Total: 45, LastPage: 45, From: 45, To: 45, First: 1, Last: 45, Prev: 44, Rows: 1}, 1, 1},
		{"as many as may be", 0, 100, 1, fields{Current: 1, PerPage: 100, Total: 45, LastPage: 1, From: 1, To: 45, First: 1, Last: 1, Rows: 45}, 45, 1},
		{"a page whose offset overflows 32 bits", 0, 100, huge, fields{Current: huge, PerPage: 100, Total: 45, LastPage: 1, First: 1, Last: 1, Prev: huge - 1}, 0, 0},
		{"a page whose offset overflows 64 bits", 0, 100, math.MaxInt64, fields{Current: huge, PerPage: 100, Total: 45, LastPage: 1, First: 1, Last: 1, Prev: huge - 1}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var p client.GetListParams
			if test.source != 0 {
				p.SearchAddWayType = &test.source
			}
			if test.perPage != 0 {
				p.PerPage = &test.perPage
			}
			if test.page != 0 {
				p.Page = &test.page
			}
			got := b.get(t, p)
			test.want.Count = test.want.Total
			if diff := cmp.Diff(test.want, fieldsOf(t, got)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if rows := rowIDs(got.Data); len(rows) > 0 && (rows[0] != test.newestRow || rows[len(rows)-1] != test.lastRows) {
				t.Errorf("rows %v, want %d to %d", rows, test.newestRow, test.lastRows)
			}
		})
	}
}

// awkward is a text that every layer between the page and the database could spoil.
const awkward = `李 & 50%+_=#?"'\/;李😀　Ａé[]{}<>`

func TestFollowingNextPageShowsEveryRowOfTheFilteredListOnce(t *testing.T) {
	t.Parallel()
	w := crowd(40)
	w.tags = []client.Tag{newTag(1, "et&=%+标签", "一")}
	for i := range w.follows {
		if i%3 > 0 {
			w.contacts[i].Name = fmt.Sprintf("%d%s%d", i, awkward, i)
			w.follows[i].Remark = awkward + strconv.Itoa(i)
			w.follows[i].TagID = "et&=%+标签,etOther"
			w.follows[i].AddWay = "0"
			w.follows[i].Status = -1
			w.follows[i].Createtime = int64(1000 + i)
			w.follows[i].RemarkMobiles = `["+86 139-0000-0000"]`
		}
		if i%4 > 0 {
			w.contacts[i].ExternalType = 2
			w.contacts[i].UID = 3061
		}
	}
	b := setup(t, manager+w.records())
	for _, p := range []client.GetListParams{
		{},
		{SearchCustomer: new(awkward)},
		{SearchRemark: new("%+_=#?")},
		{SearchRemark: new("　Ａé[]{}<>")},
		{SearchTagsData: new("et&=%+标签,etUnknown")},
		{SearchMember: new("0")},
		{SearchAddWayType: new(int32(0))},
		{SearchLeixing: new(client.TypeWeCom)},
		{SearchType: new(client.TypeWeCom), SearchLeixing: new(client.TypeWeCom)},
		{SearchTime: &client.TimeRange{"1005", ""}},
		{SearchTime: &client.TimeRange{"", "1030999"}},
		{SearchEmployeeMember: new("zhangSAN"), CropID: new(int64(1))},
		{SearchEmployeeMember: new("nobody,zhangSAN"), Sort: new(client.SortByCreatetime)},
		{SearchTagsAll: new("et&=%+标签,*"), SearchTagsNone: new("etUnknown"), Sort: new(client.SortByCreatetimeDesc)},
		{SearchMobile: new("+86 139-"), Sort: new(client.SortByIDDesc)},
		{SearchKeyword: new(awkward), Sort: new(client.SortByCreatetime)},
		{
			SearchCustomer: new("李"), SearchMember: new("3061"), SearchAddWayType: new(int32(0)), SearchTagsData: new("etOther"), SearchEmployeeMember: new("ZhangSan"),
			SearchLeixing: new(client.TypeWeCom), SearchStatus: new(client.StatusLost), SearchTime: &client.TimeRange{"1000", "1040"}, SearchRemark: new(awkward), Omit: new("tag"),
		},
	} {
		t.Run(marshal(p), func(t *testing.T) {
			t.Parallel()
			want := w.list(crop, p)
			if len(want) < 10 {
				t.Fatalf("only %d rows: nothing to follow", len(want))
			}
			p.PerPage = new(int32(7))
			page := b.get(t, p)
			rows, first, last := page.Data, page.FirstPageURL, page.LastPageURL
			for page.NextPageURL != nil && len(rows) < 100 {
				back := page
				page = b.follow(t, *page.NextPageURL)
				rows = append(rows, page.Data...)
				if page.PrevPageURL == nil || page.FirstPageURL != first || page.LastPageURL != last {
					t.Errorf("links of page %d lead elsewhere than those of page 1: %q, %q and back %v", page.CurrentPage, page.FirstPageURL, page.LastPageURL, page.PrevPageURL)
				} else if diff := cmp.Diff(back.Data, b.follow(t, *page.PrevPageURL).Data); diff != "" {
					t.Errorf("back from page %d\n%s", page.CurrentPage, diff)
				}
			}
			if diff := cmp.Diff(rowIDs(want), rowIDs(rows)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(page.Data, b.follow(t, last).Data); diff != "" {
				t.Errorf("the last page's link leads elsewhere\n%s", diff)
			}
		})
	}
}

func TestLinksOfAPostedListKeepItsFilters(t *testing.T) {
	t.Parallel()
	w := crowd(20)
	for i := range w.follows {
		if i%2 > 0 {
			w.follows[i].Remark = awkward
		}
	}
	b := setup(t, manager+w.records())
	answer, err := b.Client.PostListWithResponse(t.Context(), uniacid, nil, client.ListBody{PerPage: new(int32(3)), Search: &client.ListSearch{Remark: new(awkward)}})
	mustSucceed(t, err)
	if answer.JSON200 == nil {
		t.Fatalf("%s\n%s", answer.Status(), answer.Body)
	}
	page := answer.JSON200.Data
	rows := rowIDs(page.Data)
	for page.NextPageURL != nil && len(rows) < 20 {
		page = b.follow(t, *page.NextPageURL)
		rows = append(rows, rowIDs(page.Data)...)
	}
	if diff := cmp.Diff([]int64{20, 18, 16, 14, 12, 10, 8, 6, 4, 2}, rows); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLinksBeginWithThePublicAddressAndHaveTheParametersInTheDocumentsOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(3).records(), publicURL("https://mall.example.com/{uniacid}/index.php?i={uniacid}"))
	got := b.get(t, client.GetListParams{
		Page: new(int64(2)), PerPage: new(int32(1)), Omit: new("employee"), CropID: new(int64(1)), SearchRemark: new(""), SearchTime: &client.TimeRange{"", "1714521610"},
		SearchStatus: new(client.StatusFollowing), SearchLeixing: new(client.TypeWeChat), SearchCustomer: new("客户 &"), SearchEmployeeMember: new("ZhangSan"),
		SearchTagsAll: new("a,*"), SearchTagsNone: new("b"), SearchMobile: new("+1"), SearchKeyword: new("lyt"), Sort: new(client.SortByCreatetimeDesc),
	})
	const address = "https://mall.example.com/2/index.php?i=2"
	const query = "&search%5Bcustomer%5D=%E5%AE%A2%E6%88%B7%20%26&search%5Btags_all%5D=a%2C%2A&search%5Btags_none%5D=b&search%5Bemployee_member%5D=ZhangSan" +
		"&search%5B%E7%B1%BB%E5%9E%8B%5D=1&search%5Bstatus%5D=1&search%5Btime%5D%5B%5D=&search%5Btime%5D%5B%5D=1714521610&search%5Bmobile%5D=%2B1" +
		"&search%5Bkeyword%5D=lyt&crop_id=1&per_page=1&omit=employee&sort=-createtime"
	want := []any{address + query + "&page=1", address + query + "&page=1", address}
	if diff := cmp.Diff(want, []any{got.FirstPageURL, got.LastPageURL, got.Path}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestLinksBeginWithTheRouteThatTheRequestReachedWhereNoPublicAddressIsSet(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(1).records())
	got := b.get(t, client.GetListParams{})
	want := b.URL + "/business/2/plugin/WechatCustomers/getList"
	if got.Path != want || got.FirstPageURL != want+"?page=1" {
		t.Errorf("path %q, first page %q; want %q", got.Path, got.FirstPageURL, want)
	}
}

func TestOmittedListsAreEmptyAndRowsStillShowTheirTagsAndEmployees(t *testing.T) {
	t.Parallel()
	w := crowd(2)
	w.tags = []client.Tag{newTag(1, "etA", "一")}
	w.follows[1].TagID = "etA"
	b := setup(t, manager+w.records())
	for omit, want := range map[string][2]int{"": {1, 1}, "tag": {0, 1}, "employee": {1, 0}, "tag,employee": {0, 0}, "employee,tag": {0, 0}} {
		got := b.get(t, client.GetListParams{Omit: &omit})
		if len(got.Tag) != want[0] || len(got.Employee) != want[1] || got.Tag == nil || got.Employee == nil {
			t.Errorf("omit=%s: %d tags and %d employees, want %v", omit, len(got.Tag), len(got.Employee), want)
		}
		if diff := cmp.Diff(w.list(crop, client.GetListParams{}), got.Data); diff != "" {
			t.Errorf("omit=%s: rows (-want +got)\n%s", omit, diff)
		}
	}
}

func TestBeforeIDAnswersTheNextSmallerIDsWithoutPageNumbers(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(9).records())
	got := b.get(t, client.GetListParams{BeforeID: new(int64(8)), PerPage: new(int32(3)), SearchCustomer: new("客户")})
	base := b.URL + "/business/2/plugin/WechatCustomers/getList?search%5Bcustomer%5D=%E5%AE%A2%E6%88%B7&per_page=3"
	got.Tag, got.Employee = nil, nil
	want := client.CustomerPage{
		CurrentPage: 1, Data: got.Data, FirstPageURL: base + "&page=1", LastPage: 3, LastPageURL: base + "&page=3", NextPageURL: new(base + "&before_id=5"),
		Path: b.URL + "/business/2/plugin/WechatCustomers/getList", PerPage: 3, Total: 9, Count: 9,
	}
	if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(rowIDs(got.Data), []int64{7, 6, 5}) {
		t.Errorf("rows %v (-want +got)\n%s", rowIDs(got.Data), diff)
	}
	for before, rows := range map[int64][]int64{1: {}, 2: {1}, 4: {3, 2, 1}, math.MaxInt64: {9, 8, 7}} {
		got := b.get(t, client.GetListParams{BeforeID: new(before), PerPage: new(int32(3))})
		if !slices.Equal(rowIDs(got.Data), rows) || got.Total != 9 || (got.NextPageURL == nil) == (before > 4) {
			t.Errorf("before %d: rows %v, total %d, next %v; want %v", before, rowIDs(got.Data), got.Total, got.NextPageURL, rows)
		}
	}
}

func TestBeforeIDTakesNeitherAPageNorAnotherOrder(t *testing.T) {
	t.Parallel()
	b := setup(t, manager+crowd(2).records())
	for message, p := range map[string]client.GetListParams{
		"不能与 1 以外的 page 同时使用,收到的是 「8」": {BeforeID: new(int64(8)), Page: new(int64(2))},
		"只能与默认的 sort 一起使用,收到的是 「8」":    {BeforeID: new(int64(8)), Sort: new(client.SortByCreatetime)},
		"只能与默认的 sort 一起使用,收到的是 「9」":    {BeforeID: new(int64(9)), Sort: new(client.SortByCreatetimeDesc), PerPage: new(int32(1))},
	} {
		answer, err := b.Client.GetListWithResponse(t.Context(), uniacid, &p)
		mustSucceed(t, err)
		if answer.JSON400 == nil || !slices.Equal(answer.JSON400.Data, []client.FieldError{{Field: "before_id", Message: message, Code: client.FieldInvalid}}) {
			t.Errorf("%s: %s %s", marshal(p), answer.Status(), answer.Body)
		}
	}
	if got := rowIDs(b.get(t, client.GetListParams{BeforeID: new(int64(2)), Sort: new(client.SortByIDDesc)}).Data); !slices.Equal(got, []int64{1}) {
		t.Errorf("in the default order, named: rows %v", got)
	}
}

func TestEqualTimesAreInTheOrderOfTheIDs(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		w := crowd(6)
		// Of two days in China, the first beginning a minute before midnight.
		for i, time := range []int64{1632240000, 1632239940, 1632240000, 5, 1632239940, 1632240000} {
			w.follows[i].Createtime = time
		}
		b := setup(t, manager+w.records(), path)
		for sort, want := range map[client.Sort][]int64{
			client.SortByIDDesc: {6, 5, 4, 3, 2, 1}, client.SortByCreatetimeDesc: {6, 3, 1, 5, 2, 4}, client.SortByCreatetime: {4, 5, 2, 6, 3, 1},
		} {
			page := b.get(t, client.GetListParams{Sort: &sort, PerPage: new(int32(2))})
			rows := rowIDs(page.Data)
			for page.NextPageURL != nil && len(rows) < 10 {
				page = b.follow(t, *page.NextPageURL)
				rows = append(rows, rowIDs(page.Data)...)
			}
			if !slices.Equal(rows, want) {
				t.Errorf("%s: rows %v, want %v", sort, rows, want)
			}
		}
	})
}

func TestWalkingByBeforeIDMeetsEveryRowThatStaysOnceWhileOthersComeAndGo(t *testing.T) {
	t.Parallel()
	w := crowd(30)
	b := setup(t, manager+w.records())
	page := b.get(t, client.GetListParams{BeforeID: new(int64(math.MaxInt64)), PerPage: new(int32(4)), Omit: new("tag,employee")})
	met := rowIDs(page.Data)
	for batch := int64(0); page.NextPageURL != nil; batch++ {
		// A new row at the top, and one that goes, by turns among those met and those to come.
		more := crowd(int(31 + batch))
		gone := w.follows[[]int{29, 3, 28, 1, 27, 0, 26, 8, 25}[batch]]
		gone.DeletedAt = new(day)
		b.load(records(nil, more.contacts[30+batch:], nil, append(more.follows[30+batch:], gone)))
		page = b.follow(t, *page.NextPageURL)
		met = append(met, rowIDs(page.Data)...)
	}
	want := []int64{}
	for id := int64(30); id > 0; id-- {
		if !slices.Contains([]int64{4, 2, 1}, id) { // they went before they were met
			want = append(want, id)
		}
	}
	if diff := cmp.Diff(want, met); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
