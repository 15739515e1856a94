package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"time"
)

// figures are what was measured of a request.
type figures struct {
	request

	took       time.Duration // median
	pk         float64       // took in pk: the median over the blocks
	above      float64       // again: took less the time of storing the same bytes, in pk
	ofFirst    float64       // took as a multiple of the first page's
	statements float64       // SQL statements a request
	allocs     uint64        // allocations a request
	bytes      uint64        // bytes allocated by a request
	rates      []float64     // requests a second, in the order of connections
	database   time.Duration // the request's SQL statements sent again and read to the end, without anything else
	sent       []string      // the statements
	shares
	wrong error // why there are no figures
}

// connections are the numbers of connections that rates are measured with.
var connections = []int{1, 8, 32}

// slow is the time from which on a request is not asked of many connections at once.
const slow = 100 * time.Millisecond

// meter measures requests on one database.
type meter struct {
	*loaded
	server *server
	forget *forgetter
	per    time.Duration // for one figure
	rates  bool
	pk     func(ctx context.Context) error
	pks    []time.Duration // medians of the blocks
	turns  int             // how many turns were given out, for hosts that no request has named yet
}

func newMeter(ctx context.Context, l *loaded, o Options) (*meter, error) {
	s, err := newServer(ctx, l)
	if err != nil {
		return nil, err
	}
	m := &meter{loaded: l, server: s, forget: newForgetter(l), per: o.Time, rates: o.Rates}
	d := l.plan.big().dice(0, 0)
	m.pk = func(ctx context.Context) error {
		var status int
		id := l.plan.big().followID(d.below(l.plan.big().raw))
		return l.db.QueryRowContext(ctx, "SELECT status FROM follows WHERE crop_id = ? AND id = ?", bigCrop, id).Scan(&status)
	}
	return m, nil
}

// pkBlock is how many look-ups make one figure of pk, where there is time.
const pkBlock = 60

func (m *meter) pkTime(ctx context.Context) (time.Duration, error) {
	times := make([]time.Duration, min(max(int(m.per/(10*time.Millisecond)), 5), pkBlock))
	for i := range times {
		begin := time.Now()
		if err := m.pk(ctx); err != nil {
			return 0, fmt.Errorf("pk: %w", err)
		}
		times[i] = time.Since(begin)
	}
	return median(times), nil
}

// sampler takes the time of one thing.
type sampler func(ctx context.Context, turn int) (time.Duration, error)

// blocks measures own, and beside it reference where it is not nil, in blocks between blocks of pk look-ups: what the machine does meanwhile meets all of them.
func (m *meter) blocks(ctx context.Context, own, reference sampler) (took time.Duration, pk, above, ofReference float64, err error) {
	turn := 0
	warm, err := own(ctx, turn)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	if reference != nil {
		if _, err := reference(ctx, turn); err != nil {
			return 0, 0, 0, 0, err
		}
	}
	size := int(min(max(m.per/40/max(warm, time.Microsecond), 1), 100))
	var tooks []time.Duration
	var pks, aboves, ofs []float64
	begin := time.Now()
	for len(tooks) < 3 || time.Since(begin) < m.per && len(tooks) < 200 {
		before, err := m.pkTime(ctx)
		if err != nil {
			return 0, 0, 0, 0, err
		}
		mine, theirs := make([]time.Duration, size), make([]time.Duration, size)
		for i := range size {
			turn++
			if mine[i], err = own(ctx, turn); err != nil {
				return 0, 0, 0, 0, err
			}
			if reference != nil {
				if theirs[i], err = reference(ctx, turn); err != nil {
					return 0, 0, 0, 0, err
				}
			}
		}
		after, err := m.pkTime(ctx)
		if err != nil {
			return 0, 0, 0, 0, err
		}
		unit := float64(before+after) / 2
		m.pks = append(m.pks, before, after)
		t, r := median(mine), median(theirs)
		tooks = append(tooks, t)
		pks = append(pks, float64(t)/unit)
		aboves = append(aboves, float64(t-r)/unit)
		ofs = append(ofs, float64(t)/float64(max(r, 1)))
	}
	return median(tooks), median(pks), median(aboves), median(ofs), nil
}

func median[T ~int64 | ~float64](list []T) T {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

// spread returns what a tenth of list is under and what a tenth is over: far apart, the machine had other things to do.
func spread(list []time.Duration) (tenth, ninth time.Duration) {
	if len(list) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/10], sorted[len(sorted)*9/10]
}

// firstTime samples a request before which everything was forgotten.
func (m *meter) firstTime(r *request) sampler {
	return func(ctx context.Context, turn int) (time.Duration, error) {
		if err := m.forget.forget(ctx, r.crop); err != nil {
			return 0, err
		}
		return m.server.time(ctx, r.call(turn), http.StatusOK)
	}
}

func (m *meter) repeated(s *server, c call, status int) sampler {
	return func(ctx context.Context, _ int) (time.Duration, error) { return s.time(ctx, c, status) }
}

// measure returns the figures of a request whose answer was found right.
func (m *meter) measure(ctx context.Context, r request) figures {
	f := figures{request: r}
	f.wrong = m.fill(ctx, &f)
	return f
}

