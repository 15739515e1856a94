// Package bench owns the benchmark of the list: the data it is measured on, the requests and what
// each may cost, and the table of what they cost. Costs are ratios to one look-up by primary key
// ("pk") through the same pool, measured between the requests, so that they say something on any
// machine.
package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/importer"
)

// Options say what to measure.
type Options struct {
	Engines []embedded.Engine // the servers; one that cannot be had is left out with a word
	Sizes   []Size            // those after the first are compared with it, but the sparse ones
	Peers   int               // follows of the comparison with the original's shape; 0: none
	Only    *regexp.Regexp    // the requests by name; nil: all
	Time    time.Duration     // about how long each figure is measured
	Rates   bool              // measure requests a second
	Fresh   bool              // make the data anew
	Dir     string            // where databases are kept, a folder to each engine
	Out     io.Writer         // gets the tables
	Log     io.Writer         // gets progress
	Live    bool              // Log is a terminal
}

// Run measures and prints, and returns how many figures were missed. An answer that is not what the
// data says is an error, as is a server's.
func Run(ctx context.Context, o Options) (missed int, err error) {
	ran := 0
	for _, engine := range o.Engines {
		m, err := o.on(ctx, engine)
		if _, unavailable := errors.AsType[*embedded.UnavailableError](err); unavailable {
			o.sayf("%s is left out: %v", engine, err)
			continue
		}
		if err != nil {
			return missed, fmt.Errorf("%s: %w", engine, err)
		}
		ran++
		missed += m
	}
	if ran == 0 {
		return missed, errors.New("no server to measure on")
	}
	return missed, nil
}

// Heading returns the machine and the day, for above the tables.
func Heading(now time.Time) string {
	return fmt.Sprintf("%s, %d processors%s, %s/%s, %s", now.Format(time.DateOnly),
		runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// processor returns the processor's name where the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return " (" + strings.TrimSpace(value) + ")"
		}
	}
	return ""
}

func (o Options) selects(name string) bool { return o.Only == nil || o.Only.MatchString(name) }

func (o Options) sayf(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Log, format+"\n", args...)
}

// session is the measuring on one server.
type session struct {
	Options
	engine  embedded.Engine
	server  *sql.DB
	dsn     string
	version string
	first   map[string]figures // those of the first size
	missed  int
}

// on measures on one server.
func (o Options) on(ctx context.Context, engine embedded.Engine) (missed int, err error) {
	memory := int64(1 << 30) // for all of the data: the disk is not what is measured
	for _, s := range o.Sizes {
		memory += int64(s.Rows) * 2 << 10
	}
	e, err := embedded.Start(ctx, embedded.Options{
		Dir: filepath.Join(o.Dir, string(engine)), Engine: engine, BufferPool: memory,
		Log: slog.New(slog.NewTextHandler(o.Log, nil)),
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	server, err := alone(ctx, e.DSN())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	s := &session{Options: o, engine: engine, server: server, dsn: e.DSN(), version: e.Version()}
	for _, size := range o.Sizes {
		if err := s.with(ctx, size, s.measure); err != nil {
			return s.missed, err
		}
	}
	if o.Peers > 0 && slices.ContainsFunc(comparisons, func(c string) bool {
		return o.selects(peerPrefix + c)
	}) {
		err = s.with(ctx, Size{Rows: o.Peers}, s.compare)
	}
	return s.missed, err
}

// with calls do with the database of a size.
func (s *session) with(
	ctx context.Context, size Size, do func(context.Context, *meter) error,
) (err error) {
	p, err := newPlan(size)
	if err != nil {
		return err
	}
	s.sayf("%s, %s follows", s.version, size)
	l, err := keep(ctx, s.server, s.dsn, p, s.Fresh, importer.Show(s.Log, s.Live))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.db.Close()) }()
	handler, err := newServer(ctx, l)
	if err != nil {
		return err
	}
	return do(ctx, &meter{loaded: l, server: handler, per: s.Time, rates: s.Rates})
}

// measure checks the answers, measures the requests and prints the table.
func (s *session) measure(ctx context.Context, m *meter) error {
	requests := slices.DeleteFunc(m.plan.requests(), func(r request) bool {
		known := s.first != nil && !m.plan.Sparse && r.crop != bigCrop
		return known || !s.selects(r.name)
	})
	// The disk is not what is measured. The server keeps its own setting for the next start.
	if err := execute(ctx, m.db, "SET GLOBAL innodb_flush_log_at_trx_commit = 2"); err != nil {
		return err
	}
	s.sayf("checking the answers of %d requests", len(requests))
	wants := m.plan.expect(requests)
	for i := range requests {
		if err := m.check(ctx, m.server, &requests[i], &wants[i]); err != nil {
			return fmt.Errorf("a wrong answer (BENCH_FRESH=1 makes the data anew): %w", err)
		}
	}
	var rows [][]string
	all, missed := map[string]figures{}, 0
	for i := range requests {
		r := &requests[i]
		f, err := m.measure(ctx, r)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		all[r.name] = f
		at := m.plan.limitOf(r, wants[i].total, s.first)
		if f.missed(at) {
			missed++
		}
		before := 0.0
		if m.plan.Size == (Size{Rows: 1_000_000}) {
			before = map[embedded.Engine]float64{
				embedded.MariaDB1011: r.mariadb, embedded.MySQL97: r.mysql,
			}[s.engine]
		}
		rows = append(rows, f.cells(r.name, at, before))
		s.sayf("%s", strings.Join(rows[i], "  "))
	}
	s.missed += missed
	if s.first == nil {
		s.first = all
	}
	disk, err := m.onDisk(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(s.Out, "\n%s, %s follows; pk is %s over %s (a tenth of the blocks under "+
		"%s, a tenth over %s); import of %d records: %.0f a second; on disk %s\n\n", s.version,
		m.plan.Size, short(median(m.pks)), m.network, short(part(m.pks, 1)), short(part(m.pks, 9)),
		m.plan.records(), m.rate, disk)
	if err := printTable(s.Out, columns, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "\n%d of %d rows are over a limit.\n", missed, len(rows))
	return err
}

// check returns what is wrong with the answer to a request.
func (m *meter) check(ctx context.Context, s *server, r *request, w *want) error {
	if r.mode == written {
		return nil
	}
	c := r.call()
	c.gzip = false
	a, err := s.get(ctx, c)
	if err == nil {
		err = w.check(r, m.plan.enterprises[r.crop-1], a)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	return nil
}
