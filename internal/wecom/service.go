// Package wecom keeps the tables of an enterprise as WeCom has it: a sync reads everything on a
// schedule, and callbacks tell of what changes in between. It writes through internal/writer alone.
//
// Only one process at a time works on an enterprise: the one that has its lease, a row with an
// expiry which others take over when it dies. What a sync has done is noted by member, and an event
// is stored before it is acknowledged, so that a process may be killed at any moment.
package wecom

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/writer"
)

// Config is what a Service is made from. All of it is required but Every and Waits.
type Config struct {
	DB          *sql.DB
	URL         string // of WeCom's API: a scheme and a host
	Enterprises []Enterprise
	Every       time.Duration // from the beginning of a sync to that of the next; 0: none by itself
	Instance    string        // names this process for people
	Log         *slog.Logger
	Waits       Waits
	Observer    Observer // nil: nobody
}

// Observer hears of what is done; what its methods return is called when that has ended.
type Observer interface {
	// WecomCall hears of a call, by its path after /cgi-bin/, and of the errcode that it was answered
	// with, "none" where it was not answered.
	WecomCall(ctx context.Context, call string) func(errcode string)
	// WecomWork hears of a sync, and of an event that is worked off, and returns the context of what is
	// done for it.
	WecomWork(ctx context.Context, what string, crop uint32) (context.Context, func(error))
}

type nobody struct{}

func (nobody) WecomCall(context.Context, string) func(string) { return func(string) {} }

func (nobody) WecomWork(ctx context.Context, _ string, _ uint32) (context.Context, func(error)) {
	return ctx, func(error) {}
}

// Service works on enterprises, and takes their callbacks.
type Service struct {
	Config

	q           *gendb.Queries
	writer      *writer.Writer
	holder      string
	enterprises map[uint32]*enterprise
}

// enterprise is one of them, with what this process knows of it.
type enterprise struct {
	*client

	s    *Service
	log  *slog.Logger
	wake chan struct{} // an event has come

	// Whoever writes what an event called for, and whoever writes what a sync has read, hold mu: so the
	// one can see what the other has written since it read.
	mu      sync.Mutex
	written int64            // grows with each event's write while a sync runs
	touched map[string]int64 // when an event wrote a pair or a contact; nil while no sync runs
}

// New returns a Service.
func New(cfg Config) (*Service, error) {
	if err := CheckURL(cfg.URL); err != nil {
		return nil, err
	}
	cfg.Waits = cfg.Waits.orDefault()
	if cfg.Observer == nil {
		cfg.Observer = nobody{}
	}
	s := &Service{
		Config: cfg, q: gendb.New(cfg.DB), writer: writer.New(cfg.DB, time.Now), enterprises: map[uint32]*enterprise{},
		holder: clip(cfg.Instance, 60) + " " + rand.Text()[:12],
	}
	address := rate.NewLimiter(addressPerSecond, addressBurst)
	for _, e := range cfg.Enterprises {
		if err := e.complete(); err != nil {
			return nil, err
		}
		c, err := newClient(e, cfg.URL, cfg.Waits, address, cfg.Observer)
		if err != nil {
			return nil, err
		}
		s.enterprises[e.CropID] = &enterprise{client: c, s: s, log: cfg.Log.With("crop_id", e.CropID), wake: make(chan struct{}, 1)}
	}
	return s, nil
}

// clip returns a text of at most so many characters.
func clip(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// Run keeps the enterprises up to date until ctx is done.
func (s *Service) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, e := range s.enterprises {
		all.Go(func() { e.run(ctx) })
	}
	all.Wait()
}

// Only leaves the other enterprises out, none where crops is empty; it returns the ones that are
// worked on, in the order of crop_id.
func (s *Service) Only(crops []uint32) ([]uint32, error) {
	for _, crop := range crops {
		if s.enterprises[crop] == nil {
			return nil, fmt.Errorf("enterprise %d is not in the file of enterprises", crop)
		}
	}
	if len(crops) > 0 {
		maps.DeleteFunc(s.enterprises, func(crop uint32, _ *enterprise) bool { return !slices.Contains(crops, crop) })
	}
	return slices.Sorted(maps.Keys(s.enterprises)), nil
}

// Once makes one sync of the enterprise, or goes on with the one that was begun, and works off its
// events. It waits for a process that is at it. An error says why not everything was read.
func (s *Service) Once(ctx context.Context, crop uint32) error {
	e, known := s.enterprises[crop]
	if !known {
		return fmt.Errorf("enterprise %d is not in the file of enterprises", crop)
	}
	for {
		worked, err := e.turn(ctx, true)
		if worked && err == nil {
			err = e.forget(ctx)
		}
		if worked || err != nil || ctx.Err() != nil {
			return errors.Join(err, context.Cause(ctx))
		}
		if err := wait(ctx, s.Waits.Poll); err != nil {
			return err
		}
	}
}

