package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
)

// atLeast is how many times the requests a second of the original's shape are wanted.
const atLeast = 20

// peerConnections is how many connections both are asked over.
const peerConnections = 8

// comparison is a row of the table beside the original's shape.
type comparison struct {
	name  string
	calls func(turn int) call // one without a path ends the run
	limit bool                // at least atLeast times is wanted
}

func (p *plan) comparisons() []comparison {
	lastPage := (p.rows + perPage - 1) / perPage
	list := []comparison{
		{name: "original: pages all different", limit: true, calls: func(turn int) call {
			if turn > lastPage {
				return call{}
			}
			r := request{page: 1 + turn*7919%lastPage}
			return r.call(0)
		}},
		{name: "original: the same page", limit: true, calls: func(int) call { return (&request{}).call(0) }},
	}
	for _, r := range p.requests() {
		switch r.name {
		case "mix: type=2", "one tag", "name, 2 characters", "remark, 2 characters", "an employee":
			list = append(list, comparison{name: "original: " + r.name + ", not remembered", calls: func(turn int) call {
				c := r.call(0)
				c.host = elsewhere(turn)
				return c
			}})
		}
	}
	return list
}

// compare checks that the original's shape gives the same answers, measures both, prints the table, and returns how many figures were missed.
func (o Options) compare(ctx context.Context, l *loaded, version string) (missed int, err error) {
	comparisons := slices.DeleteFunc(l.plan.comparisons(), func(c comparison) bool { return o.Only != nil && !o.Only.MatchString(c.name) })
	if len(comparisons) == 0 {
		return 0, nil
	}
	o.sayf("the original's shape on %d follows", l.plan.rows)
	handler, err := newOriginal(ctx, l)
	if err != nil {
		return 0, fmt.Errorf("the original's tables: %w", err)
	}
	m, err := newMeter(ctx, l, o)
	if err != nil {
		return 0, err
	}
	theirs := &server{handler: handler, bearer: m.server.bearer}
	for _, r := range l.plan.requests() {
		if max(r.crop, bigCrop) != bigCrop || r.mode != first {
			continue
		}
		c := r.call(0)
		c.gzip = false
		if err := same(ctx, m.server, theirs, c); err != nil {
			return 0, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	var rows [][]string
	for _, c := range comparisons {
		var our, their []float64
		for range 3 {
			if err := m.forget.forget(ctx, bigCrop); err != nil {
				return 0, err
			}
			for s, rates := range map[*server]*[]float64{m.server: &our, theirs: &their} {
				r, err := rate(ctx, s, peerConnections, m.per/2, http.StatusOK, c.calls)
				if err != nil {
					return 0, err
				}
				*rates = append(*rates, r)
			}
		}
		ours, its := median(our), median(their)
		verdict, limit := "", ""
		if c.limit {
			verdict, limit = "ok", number(atLeast)
			if ours < atLeast*its {
				verdict = "MISSED"
				missed++
			}
		}
		row := []string{c.name, number(its), number(ours), limit, verdict, number(ours / max(its, 0.001))}
		o.sayf("%v", row)
		rows = append(rows, row)
	}
	_, _ = fmt.Fprintf(o.Out, "\nRequests a second over %d connections, %s, %d follows\n\n", peerConnections, version, l.plan.rows)
	return missed, printTable(o.Out, peerColumns, rows)
}

var peerColumns = []string{"request", "original's shape", "ours", "at least", "", "times"}

// same returns an error unless both answer a request with the same rows and the same total.
func same(ctx context.Context, ours, theirs *server, c call) error {
	var lists [2]list
	for i, s := range []*server{ours, theirs} {
		a, err := s.get(ctx, c)
		if err != nil {
			return err
		}
		if a.status != 0 && a.status != http.StatusOK {
			return fmt.Errorf("status %d: %s", a.status, a.body.bytes)
		}
		if err := json.Unmarshal(a.body.bytes, &lists[i]); err != nil {
			return err
		}
	}
	our, their := lists[0].Data, lists[1].Data
	ids := func(l list) (ids []int) {
		for _, row := range l.Data.Data {
			ids = append(ids, row.ID)
		}
		return ids
	}
	switch {
	case our.Total != their.Total:
		return fmt.Errorf("our total is %d, the original's shape has %d", our.Total, their.Total)
	case !slices.Equal(ids(lists[0]), ids(lists[1])):
		return fmt.Errorf("our rows are %v, the original's shape has %v", ids(lists[0]), ids(lists[1]))
	case len(our.Tag) != len(their.Tag) || len(our.Employee) != len(their.Employee):
		return fmt.Errorf("our tags and employees are %d and %d, the original's shape has %d and %d", len(our.Tag), len(our.Employee), len(their.Tag), len(their.Employee))
	}
	return nil
}
