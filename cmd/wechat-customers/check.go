package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/wecom"
)

// Validate refuses settings that would let no request through, or take a limit away; kong calls it
// once flags and environment are read.
func (c serveCommand) Validate() error {
	var wrong []error
	check := func(name string, right bool, want string) {
		if !right {
			wrong = append(wrong, fmt.Errorf("%s must be %s", name, want))
		}
	}
	for name, n := range map[string]int64{"MAX_URL": int64(c.MaxURL), "MAX_HEADER": int64(c.MaxHeader), "MAX_PAIRS": int64(c.MaxPairs), "MAX_BODY": c.MaxBody} {
		check(name, n > 0 && n <= maxSize, fmt.Sprintf("more than 0 and at most %d", maxSize))
	}
	for name, d := range map[string]time.Duration{"TIMEOUT": c.Timeout, "READ_TIMEOUT": c.ReadTimeout, "IDLE_TIMEOUT": c.IdleTimeout} {
		check(name, d > 0 && d <= maxTime, "more than 0 and at most "+maxTime.String())
	}
	for name, rate := range map[string]float64{"RATE_MEMBER": c.RateMember, "RATE_ADDRESS": c.RateAddress, "RATE_FAILURES": c.RateFailures} {
		check(name, rate >= 0 && !math.IsInf(rate, 0), "0 or more")
	}
	wrong = append(wrong, c.indexFlags.Validate(), c.wecomFlags.Validate())
	_, err := httpapi.ParseProxies(c.Proxies)
	check("TRUSTED_PROXIES", err == nil, fmt.Sprintf("addresses and networks: %v", err))
	check("WECOM_SYNC", c.WecomSync >= 0, "at least 0")
	check("JWT_LEEWAY", c.JWTLeeway >= 0 && c.JWTLeeway <= maxTime, "at least 0 and at most "+maxTime.String())
	check("DRAIN_TIME", c.DrainTime >= 0 && c.DrainTime <= maxTime, "at least 0 and at most "+maxTime.String())
	check("CACHE_MB", c.CacheMB >= 0 && c.CacheMB <= maxSize, fmt.Sprintf("at least 0 and at most %d", maxSize))
	cookie := http.Cookie{Name: c.JWTCookie} //nolint:gosec // only its name is asked, it is never sent
	check("JWT_COOKIE", c.JWTCookie == "" || cookie.Valid() == nil, "a cookie's name")
	check("PUBLIC_URL", c.PublicURL == "" || webURL(strings.ReplaceAll(c.PublicURL, "{uniacid}", "1")), "an http or https URL without a query and a fragment")
	for _, origin := range c.CORSOrigins {
		check("CORS_ORIGINS", webOrigin(origin), fmt.Sprintf("origins, such as https://mall.example.com, and not %q", origin))
	}
	check("LISTEN_ADDR", listenable(c.ListenAddr), "host:port or unix:/path")
	check("ADMIN_ADDR", c.AdminAddr == "" || listenable(c.AdminAddr) && !strings.HasPrefix(c.AdminAddr, "unix:"), "host:port")
	check("TLS_CERT", (c.TLSCert == "") == (c.TLSKey == ""), "set together with TLS_KEY")
	wrong = append(wrong, c.databaseFlags.check())
	if c.JWTSecret != "" {
		if err := auth.CheckSecret([]byte(c.JWTSecret)); err != nil {
			wrong = append(wrong, fmt.Errorf("JWT_SECRET: %w", err))
		}
	}
	return errors.Join(wrong...)
}

// What sizes and times may be: sums and multiples of them overflow nowhere.
const (
	maxSize = 1 << 26
	maxTime = 24 * time.Hour
)

func webURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

func webOrigin(text string) bool {
	u, err := url.Parse(text)
	return text == "*" || err == nil && webURL(text) && u.Path == ""
}

func listenable(address string) bool {
	if path, unix := strings.CutPrefix(address, "unix:"); unix {
		return filepath.IsAbs(path)
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	_, err = net.DefaultResolver.LookupPort(context.Background(), "tcp", port)
	return err == nil
}

// files returns what is wrong with the files that the settings name, which serve would end of at its
// start; it changes nothing. That a key set's address does not answer is no such thing: it is logged.
func (c serveCommand) files(ctx context.Context, log *slog.Logger) error {
	var wrong []error
	say := func(name string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
		}
	}
	switch {
	case c.JWTJWKS != "":
		_, err := auth.New(ctx, auth.Config{JWKS: c.JWTJWKS, Leeway: max(0, c.JWTLeeway), Log: log})
		say("JWT_JWKS", err)
	case c.JWTSecret == "" && c.DatabaseDSN != "":
		say("DATABASE_DSN", errors.New("no token could hold: set JWT_SECRET or JWT_JWKS"))
	}
	if c.TLSCert != "" && c.TLSKey != "" {
		_, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		say("TLS_CERT, TLS_KEY", err)
	}
	if c.AuditLog != "" && c.AuditLog != "-" {
		say("AUDIT_LOG", appendable(c.AuditLog))
	}
	if c.WecomConfig != "" {
		_, err := wecom.LoadEnterprises(c.WecomConfig)
		say("WECOM_CONFIG", err)
	}
	return errors.Join(wrong...)
}

// appendable returns an error where a file cannot be written, or its folder is missing; it makes
// neither.
func appendable(path string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		return f.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(path))
	}
	return err
}
