package bench

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// want is what a request must be answered.
type want struct {
	total  int
	ids    []int             // of the page
	timed  [][2]uint32       // createtime and id of all rows, where they are sorted by it
	counts map[[2]string]int // of facets, by list and value
	seen   []bool            // which contacts were counted
}

// expect returns the answer of each request, found by going through all follows as the generator
// makes them.
func (p *plan) expect(requests []request) []want {
	wants := make([]want, len(requests))
	for _, e := range p.enterprises {
		var mine []int
		for n, r := range requests {
			if r.crop == e.crop && r.mode != written {
				mine = append(mine, n)
				if r.facets {
					wants[n].counts = map[[2]string]int{}
					wants[n].seen = make([]bool, e.contacts())
				}
			}
		}
		for i := e.raw - 1; len(mine) > 0 && i >= 0; i-- {
			if e.deleted(i) {
				continue
			}
			f := e.facts(i)
			for _, n := range mine {
				wants[n].add(&requests[n], e, &f)
			}
		}
	}
	for n := range wants {
		wants[n].sort(&requests[n])
	}
	return wants
}

// add adds a follow, the newest first.
func (w *want) add(r *request, e *enterprise, f *facts) {
	failed := "" // the one filter that the follow does not meet
	for _, x := range r.filters {
		if x.match(f) {
			continue
		}
		if failed != "" || !r.facets {
			return
		}
		failed = x.param
	}
	if r.facets {
		w.count(r, e, f, failed)
	}
	if failed != "" {
		return
	}
	w.total++
	if r.sort != "" {
		w.timed = append(w.timed, [2]uint32{uint32(f.createtime), uint32(f.id)})
	} else if (w.total-1)/perPage == r.page-1 {
		w.ids = append(w.ids, f.id)
	}
}

// count counts a follow in those lists that leave the filter out that it does not meet.
func (w *want) count(r *request, e *enterprise, f *facts, failed string) {
	in := func(list, own, value string) {
		if failed == "" || failed == own {
			w.counts[[2]string{list, value}]++
		}
	}
	in("status", "search[status]", strconv.Itoa(f.status))
	in("type", "search[type]", strconv.Itoa(f.of.kind))
	in("add_way", "search[add_way_type]", strconv.Itoa(f.way))
	in("employee", "search[employee_member]", e.userids[f.employee])
	for _, t := range f.tags {
		in("tag", "search[tags_data]", e.tagIDs[t])
	}
	if len(f.tags) == 0 {
		in("untagged", "search[tags_data]", "")
	}
	for _, x := range r.filters {
		in("without", x.param, x.param)
	}
	in("total", "-", "")
	if failed == "" && !w.seen[f.contact] {
		w.seen[f.contact] = true
		in("customers", "-", "")
	}
}

// sort takes the page of rows that are sorted by createtime.
func (w *want) sort(r *request) {
	slices.SortFunc(w.timed, func(a, b [2]uint32) int {
		byTime := cmp.Compare(a[0], b[0])
		if strings.HasPrefix(r.sort, "-") {
			byTime = -byTime
		}
		return cmp.Or(byTime, cmp.Compare(b[1], a[1]))
	})
	for i := (r.page - 1) * perPage; i < min(r.page*perPage, len(w.timed)); i++ {
		w.ids = append(w.ids, int(w.timed[i][1]))
	}
	w.timed = nil
}

// check returns what is wrong with an answer.
func (w *want) check(r *request, e *enterprise, a *httptest.ResponseRecorder) error {
	body := a.Body.Bytes()
	if a.Code != http.StatusOK {
		return fmt.Errorf("status %d: %.300s", a.Code, body)
	}
	if r.facets {
		return w.checkFacets(body)
	}
	var got struct {
		Data struct {
			Total    int               `json:"total"`
			Tag      []json.RawMessage `json:"tag"`
			Employee []json.RawMessage `json:"employee"`
			Data     []struct {
				ID       int              `json:"id"`
				Contact  *json.RawMessage `json:"has_one_customer"`
				Employee *json.RawMessage `json:"has_one_employee"`
			} `json:"data"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return err
	}
	d := got.Data
	var ids []int
	for _, row := range d.Data {
		if row.Contact == nil || row.Employee == nil {
			return fmt.Errorf("row %d has no contact or no employee", row.ID)
		}
		ids = append(ids, row.ID)
	}
	switch {
	case d.Total != w.total:
		return fmt.Errorf("total %d, want %d", d.Total, w.total)
	case !slices.Equal(ids, w.ids):
		return fmt.Errorf("ids %v, want %v", ids, w.ids)
	case len(d.Tag) != e.tags || len(d.Employee) != e.employees:
		return fmt.Errorf("%d tags and %d employees, want %d and %d",
			len(d.Tag), len(d.Employee), e.tags, e.employees)
	}
	return nil
}

func (w *want) checkFacets(body []byte) error {
	var answered struct {
		Data map[string]any `json:"data"`
	}
	if err := json.Unmarshal(body, &answered); err != nil {
		return err
	}
	got := map[[2]string]int{}
	for list, counts := range answered.Data {
		if n, ok := counts.(float64); ok && n > 0 {
			got[[2]string{list, ""}] = int(n)
		}
		values, _ := counts.([]any)
		for _, v := range values {
			of, _ := v.(map[string]any)
			value := fmt.Sprint(cmp.Or(of["value"], of["user_id"], of["tag_id"], of["filter"]))
			n, _ := cmp.Or(of["count"], of["total"]).(float64)
			got[[2]string{list, value}] = int(n)
		}
	}
	// The generator does not count by gender.
	maps.DeleteFunc(got, func(of [2]string, _ int) bool { return of[0] == "gender" })
	for of, n := range w.counts {
		if got[of] != n {
			return fmt.Errorf("%s: %d, want %d", of, got[of], n)
		}
	}
	if len(got) != len(w.counts) {
		return fmt.Errorf("%d counts, want %d", len(got), len(w.counts))
	}
	return nil
}
