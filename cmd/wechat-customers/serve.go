package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/telemetry"
	"example.com/wechatcustomers/internal/webui"
	"example.com/wechatcustomers/internal/wecom"
)

type serveCommand struct {
	databaseFlags
	indexFlags
	tokenFlags
	adminFlags
	wecomFlags
	WecomSync    time.Duration `env:"WECOM_SYNC" default:"6h" placeholder:"6h" help:"From the beginning of a sync from WeCom to that of the next (${default}); 0: callbacks alone."`
	ListenAddr   string        `env:"LISTEN_ADDR" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on (${default})."`
	PublicURL    string        `name:"public-url" env:"PUBLIC_URL" placeholder:"URL" help:"What page links begin with; {uniacid} in it is replaced. Default: the address that the request reached."`
	TLSCert      string        `name:"tls-cert" env:"TLS_CERT" placeholder:"FILE" help:"Certificate (PEM, with its chain) to serve HTTPS with; read again when it changes."`
	TLSKey       string        `name:"tls-key" env:"TLS_KEY" placeholder:"FILE" help:"Key (PEM) of TLS_CERT."`
	Demo         bool          `help:"Load the demonstration enterprise into an empty database first."`
	JWTJWKS      string        `name:"jwt-jwks" env:"JWT_JWKS" placeholder:"FILE|URL" help:"Public keys (JWKS) of RS256, ES256 and EdDSA tokens."`
	JWTLeeway    time.Duration `name:"jwt-leeway" env:"JWT_LEEWAY" default:"${jwt_leeway}" help:"What clocks may differ by when a token begins or ends (${default})."`
	JWTCookie    string        `name:"jwt-cookie" env:"JWT_COOKIE" placeholder:"NAME" help:"Cookie that may hold the token, beside the Authorization header."`
	LegacyStatus bool          `env:"LEGACY_STATUS" help:"Answer every envelope as HTTP 200, as the original does."`
	CORSOrigins  []string      `name:"cors-origins" env:"CORS_ORIGINS" placeholder:"ORIGIN" help:"Origins that may call from a browser, comma-separated. Default: none."`
	Proxies      []string      `name:"trusted-proxies" env:"TRUSTED_PROXIES" placeholder:"NETWORK" help:"Addresses and networks of the proxies in front, comma-separated, whose X-Forwarded-For, -Proto and -Host are believed. Default: none."`
	RateMember   float64       `env:"RATE_MEMBER" default:"${rate_member}" placeholder:"N" help:"Requests a second by each member, in bursts of ten seconds (${default}); 0: any number."`
	RateAddress  float64       `env:"RATE_ADDRESS" default:"${rate_address}" placeholder:"N" help:"Requests a second from each address (${default}); 0: any number."`
	RateFailures float64       `env:"RATE_FAILURES" default:"${rate_failures}" placeholder:"N" help:"Requests a second from each address without a token that holds (${default}); 0: any number."`
	CacheMB      int64         `name:"cache-mb" env:"CACHE_MB" default:"64" placeholder:"MB" help:"Memory for answers that are kept (${default}); 0: none."`
	MaxURL       int           `name:"max-url" env:"MAX_URL" default:"16384" placeholder:"BYTES" help:"Longest address (${default})."`
	MaxHeader    int           `env:"MAX_HEADER" default:"32768" placeholder:"BYTES" help:"Largest header (${default})."`
	MaxPairs     int           `env:"MAX_PAIRS" default:"200" placeholder:"N" help:"Most parameters in a query or a body (${default})."`
	MaxBody      int64         `env:"MAX_BODY" default:"262144" placeholder:"BYTES" help:"Largest body (${default})."`
	Timeout      time.Duration `name:"timeout" env:"TIMEOUT" default:"30s" help:"Time to answer a request (${default})."`
	ReadTimeout  time.Duration `env:"READ_TIMEOUT" default:"10s" help:"Time for a request's header, and as much again for its body (${default})."`
	DrainTime    time.Duration `env:"DRAIN_TIME" default:"0s" help:"Time that /readyz says 503 before the program, told to end, takes no more requests (${default})."`
	IdleTimeout  time.Duration `env:"IDLE_TIMEOUT" default:"2m" help:"Time that an idle connection is kept (${default})."`
}

// traceTime is what the traces that are not sent yet get at the end.
const traceTime = 10 * time.Second

// Run serves until ctx is done, then lets running requests end.
func (c serveCommand) Run(ctx context.Context, s streams) error {
	from := builtFrom()
	s.log.Info("starting", "version", from.Version, "revision", from.Revision, "modified", from.Modified, "go", from.Go)
	secret, err := c.secret(c.databaseFlags)
	if err != nil {
		return err
	}
	verifier, err := auth.New(ctx, auth.Config{
		Secret: secret, JWKS: c.JWTJWKS, Issuer: c.JWTIssuer, Audience: c.JWTAudience, Leeway: c.JWTLeeway, Log: s.log,
	})
	if err != nil {
		return err
	}
	watched, err := telemetry.New(ctx, from.Version, tracesWanted())
	if err != nil {
		return err
	}
	db, dsn, closeAll, err := c.open(ctx, s, watched)
	if err != nil {
		return err
	}
	watched.WatchPool(db, "database")
	watched.WatchData(dataState(db, c.IndexFrom))
	err = c.serve(ctx, s, db, dsn, verifier, secret, watched)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), traceTime)
	defer cancel()
	return errors.Join(err, closeAll(), watched.Close(ending))
}

