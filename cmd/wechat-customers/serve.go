package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"example.com/wechatcustomers/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/telemetry"
	"example.com/wechatcustomers/internal/webui"
)

type serveCommand struct {
	databaseFlags
	indexFlags
	tokenFlags
	adminFlags
	ListenAddr   string        `env:"LISTEN_ADDR" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Address to listen on (${default})."`
	PublicURL    string        `name:"public-url" env:"PUBLIC_URL" placeholder:"URL" help:"What page links begin with; {uniacid} in it is replaced. Default: the address that the request reached."`
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
	IdleTimeout  time.Duration `env:"IDLE_TIMEOUT" default:"2m" help:"Time that an idle connection is kept (${default})."`
}

// Validate refuses settings that would let no request through, or take a limit away; kong calls it
// once flags and environment are read.
func (c serveCommand) Validate() error {
	for name, n := range map[string]int64{
		"MAX_URL": int64(c.MaxURL), "MAX_HEADER": int64(c.MaxHeader), "MAX_PAIRS": int64(c.MaxPairs), "MAX_BODY": c.MaxBody,
		"TIMEOUT": int64(c.Timeout), "READ_TIMEOUT": int64(c.ReadTimeout), "IDLE_TIMEOUT": int64(c.IdleTimeout),
	} {
		if n <= 0 {
			return fmt.Errorf("%s must be more than 0", name)
		}
	}
	if err := c.indexFlags.Validate(); err != nil {
		return err
	}
	for name, rate := range map[string]float64{"RATE_MEMBER": c.RateMember, "RATE_ADDRESS": c.RateAddress, "RATE_FAILURES": c.RateFailures} {
		if !(rate >= 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("%s must be 0 or more", name)
		}
	}
	if _, err := httpapi.ParseProxies(c.Proxies); err != nil {
		return fmt.Errorf("TRUSTED_PROXIES: %w", err)
	}
	if c.CacheMB < 0 {
		return errors.New("CACHE_MB must not be negative")
	}
	if c.JWTLeeway < 0 {
		return errors.New("JWT_LEEWAY must not be negative")
	}
	if cookie := (http.Cookie{Name: c.JWTCookie}); c.JWTCookie != "" && cookie.Valid() != nil { //nolint:gosec // only its name is asked, it is never sent
		return fmt.Errorf("JWT_COOKIE: %q is no cookie's name", c.JWTCookie)
	}
	return nil
}

// shutdownTime is what running requests get to end once the program is told to stop.
const shutdownTime = 10 * time.Second

// Run serves until ctx is done, then lets running requests end.
func (c serveCommand) Run(ctx context.Context, s streams) error {
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
	from := builtFrom()
	s.log.Info("starting", "version", from.Version, "revision", from.Revision, "modified", from.Modified, "go", from.Go)
	watched, err := telemetry.New(ctx, from.Version, tracesWanted())
	if err != nil {
		return err
	}
	db, closeAll, err := c.open(ctx, s, watched.Query)
	if err != nil {
		return err
	}
	watched.WatchPool(db, "database")
	err = c.serve(ctx, s, db, verifier, secret, watched)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return errors.Join(err, closeAll(), watched.Close(ending))
}

func (c serveCommand) serve(ctx context.Context, s streams, db *sql.DB, verifier *auth.Verifier, secret []byte, watched *telemetry.Telemetry) (err error) {
	if err := c.ready(ctx, s, db); err != nil {
		if c.Demo || c.DatabaseDSN == "" || ctx.Err() != nil {
			return err
		}
		// A database of others may come, and its tables be made or go back, while this waits: /readyz
		// says when.
		s.log.Warn("not ready", "error", err)
	}
	if c.Demo {
		if err := loadDemoIfMissing(ctx, s, db, c.indexFlags); err != nil {
			return err
		}
	}
	browser, err := webui.New(api.Document)
	if err != nil {
		return err
	}
	build, err := buildID()
	if err != nil {
		return err
	}
	proxies, err := httpapi.ParseProxies(c.Proxies)
	if err != nil {
		return err // Validate has said it
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
	handler, err := httpapi.New(httpapi.Config{
		Document: api.Document, Verifier: verifier,
		Operations: getlist.New(getlist.Config{DB: db, PublicURL: c.PublicURL, Memory: cache.New(c.CacheMB << 20), Build: build}),
		JWTCookie:  c.JWTCookie, LegacyStatus: c.LegacyStatus, CORSOrigins: c.CORSOrigins,
		Ready:  func(ctx context.Context) error { return store.Ready(ctx, db) },
		Limits: httpapi.Limits{URL: c.MaxURL, Header: c.MaxHeader, Pairs: c.MaxPairs, Body: c.MaxBody, Handle: c.Timeout},
		Rates:  httpapi.Rates{Member: c.RateMember, Address: c.RateAddress, Failures: c.RateFailures},
		Log:    s.log, Proxies: proxies, Telemetry: watched, Record: recorder(trail),
	}, browser)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.ListenAddr)
	if err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	server := &http.Server{
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
	if err := c.hint(ctx, s, db, "http://"+reachable(listener.Addr()), secret); err != nil {
		return errors.Join(err, listener.Close())
	}
	filling, stop := context.WithCancel(ctx)
	filled := make(chan struct{})
	go func() {
		defer close(filled)
		fillIndexes(filling, s, db, int(c.IndexFrom))
	}()
	defer func() {
		stop()
		<-filled
	}()
	// Said last: from here on being told to stop is no failed start.
	s.log.Info("listening", "address", listener.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	s.log.Info("stopping: running requests may end")
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	return server.Shutdown(ending)
}

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
func (c serveCommand) hint(ctx context.Context, s streams, db *sql.DB, address string, secret []byte) error {
	if c.DatabaseDSN != "" || len(secret) == 0 {
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
