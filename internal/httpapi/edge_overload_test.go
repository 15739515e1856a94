package httpapi_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/telemetry"
)

// watched gives a server the monitor of dsn.
func watched(t *testing.T, b *bundle, dsn string) option {
	t.Helper()
	m, err := store.NewMonitor(dsn, b.DB, slog.New(slog.DiscardHandler))
	mustSucceed(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { m.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		m.Close()
	})
	return config(func(c *httpapi.Config) { c.Ready, c.While = m.Ready, m.While })
}

func TestBeyondTheBoundRequestsAreRefusedAtOnceWhileReadyzAnswers(t *testing.T) {
	t.Parallel()
	const work, queue, more = 2, 3, 20
	own := setup(t, manager)
	counted, err := telemetry.New(t.Context(), "test", false)
	mustSucceed(t, err)
	b := own.instance(watched(t, own, own.dsn), config(func(c *httpapi.Config) {
		c.Limits.Work, c.Limits.Queue, c.Telemetry = work, queue, counted
	}))
	b.send(t, ask{token: of(t, uid)}).succeeded(t)
	for b.readyz(t) != http.StatusOK { //nolint:revive // once it has been looked at
	}
	// Everything that reads an enterprise waits for this, and holds its worker.
	held, err := own.DB.Conn(t.Context())
	mustSucceed(t, err)
	defer held.Close()
	_, err = held.ExecContext(t.Context(), "LOCK TABLES businesses WRITE")
	mustSucceed(t, err)

	answers := make(chan reply, work+queue+more)
	for range work + queue + more {
		go func() { answers <- b.send(t, ask{token: of(t, uid)}) }()
	}
	for range more {
		refused := <-answers // none of the others can answer yet
		refused.want(t, 503, "服务暂时不可用,请稍后再试")
		if after := refused.header.Get("Retry-After"); after != "3" {
			t.Errorf("a refusal has Retry-After %q", after)
		}
	}
	if status := b.readyz(t); status != http.StatusOK {
		t.Errorf("/readyz: %d", status)
	}
	// Before it is asked for a token, or for anything.
	b.send(t, ask{}).want(t, 503, "服务暂时不可用,请稍后再试")
	metrics := httptest.NewRecorder()
	counted.Metrics().ServeHTTP(metrics, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	if want := fmt.Sprintf("wechat_requests_shed_total %d\n", more+1); !strings.Contains(metrics.Body.String(), want) {
		t.Errorf("the metrics have no %s", want)
	}
	_, err = held.ExecContext(t.Context(), "UNLOCK TABLES")
	mustSucceed(t, err)
	for range work + queue {
		if a := <-answers; a.status != http.StatusOK {
			t.Errorf("one that was let in: %d %s", a.status, a.body)
		}
	}
	b.send(t, ask{}).want(t, 401, "请登录")
	b.send(t, ask{token: of(t, uid)}).succeeded(t)
}

func TestWhileTheDatabaseIsSilentRequestsAreRefused(t *testing.T) {
	t.Parallel()
	own := setup(t, manager)
	w := dbtest.StartWire(t, own.dsn, nil)
	db := open(t, w.DSN)
	b := own.instance(watched(t, &bundle{DB: db}, w.DSN), config(func(c *httpapi.Config) { c.Operations = getlist.New(getlist.Config{DB: db}) }))
	for range 2 {
		w.Silence()
		// The first ones wait until it is known; then nobody does.
		for range 5 {
			refused := b.send(t, ask{token: of(t, uid)})
			refused.want(t, 503, "服务暂时不可用,请稍后再试")
			if after := refused.header.Get("Retry-After"); after != "1" {
				t.Errorf("a refusal has Retry-After %q", after)
			}
		}
		answer, err := b.HTTP.Get(b.URL + "/readyz")
		mustSucceed(t, err)
		answer.Body.Close()
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
			t.Errorf("/readyz: %d %v", answer.StatusCode, answer.Header)
		}
		w.Flow()
		for b.send(t, ask{token: of(t, uid)}).status != http.StatusOK { //nolint:revive // it comes back
		}
	}
}

func TestABrokenTableOrAccessIsUnavailableNotAFaultOfTheProgram(t *testing.T) {
	t.Parallel()
	for _, breaks := range []string{"ALTER TABLE businesses RENAME COLUMN name TO name2", "RENAME TABLE managers TO x"} {
		b := setup(t, manager)
		_, err := b.DB.ExecContext(t.Context(), breaks)
		mustSucceed(t, err)
		b.send(t, ask{token: of(t, uid)}).want(t, 503, "服务暂时不可用,请稍后再试")
	}
}

func (b *bundle) readyz(t *testing.T) int {
	t.Helper()
	answer, err := b.HTTP.Get(b.URL + "/readyz")
	mustSucceed(t, err)
	answer.Body.Close()
	return answer.StatusCode
}

func (r reply) succeeded(t testing.TB) {
	t.Helper()
	if r.status != http.StatusOK {
		t.Errorf("status %d: %.500s", r.status, r.body)
	}
}
