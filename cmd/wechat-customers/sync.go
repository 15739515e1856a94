package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"example.com/wechatcustomers/internal/telemetry"
	"example.com/wechatcustomers/internal/wecom"
)

// wecomFlags say which enterprises are kept up to date from WeCom, and where that is.
type wecomFlags struct {
	WecomConfig string `name:"wecom-config" env:"WECOM_CONFIG" placeholder:"FILE" help:"File of the enterprises that are kept up to date from WeCom, with their secrets. Default: none."`
	WecomURL    string `name:"wecom-url" env:"WECOM_URL" default:"${wecom_url}" placeholder:"URL" help:"Scheme and host of WeCom's API (${default})."`
}

// Validate refuses an address that is none; kong calls it.
func (f wecomFlags) Validate() error {
	if err := wecom.CheckURL(f.WecomURL); err != nil {
		return fmt.Errorf("WECOM_URL %w", err)
	}
	return nil
}

// service returns what works on the enterprises of WECOM_CONFIG, nil where there is none; watched may be
// nil.
func (f wecomFlags) service(db *sql.DB, every time.Duration, log *slog.Logger, watched *telemetry.Telemetry) (*wecom.Service, error) {
	if f.WecomConfig == "" {
		return nil, nil //nolint:nilnil // as is said
	}
	enterprises, err := wecom.LoadEnterprises(f.WecomConfig)
	if err != nil {
		return nil, fmt.Errorf("WECOM_CONFIG: %w", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	cfg := wecom.Config{
		DB: db, URL: f.WecomURL, Enterprises: enterprises, Every: every, Instance: host + " " + strconv.Itoa(os.Getpid()), Log: log,
	}
	if watched == nil {
		return wecom.New(cfg)
	}
	cfg.Observer = watched
	service, err := wecom.New(cfg)
	if err != nil {
		return nil, err
	}
	watched.WatchWecom(func(ctx context.Context) (all []telemetry.Wecom, err error) {
		states, err := service.State(ctx)
		for _, s := range states {
			all = append(all, telemetry.Wecom(s))
		}
		return all, err
	})
	return service, nil
}

type syncCommand struct {
	databaseFlags
	wecomFlags
	CropID []uint32      `name:"crop-id" placeholder:"N" help:"These enterprises alone. Default: all of the file."`
	Every  time.Duration `name:"every" env:"WECOM_SYNC" default:"6h" placeholder:"6h" help:"From the beginning of a sync to that of the next (${default})."`
	Once   bool          `help:"Read each enterprise once, work off its events, and end."`
	Status bool          `help:"Say how far each enterprise is, who could not be read, and which events wait or have failed."`
	Retry  bool          `help:"Let the events that have failed wait again: the next sync, or serve, tries them."`
}

// Help says what is read.
func (syncCommand) Help() string {
	return `Reads tags, members and customers of the enterprises in WECOM_CONFIG from WeCom, and writes what has changed. It can be stopped at any moment and goes on
there. Only one process works on an enterprise at a time; others wait.`
}

// Validate wants enterprises, and one thing to do.
func (c syncCommand) Validate() error {
	n := 0
	for _, set := range []bool{c.Once, c.Status, c.Retry} {
		if set {
			n++
		}
	}
	switch {
	case n > 1:
		return errors.New("sync: only one of --once, --status and --retry")
	case c.Every < 0 || c.Every == 0 && n == 0:
		return errors.New("WECOM_SYNC must be more than 0")
	case c.WecomConfig == "":
		return errors.New("sync: WECOM_CONFIG is wanted: the file of enterprises")
	}
	return c.wecomFlags.Validate()
}

// Run reads the enterprises once, or again and again until ctx is done.
func (c syncCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		service, err := c.service(db, c.Every, s.log, nil)
		if err != nil {
			return err
		}
		crops, err := service.Only(c.CropID)
		if err != nil {
			return err
		}
		if !c.Once && !c.Status && !c.Retry {
			service.Run(ctx)
			return nil
		}
		failed := false
		for _, crop := range crops {
			switch {
			case c.Status:
				err = wecom.Status(ctx, db, crop, s.out)
			case c.Retry:
				var n int64
				if n, err = wecom.Retry(ctx, db, crop); err == nil {
					_, err = fmt.Fprintf(s.out, "enterprise %d: %d events wait again\n", crop, n)
				}
			default:
				if incomplete := service.Once(ctx, crop); incomplete != nil {
					failed = true
					fmt.Fprintf(s.out, "enterprise %d: %v\n", crop, incomplete)
				}
				err = errors.Join(wecom.Status(context.WithoutCancel(ctx), db, crop, s.out), context.Cause(ctx))
			}
			if err != nil {
				return err
			}
		}
		if failed {
			return errReported
		}
		return nil
	})
}
