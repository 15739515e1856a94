package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"example.com/wechatcustomers/api"
	genapi "example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
)

// memoryBytes is what serve keeps answers in by default.
const memoryBytes = 64 << 20

var secret = []byte("the secret of a benchmark, not of a service")

// server is the program's handler in this process, with a token for it.
type server struct {
	handler http.Handler
	bearer  string
}

// newServer returns the handler that serve makes of the database, with nothing remembered.
func newServer(ctx context.Context, l *loaded) (*server, error) {
	return handlerOf(ctx, l, getlist.New(getlist.Config{DB: l.db, Memory: cache.New(memoryBytes), Build: "bench"}))
}

func handlerOf(ctx context.Context, l *loaded, operations genapi.StrictServerInterface) (*server, error) {
	verifier, err := auth.New(ctx, auth.Config{Secret: secret})
	if err != nil {
		return nil, err
	}
	limits := httpapi.DefaultLimits
	limits.Handle = 10 * time.Minute // what is slow is measured, not cut
	handler, err := httpapi.New(httpapi.Config{
		Document: api.Document, Operations: operations, Verifier: verifier, Ready: func(ctx context.Context) error { return store.Ready(ctx, l.db) },
		Limits: limits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	token, err := auth.Mint(secret, auth.Member{UID: managerUID, Uniacid: uniacid}, 24*time.Hour, time.Now(), "", "")
	return &server{handler: handler, bearer: "Bearer " + token}, err
}

// stored answers every request with the same bytes: what a remembered answer would cost that asks no database.
type stored struct {
	genapi.StrictServerInterface
	answer *answer
}

func (s stored) GetList(context.Context, genapi.GetListRequestObject) (genapi.GetListResponseObject, error) {
	return s, nil
}

func (s stored) VisitGetListResponse(w http.ResponseWriter) error {
	maps.Copy(w.Header(), s.answer.header)
	w.WriteHeader(s.answer.status)
	_, err := w.Write(s.answer.body.bytes)
	return err
}

// storing returns the handler that answers with a's bytes.
func storing(ctx context.Context, l *loaded, a *answer) (*server, error) {
	return handlerOf(ctx, l, stored{StrictServerInterface: getlist.New(getlist.Config{DB: l.db}), answer: a})
}

// host is where the requests in process say that they go.
const host = "bench.test"

func (s *server) request(ctx context.Context, c call) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.host+c.path, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI, r.Header = c.path, s.header(c)
	return r, nil
}

// answer is a ResponseWriter that keeps the answer, or only its status where body is nil.
type answer struct {
	status int
	header http.Header
	body   *kept
}

type kept struct{ bytes []byte }

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.body != nil {
		a.body.bytes = append(a.body.bytes, b...)
	}
	return len(b), nil
}

// get returns the answer to one request.
func (s *server) get(ctx context.Context, c call) (*answer, error) {
	r, err := s.request(ctx, c)
	if err != nil {
		return nil, err
	}
	a := &answer{header: http.Header{}, body: &kept{}}
	s.handler.ServeHTTP(a, r)
	return a, nil
}

// time returns how long one request took, the making of the request left out.
func (s *server) time(ctx context.Context, c call, status int) (time.Duration, error) {
	r, err := s.request(ctx, c)
	if err != nil {
		return 0, err
	}
	a := &answer{header: http.Header{}}
	begin := time.Now()
	s.handler.ServeHTTP(a, r)
	took := time.Since(begin)
	if a.status != status {
		return 0, fmt.Errorf("%s: status %d, not %d", c.path, a.status, status)
	}
	return took, nil
}

// list is what is checked of an answer.
type list struct {
	Result int `json:"result"`
	Data   struct {
		Total int `json:"total"`
		Data  []struct {
			ID             int              `json:"id"`
			HasOneCustomer *json.RawMessage `json:"has_one_customer"`
			HasOneEmployee *json.RawMessage `json:"has_one_employee"`
		} `json:"data"`
		Tag      []json.RawMessage `json:"tag"`
		Employee []json.RawMessage `json:"employee"`
	} `json:"data"`
}

// check returns what is wrong with an answer.
func (w want) check(a *answer, e *enterprise) error {
	var got list
	if a.status != http.StatusOK {
		return fmt.Errorf("status %d: %s", a.status, a.body.bytes[:min(300, len(a.body.bytes))])
	}
	if err := json.Unmarshal(a.body.bytes, &got); err != nil {
		return err
	}
	ids := []int{}
	for _, row := range got.Data.Data {
		if row.HasOneCustomer == nil || row.HasOneEmployee == nil {
			return fmt.Errorf("row %d has no contact or no employee", row.ID)
		}
		ids = append(ids, row.ID)
	}
	switch {
	case got.Data.Total != w.total:
		return fmt.Errorf("total %d, want %d", got.Data.Total, w.total)
	case !slices.Equal(ids, w.ids):
		return fmt.Errorf("ids %v, want %v", ids, w.ids)
	case len(got.Data.Tag) != e.tags || len(got.Data.Employee) != e.employees:
		return fmt.Errorf("%d tags and %d employees, want %d and %d", len(got.Data.Tag), len(got.Data.Employee), e.tags, e.employees)
	}
	return nil
}

// call is one request.
type call struct {
	host, path string
	etag       string // sent as If-None-Match; "" for none
	gzip       bool   // the caller takes gzip
}

// header returns what the request has beside its host.
func (s *server) header(c call) http.Header {
	h := http.Header{"Authorization": {s.bearer}}
	if c.etag != "" {
		h.Set("If-None-Match", c.etag)
	}
	if c.gzip {
		h.Set("Accept-Encoding", "gzip")
	}
	return h
}

// elsewhere returns a host that no other turn names: page links begin with it, so that no page of another turn is the answer.
func elsewhere(turn int) string { return strconv.Itoa(turn) + "." + host }

// rate returns the requests a second that this many connections get answered over TCP within d. Each request has another turn; a call without a path ends the run.
func rate(ctx context.Context, s *server, connections int, d time.Duration, status int, calls func(turn int) call) (float64, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	h := &http.Server{Handler: s.handler, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	var turn, done atomic.Int64
	errs := make([]error, connections)
	begin := time.Now()
	var wg sync.WaitGroup
	for c := range connections {
		wg.Go(func() {
			errs[c] = s.ask(ctx, listener.Addr().String(), begin.Add(d), status, func() call { return calls(int(turn.Add(1))) }, &done)
		})
	}
	wg.Wait()
	took := time.Since(begin)
	err = errors.Join(errors.Join(errs...), h.Close())
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return float64(done.Load()) / took.Seconds(), err
}

// ask sends one request after the other over one connection, until the time is over or there is no target. It is as plain as can be: it shares the processors with the server that is measured.
func (s *server) ask(ctx context.Context, address string, until time.Time, status int, next func() call, done *atomic.Int64) error {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	in := bufio.NewReaderSize(conn, 64<<10)
	var out strings.Builder
	for time.Now().Before(until) && ctx.Err() == nil {
		c := next()
		if c.path == "" {
			break
		}
		out.Reset()
		out.WriteString("GET " + c.path + " HTTP/1.1\r\nHost: " + c.host + "\r\n")
		if err := s.header(c).Write(&out); err != nil {
			return err
		}
		out.WriteString("\r\n")
		if _, err := io.WriteString(conn, out.String()); err != nil {
			return err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			return err
		}
		if answer.StatusCode != status {
			return fmt.Errorf("%s: status %d, not %d", c.path, answer.StatusCode, status)
		}
		done.Add(1)
	}
	return ctx.Err()
}
