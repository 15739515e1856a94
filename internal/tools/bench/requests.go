package bench

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/internal/fold"
	"example.com/wechatcustomers/internal/pinyin"
)

// request is a row of the table: what is asked, and what may be the price of the answer.
type request struct {
	group
	line
	filters []filter
	page    int
	sort    string
}

// line is what each row has of its own.
type line struct {
	name           string
	query          string  // without search[]; #3 is the tag or employee of this rank
	mariadb, mysql float64 // what release 0.1.0 took, in pk, a million follows; 0 is not known
}

// group is what several rows have in common.
type group struct {
	limit  limit
	mode   mode
	crop   int
	facets bool
	gzip   bool // the caller takes gzip, as browsers do
	steady bool // the price hardly grows with the enterprise
}

// limit is what a figure may be at most; 0 is no limit.
type limit struct {
	pk         float64 // the time, in pk
	above      float64 // the time above that of the same handler writing stored bytes, in pk
	statements int     // SQL statements
}

// mode is how a row is measured.
type mode int

const (
	first     mode = iota // a write to the enterprise goes before every request
	again                 // the same request, nothing written since
	unchanged             // the same with If-None-Match
	written               // a write of the field that query names, and no request
)

const (
	perPage = 15 // the contract's default
	// More rows than manyRows under its filters let a request for facets take facetsOfMany pk.
	manyRows, facetsOfMany = 100_000, 1000
	// What a request may take in a larger enterprise than the first, as a multiple of its figure
	// there; and what limits are multiplied by where ids are sparse.
	steadyGrowth, growth, sparseAllowance = 1.3, 4, 2
)

