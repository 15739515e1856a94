package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// server is a handler in this process, with a token for it.
type server struct {
	handler http.Handler
	bearer  string
}

// newServer returns the handler that serve makes of the database, with nothing remembered.
func newServer(ctx context.Context, l *loaded) (*server, error) {
	memory := cache.New(memoryBytes)
	return handlerOf(ctx, l, getlist.New(getlist.Config{DB: l.db, Memory: memory, Build: "bench"}))
}

func handlerOf(ctx context.Context, l *loaded, operations httpapi.Operations) (*server, error) {
	verifier, err := auth.New(ctx, auth.Config{Secret: secret})
	if err != nil {
		return nil, err
	}
	limits := httpapi.DefaultLimits
	limits.Handle = 10 * time.Minute // what is slow is measured, not cut
	handler, err := httpapi.New(httpapi.Config{
		Document: api.Document, Operations: operations, Verifier: verifier,
		Ready:  func(ctx context.Context) error { return store.Ready(ctx, l.db) },
		Limits: limits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	who := auth.Member{UID: managerUID, Uniacid: uniacid}
	token, err := auth.Mint(secret, who, 24*time.Hour, time.Now(), "", "")
	return &server{handler: handler, bearer: "Bearer " + token}, err
}

// stored answers every request with the same bytes: what a remembered answer would cost that asks
// no database.
type stored struct {
	httpapi.Operations
	answer *httptest.ResponseRecorder
}

func (s stored) GetList(
	context.Context, getlist.Request, genapi.GetListRequestObject,
) (genapi.GetListResponseObject, error) {
	return s, nil
}

func (s stored) GetFacets(
	context.Context, getlist.Request, genapi.GetFacetsRequestObject,
) (genapi.GetFacetsResponseObject, error) {
	return s, nil
}

func (s stored) VisitGetListResponse(w http.ResponseWriter) error   { return s.send(w) }
func (s stored) VisitGetFacetsResponse(w http.ResponseWriter) error { return s.send(w) }

func (s stored) send(w http.ResponseWriter) error {
	maps.Copy(w.Header(), s.answer.Header())
	_, err := w.Write(s.answer.Body.Bytes())
	return err
}

// host is where the requests in process say that they go.
const host = "bench.test"

// call is one request as it is sent.
type call struct {
	host, path string
	etag       string // sent as If-None-Match; "" for none
	gzip       bool
}

func (r *request) call() call { return call{host: host, path: r.target(), gzip: r.gzip} }

// elsewhere sends the call to a host that no other turn names: page links begin with it, so that no
// page of another turn is the answer.
func (c call) elsewhere(turn int) call {
	c.host = strconv.Itoa(turn) + "." + host
	return c
}

func (s *server) request(ctx context.Context, c call) (*http.Request, error) {
	url := "http://" + c.host + c.path
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.RequestURI = c.path
	r.Header.Set("Authorization", s.bearer)
	if c.etag != "" {
		r.Header.Set("If-None-Match", c.etag)
	}
	if c.gzip {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	return r, nil
}

// get returns the answer to one request.
func (s *server) get(ctx context.Context, c call) (*httptest.ResponseRecorder, error) {
	r, err := s.request(ctx, c)
	a := httptest.NewRecorder()
	if err == nil {
		s.handler.ServeHTTP(a, r)
	}
	return a, err
}

// discard is a ResponseWriter that throws the answer away.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header { return d.header }

func (d *discard) WriteHeader(status int) { d.status = status }

func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

// time returns how long one request took that is answered with this status, the making of the
// request left out.
func (s *server) time(ctx context.Context, c call, status int) (time.Duration, error) {
	r, err := s.request(ctx, c)
	if err != nil {
		return 0, err
	}
	d := &discard{http.Header{}, http.StatusOK}
	begin := time.Now()
	s.handler.ServeHTTP(d, r)
	took := time.Since(begin)
	if d.status != status {
		err = fmt.Errorf("%s: status %d, not %d", c.path, d.status, status)
	}
	return took, err
}

// rate returns the requests a second that this many connections get answered over TCP within d.
// Each request has another turn.
func (s *server) rate(
	ctx context.Context, connections int, d time.Duration, status int, calls func(turn int) call,
) (float64, error) {
	h := httptest.NewServer(s.handler)
	defer h.Close()
	var turn, done atomic.Int64
	errs := make([]error, connections)
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range connections {
		wg.Go(func() {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", h.Listener.Addr().String())
			if err != nil {
				errs[i] = err
				return
			}
			defer func() { _ = conn.Close() }()
			in := bufio.NewReaderSize(conn, 64<<10)
			for errs[i] == nil && time.Since(begin) < d {
				c := calls(int(turn.Add(1)))
				if errs[i] = s.ask(ctx, conn, in, c, status); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), errors.Join(errs...)
}

// ask sends one request over a connection. It is as plain as can be: it shares the processors with
// the server that is measured.
func (s *server) ask(
	ctx context.Context, conn io.Writer, in *bufio.Reader, c call, status int,
) error {
	r, err := s.request(ctx, c)
	if err != nil {
		return err
	}
	if err := r.Write(conn); err != nil {
		return err
	}
	a, err := http.ReadResponse(in, r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, a.Body)
	if a.StatusCode != status {
		err = fmt.Errorf("%s: status %d, not %d", c.path, a.StatusCode, status)
	}
	return errors.Join(err, a.Body.Close())
}
