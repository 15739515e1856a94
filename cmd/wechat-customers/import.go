package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/tools/demo"
	"example.com/wechatcustomers/internal/writer"
)

type importCommand struct {
	databaseFlags
	indexFlags
	KeepGoing bool     `help:"Leave bad records out and load the rest; lists them and exits 1."`
	DryRun    bool     `help:"Report what loading would do, and change nothing. Writers to the same enterprises wait meanwhile."`
	Files     []string `arg:"" name:"file" help:"Files of newline-delimited JSON, or of saved answers of getList, gzip or not; - is standard input."`
}

// Help explains the records.
func (importCommand) Help() string {
	return `Each line is one record, the contract's own objects under their kind:

  {"business":{"uniacid":2,"id":1,"name":"…"}}
  {"manager":{"uniacid":2,"uid":7,"business_id":1}}
  {"employee":{… as has_one_employee}}
  {"customer":{… as has_one_customer}}
  {"tag":{… as tag[]}}
  {"follow":{… as a row of data[] without has_one_customer and has_one_employee}}

Each comes after what it refers to: everything after its business, a follow after its customer. WeCom's own forms of tag_id, remark_mobiles, add_way,
external_profile and type are taken, and unix seconds and ISO 8601 for dates. A file may also be saved answers of getList, whose rows bring what is in them.

Records are stored under their natural keys (a follow: enterprise, external_userid, userid), so that loading a file again changes nothing. Keys that a record
leaves out keep their stored values. Of several records of one key the live one wins, then the highest id; the others are listed.`
}

// Run loads the files in their order.
func (c importCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		var sources []importer.Source
		for _, name := range c.Files {
			if name == "-" {
				sources = append(sources, importer.Source{Name: "standard input", Reader: s.in})
				continue
			}
			f, err := os.Open(name)
			if err != nil {
				return err
			}
			defer f.Close()
			source := importer.Source{Name: name, Reader: f}
			if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
				source.Size = info.Size()
			}
			sources = append(sources, source)
		}
		return load(ctx, s, db, c.indexFlags, sources, importer.Options{KeepGoing: c.KeepGoing, DryRun: c.DryRun})
	})
}

type demoCommand struct {
	databaseFlags
	indexFlags
}

// Run loads the demonstration.
func (c demoCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error { return loadDemo(ctx, s, db, c.indexFlags) })
}

func loadDemo(ctx context.Context, s streams, db *sql.DB, flags indexFlags) error {
	r, w := io.Pipe()
	defer r.Close() // ends the writing, should the loading end first
	go func() { w.CloseWithError(demo.Write(w)) }()
	return load(ctx, s, db, flags, []importer.Source{{Name: "demonstration", Reader: r}}, importer.Options{})
}

// loadDemoIfMissing loads the demonstration into an empty database, and into one that holds a part
// of it and no other enterprise: there loading it was interrupted.
func loadDemoIfMissing(ctx context.Context, s streams, db *sql.DB, flags indexFlags) error {
	q := gendb.New(db)
	ids, names := demo.Businesses()
	others, err := q.HasBusinesses(ctx, gendb.HasBusinessesParams{Ids: ids, Names: names})
	if err != nil || others {
		return err
	}
	last, err := q.GetFollows(ctx, gendb.GetFollowsParams{CropID: demo.OtherCropID, Ids: []uint64{demo.LastFollow}})
	if err != nil || len(last) > 0 {
		return err
	}
	return loadDemo(ctx, s, db, flags)
}

// load imports the sources and reports on standard output: what was loaded, every bad record and
// every duplicate. The error is errReported where not everything was loaded.
func load(ctx context.Context, s streams, db *sql.DB, flags indexFlags, sources []importer.Source, o importer.Options) error {
	w := writer.New(db, time.Now)
	o.Progress = importer.Show(s.err, terminal(s.err))
	var report importer.Report
	run := func() (err error) {
		report, err = importer.Import(ctx, w, sources, o)
		return err
	}
	var err error
	if o.DryRun {
		err = run()
	} else {
		err = w.FillAfter(ctx, int(flags.IndexFrom), run, showSteps(s.err))
	}
	for _, d := range report.Duplicates {
		fmt.Fprintln(s.out, d)
	}
	for _, p := range report.Bad {
		fmt.Fprintln(s.out, p)
	}
	loaded := "loaded"
	if o.DryRun {
		loaded = "a dry run, nothing is written: would load"
	}
	fmt.Fprintf(s.out, "%s %d records in %v: %d new, %d changed, %d as they were; %d bad, %d duplicates\n",
		loaded, report.Loaded(), report.Elapsed.Round(time.Millisecond), report.New, report.Changed, report.Unchanged, report.BadRecords(), len(report.Duplicates))
	switch {
	case o.DryRun:
	case report.Stopped && report.LoadedTo.Line == 0:
		fmt.Fprintln(s.out, "stopped: nothing is loaded")
	case report.Stopped:
		fmt.Fprintf(s.out, "stopped: everything up to %v is loaded, nothing after it\n", report.LoadedTo)
	}
	if errors.Is(err, importer.ErrBadRecords) {
		return errReported
	}
	return err
}

// terminal says whether out is a terminal.
func terminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
