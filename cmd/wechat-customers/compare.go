package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/original"
	"example.com/wechatcustomers/internal/store"
)

type compareCommand struct {
	databaseFlags
	getListFlags
	Uniacid     int64  `required:"" placeholder:"N" help:"The account."`
	CropID      int64  `name:"crop-id" required:"" placeholder:"N" help:"The enterprise, which is the one that is chosen at the original."`
	Requests    int    `default:"60" help:"How many lists with filters are compared beside the whole one (${default})."`
	Pages       int64  `default:"3" help:"How many pages of each of these; all of them where the totals differ (${default})."`
	Seed        uint64 `default:"1" help:"What is asked for: another number asks for something else (${default})."`
	Report      string `placeholder:"FILE" help:"What copy reported: what it decided on rows is then a known reason."`
	IgnoreKnown bool   `help:"Exit 0 where every difference has a known reason."`
}

// Help says what is compared.
func (compareCommand) Help() string {
	return `Asks the original's getList, over HTTP, and this service, in this process on its own database, the same, and compares everything that they answer: every
page of the whole list, each filter, and filters at random. Lists each difference, with the reason where it is a known one, and exits 1 where there are any. The original
may also be another instance of this service: give its URL with crop_id, and its token by --header. See docs/moving.md.`
}

// Validate wants an address.
func (c compareCommand) Validate() error {
	switch {
	case c.Original == "":
		return errors.New("compare: --original is wanted")
	case c.Requests < 0 || c.Pages < 1:
		return errors.New("compare: --requests must not be negative, and --pages more than 0")
	}
	return nil
}

// Run compares; the error is errReported where there are differences.
func (c compareCommand) Run(ctx context.Context, s streams) error {
	return c.with(ctx, s, func(db *sql.DB) error {
		o, err := c.options(ctx, s, db)
		if err != nil {
			return err
		}
		if c.Report != "" {
			f, err := os.Open(c.Report)
			if err != nil {
				return err
			}
			defer f.Close()
			o.Report = f
		}
		result, err := original.Compare(ctx, o)
		if err != nil {
			return err
		}
		if terminal(s.err) {
			fmt.Fprint(s.err, "\r\x1b[K")
		}
		fmt.Fprintln(s.out, result)
		if result.Unknown > 0 || len(result.Known) > 0 && !c.IgnoreKnown {
			return errReported
		}
		return nil
	})
}

func (c compareCommand) options(ctx context.Context, s streams, db *sql.DB) (o original.CompareOptions, err error) {
	asker, err := c.getList()
	if err != nil {
		return o, err
	}
	// Nobody else ever sees the secret.
	secret := make([]byte, auth.MinSecret)
	if _, err := rand.Read(secret); err != nil {
		return o, err
	}
	var uid uint32
	err = db.QueryRowContext(ctx, "SELECT uid FROM managers WHERE uniacid = ? AND business_id = ? AND deleted_at IS NULL ORDER BY uid LIMIT 1", c.Uniacid, c.CropID).Scan(&uid)
	if errors.Is(err, sql.ErrNoRows) {
		return o, fmt.Errorf("nobody here manages enterprise %d of account %d: copy or import a manager first", c.CropID, c.Uniacid)
	}
	if err != nil {
		return o, err
	}
	token, err := auth.Mint(secret, auth.Member{UID: uid, Uniacid: uint32(c.Uniacid)}, 24*time.Hour, time.Now(), "", "")
	if err != nil {
		return o, err
	}
	verifier, err := auth.New(ctx, auth.Config{Secret: secret})
	if err != nil {
		return o, err
	}
	handler, err := httpapi.New(httpapi.Config{
		Document: api.Document, Operations: getlist.New(getlist.Config{DB: db}), Verifier: verifier, Limits: httpapi.DefaultLimits,
		Ready: func(ctx context.Context) error { return store.Ready(ctx, db) }, Log: slog.New(slog.DiscardHandler),
	})
	progress := func(request, pages int) {
		if terminal(s.err) {
			fmt.Fprintf(s.err, "\r\x1b[Klist %d of %d, %d answers", request, c.Requests+1, pages)
		}
	}
	return original.CompareOptions{
		Original: asker, Ours: handler, Header: http.Header{"Authorization": {"Bearer " + token}}, Uniacid: c.Uniacid, CropID: c.CropID,
		Requests: c.Requests, Pages: c.Pages, Seed: c.Seed, Progress: progress,
		Found: func(d original.Difference) { fmt.Fprintln(s.out, d) },
		EmployeeID: func(ctx context.Context, userid string) (id int64, err error) {
			err = db.QueryRowContext(ctx, "SELECT id FROM employees WHERE business_id = ? AND user_id = ?", c.CropID, userid).Scan(&id)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil
			}
			return id, err
		},
	}, err
}