func (m *meter) fill(ctx context.Context, f *figures) error {
	if f.mode == first || f.mode == total {
		if err := m.forget.forget(ctx, f.crop); err != nil {
			return err
		}
	}
	var err error
	c := f.call(0)
	if f.mode == again || f.mode == unchanged {
		if _, err := m.server.get(ctx, c); err != nil { // from now on it may be remembered
			return err
		}
	}
	status := http.StatusOK
	if f.mode == unchanged {
		a, err := m.server.get(ctx, c)
		if err != nil {
			return err
		}
		if c.etag = a.header.Get("ETag"); c.etag == "" {
			return errors.New("the answer has no ETag")
		}
		status = http.StatusNotModified
	}
	if f.sent, err = m.statements(ctx, func() error {
		_, err := m.server.time(ctx, c, status)
		return err
	}); err != nil {
		return err
	}
	f.statements = float64(len(f.sent))

	var own, reference sampler
	switch f.mode {
	case first:
		own = m.firstTime(&f.request)
		if f.at.ofFirst > 0 {
			reference = m.firstTime(&request{})
		}
	case again:
		a, err := m.server.get(ctx, c)
		if err != nil {
			return err
		}
		bytes, err := storing(ctx, m.loaded, a)
		if err != nil {
			return err
		}
		own, reference = m.repeated(m.server, c, status), m.repeated(bytes, c, status)
	case unchanged:
		own = m.repeated(m.server, c, status)
	case total:
		if own, err = m.totalOf(f.sent); err != nil {
			return err
		}
	}
	if f.took, f.pk, f.above, f.ofFirst, err = m.blocks(ctx, own, reference); err != nil {
		return err
	}
	if f.mode == total {
		return nil
	}
	if f.database, err = m.replay(ctx, f.sent); err != nil {
		return err
	}
	if err := m.allocations(ctx, f, c, status); err != nil {
		return err
	}
	if f.took > slow {
		return m.rate(ctx, f, c, status) // a few requests say nothing of where so much time goes
	}
	if f.shares, err = m.profile(ctx, c, status, func() error {
		if f.mode == first {
			return m.forget.forget(ctx, f.crop)
		}
		return nil
	}); err != nil {
		return err
	}
	return m.rate(ctx, f, c, status)
}

// allocations counts what a request allocates.
func (m *meter) allocations(ctx context.Context, f *figures, c call, status int) error {
	n := int(min(max(m.per/10/max(f.took, time.Microsecond), 1), 50))
	for range n {
		if f.mode == first {
			if err := m.forget.forget(ctx, f.crop); err != nil {
				return err
			}
		}
		r, err := m.server.request(ctx, c)
		if err != nil {
			return err
		}
		a := &answer{header: http.Header{}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m.server.handler.ServeHTTP(a, r)
		runtime.ReadMemStats(&after)
		if a.status != status {
			return fmt.Errorf("status %d", a.status)
		}
		f.allocs += after.Mallocs - before.Mallocs
		f.bytes += after.TotalAlloc - before.TotalAlloc
	}
	f.allocs /= uint64(n)
	f.bytes /= uint64(n)
	return nil
}

// rate measures requests a second over each number of connections. A request that is measured the first time is not remembered here either: no two go to the same host, which the
// page's links begin with, so that each is another answer. The total is the same for all of them, and found once.
func (m *meter) rate(ctx context.Context, f *figures, c call, status int) error {
	if !m.rates {
		return nil
	}
	if f.mode == first {
		if err := m.forget.forget(ctx, f.crop); err != nil {
			return err
		}
	}
	for _, n := range connections {
		if n > 1 && f.took > slow {
			return nil
		}
		before := m.turns
		m.turns += 1 << 30
		r, err := rate(ctx, m.server, n, m.per/2, status, func(turn int) call {
			if f.mode != first {
				return c
			}
			another := f.call(turn)
			another.host = elsewhere(before + turn)
			return another
		})
		if err != nil {
			return err
		}
		f.rates = append(f.rates, r)
	}
	return nil
}

// totals are the statements that find a total.
var totals = regexp.MustCompile(`(?i)\bCOUNT\(|follow_counts`)

// totalOf samples the SQL of the total among a request's statements, sent as it was by the request.
func (m *meter) totalOf(sent []string) (sampler, error) {
	i := slices.IndexFunc(sent, totals.MatchString)
	if i < 0 {
		return nil, errors.New("the request sent no SQL for its total")
	}
	return func(ctx context.Context, _ int) (time.Duration, error) {
		var n sql.NullInt64
		begin := time.Now()
		err := m.db.QueryRowContext(ctx, sent[i]).Scan(&n)
		return time.Since(begin), err
	}, nil
}

// statements returns the SQL that do sends, as the server's log has it.
func (m *meter) statements(ctx context.Context, do func() error) (sent []string, err error) {
	for _, s := range []string{"SET GLOBAL general_log = OFF", "SET GLOBAL log_output = 'TABLE'", "TRUNCATE TABLE mysql.general_log", "SET GLOBAL general_log = ON"} {
		if _, err := m.db.ExecContext(ctx, s); err != nil {
			return nil, err
		}
	}
	err = do()
	if _, off := m.db.ExecContext(ctx, "SET GLOBAL general_log = OFF"); err == nil {
		err = off
	}
	if err != nil {
		return nil, err
	}
	rows, err := m.db.QueryContext(ctx, "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log WHERE command_type = 'Query' AND argument NOT LIKE 'SET %'")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		sent = append(sent, text)
	}
	return sent, rows.Err()
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// drain reads all rows of a query.
func drain(ctx context.Context, q queryer, query string) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		continue
	}
	return rows.Err()
}

// replay returns how long the statements take alone: sent again over one connection, and read to the end.
func (m *meter) replay(ctx context.Context, sent []string) (time.Duration, error) {
	c, err := m.db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var times []time.Duration
	for begin := time.Now(); len(times) == 0 || time.Since(begin) < m.per/10 && len(times) < 100; {
		from := time.Now()
		for _, s := range sent {
			if err := drain(ctx, c, s); err != nil {
				return 0, fmt.Errorf("again: %s: %w", s[:min(len(s), 60)], err)
			}
		}
		times = append(times, time.Since(from))
	}
	return median(times), nil
}
