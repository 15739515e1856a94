package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/original"
	"example.com/wechatcustomers/internal/writer"
)

// getListFlags say how the original's getList is asked.
type getListFlags struct {
	Original string        `placeholder:"URL" help:"The original's getList, whole: https://mall/business/2/plugin/WechatCustomers/getList."`
	Cookie   string        `env:"ORIGINAL_COOKIE" secret:"" placeholder:"TEXT" help:"The Cookie header of a member who is signed in there and has chosen the enterprise."`
	Header   []string      `sep:"none" placeholder:"'NAME: VALUE'" help:"A header to send there; may be given several times."`
	Pause    time.Duration `default:"200ms" help:"Time between two requests to the original (${default})."`
}

// getList returns what asks the original.
func (f getListFlags) getList() (*original.GetList, error) {
	header := http.Header{}
	if f.Cookie != "" {
		header.Set("Cookie", f.Cookie)
	}
	for _, line := range f.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("--header %q: it has no colon", name)
		}
		header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return &original.GetList{URL: f.Original, Header: header, Pause: f.Pause, Client: &http.Client{Timeout: 2 * time.Minute}}, nil
}

type copyCommand struct {
	databaseFlags
	indexFlags
	getListFlags
	From     string           `env:"ORIGINAL_DSN" secret:"" placeholder:"DSN" help:"The original's MySQL, of which nothing but SELECT is asked: user:password@tcp(host:3306)/name."`
	Prefix   string           `default:"ims_" help:"Prefix of the original's tables (${default})."`
	Uniacid  int64            `placeholder:"N" help:"Copy this account's rows alone. Default: every account's."`
	Business map[int64]string `placeholder:"ID=NAME" mapsep:"none" help:"The name of an enterprise; may be given several times."`
	Every    time.Duration    `placeholder:"30s" help:"Copy what has changed again and again, so long after each time, until told to stop."`
	Full     bool             `help:"Write everything, also what was written before and has not changed there since."`
	Report   string           `placeholder:"FILE" help:"Where every decision on a row is listed, tab-separated; made anew each time."`
}

// Help says what is copied.
func (copyCommand) Help() string {
	return `Copies the managers, employees, contacts, tags and follows of an installation of the original, from its database (--from) or from its own getList
(--original), and deletes here what has vanished there. The first time brings everything, each later time what has changed. It can be stopped at any moment and
goes on there. Rows that cannot be taken as they are, and what becomes of them, are counted, and listed in --report. See docs/moving.md.`
}

// Validate wants one source.
func (c copyCommand) Validate() error {
	switch {
	case (c.From == "") == (c.Original == ""):
		return errors.New("copy: one of --from and --original is wanted")
	case c.Every < 0:
		return errors.New("--every must not be negative")
	}
	return c.indexFlags.Validate()
}

// Run copies once, or until ctx is done.
func (c copyCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		source, err := c.source(s)
		if err != nil {
			return err
		}
		for {
			err := c.once(ctx, s, db, source)
			if c.Every == 0 {
				return err
			}
			if ctx.Err() != nil {
				return nil //nolint:nilerr // it was told to stop, and goes on from there the next time
			}
			if err != nil && !errors.Is(err, errReported) {
				s.log.Warn("not copied", "error", err, "again_in", c.Every)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(c.Every):
			}
		}
	})
}

func (c copyCommand) source(s streams) (original.Source, error) {
	if c.From != "" {
		return original.Database{DSN: c.From, Prefix: c.Prefix, Uniacid: c.Uniacid}, nil
	}
	asker, err := c.getList()
	if err != nil {
		return nil, err
	}
	show := importer.Show(s.err, terminal(s.err))
	begun := time.Now()
	return original.Pages{GetList: asker, Dir: filepath.Join(c.DataDir, "copy"), Progress: func(page, pages int64) {
		show(importer.Progress{Rows: page, Bytes: page, Total: pages, Elapsed: time.Since(begun)})
	}}, nil
}

// once copies, and says what it did.
func (c copyCommand) once(ctx context.Context, s streams, db *sql.DB, source original.Source) (err error) {
	o := original.Options{Names: c.Business, Full: c.Full, Progress: importer.Show(s.err, terminal(s.err))}
	var out io.Writer
	if c.Report != "" {
		// It takes its place when it is whole.
		report, err := os.CreateTemp(filepath.Dir(c.Report), ".report-*")
		if err != nil {
			return err
		}
		defer func() { _ = os.Remove(report.Name()) }()
		defer func() {
			if closeErr := report.Close(); closeErr != nil {
				err = errors.Join(err, closeErr)
			} else if renameErr := os.Rename(report.Name(), c.Report); renameErr != nil {
				err = errors.Join(err, renameErr)
			}
		}()
		out = report
	}
	o.Report = out
	w := writer.New(db, time.Now)
	begun := time.Now()
	var result original.Result
	err = w.FillAfter(ctx, int(c.IndexFrom), func() (err error) {
		result, err = original.Copy(ctx, db, w, source, o)
		return err
	}, showSteps(s.err))
	if result.Decisions == nil {
		return err
	}
	for _, p := range result.Bad {
		fmt.Fprintln(s.out, p)
	}
	for _, line := range result.Decisions.Lines() {
		fmt.Fprintln(s.out, line)
	}
	took := time.Since(begun).Round(time.Millisecond)
	fmt.Fprintf(s.out, "read %d rows in %v: %d new, %d changed, %d as they were, %d vanished; %d bad, %d decisions\n",
		result.Rows, took, result.New, result.Changed, result.Unchanged+result.Report.Unchanged, result.Vanished, result.BadRecords(), total(result.Decisions.Counts))
	switch {
	case err == nil || errors.Is(err, importer.ErrBadRecords):
		fmt.Fprintf(s.out, "what is here is what the original had at %s, %v ago\n", result.As.Format(time.TimeOnly), time.Since(result.As).Round(time.Millisecond))
	case result.Stopped:
		fmt.Fprintln(s.out, "stopped: the next copy goes on from here")
	}
	if errors.Is(err, importer.ErrBadRecords) {
		return errReported
	}
	return err
}

func total(counts map[original.Decision]int64) (n int64) {
	for _, d := range slices.Collect(maps.Values(counts)) {
		n += d
	}
	return n
}
