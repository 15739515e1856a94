package wecom_test

import (
	"bytes"
	"database/sql"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/wecom"
	"example.com/wechatcustomers/internal/wecomtest"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(workerDSN); dsn != "" {
		work(dsn)
	}
	dbtest.Main(m)
}

const crop = 1

// house is a stand-in of WeCom, and a database that is filled from it.
type house struct {
	t      testing.TB
	theirs *wecomtest.Server
	url    string
	dsn    string
	ours   *sql.DB
	log    *lines
}

func setup(t testing.TB, o wecomtest.Options) *house {
	t.Helper()
	return setupOn(t, dbtest.New(t), o)
}

func setupOn(t testing.TB, dsn string, o wecomtest.Options) *house {
	t.Helper()
	h := &house{t: t, theirs: wecomtest.New(o), dsn: dsn, log: &lines{}}
	server := httptest.NewServer(h.theirs)
	t.Cleanup(server.Close)
	h.url = server.URL
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h.ours = db
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	h.write(writer.Business, map[string]writer.Value{"uniacid": writer.Int(2), "id": writer.Int(crop), "name": writer.Text("一")})
	// Nothing that a log or an error says has a secret in it.
	t.Cleanup(func() {
		o := h.theirs.Options()
		for _, secret := range []string{o.ContactSecret, o.DirectorySecret, o.CallbackToken, o.EncodingAESKey, "token-"} {
			if strings.Contains(h.log.String(), secret) {
				t.Errorf("the log has a secret (%s) in it:\n%s", secret, h.log)
			}
		}
	})
	return h
}

// lines is a log.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (h *house) write(kind writer.Kind, values map[string]writer.Value) {
	h.t.Helper()
	r := writer.NewRecord(kind)
	for field, v := range values {
		r[kind.Field(field)] = v
	}
	if _, err := writer.New(h.ours, time.Now).Write(h.t.Context(), kind, []writer.Record{r}, false); err != nil {
		h.t.Fatal(err)
	}
}

// service returns one of as many processes as a test has.
func (h *house) service(change ...func(*wecom.Config)) *wecom.Service {
	h.t.Helper()
	cfg := config(h.ours, h.url, slog.New(slog.NewTextHandler(h.log, nil)), h.theirs.Options())
	for _, c := range change {
		c(&cfg)
	}
	s, err := wecom.New(cfg)
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func config(db *sql.DB, url string, log *slog.Logger, o wecomtest.Options) wecom.Config {
	return wecom.Config{
		DB: db, URL: url, Instance: "test", Log: log,
		Enterprises: []wecom.Enterprise{{
			CropID: crop, CorpID: o.CorpID, ContactSecret: o.ContactSecret, DirectorySecret: o.DirectorySecret, CallbackToken: o.CallbackToken, EncodingAESKey: o.EncodingAESKey,
		}},
		Waits: wecom.Waits{Answer: 5 * time.Second, Again: time.Millisecond, Block: 10 * time.Millisecond, Poll: time.Millisecond, Retry: time.Millisecond},
	}
}

func (h *house) sync(change ...func(*wecom.Config)) {
	h.t.Helper()
	if err := h.service(change...).Once(h.t.Context(), crop); err != nil {
		h.t.Fatal(err)
	}
}

// equal compares what is stored with what WeCom has, and what is derived with what is stored.
func (h *house) equal() {
	h.t.Helper()
	h.equalBut(nil)
}

func (h *house) equalBut(expected func(difference string) bool) {
	h.t.Helper()
	stored, err := wecomtest.Stored(h.t.Context(), h.ours, crop)
	if err != nil {
		h.t.Fatal(err)
	}
	shown := 0
	for _, d := range h.theirs.Truth().Differences(stored) {
		if (expected == nil || !expected(d)) && shown < 10 {
			h.t.Error(d)
			shown++
		}
	}
	found, err := writer.Check(h.t.Context(), h.ours, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if len(found) > 0 {
		h.t.Errorf("%d derived values are wrong: %v", len(found), found[0])
	}
}

func (h *house) exec(statement string, args ...any) {
	h.t.Helper()
	if _, err := h.ours.ExecContext(h.t.Context(), statement, args...); err != nil {
		h.t.Fatalf("%s: %v", statement, err)
	}
}

func (h *house) count(query string, args ...any) (n int64) {
	h.t.Helper()
	if err := h.ours.QueryRowContext(h.t.Context(), query, args...).Scan(&n); err != nil {
		h.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (h *house) status() string {
	h.t.Helper()
	var b strings.Builder
	if err := wecom.Status(h.t.Context(), h.ours, crop, &b); err != nil {
		h.t.Fatal(err)
	}
	return b.String()
}

// callbacks serves the service's callback, and returns its address.
func (h *house) callbacks(s *wecom.Service) string {
	h.t.Helper()
	e := echo.New()
	s.Routes(e)
	server := httptest.NewServer(e)
	h.t.Cleanup(server.Close)
	return server.URL + wecom.CallbackPath + "1"
}

// send tells of events, which are then stored.
func (h *house) send(address string, events ...wecomtest.Event) {
	h.t.Helper()
	for _, e := range events {
		if err := h.theirs.Send(h.t.Context(), address, e); err != nil {
			h.t.Fatal(err)
		}
	}
}

// random returns a source that each run has the same of.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// faults returns a Fault that spoils some answers, each kind of them now and then.
func faults(r *rand.Rand, oneIn int) func(string) wecomtest.Fault {
	var mu sync.Mutex
	return func(string) wecomtest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.IntN(oneIn) != 0 {
			return wecomtest.Fault{}
		}
		return []wecomtest.Fault{
			{Code: -1}, {Code: 45033}, {Code: 45009}, {Code: 40014}, {Code: 42001}, {Half: true}, {Break: true}, {Status: http.StatusBadGateway},
		}[r.IntN(8)]
	}
}

// await waits until a count is this.
func (h *house) await(query string, want int64) {
	h.t.Helper()
	for h.count(query) != want {
		if h.t.Context().Err() != nil {
			h.t.Fatal(query)
		}
		runtime.Gosched()
	}
}
