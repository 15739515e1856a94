package bench

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// mode is how a request is measured.
type mode int

const (
	first     mode = iota // a write to the enterprise goes before every request: nothing is remembered
	again                 // the same request, nothing written since
	unchanged             // the same with If-None-Match
	total                 // only the SQL of the total, alone
)

// limit is what a figure may be at most; 0 is no limit.
type limit struct {
	pk         float64 // the time, in pk
	abovePK    float64 // the time above that of the same handler writing the same stored bytes, in pk
	ofFirst    float64 // the time, as a multiple of the first page's
	statements float64 // SQL statements
}

// request is a row of the table: what is asked and what must be answered.
type request struct {
	name  string
	crop  int
	query url.Values
	page  int // 0 is 1
	mode  mode
	gzip  bool // the caller takes gzip, as browsers do
	at    limit

	// pages, where it is not nil, gives the page of the i-th request: no two in a row are the same.
	pages  func(i int) int
	scales bool                // what it costs hardly grows with the enterprise
	match  func(f *facts) bool // the filters as the generator knows them; nil: every live follow
}

const perPage = 15 // the contract's default

// target returns the request's path and query; turn tells repeated requests apart where they differ.
func (r *request) target(turn int) string {
	q := url.Values{}
	maps.Copy(q, r.query)
	if p := r.pageOf(turn); p != 1 {
		q.Set("page", strconv.Itoa(p))
	}
	q.Set("crop_id", strconv.Itoa(max(r.crop, bigCrop)))
	return fmt.Sprintf("/business/%d/plugin/WechatCustomers/getList?%s", uniacid, q.Encode())
}

// call returns the request as it is sent.
func (r *request) call(turn int) call { return call{host: host, path: r.target(turn), gzip: r.gzip} }

func (r *request) pageOf(turn int) int {
	if r.pages != nil {
		return r.pages(turn)
	}
	return max(r.page, 1)
}

func both(a, b url.Values) url.Values {
	q := maps.Clone(a)
	maps.Copy(q, b)
	return q
}

func search(field, value string) url.Values { return url.Values{"search[" + field + "]": {value}} }

