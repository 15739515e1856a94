// Package bench owns the benchmark of the list: the data it is measured on, the requests and what each may cost, and the table of what they cost.
// Costs are ratios to one look-up by primary key ("pk") through the same pool, measured between the requests, so that they say something on any machine.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/importer"
)

// Options say what to measure.
type Options struct {
	Engines []embedded.Engine // the servers; one that cannot be had is left out with a word
	Rows    []int             // live follows of the big enterprise; of several sizes the later ones are compared with the first
	Peers   int               // follows of the comparison with the original's shape; 0: none
	Only    *regexp.Regexp    // the requests by name; nil: all
	Time    time.Duration     // about how long each figure is measured
	Rates   bool              // measure requests a second
	Fresh   bool              // make the data anew
	Verbose bool              // print each request's SQL
	Dir     string            // where databases are kept, a folder to each engine
	Out     io.Writer         // gets the tables
	Log     io.Writer         // gets progress
	Live    bool              // Log is a terminal
}

// Run measures and prints, and returns how many figures were missed. An answer that is not what the data says is an error, as is a server's.
func Run(ctx context.Context, o Options) (missed int, err error) {
	ran := 0
	for _, engine := range o.Engines {
		m, err := o.engine(ctx, engine)
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
	return fmt.Sprintf("%s, %d processors%s, %s/%s, %s", now.Format(time.DateOnly), runtime.NumCPU(), processor(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// processor returns the processor's name where the system tells it.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return " (" + strings.TrimSpace(value) + ")"
		}
	}
	return ""
}

func (o Options) sayf(format string, args ...any) { _, _ = fmt.Fprintf(o.Log, format+"\n", args...) }

// engine measures on one server.
func (o Options) engine(ctx context.Context, engine embedded.Engine) (missed int, err error) {
	s, err := embedded.Start(ctx, embedded.Options{
		Dir: filepath.Join(o.Dir, string(engine)), Engine: engine, BufferPool: bufferPool(o.Rows), Log: slog.New(slog.NewTextHandler(o.Log, nil)),
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o.sayf("%s", s.Version())
	unlock, err := alone(ctx, s.DSN())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	var before []figures
	for _, rows := range o.Rows {
		if err := o.on(ctx, s.DSN(), rows, func(l *loaded) error {
			figures, m, err := o.measure(ctx, l, s.Version(), before)
			if before == nil {
				before = figures
			}
			missed += m
			return err
		}); err != nil {
			return missed, err
		}
	}
	if o.Peers == 0 {
		return missed, nil
	}
	return missed, o.on(ctx, s.DSN(), o.Peers, func(l *loaded) error {
		m, err := o.compare(ctx, l, s.Version())
		missed += m
		return err
	})
}

// on calls do with the database of this size.
func (o Options) on(ctx context.Context, dsn string, rows int, do func(*loaded) error) (err error) {
	p, err := newPlan(rows)
	if err != nil {
		return err
	}
	o.sayf("%d follows", rows)
	l, err := keep(ctx, dsn, p, o.Fresh, o.progress(p))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.db.Close()) }()
	return do(l)
}

// bufferPool returns memory for all of the data, in bytes: the disk is not what is measured.
func bufferPool(sizes []int) int64 {
	rows := 0
	for _, n := range sizes {
		rows += n
	}
	return max(1<<30, int64(rows)*4<<10)
}

func (o Options) progress(p *plan) func(importer.Progress) {
	show := importer.Show(o.Log, o.Live)
	return func(at importer.Progress) {
		// The size of the import in bytes is not known, its records are.
		at.Bytes, at.Total = at.Rows, int64(p.records())
		show(at)
	}
}

// measure checks the answers, measures the requests and prints the table. The limits are those of the first size; of the others, those requests are measured whose limits
// are in before, the figures of the first.
func (o Options) measure(ctx context.Context, l *loaded, version string, before []figures) (all []figures, missed int, err error) {
	var requests []request
	for _, r := range l.plan.requests() {
		if (o.Only == nil || o.Only.MatchString(r.name)) && (before == nil || r.scales) {
			requests = append(requests, r)
		}
	}
	m, err := newMeter(ctx, l, o)
	if err != nil {
		return nil, 0, err
	}
	// What a write costs is not measured here; on a slow disk it would only take time. The server keeps its own setting for the next start.
	if _, err := l.db.ExecContext(ctx, "SET GLOBAL innodb_flush_log_at_trx_commit = 2"); err != nil {
		return nil, 0, err
	}
	o.sayf("checking the answers of %d requests", len(requests))
	for i, w := range l.plan.expect(requests) {
		c := requests[i].call(0)
		c.gzip = false
		a, err := m.server.get(ctx, c)
		if err == nil {
			err = w.check(a, l.plan.enterprise(requests[i].crop))
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: the answer is wrong (BENCH_FRESH=1 makes the data anew): %w", requests[i].name, err)
		}
	}
	var rows [][]string
	for _, r := range requests {
		if before != nil {
			r.at = r.larger(before)
		}
		f := m.measure(ctx, r)
		if ctx.Err() != nil {
			return all, missed, context.Cause(ctx)
		}
		all = append(all, f)
		if f.missed() {
			missed++
		}
		rows = append(rows, f.cells())
		o.sayf("%s", strings.Join(f.cells(), "  "))
		if o.Verbose {
			for _, s := range f.sent {
				o.sayf("    %s", strings.Join(strings.Fields(s), " "))
			}
		}
	}
	cfg, err := mysql.ParseDSN(l.dsn)
	if err != nil {
		return all, missed, err
	}
	tenth, ninth := spread(m.pks)
	_, _ = fmt.Fprintf(o.Out, "\n%s, %d follows; pk is %s over %s (a tenth of the blocks under %s, a tenth over %s); import of %d records: %.0f a second\n\n",
		version, l.plan.rows, short(median(m.pks)), map[string]string{"unix": "a unix socket", "tcp": "TCP"}[cfg.Net], short(tenth), short(ninth), l.plan.records(), l.rate)
	if err := printTable(o.Out, columns, rows); err != nil {
		return all, missed, err
	}
	_, err = fmt.Fprintf(o.Out, "\n%d of %d rows miss a limit.\n", missed, len(rows))
	return all, missed, err
}
