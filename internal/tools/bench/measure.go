package bench

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// meter measures requests on one database.
type meter struct {
	*loaded
	server *server
	per    time.Duration   // for one figure
	rates  bool            // measure requests a second
	pks    []time.Duration // medians of the blocks
	turns  int             // how many turns rates have taken
}

// figures are what was measured of a request.
type figures struct {
	took       time.Duration // median
	pk         float64       // took in pk: the median over the blocks
	above      float64       // took less the time of storing the same bytes, in pk
	statements int           // SQL statements
	rates      []float64     // requests a second, in the order of connections
}

// connections are the numbers of connections that rates are measured with.
var connections = []int{1, 8, 32}

// pkTime returns the median of some look-ups by primary key.
func (m *meter) pkTime(ctx context.Context) (time.Duration, error) {
	const query = "SELECT status FROM follows WHERE crop_id = ? AND id = ?"
	e := m.plan.big()
	times := make([]time.Duration, min(max(int(m.per/(10*time.Millisecond)), 5), 60))
	for i := range times {
		status, id := 0, e.followID(rand.IntN(e.raw)) //nolint:gosec // chance needs no secrecy
		begin := time.Now()
		if err := m.db.QueryRowContext(ctx, query, e.crop, id).Scan(&status); err != nil {
			return 0, err
		}
		times[i] = time.Since(begin)
	}
	return median(times), nil
}

// sampler takes the time of one thing.
type sampler func(ctx context.Context, turn int) (time.Duration, error)

// blocks measures own, and beside it reference where it is not nil, in blocks between blocks of pk
// look-ups: what the machine does meanwhile meets all of them.
func (m *meter) blocks(ctx context.Context, own, reference sampler) (f figures, err error) {
	if reference == nil {
		reference = func(context.Context, int) (time.Duration, error) { return 0, nil }
	}
	warm, err := own(ctx, 0)
	if err != nil {
		return f, err
	}
	size := int(min(max(m.per/40/max(warm, time.Microsecond), 1), 100))
	var tooks []time.Duration
	var pks, aboves []float64
	turn := 0
	for begin := time.Now(); len(tooks) < 3 || time.Since(begin) < m.per && len(tooks) < 200; {
		before, err := m.pkTime(ctx)
		if err != nil {
			return f, err
		}
		mine, theirs := make([]time.Duration, size), make([]time.Duration, size)
		for i := range size {
			turn++
			if mine[i], err = own(ctx, turn); err != nil {
				return f, err
			}
			if theirs[i], err = reference(ctx, turn); err != nil {
				return f, err
			}
		}
		after, err := m.pkTime(ctx)
		if err != nil {
			return f, err
		}
		m.pks = append(m.pks, before, after)
		unit := float64(before+after) / 2
		tooks = append(tooks, median(mine))
		pks = append(pks, float64(median(mine))/unit)
		aboves = append(aboves, float64(median(mine)-median(theirs))/unit)
	}
	return figures{took: median(tooks), pk: median(pks), above: median(aboves)}, nil
}

func median[T ~int64 | ~float64](list []T) T { return part(list, 5) }

// part returns what so many tenths of a list are under.
func part[T ~int64 | ~float64](list []T, tenths int) T {
	if len(list) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(list))[len(list)*tenths/10]
}

// measure returns the figures of a request whose answer was found right.
func (m *meter) measure(ctx context.Context, r *request) (f figures, err error) {
	if r.mode == written {
		return m.measureWrite(ctx, r.query)
	}
	c, status := r.call(), http.StatusOK
	a, err := m.server.get(ctx, c) // from now on it may be remembered
	if err != nil {
		return f, err
	}
	var reference sampler
	if r.mode == again {
		s, err := handlerOf(ctx, m.loaded, stored{answer: a})
		if err != nil {
			return f, err
		}
		reference = func(ctx context.Context, _ int) (time.Duration, error) {
			return s.time(ctx, c, status)
		}
	}
	if r.mode == unchanged {
		status = http.StatusNotModified
		c.etag = a.Header().Get("ETag")
	}
	prepare := func(ctx context.Context) error {
		if r.mode == first {
			return m.forget(ctx, m.plan.enterprises[r.crop-1])
		}
		return nil
	}
	if err := prepare(ctx); err != nil {
		return f, err
	}
	statements, err := m.statements(ctx, func(ctx context.Context) error {
		_, err := m.server.time(ctx, c, status)
		return err
	})
	if err != nil {
		return f, err
	}
	f, err = m.blocks(ctx, func(ctx context.Context, _ int) (time.Duration, error) {
		if err := prepare(ctx); err != nil {
			return 0, err
		}
		return m.server.time(ctx, c, status)
	}, reference)
	f.statements = statements
	for _, n := range connections {
		if err != nil || !m.rates {
			break
		}
		var rate float64
		before := m.turns
		rate, err = m.server.rate(ctx, n, m.per/2, status, func(turn int) call {
			if r.mode != first {
				return c
			}
			return c.elsewhere(before + turn)
		})
		m.turns += 1 << 30
		f.rates = append(f.rates, rate)
	}
	return f, err
}

// measureWrite returns the figures of a write. Each is taken back, which is not in the time.
func (m *meter) measureWrite(ctx context.Context, name string) (figures, error) {
	do, undo := m.change(name, 0)
	statements, err := m.statements(ctx, do)
	if err := errors.Join(err, undo(context.WithoutCancel(ctx))); err != nil {
		return figures{}, err
	}
	f, err := m.blocks(ctx, func(ctx context.Context, turn int) (time.Duration, error) {
		do, undo := m.change(name, turn)
		begin := time.Now()
		err := do(ctx)
		took := time.Since(begin)
		return took, errors.Join(err, undo(context.WithoutCancel(ctx)))
	}, nil)
	f.statements = statements
	return f, err
}

// statements returns how many SQL statements do sends: nobody else is on the server.
func (m *meter) statements(ctx context.Context, do func(ctx context.Context) error) (int, error) {
	var counts [2]int
	for i := range counts {
		var name string
		row := m.db.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Questions'")
		err := row.Scan(&name, &counts[i])
		if err == nil && i == 0 {
			err = do(ctx)
		}
		if err != nil {
			return 0, err
		}
	}
	return counts[1] - counts[0] - 1, nil
}