// requests returns the rows of the table.
func (p *plan) requests() (list []request) {
	add := func(g group, lines ...line) {
		g.crop = max(g.crop, bigCrop)
		for _, l := range lines {
			r := request{group: g, line: l, page: 1}
			if g.mode != written {
				p.enterprises[g.crop-1].read(&r)
			}
			list = append(list, r)
		}
	}
	last := (p.Rows + perPage - 1) / perPage
	middle := fmt.Sprintf("page=%d", last/2)
	far := fmt.Sprintf("&page=%d", min(1000, p.Rows/1000)) // status=-1 has ten times as many
	tags := p.big().tags
	rare := tags * 52 / 300 // such tags have about 3,500 of a million rows
	three := fmt.Sprintf("tags_data=#%d,#%d,#%d", rare, rare+1, rare+2)
	one, _, _ := strings.Cut(three, ",")
	twenty := make([]string, 20)
	for i := range twenty {
		twenty[i] = fmt.Sprintf("#%d", (tags/15+i)%tags)
	}
	during := func(from, length int) string { return fmt.Sprintf("time=%d,%d", from, from+length) }
	const half, chinaDay, year = firstTime + days/2*day, 8 * 60 * 60, 365 * day

	add(group{limit: limit{pk: 30}, steady: true}, line{"first page", "", 21, 25})
	add(group{limit: limit{pk: 30}, steady: true, gzip: true}, line{"first page, gzip", "", 20, 25})
	add(group{limit: limit{pk: 60}, steady: true}, []line{
		{"page 2", "page=2", 18, 19},
		{"page 100", fmt.Sprintf("page=%d", min(100, last)), 29, 31},
		{"page in the middle", middle, 28, 39},
		{"last page", fmt.Sprintf("page=%d", last), 16, 15},
		{"one tag", one, 23, 24},
		{"any of three tags", three, 52, 71},
		{"name, 2 letters", "customer=" + name2, 26, 26},
		{"name, 3 letters", "customer=" + name3, 25, 25},
		{"remark, 2 letters", "remark=" + remark2, 21, 22},
		{"remark, 3 letters", "remark=" + remark3, 19, 18},
		{"mobile, 3 digits", "mobile=123", 0, 0},
	}...)
	add(group{limit: limit{pk: 60}}, []line{
		{"status=1", "status=1", 21, 28},
		{"status=-1", "status=-1", 19, 23},
		{"status=-1, page 1,000", "status=-1" + far, 0, 0},
		{"type=2", "type=2", 22, 21},
		{"source", "add_way_type=8", 19, 21},
		{"all three", "status=1&type=1&add_way_type=3", 20, 23},
		{"all three, 10 hits", "status=-1&type=2&add_way_type=202", 21, 28},
		{"all three, no hits", "status=-1&type=2&add_way_type=9", 6.5, 6.7},
		{"an employee", "employee_member=#3", 68, 113},
		{"three employees", "employee_member=#1,#3,#10", 0, 0},
		{"all of two frequent tags", "tags_all=#0,#1", 0, 0},
		{"none of two frequent tags", "tags_none=#0,#1", 0, 0},
		{"untagged", "tags_none=*", 0, 0},
		{"the most frequent tag, status=-1", "tags_data=#0&status=-1", 6609, 4259},
		{"30 days, newest", during(firstTime+(days-31)*day, 30*day), 43, 81},
		{"30 days, old", during(half, 30*day), 97, 125},
		{"a year", during(half-chinaDay, year-1), 0, 0},
		{"a year, from and to odd seconds", during(half+12_345, year), 0, 0},
		{"member=0", "member=0", 1896, 1924},
		{"member=0, status, type, any of 20 tags",
			"member=0&status=1&type=1&tags_data=" + strings.Join(twenty, ","), 0, 0},
		{"name, 1 letter", "customer=王", 185, 258},
		{"remark, 1 letter", "remark=王", 139, 214},
		{"name, 1 letter, status=-1", "customer=王&status=-1", 3579, 4198},
	}...)
	add(group{limit: limit{pk: 120}}, []line{
		{"name, 4 letters", "customer=" + name4, 0, 0},
		{"name, 6 letters", "customer=" + name6, 0, 0},
		{"remark, 4 letters", "remark=" + remark4, 0, 0},
		{"remark, 6 letters", "remark=" + remark6, 0, 0},
		{"keyword, 2 letters", "keyword=" + name2, 0, 0},
		{"keyword, whole pinyin", "keyword=wangxiaodong", 0, 0},
		{"keyword, initials", "keyword=wxd", 0, 0},
		{"keyword, one syllable", "keyword=wang", 0, 0},
		{"keyword, one letter", "keyword=w", 0, 0},
		{"keyword, digits", "keyword=0123", 0, 0},
		{"by createtime, newest", "sort=-createtime", 0, 0},
		{"by createtime, newest, in the middle", "sort=-createtime&" + middle, 0, 0},
		{"by createtime, oldest", "sort=createtime", 0, 0},
		{"by createtime, oldest, in the middle", "sort=createtime&" + middle, 0, 0},
		{"by createtime, status=-1, page 1,000", "sort=-createtime&status=-1" + far, 0, 0},
		{"by createtime, the most frequent tag, status=-1",
			"sort=-createtime&tags_data=#0&status=-1", 0, 0},
		{"by createtime, an employee", "sort=-createtime&employee_member=#3", 0, 0},
	}...)
	add(group{limit: limit{pk: 300}, facets: true}, []line{
		{"facets", "", 0, 0},
		{"facets, status=-1", "status=-1", 0, 0},
		{"facets, the most frequent tag", "tags_data=#0", 0, 0},
		{"facets, an employee", "employee_member=#3", 0, 0},
		{"facets, one tag", one, 0, 0},
		{"facets, keyword", "keyword=" + name2, 0, 0},
	}...)
	add(group{limit: limit{pk: 60}, crop: smallCrop}, []line{
		{"2,000: first page", "", 0, 0},
		{"2,000: status, tag and name", "status=1&tags_data=#0&customer=王", 0, 0},
		{"2,000: keyword", "keyword=王", 0, 0},
		{"2,000: by createtime", "sort=-createtime", 0, 0},
	}...)
	add(group{limit: limit{pk: 120}, crop: smallCrop}, line{"2,000: pinyin", "keyword=wang", 0, 0})
	add(group{limit: limit{pk: 300}, crop: smallCrop, facets: true},
		line{"2,000: facets", "", 0, 0})
	repeat := group{limit: limit{above: 3, statements: 1}, mode: again, steady: true}
	add(repeat, []line{
		{"first page again", "", 1.2, 1.5},
		{"page in the middle again", middle, 1.4, 1.5},
		{"an employee again", "employee_member=#3", 1.5, 1.6},
	}...)
	repeat.gzip = true
	add(repeat, line{"first page again, gzip", "", 1.4, 1.5})
	repeat.gzip, repeat.facets = false, true
	add(repeat, line{"facets again", "", 0, 0})
	add(group{limit: limit{statements: 1}, mode: unchanged, steady: true},
		line{"first page, If-None-Match", "", 1.3, 1.5})
	add(group{mode: written}, []line{
		{"write: a status", "status", 0, 0},
		{"write: a remark", "remark", 0, 0},
		{"write: a tag", "tag_id", 0, 0},
		{"write: a new follow", newFollow, 0, 0},
	}...)
	return list
}

