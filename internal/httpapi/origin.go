package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// crossOrigin lets pages of exactly these origins call from a browser, with the token's cookie too
// (CORS). Without origins it does nothing at all.
//
// Echo's own middleware reads * and ? in an origin as patterns, and answers every OPTIONS.
func crossOrigin(origins []string) (echo.MiddlewareFunc, error) {
	allowed := make([]string, len(origins))
	for i, o := range origins {
		o = strings.TrimSpace(o)
		u, err := url.Parse(o)
		if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != o || strings.ContainsAny(o, "*?") || o != strings.ToLower(o) {
			return nil, fmt.Errorf("CORS_ORIGINS: %q is no origin; one looks like https://mall.example.com", o)
		}
		allowed[i] = o
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		if len(allowed) == 0 {
			return next
		}
		return func(c echo.Context) error {
			r, h := c.Request(), c.Response().Header()
			h.Add(echo.HeaderVary, echo.HeaderOrigin)
			origin := r.Header.Get(echo.HeaderOrigin)
			if !slices.Contains(allowed, origin) {
				return next(c)
			}
			h.Set(echo.HeaderAccessControlAllowOrigin, origin)
			h.Set(echo.HeaderAccessControlAllowCredentials, "true")
			if r.Method != http.MethodOptions || r.Header.Get(echo.HeaderAccessControlRequestMethod) == "" {
				h.Set(echo.HeaderAccessControlExposeHeaders, "X-Request-Id, X-Error-Code, ETag, Retry-After")
				return next(c)
			}
			h.Set(echo.HeaderAccessControlAllowMethods, "GET, HEAD, POST")
			// The last three are what Laravel's pages put on every call; here they mean nothing.
			h.Set(echo.HeaderAccessControlAllowHeaders, "Authorization, Content-Type, If-None-Match, X-Requested-With, X-CSRF-TOKEN, X-XSRF-TOKEN")
			h.Set(echo.HeaderAccessControlMaxAge, "600")
			return c.NoContent(http.StatusNoContent)
		}
	}, nil
}
