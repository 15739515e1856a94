package paginate_test

import (
	"math"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/paginate"
)

const sampleURL = "http://www.wq.com/web/index.php"

func TestOfIsLaravelsArithmetic(t *testing.T) {
	t.Parallel()
	const huge = math.MaxInt
	for name, test := range map[string]struct {
		total, perPage, current int
		want                    paginate.Page
	}{
		"the contract's sample": {45, 2, 1,
			paginate.Page{CurrentPage: 1, From: new(1), To: new(2), LastPage: 23, PerPage: 2, Total: 45, Rows: 2}},
		"empty list": {0, 15, 1,
			paginate.Page{CurrentPage: 1, LastPage: 1, PerPage: 15}},
		"second page of an empty list": {0, 15, 2,
			paginate.Page{CurrentPage: 2, LastPage: 1, PerPage: 15}},
		"one row": {1, 15, 1,
			paginate.Page{CurrentPage: 1, From: new(1), To: new(1), LastPage: 1, PerPage: 15, Total: 1, Rows: 1}},
		"one full page": {15, 15, 1,
			paginate.Page{CurrentPage: 1, From: new(1), To: new(15), LastPage: 1, PerPage: 15, Total: 15, Rows: 15}},
		"one row more than a page": {16, 15, 2,
			paginate.Page{CurrentPage: 2, From: new(16), To: new(16), LastPage: 2, PerPage: 15, Total: 16, Offset: 15, Rows: 1}},
		"last page of an exact multiple": {30, 15, 2,
			paginate.Page{CurrentPage: 2, From: new(16), To: new(30), LastPage: 2, PerPage: 15, Total: 30, Offset: 15, Rows: 15}},
		"last page, not full": {45, 2, 23,
			paginate.Page{CurrentPage: 23, From: new(45), To: new(45), LastPage: 23, PerPage: 2, Total: 45, Offset: 44, Rows: 1}},
		"just past the end": {30, 15, 3,
			paginate.Page{CurrentPage: 3, LastPage: 2, PerPage: 15, Total: 30, Offset: 30}},
		"so far past the end that the offset overflows": {30, 15, huge,
			paginate.Page{CurrentPage: huge, LastPage: 2, PerPage: 15, Total: 30, Offset: 30}},
		"an offset that overflows to a small number": {30, 16, math.MaxInt/8 + 2,
			paginate.Page{CurrentPage: math.MaxInt/8 + 2, LastPage: 2, PerPage: 16, Total: 30, Offset: 30}},
		"the largest total": {huge, 100, huge/100 + 1,
			paginate.Page{CurrentPage: huge/100 + 1, From: new(huge/100*100 + 1), To: new(huge), LastPage: huge/100 + 1,
				PerPage: 100, Total: huge, Offset: huge / 100 * 100, Rows: huge % 100}},
		"a page below 1 is the first": {3, 2, -4,
			paginate.Page{CurrentPage: 1, From: new(1), To: new(2), LastPage: 2, PerPage: 2, Total: 3, Rows: 2}},
		"a page size below 1 is 1, a total below 0 is 0": {-1, 0, 1,
			paginate.Page{CurrentPage: 1, LastPage: 1, PerPage: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, paginate.Of(test.total, test.perPage, test.current)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// The pages are compared with those found by counting rows one by one.
func TestPagesCutTheListWithoutGapOrOverlap(t *testing.T) {
	t.Parallel()
	for total := range 64 {
		for perPage := 1; perPage <= 17; perPage++ {
			pages := [][]int{{}}
			for row := range total {
				last := len(pages) - 1
				if len(pages[last]) == perPage {
					pages, last = append(pages, nil), last+1
				}
				pages[last] = append(pages[last], row)
			}
			for current := 1; current <= len(pages)+2; current++ {
				want := paginate.Page{CurrentPage: current, LastPage: len(pages), PerPage: perPage, Total: total, Offset: total}
				if current <= len(pages) && len(pages[current-1]) > 0 {
					rows := pages[current-1]
					want.Offset, want.Rows = rows[0], len(rows)
					want.From, want.To = new(rows[0]+1), new(rows[len(rows)-1]+1)
				}
				if diff := cmp.Diff(want, paginate.Of(total, perPage, current)); diff != "" {
					t.Fatalf("page %d of %d rows by %d (-want +got)\n%s", current, total, perPage, diff)
				}
			}
		}
	}
}

func TestLinksAreTheContractsWithoutParameters(t *testing.T) {
	t.Parallel()
	want := paginate.Links{
		FirstPageURL: "http://www.wq.com/web/index.php?page=1",
		LastPageURL:  "http://www.wq.com/web/index.php?page=23",
		NextPageURL:  new("http://www.wq.com/web/index.php?page=2"),
		Path:         sampleURL,
	}
	if diff := cmp.Diff(want, paginate.Of(45, 2, 1).Links(sampleURL, nil)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestNeighboursAreNullOnlyAtTheEnds(t *testing.T) {
	t.Parallel()
	link := func(n string) *string { return new(sampleURL + "?page=" + n) }
	for name, test := range map[string]struct {
		total, current int
		prev, next     *string
	}{
		"empty":              {0, 1, nil, nil},
		"only page":          {10, 1, nil, nil},
		"first of three":     {21, 1, nil, link("2")},
		"middle of three":    {21, 2, link("1"), link("3")},
		"last of three":      {21, 3, link("2"), nil},
		"just past the end":  {21, 4, link("3"), nil},
		"far past the end":   {21, 99, link("98"), nil},
		"past an empty list": {0, 2, link("1"), nil},
		"the largest page":   {21, math.MaxInt, link("9223372036854775806"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			links := paginate.Of(test.total, 10, test.current).Links(sampleURL, nil)
			if diff := cmp.Diff(test.prev, links.PrevPageURL); diff != "" {
				t.Errorf("prev_page_url (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(test.next, links.NextPageURL); diff != "" {
				t.Errorf("next_page_url (-want +got)\n%s", diff)
			}
		})
	}
}

func TestLinksKeepEveryFilterInItsOrder(t *testing.T) {
	t.Parallel()
	query := []paginate.Pair{
		{"search[customer]", "李 一天&100%+_~.-"},
		{"search[time][]", "1631950639"},
		{"search[time][]", "1632277573"},
		{"search[类型]", "1"},
		{"page", "9"},
		{"per_page", "2"},
	}
	const encoded = "search%5Bcustomer%5D=%E6%9D%8E%20%E4%B8%80%E5%A4%A9%26100%25%2B_~.-" +
		"&search%5Btime%5D%5B%5D=1631950639&search%5Btime%5D%5B%5D=1632277573" +
		"&search%5B%E7%B1%BB%E5%9E%8B%5D=1&per_page=2&page="
	for name, test := range map[string]struct{ base, prefix, suffix string }{
		"bare":                        {sampleURL, sampleURL + "?" + encoded, ""},
		"with a query":                {sampleURL + "?i=2", sampleURL + "?i=2&" + encoded, ""},
		"with a query left open":      {sampleURL + "?i=2&", sampleURL + "?i=2&" + encoded, ""},
		"with an empty query":         {sampleURL + "?", sampleURL + "?" + encoded, ""},
		"with a fragment":             {sampleURL + "#/list?x", sampleURL + "?" + encoded, "#/list?x"},
		"with a query and a fragment": {sampleURL + "?i=2#a", sampleURL + "?i=2&" + encoded, "#a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := paginate.Links{
				FirstPageURL: test.prefix + "1" + test.suffix,
				LastPageURL:  test.prefix + "3" + test.suffix,
				NextPageURL:  new(test.prefix + "3" + test.suffix),
				PrevPageURL:  new(test.prefix + "1" + test.suffix),
				Path:         test.base,
			}
			if diff := cmp.Diff(want, paginate.Of(5, 2, 2).Links(test.base, query)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// Every byte, valid UTF-8 or not, survives the way through a link.
func TestLinksDecodeToWhatWentIn(t *testing.T) {
	t.Parallel()
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	link := paginate.Of(0, 1, 1).Links(sampleURL, []paginate.Pair{{string(all), string(all)}}).FirstPageURL
	parsed, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{string(all): {string(all)}, "page": {"1"}}
	got, err := url.ParseQuery(parsed.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
