package httpapi

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/internal/apierr"
)

// gate bounds how many requests work at once and how many wait for that; more would only wait for
// one another, and none would be answered in time.
type gate struct {
	work   chan struct{}
	inside atomic.Int64
	most   int64 // at work and waiting
}

func newGate(work, queue int) *gate {
	return &gate{work: make(chan struct{}, work), most: int64(work) + int64(queue)}
}

var errOverloaded = errors.New("overloaded: too many requests are waiting")

// full says whether enter would refuse.
func (g *gate) full() bool { return g.inside.Load() >= g.most }

// enter waits for its turn, until ctx is done; Unavailable at once where too many wait. leave must be
// called once the work is done.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	if g.inside.Add(1) > g.most {
		g.inside.Add(-1)
		return nil, apierr.New(apierr.Unavailable, errOverloaded)
	}
	select {
	case g.work <- struct{}{}:
		return func() {
			<-g.work
			g.inside.Add(-1)
		}, nil
	case <-ctx.Done():
		g.inside.Add(-1)
		return nil, context.Cause(ctx)
	}
}

// shed refuses at once, before anything is read or verified, what would not be let in.
func (x *edge) shed(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if x.gate.full() {
			return apierr.New(apierr.Unavailable, errOverloaded)
		}
		return next(c)
	}
}
