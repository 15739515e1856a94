package store

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
)

// How a database answers a question of the monitor: after so long, where that is less than the
// question may take.
type answers struct{ after atomic.Int64 }

func (a *answers) set(after time.Duration) { a.after.Store(int64(after)) }

func (a *answers) ask(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(a.after.Load())):
		return nil
	}
}

const never = time.Hour

// looking runs test beside a monitor whose questions ask answers, by a clock of the test's own.
func looking(t *testing.T, ask func(context.Context) error, test func(*testing.T, *Monitor)) {
	synctest.Test(t, func(t *testing.T) {
		pool, err := Open("user@tcp(127.0.0.1:1)/database") // which nobody dials
		if err != nil {
			t.Fatal(err)
		}
		m := newMonitor(pool, slog.New(slog.DiscardHandler), ask, func(context.Context) error { return nil })
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { m.Run(ctx) })
		test(t, m)
		cancel()
		running.Wait()
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
}

// within wants the monitor to be ready, or lost, in less than a second from now.
func within(t *testing.T, m *Monitor, ready bool) {
	t.Helper()
	for begin := time.Now(); ; <-time.After(time.Millisecond) {
		_, end, err := m.While(t.Context())
		if err == nil {
			end()
		}
		if (m.Ready(t.Context()) == nil) == ready && (err == nil) == ready {
			return
		}
		if time.Since(begin) >= time.Second {
			t.Fatalf("after a second: ready: %v, work: %v", m.Ready(t.Context()), err)
		}
	}
}

// Whenever between two looks, or in the midst of one, it begins and ends.
func TestTheLossOfADatabaseAndItsReturnAreKnownWithinASecond(t *testing.T) {
	t.Parallel()
	for at := time.Duration(0); at < 2*time.Second; at += 37 * time.Millisecond {
		var a answers
		looking(t, a.ask, func(t *testing.T, m *Monitor) {
			a.set(time.Millisecond)
			within(t, m, true)
			<-time.After(at)
			a.set(never)
			within(t, m, false)
			<-time.After(at)
			a.set(time.Millisecond)
			within(t, m, true)
		})
	}
}

func TestTheLossOfADatabaseIsKnownWithinASecondFromTheStart(t *testing.T) {
	t.Parallel()
	var a answers
	a.set(never)
	looking(t, a.ask, func(t *testing.T, m *Monitor) {
		within(t, m, false)
		a.set(0)
		within(t, m, true)
	})
}

func TestASlowAnswerOrADeadConnectionIsNoLoss(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	for name, ask := range map[string]func(context.Context) error{
		"answers after half a second": func(ctx context.Context) error {
			asked.Add(1)
			a := answers{}
			a.set(500 * time.Millisecond)
			return a.ask(ctx)
		},
		"one connection in two is silent": func(ctx context.Context) error {
			a := answers{}
			if asked.Add(1)%2 == 0 {
				a.set(never)
			}
			return a.ask(ctx)
		},
		"one connection in two is cut off": func(context.Context) error {
			if asked.Add(1)%2 == 0 {
				return mysql.ErrInvalidConn
			}
			return nil
		},
	} {
		asked.Store(0)
		looking(t, ask, func(t *testing.T, m *Monitor) {
			within(t, m, true)
			for begin := time.Now(); time.Since(begin) < time.Minute; <-time.After(10 * time.Millisecond) {
				if err := m.Ready(t.Context()); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if _, end, err := m.While(t.Context()); err != nil {
					t.Fatalf("%s: %v", name, err)
				} else {
					end()
				}
			}
		})
		if asked.Load() < 60 {
			t.Errorf("%s: it was asked %d times in a minute", name, asked.Load())
		}
	}
}

func TestWorkAndALookAtTheTablesEndWithTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool, err := Open("user@tcp(127.0.0.1:1)/database")
		if err != nil {
			t.Fatal(err)
		}
		var a, tables answers
		tables.set(never)
		m := newMonitor(pool, slog.New(slog.DiscardHandler), a.ask, tables.ask)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { m.Run(ctx) })
		<-time.After(lookEvery / 2)
		working, end, err := m.While(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer end()
		a.set(never)
		within(t, m, false)
		<-working.Done()
		if !errors.Is(context.Cause(working), ErrLost) {
			t.Errorf("work ended by %v", context.Cause(working))
		}
		a.set(0)
		tables.set(0)
		within(t, m, true)
		cancel()
		running.Wait()
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
}
