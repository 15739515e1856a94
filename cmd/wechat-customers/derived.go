package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"time"

	"example.com/wechatcustomers/internal/writer"
)

type checkCommand struct {
	databaseFlags
}

// Run compares what is derived with the base rows; a difference is listed, and the error is then errReported.
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

type reindexCommand struct {
	databaseFlags
	CropID []int64 `name:"crop-id" placeholder:"ID" help:"Only these enterprises, comma-separated."`
}

// Run makes what is derived right again, while others read and write.
func (c reindexCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		if err := writer.New(db, time.Now).Reindex(ctx, c.CropID, showSteps(s.err)); err != nil {
			return err
		}
		fmt.Fprintln(s.out, "all that is derived is made anew")
		return nil
	})
}

// showSteps returns a function that writes how far a check or rebuild is: on a terminal one line that is written over, elsewhere a line for each step.
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
