package wecom

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	gen "example.com/wechatcustomers/gen/wecom"
)

// counted is a WeCom that counts calls in the clock of the test, and refuses those over its quota for
// the rest of the minute.
type counted struct {
	mu      sync.Mutex
	quota   int // a minute
	times   []time.Time
	refused int
}

// RoundTrip answers a call.
func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := httptest.NewRecorder()
	if r.URL.Path == "/cgi-bin/gettoken" {
		_, _ = w.WriteString(`{"errcode":0,"access_token":"t","expires_in":7200}`)
		return w.Result(), nil
	}
	now := time.Now()
	c.times = append(c.times, now)
	if within(c.times, now, time.Minute) > c.quota {
		c.refused++
		_, _ = w.WriteString(`{"errcode":45009,"errmsg":"api freq out of limit"}`)
		return w.Result(), nil
	}
	_, _ = w.WriteString(`{"errcode":0,"follow_user":["u"]}`)
	return w.Result(), nil
}

func within(times []time.Time, now time.Time, window time.Duration) (n int) {
	for i := len(times) - 1; i >= 0 && now.Sub(times[i]) < window; i-- {
		n++
	}
	return n
}

// calls makes so many of one kind, as many at a time as there may be.
func (c *counted) calls(t *testing.T, n int) {
	t.Helper()
	e := Enterprise{CropID: 1, CorpID: "ww", ContactSecret: "s"}
	made, err := newClient(e, "http://wecom.example", Waits{}.orDefault(), rate.NewLimiter(addressPerSecond, addressBurst), nobody{})
	if err != nil {
		t.Fatal(err)
	}
	if made.api, err = gen.NewClient("http://wecom.example", gen.WithHTTPClient(&http.Client{Transport: c})); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 2 * callsAtOnce {
		all.Go(func() {
			for range n / (2 * callsAtOnce) {
				if _, err := made.followUsers(context.Background()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// An hour of calls without a pause, and a new process every few minutes, which knows nothing of the
// calls before: never more than WeCom lets.
func TestCallsWithoutAPauseStayWithinTheQuotas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counted{quota: 10_000}
		begin := time.Now()
		for range 8 {
			c.calls(t, 1600)
		}
		if c.refused > 0 {
			t.Errorf("%d calls were refused", c.refused)
		}
		took := time.Since(begin)
		perHour := float64(len(c.times)-8*callsBurst) * float64(time.Hour) / float64(took)
		if n := within(c.times, c.times[len(c.times)-1], time.Minute); n > callsPerSecond*60+2*callsBurst || perHour > 145_000 || perHour < 100_000 {
			t.Errorf("%d in a minute, %.0f an hour", n, perHour)
		}
	})
}

// Where others of the enterprise use its quota up, what is left is waited for.
func TestATightQuotaIsWaitedOutAndNoCallFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counted{quota: 100}
		begin := time.Now()
		c.calls(t, 640)
		if took := time.Since(begin); c.refused == 0 || took < 5*time.Minute || took > 20*time.Minute {
			t.Errorf("%d refused, %v", c.refused, took)
		}
		if answered := len(c.times) - c.refused; answered != 640 {
			t.Errorf("%d are answered", answered)
		}
	})
}
