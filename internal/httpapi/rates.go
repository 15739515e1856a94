package httpapi

import (
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/jellydator/ttlcache/v3"
	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"example.com/wechatcustomers/internal/apierr"
)

// Rates bound how many requests a second one caller may send to the API, each with a burst of as
// many as it may send in ten seconds; 0: any number. They are this process's own: several instances
// each count for themselves.
type Rates struct {
	Member   float64 // by each member
	Address  float64 // from each address
	Failures float64 // without a token that holds, from each address
}

// DefaultRates are far above what people and exports do. Many members may share an address.
var DefaultRates = Rates{Member: 20, Address: 100, Failures: 0.5}

// burstSeconds is for how many seconds a caller may send at once what the rate allows.
const burstSeconds = 10

// maxCallers bounds the memory for callers; those that have not been seen the longest go first.
const maxCallers = 100_000

// rates counts requests by the caller's name.
type rates struct {
	limit   rate.Limit
	burst   int
	callers *ttlcache.Cache[string, *rate.Limiter]
}

func newRates(perSecond float64) *rates {
	if perSecond <= 0 {
		return nil
	}
	return &rates{
		rate.Limit(perSecond), max(1, int(math.Ceil(burstSeconds*perSecond))),
		ttlcache.New(ttlcache.WithCapacity[string, *rate.Limiter](maxCallers)),
	}
}

func (l *rates) of(caller string) *rate.Limiter {
	if item := l.callers.Get(caller); item != nil {
		return item.Value()
	}
	item, _ := l.callers.GetOrSet(caller, rate.NewLimiter(l.limit, l.burst))
	return item.Value()
}

// take counts a request and returns how long the caller must wait for the next, 0 where this one
// may pass.
func (l *rates) take(caller string) time.Duration {
	if l == nil {
		return 0
	}
	reserved := l.of(caller).Reserve()
	wait := reserved.Delay()
	if wait > 0 {
		reserved.Cancel()
	}
	return wait
}

// spent returns how long a caller must wait until there is something to take; 0 where there is.
func (l *rates) spent(caller string) time.Duration {
	if l == nil {
		return 0
	}
	item := l.callers.Get(caller)
	if item == nil {
		return 0 // it has taken nothing
	}
	if missing := 1 - item.Value().Tokens(); missing > 0 {
		return time.Duration(missing / float64(l.limit) * float64(time.Second))
	}
	return 0
}

// tooMany refuses a request and says when the next may come; of says which requests, for the log.
func tooMany(c echo.Context, wait time.Duration, of string) error {
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return apierr.New(apierr.TooMany, errors.New("too many requests "+of))
}