func (e *enterprise) run(ctx context.Context) {
	var forgot time.Time
	for ctx.Err() == nil {
		_, err := e.turn(ctx, false)
		if err == nil && time.Since(forgot) > time.Hour {
			forgot, err = time.Now(), e.forget(ctx)
		}
		if _, noted := errors.AsType[incompleteError](err); err != nil && !noted && ctx.Err() == nil {
			// The database's, mostly.
			e.log.Warn("wecom: no work can be done", "error", err)
			_ = wait(ctx, longWait*e.waits.Poll)
		}
		e.await(ctx)
	}
}

// longWait is how many polls are left out where there is no working.
const longWait = 10

// incompleteError is the error of a sync that has been noted with the enterprise, and logged.
type incompleteError struct{ error }

func (e incompleteError) Unwrap() error { return e.error }

// await returns when there may be something to do.
func (e *enterprise) await(ctx context.Context) {
	timer := time.NewTimer(e.waits.Poll)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.wake:
	case <-ctx.Done():
	}
}

// turn does what is due, where no other process is at it: false where one is, or nothing is due. The
// error is that of the sync.
func (e *enterprise) turn(ctx context.Context, now bool) (worked bool, err error) {
	due := now
	if !due {
		if due, err = e.due(ctx); err != nil {
			return false, err
		}
		events, err := e.s.q.HasDueEvents(ctx, e.e.CropID)
		if err != nil || !due && !events {
			return false, err
		}
	}
	return e.leased(ctx, func(ctx context.Context) error {
		if !due {
			return e.events(ctx)
		}
		group, ctx := errgroup.WithContext(ctx)
		synced := make(chan struct{})
		group.Go(func() error {
			defer close(synced)
			if !now { // another process may have done it since
				if still, err := e.due(ctx); err != nil || !still {
					return err
				}
			}
			return e.sync(ctx)
		})
		group.Go(func() error {
			for {
				// What fails here is tried again: it is not the sync's error.
				if err := e.events(ctx); err != nil && ctx.Err() == nil {
					e.log.Warn("wecom events", "error", err)
				}
				select {
				case <-synced:
					return nil
				default:
					e.await(ctx)
				}
			}
		})
		return group.Wait()
	})
}

// due says whether a sync is to begin, or to go on.
func (e *enterprise) due(ctx context.Context) (bool, error) {
	if e.s.Every == 0 {
		return false, nil
	}
	row, err := e.s.q.GetWecomSync(ctx, e.e.CropID)
	if errors.Is(err, sql.ErrNoRows) {
		return true, nil
	}
	last := row.WecomSync
	// A process that syncs less often may have settled for a later time.
	return last.DueAt <= row.Now || last.Failures == 0 && last.StartedAt+int64(e.s.Every/time.Second) <= row.Now, err
}

// errLeaseLost ends work on an enterprise that another process has taken over.
var errLeaseLost = errors.New("another process has taken the enterprise over")

// leased runs work with the enterprise's lease: false where another process has it.
func (e *enterprise) leased(ctx context.Context, work func(context.Context) error) (worked bool, err error) {
	if err := e.s.q.AddWecomSync(ctx, e.e.CropID); err != nil {
		return false, err
	}
	if mine, err := e.renew(ctx); err != nil || !mine {
		return false, err
	}
	working, stop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		e.hold(working, stop)
	}()
	err = work(working)
	if lost := context.Cause(working); errors.Is(lost, errLeaseLost) {
		err = lost
	}
	stop(nil)
	<-done
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.waits.Answer)
	defer cancel()
	return true, errors.Join(err, e.s.q.EndLease(ending, gendb.EndLeaseParams{CropID: e.e.CropID, Holder: e.s.holder}))
}

func (e *enterprise) renew(ctx context.Context) (mine bool, err error) {
	n, err := e.s.q.TakeLease(ctx, gendb.TakeLeaseParams{CropID: e.e.CropID, Holder: e.s.holder, Milliseconds: e.waits.Lease.Milliseconds()})
	return n == 1, err
}

// hold renews the lease until ctx is done, and ends the work in time where it cannot.
func (e *enterprise) hold(ctx context.Context, stop context.CancelCauseFunc) {
	every := e.waits.Lease / 4
	renewed := time.Now()
	for wait(ctx, every) == nil {
		asked := time.Now()
		asking, cancel := context.WithTimeout(ctx, every)
		mine, err := e.renew(asking)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && mine:
			renewed = asked
		case err == nil, time.Since(renewed) > e.waits.Lease/2:
			// Now, while nobody else can have it yet.
			stop(errLeaseLost)
			return
		}
	}
}