// limitOf returns the limit of a request that has so many rows, where another size has these
// figures.
func (p *plan) limitOf(r *request, rows int, first map[string]figures) limit {
	at := r.limit
	if r.facets && at.pk > 0 && rows > manyRows {
		at.pk = facetsOfMany
	}
	switch f, known := first[r.name]; {
	case p.Sparse:
		at.pk *= sparseAllowance
	case known && r.steady:
		at.pk, at.above = steadyGrowth*f.pk, 0
	case known && r.mode != written:
		at.pk = growth * f.pk
	}
	return at
}

// filter is a filter of a request, and what it means for a row as the generator knows it.
type filter struct {
	param, value string
	match        func(f *facts) bool
}

// read reads the query of a request to this enterprise.
func (e *enterprise) read(r *request) {
	for pair := range strings.SplitSeq(r.query, "&") {
		switch param, value, _ := strings.Cut(pair, "="); param {
		case "":
		case "page":
			r.page, _ = strconv.Atoi(value)
		case "sort":
			r.sort = value
		default:
			r.filters = append(r.filters, e.filter(param, value))
		}
	}
}

func (e *enterprise) filter(param, value string) filter {
	n, _ := strconv.Atoi(value)
	has := func(s string) bool { return strings.Contains(s, value) }
	list := strings.Split(value, ",")
	numbers := make([]int, len(list)) // of a list's employees or tags
	for i, id := range list {
		if rank, named := strings.CutPrefix(id, "#"); named {
			rank, _ := strconv.Atoi(rank)
			if param == "employee_member" {
				numbers[i] = e.employeeOdds.at(rank)
				list[i] = e.userids[numbers[i]]
			} else {
				numbers[i] = e.tagOdds.at(rank)
				list[i] = e.tagIDs[numbers[i]]
			}
		}
	}
	carried := func(f *facts) (n int) {
		for _, t := range numbers {
			if slices.Contains(f.tags, t) {
				n++
			}
		}
		return n
	}
	match := map[string]func(f *facts) bool{
		"customer":        func(f *facts) bool { return has(f.of.name) },
		"member":          func(f *facts) bool { return f.of.uid == n },
		"type":            func(f *facts) bool { return f.of.kind == n },
		"status":          func(f *facts) bool { return f.status == n },
		"add_way_type":    func(f *facts) bool { return f.way == n },
		"tags_data":       func(f *facts) bool { return carried(f) > 0 },
		"tags_all":        func(f *facts) bool { return carried(f) == len(numbers) },
		"tags_none":       func(f *facts) bool { return carried(f) == 0 },
		"employee_member": func(f *facts) bool { return slices.Contains(numbers, f.employee) },
		"remark":          func(f *facts) bool { return has(f.remark) },
		"mobile":          func(f *facts) bool { return has(f.mobile) },
		"keyword":         e.keyword(value),
	}[param]
	switch {
	case value == "*":
		match = func(f *facts) bool { return len(f.tags) == 0 }
	case param == "time":
		param = "time]["
		from, to := atoi(list[0]), atoi(list[1])
		match = func(f *facts) bool { return f.createtime >= from && f.createtime <= to }
	}
	return filter{"search[" + param + "]", strings.Join(list, ","), match}
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// keyword matches what a keyword finds, which must be folded. As digits of a telephone number it
// finds only itself.
func (e *enterprise) keyword(text string) func(f *facts) bool {
	known := map[string]bool{}
	find := func(s string) bool {
		found, ok := known[s]
		if !ok {
			folded := fold.String(s)
			found = strings.Contains(folded, text) ||
				pinyin.Matches(pinyin.Lattice(folded), pinyin.Query(text))
			known[s] = found
		}
		return found
	}
	return func(f *facts) bool {
		return find(f.of.name) || find(f.remark) || strings.Contains(f.mobile, text) ||
			strings.Contains(fold.String(f.description), text) ||
			strings.Contains(f.of.company, text)
	}
}

// target returns the request's path and query.
func (r *request) target() string {
	q := url.Values{"crop_id": {strconv.Itoa(r.crop)}}
	for _, f := range r.filters {
		q[f.param] = []string{f.value}
		if f.param == "search[time][]" {
			q[f.param] = strings.Split(f.value, ",")
		}
	}
	if r.page > 1 {
		q.Set("page", strconv.Itoa(r.page))
	}
	if r.sort != "" {
		q.Set("sort", r.sort)
	}
	operation := "getList"
	if r.facets {
		operation = "getFacets"
	}
	return fmt.Sprintf("/business/%d/plugin/WechatCustomers/%s?%s", uniacid, operation, q.Encode())
}