// requests returns the rows of the table.
func (p *plan) requests() []request {
	e := p.big()
	lastPage := (p.rows + perPage - 1) / perPage
	middle := lastPage / 2
	list := []request{
		{name: "first page", scales: true, at: limit{pk: 40}},
		{name: "first page, gzip", scales: true, gzip: true, at: limit{pk: 40}},
		{name: "page 2", scales: true, page: 2, at: limit{pk: 80}},
		{name: "page 100", scales: true, page: min(100, lastPage), at: limit{pk: 80}},
		{name: "page in the middle", scales: true, page: middle, at: limit{pk: 80}},
		{name: "pages around a quarter, each another", scales: true, pages: func(i int) int { return lastPage/4 + i*37%(lastPage/8) }, at: limit{pk: 80}},
		{name: "last page", scales: true, page: lastPage, at: limit{pk: 80, ofFirst: 1.5}},
	}

	mixes := []struct {
		name              string
		status, kind, way int // 0, 0, -1: any
		at                mode
	}{
		{"status=1", 1, 0, -1, first},
		{"status=-1", -1, 0, -1, first},
		{"type=2", 0, 2, -1, first},
		{"source", 0, 0, 8, first},
		{"status=-1, type=2", -1, 2, -1, first},
		{"all three", 1, 1, 3, first},
		{fmt.Sprintf("all three, %d hits", raresInMix), -1, 2, rareWay, first},
		{"all three, no hits", -1, 2, 9, first},
	}
	mix := func(status, kind, way int) (url.Values, func(f *facts) bool) {
		q := url.Values{}
		if status != 0 {
			q.Set("search[status]", strconv.Itoa(status))
		}
		if kind != 0 {
			q.Set("search[type]", strconv.Itoa(kind))
		}
		if way >= 0 {
			q.Set("search[add_way_type]", strconv.Itoa(way))
		}
		return q, func(f *facts) bool {
			return (status == 0 || f.status == status) && (kind == 0 || f.kind == kind) && (way < 0 || f.way == way)
		}
	}
	list = append(list, request{name: "total: all", scales: true, mode: total, at: limit{pk: 3}})
	for _, m := range mixes {
		q, match := mix(m.status, m.kind, m.way)
		list = append(list, request{name: "total: " + m.name, scales: true, query: q, match: match, mode: total, at: limit{pk: 3}})
	}
	for _, m := range mixes {
		q, match := mix(m.status, m.kind, m.way)
		list = append(list, request{name: "mix: " + m.name, query: q, match: match, at: limit{pk: 150}})
	}

	const busy = 3 // its rows are a fourth of the busiest's: about 30,000 of a million
	employee := e.employeeOdds.at(busy)
	list = append(list, request{
		name: "an employee", query: search("employee_member", e.userid(employee)), at: limit{pk: 400},
		match: func(f *facts) bool { return f.employee == employee },
	})
	for _, month := range []struct {
		name  string
		begin int
	}{{"30 days, newest", days - 31}, {"30 days, old", days / 2}} {
		from, to := int64(firstTime+month.begin*day), int64(firstTime+(month.begin+30)*day)
		list = append(list, request{
			name: month.name, query: url.Values{"search[time][]": {strconv.FormatInt(from, 10), strconv.FormatInt(to, 10)}}, at: limit{pk: 300},
			match: func(f *facts) bool { return f.createtime >= from && f.createtime <= to },
		})
	}
	rare := e.tags * 52 / 300 // such tags have about 3,500 of a million rows
	three := []int{e.tagOdds.at(rare), e.tagOdds.at(rare + 1), e.tagOdds.at(rare + 2)}
	for _, tags := range [][]int{three[:1], three} {
		ids := make([]string, len(tags))
		for i, t := range tags {
			ids[i] = e.tagID(t)
		}
		r := request{
			name: "one tag", query: search("tags_data", strings.Join(ids, ",")), at: limit{pk: 60},
			match: func(f *facts) bool { return slices.ContainsFunc(tags, f.tag) },
		}
		if len(tags) > 1 {
			r.name, r.at.pk = "any of three tags", 250
		}
		list = append(list, r)
	}
	for _, s := range []struct {
		name, field, text string
		pk                float64
	}{
		{"name, 2 characters", "customer", name2, 120}, {"name, 3 characters", "customer", name3, 120}, {"name, 1 character", "customer", oneCharacter, 1200},
		{"remark, 2 characters", "remark", remark2, 120}, {"remark, 3 characters", "remark", remark3, 120}, {"remark, 1 character", "remark", oneCharacter, 1200},
	} {
		list = append(list, request{
			name: s.name, query: search(s.field, s.text), at: limit{pk: s.pk},
			match: func(f *facts) bool {
				if s.field == "remark" {
					return strings.Contains(f.remark, s.text)
				}
				return strings.Contains(f.name, s.text)
			},
		})
	}
	deep, match := mix(1, 0, -1)
	frequent := e.tagOdds.at(0)
	list = append(list,
		request{name: "page 1,000 of status=1", query: deep, match: match, page: min(1000, p.rows/perPage/4), at: limit{pk: 400}},
		request{name: "first page again", scales: true, mode: again, at: limit{abovePK: 3, statements: 1}},
		request{name: "first page again, gzip", scales: true, gzip: true, mode: again, at: limit{abovePK: 3, statements: 1}},
		request{name: "page in the middle again", scales: true, mode: again, page: middle, at: limit{abovePK: 3, statements: 1}},
		request{name: "an employee again", scales: true, mode: again, query: search("employee_member", e.userid(employee)), at: limit{abovePK: 3, statements: 1},
			match: func(f *facts) bool { return f.employee == employee }},
		request{name: "first page, If-None-Match", scales: true, mode: unchanged, at: limit{statements: 1}},
		// The dearest that are known, without limits.
		request{name: "no member (member=0)", query: search("member", "0"), match: func(f *facts) bool { return e.contactRecord(f.contact).UID == 0 }},
		request{name: "status=-1 and name, 1 character", query: both(search("status", "-1"), search("customer", oneCharacter)), match: func(f *facts) bool {
			return f.status == -1 && strings.Contains(f.name, oneCharacter)
		}},
		request{name: "the most frequent tag and status=-1", query: both(search("tags_data", e.tagID(frequent)), search("status", "-1")), match: func(f *facts) bool {
			return f.status == -1 && f.tag(frequent)
		}},
		request{name: "first page of 10,000", crop: otherCrop},
		request{name: "first page of 100", crop: otherCrop + 1},
	)
	return list
}

// moreFor is what a request that scales may cost in a larger enterprise, as a multiple of the figure in the first.
const moreFor = 1.5

// larger returns the limits in a larger enterprise than that of before.
func (r *request) larger(before []figures) limit {
	for _, f := range before {
		if r.scales && f.name == r.name && f.wrong == nil {
			return limit{pk: moreFor * f.pk, statements: f.at.statements}
		}
	}
	return limit{}
}

// want is what a request must be answered.
type want struct {
	total int
	ids   []int // of the page, newest first
}

// expect returns the answer of each request (for the page of turn 0), found by going through all follows as the generator makes them.
func (p *plan) expect(requests []request) []want {
	found := make([][]int32, len(requests))
	for c, e := range p.enterprises {
		var mine []int
		for i := range requests {
			if max(requests[i].crop, bigCrop) == c+1 {
				mine = append(mine, i)
			}
		}
		if len(mine) == 0 {
			continue
		}
		for i := range e.raw {
			if e.deleted(i) {
				continue
			}
			f := e.facts(i)
			for _, n := range mine {
				if requests[n].match == nil || requests[n].match(&f) {
					found[n] = append(found[n], int32(f.id))
				}
			}
		}
	}
	wants := make([]want, len(requests))
	for n, ids := range found {
		w := want{total: len(ids), ids: []int{}}
		slices.Reverse(ids)
		begin := min((requests[n].pageOf(0)-1)*perPage, len(ids))
		for _, id := range ids[begin:min(begin+perPage, len(ids))] {
			w.ids = append(w.ids, int(id))
		}
		wants[n] = w
	}
	return wants
}