func (c serveCommand) serve(
	ctx context.Context, s streams, db *sql.DB, dsn string, verifier *auth.Verifier, secret []byte, watched *telemetry.Telemetry,
) (err error) {
	if err := c.prepare(ctx, s, db); err != nil {
		return err
	}
	trail, closeTrail, err := c.trail(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeTrail()) }()
	stopAdmin, err := c.admin(ctx, s, watched)
	if err != nil {
		return err
	}
	defer stopAdmin()
	monitor, stopMonitor, err := watch(ctx, s, db, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopMonitor()) }()
	service, err := c.service(db, c.WecomSync, s.log, watched)
	if err != nil {
		return err
	}
	handler, err := c.handler(ctx, httpapi.Config{Verifier: verifier, While: monitor.While, Log: s.log, Telemetry: watched, Record: recorder(trail)}, db, monitor, service)
	if err != nil {
		return err
	}
	server, start, err := c.server(ctx, s, handler)
	if err != nil {
		return err
	}
	listener, err := c.listen(ctx, s)
	if err != nil {
		return err
	}
	if err := c.hint(ctx, s, db, listener.Addr(), secret); err != nil {
		return errors.Join(err, listener.Close())
	}
	stopWriting := c.write(ctx, s, db, service)
	defer stopWriting()
	// Said last: from here on being told to stop is no failed start.
	s.log.Info("listening", "address", listener.Addr().String())
	served := make(chan error, 1)
	go func() { served <- start(listener) }()
	return c.untilTold(ctx, s, server, served)
}

// prepare makes the tables of the embedded database, and loads the demonstration where it is asked
// for. A database of others may come, and its tables be made or go back, while this serves: /readyz
// says when.
func (c serveCommand) prepare(ctx context.Context, s streams, db *sql.DB) error {
	if !c.Demo && c.DatabaseDSN != "" {
		return nil
	}
	if err := c.ready(ctx, s, db); err != nil || !c.Demo {
		return err
	}
	return loadDemoIfMissing(ctx, s, db, c.indexFlags)
}

// watch returns a monitor of the database, which looks until stop is called: also while the last
// requests end.
func watch(ctx context.Context, s streams, db *sql.DB, dsn string) (monitor *store.Monitor, stop func() error, err error) {
	if monitor, err = store.NewMonitor(dsn, db, s.log); err != nil {
		return nil, nil, err
	}
	looking, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var background sync.WaitGroup
	background.Go(func() { monitor.Run(looking) })
	return monitor, func() error {
		cancel()
		background.Wait()
		return monitor.Close()
	}, nil
}

// handler returns what answers requests: cfg with the settings, the pages and, where there is one, the
// addresses of service.
func (c serveCommand) handler(
	ctx context.Context, cfg httpapi.Config, db *sql.DB, monitor *store.Monitor, service *wecom.Service,
) (http.Handler, error) {
	build, err := buildID()
	if err != nil {
		return nil, err
	}
	if cfg.Proxies, err = httpapi.ParseProxies(c.Proxies); err != nil {
		return nil, err // Validate has said it
	}
	cfg.Document = api.Document
	cfg.Operations = getlist.New(getlist.Config{DB: db, PublicURL: c.PublicURL, Memory: cache.New(c.CacheMB << 20), Build: build})
	cfg.JWTCookie, cfg.LegacyStatus, cfg.CORSOrigins = c.JWTCookie, c.LegacyStatus, c.CORSOrigins
	cfg.Ready = func(asking context.Context) error {
		if ctx.Err() != nil {
			return errEnding
		}
		return monitor.Ready(asking)
	}
	cfg.Limits = httpapi.Limits{
		URL: c.MaxURL, Header: c.MaxHeader, Pairs: c.MaxPairs, Body: c.MaxBody, Handle: c.Timeout,
		Work: c.PoolSize, Queue: queued * c.PoolSize,
	}
	cfg.Rates = httpapi.Rates{Member: c.RateMember, Address: c.RateAddress, Failures: c.RateFailures}
	browser, err := webui.New(api.Document)
	if err != nil {
		return nil, err
	}
	pages := []func(*echo.Echo){browser}
	if service != nil {
		pages = append(pages, service.Routes)
	}
	return httpapi.New(cfg, pages...)
}

