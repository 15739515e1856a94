package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/writer"
)

type checkCommand struct {
	databaseFlags
}

// Run compares what is derived with the base rows; a difference is listed, and the error is then
// errReported.
func (c checkCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		found, err := writer.Check(ctx, db, showSteps(s.err))
		if err != nil {
			return err
		}
		for _, d := range found {
			fmt.Fprintln(s.out, d)
		}
		if len(found) > 0 {
			fmt.Fprintln(s.out, "to make it right: wechat-customers reindex")
			return errReported
		}
		fmt.Fprintln(s.out, "all that is derived is right")
		return nil
	})
}

// indexFlags say which enterprises have an index.
type indexFlags struct {
	IndexFrom int32 `env:"INDEX_FROM" default:"${index_from}" placeholder:"N" help:"Enterprises of more than so many customers get an index (${default})."`
}

// Validate refuses a number that no list can have.
func (f indexFlags) Validate() error {
	if f.IndexFrom < 0 {
		return errors.New("INDEX_FROM must not be negative")
	}
	return nil
}

type reindexCommand struct {
	databaseFlags
	indexFlags
	CropID []int64 `name:"crop-id" placeholder:"ID" help:"Only these enterprises, comma-separated."`
}

// Run makes what is derived right again, while others read and write.
func (c reindexCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		if err := writer.New(db, time.Now).Reindex(ctx, c.CropID, int(c.IndexFrom), showSteps(s.err)); err != nil {
			return err
		}
		fmt.Fprintln(s.out, "all that is derived is made anew")
		return nil
	})
}

// showSteps returns a function that writes how far a check or rebuild is: on a terminal one line
// that is written over, elsewhere a line for each step.
func showSteps(out io.Writer) func(writer.Progress) {
	onTerminal := terminal(out)
	var last writer.Progress
	return func(p writer.Progress) {
		same := p.CropID == last.CropID && p.Step == last.Step
		last = p
		switch {
		case onTerminal:
			fmt.Fprintf(out, "\r\x1b[Kenterprise %d: %s %d/%d", p.CropID, p.Step, p.Done, p.Total)
		case !same:
			fmt.Fprintf(out, "enterprise %d: %s\n", p.CropID, p.Step)
		}
	}
}

// fillIndexes gives an index to each enterprise that has become large enough for one, whenever
// something was written, until ctx is done. An import does so itself at its end: this is for the
// one that was cut off, and for those that grow a little at a time.
func fillIndexes(ctx context.Context, s streams, db *sql.DB, from int) {
	var last int64
	for ctx.Err() == nil {
		// Versions are times: the greatest is that of the last change of any enterprise.
		asking, cancel := context.WithTimeout(ctx, fillEvery)
		newest, err := gendb.New(db).NewestVersion(asking)
		cancel()
		if err == nil && newest != last {
			if err = writer.New(db, time.Now).FillIndexes(ctx, from, nil); err == nil {
				last = newest
			}
		}
		// One that is at it may yet be cut off: that is seen the next time.
		if err != nil && ctx.Err() == nil && !errors.Is(err, index.ErrBusy) {
			s.log.Warn("no index was made", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(fillEvery):
		}
	}
}

const fillEvery = 30 * time.Second