// server returns the HTTP server, and what serves a listener with it, over TLS where there is a
// certificate.
func (c serveCommand) server(ctx context.Context, s streams, handler http.Handler) (server *http.Server, start func(net.Listener) error, err error) {
	server = &http.Server{
		Handler: handler,
		// Requests are ended by their own limits, not by the signal: they are let to end.
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ReadHeaderTimeout: c.ReadTimeout,
		ReadTimeout:       2 * c.ReadTimeout,
		WriteTimeout:      c.Timeout + 2*c.ReadTimeout,
		IdleTimeout:       c.IdleTimeout,
		// Larger headers never reach the handler, which refuses what is over MAX_HEADER with the
		// contract's envelope.
		MaxHeaderBytes: 8 * (c.MaxHeader + c.MaxURL),
	}
	if c.TLSCert == "" {
		return server, server.Serve, nil
	}
	files := &certificate{cert: c.TLSCert, key: c.TLSKey, log: s.log}
	if _, err := files.get(nil); err != nil {
		return nil, nil, err
	}
	server.TLSConfig = &tls.Config{GetCertificate: files.get, MinVersion: tls.VersionTLS12}
	return server, func(l net.Listener) error { return server.ServeTLS(l, "", "") }, nil
}

// listen listens on LISTEN_ADDR, and warns where others can read what is sent.
func (c serveCommand) listen(ctx context.Context, s streams) (net.Listener, error) {
	listener, err := listen(ctx, c.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	if c.TLSCert == "" && exposed(listener.Addr()) && len(c.Proxies) == 0 {
		s.log.Warn("tokens and customers' data go over the network in the clear: set TLS_CERT and TLS_KEY, or TRUSTED_PROXIES where a proxy in front has TLS")
	}
	return listener, nil
}

// write makes missing indexes and keeps the enterprises of WeCom up to date, until ctx is done or
// stop is called, which waits for it.
func (c serveCommand) write(ctx context.Context, s streams, db *sql.DB, service *wecom.Service) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	background.Go(func() { fillIndexes(ctx, s, db, int(c.IndexFrom)) })
	if service != nil {
		background.Go(func() { service.Run(ctx) })
	}
	return func() {
		cancel()
		background.Wait()
	}
}

// untilTold waits until ctx is done; /readyz then says 503 for DRAIN_TIME, after which no more
// requests are taken and the running ones have TIMEOUT. Where served says that the server has ended,
// it returns at once.
func (c serveCommand) untilTold(ctx context.Context, s streams, server *http.Server, served <-chan error) error {
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	if c.DrainTime > 0 {
		s.log.Info("draining: /readyz says 503", "for", c.DrainTime)
		select {
		case err := <-served:
			return err
		case <-time.After(c.DrainTime):
		}
	}
	s.log.Info("stopping: running requests may end")
	// Answers take a moment to go out, however short TIMEOUT is.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(c.Timeout, time.Second))
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after TIMEOUT: %w", err), server.Close())
	}
	return nil
}

// queued is how many requests wait for each that is worked on; more are refused. What is served then
// takes at most three times as long as without a queue.
const queued = 2

// errEnding is why a program that was told to end is not ready.
var errEnding = errors.New("told to end")

// buildID returns the hash of the program's own file: answers of another build may differ in their
// bytes.
func buildID() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// reachable returns an address on which this machine reaches its own listener: one that listens
// everywhere is asked on the loopback.
func reachable(listening net.Addr) string {
	if a, ok := listening.(*net.TCPAddr); ok && a.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port))
	}
	return listening.String()
}

// hint prints a curl line that answers and a link that opens the customer page signed in, for the
// first manager of an embedded database; its token is made with the database's own secret.
func (c serveCommand) hint(ctx context.Context, s streams, db *sql.DB, listening net.Addr, secret []byte) error {
	// What is not read by somebody at once may be kept for long, as by a service manager.
	if c.DatabaseDSN != "" || len(secret) == 0 || !c.Demo && !terminal(s.out) || strings.HasPrefix(c.ListenAddr, "unix:") {
		return nil
	}
	m, err := gendb.New(db).FirstManager(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = fmt.Fprintln(s.out, "The database is empty. Load records with: wechat-customers import FILE, or the demonstration with: wechat-customers demo")
		return err
	}
	if err != nil {
		return err
	}
	address := "http://" + reachable(listening)
	if c.TLSCert != "" {
		address = "https://" + reachable(listening)
	}
	const ttl = 12 * time.Hour
	token, err := auth.Mint(secret, auth.Member{UID: m.UID, Uniacid: m.Uniacid, CropID: m.BusinessID}, ttl, time.Now(), c.JWTIssuer, c.JWTAudience)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "Try it (the token holds for %.0f hours):\n\ncurl -s -H 'Authorization: Bearer %s' '%s/business/%d/plugin/WechatCustomers/getList?per_page=2'\n\n"+
		"The customer page, signed in (reference: %[3]s/docs):\n\n%[3]s/console#token=%[2]s\n\n",
		ttl.Hours(), token, address, m.Uniacid)
	return err
}
