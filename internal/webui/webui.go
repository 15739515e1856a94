// Package webui serves what people open in a browser: the customer page, the reference and the
// document itself. It owns their headers: the content security policies, the caching and the
// compression.
package webui

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/gen/web"
	"example.com/wechatcustomers/internal/gzipped"
)

const (
	// Neither page needs an inline script or style.
	pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vue; img-src 'self'"
	docsPolicy = pagePolicy
	// Avatars come from wherever the database says; data: is for the icons within the style sheets.
	consolePolicy = pagePolicy + " data: https: http:"
	bytesPolicy   = "default-src 'none'; frame-ancestors 'none'"

	revalidate = "no-cache"
	forever    = "public, max-age=31536000, immutable"
)

// types are spelt out because the machine's own table of them may differ. Whatever has no type here
// is not served.
var types = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json; charset=utf-8",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
	".yaml": "application/yaml; charset=utf-8",
}

// New returns what adds /console, /docs, /openapi.yaml, /openapi.json, the pages' /assets/ and a
// way from / to the customer page. document is the OpenAPI document in YAML; it is an error where
// that cannot be read.
func New(document []byte) (func(*echo.Echo), error) {
	asJSON, err := jsonOf(document)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document as JSON: %w", err)
	}
	served := []file{
		{"/openapi.yaml", ".yaml", document, revalidate, bytesPolicy},
		{"/openapi.json", ".json", asJSON, revalidate, bytesPolicy},
	}
	if err := fs.WalkDir(web.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(web.Files, name)
		if err != nil {
			return err
		}
		switch name {
		case "console.html":
			served = append(served, file{"/console", ".html", body, revalidate, consolePolicy})
		case "docs.html":
			served = append(served, file{"/docs", ".html", body, revalidate, docsPolicy})
		case "assets/licences.txt":
			served = append(served, file{"/" + name, ".txt", body, revalidate, bytesPolicy})
		default:
			served = append(served, file{"/" + name, path.Ext(name), body, forever, bytesPolicy})
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read the pages: %w", err)
	}
	return func(e *echo.Echo) {
		add(e, "/", func(c echo.Context) error { return c.Redirect(http.StatusFound, "console") })
		for _, f := range served {
			add(e, f.at, f.handler())
		}
	}, nil
}

func add(e *echo.Echo, at string, handler echo.HandlerFunc) {
	e.GET(at, handler)
	e.HEAD(at, handler)
}

type file struct {
	at, extension string
	body          []byte
	cache, policy string
}

// handler serves the file, compressed once and on first use for those who can read that.
func (f file) handler() echo.HandlerFunc {
	sum := sha256.Sum256(f.body)
	tag := hex.EncodeToString(sum[:12])
	compressed := sync.OnceValue(func() []byte { return gzipped.Bytes(gzipped.Small, f.body) })
	return func(c echo.Context) error {
		h := c.Response().Header()
		asked, _, _ := strings.Cut(c.Request().RequestURI, "?")
		if name := strings.TrimRight(asked, "/"); f.extension == ".html" && name != asked {
			// The server takes slashes at the end; what the page loads is relative to its own address.
			return c.Redirect(http.StatusFound, strings.Repeat("../", len(asked)-len(name))+f.at[1:])
		}
		h.Set("Content-Type", types[f.extension])
		h.Set("Cache-Control", f.cache)
		h.Set("Content-Security-Policy", f.policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Add("Vary", "Accept-Encoding")
		h.Set("ETag", `"`+tag+`"`)
		body := f.body
		if gzipped.Taken(c.Request().Header.Get("Accept-Encoding")) {
			h.Set("Content-Encoding", "gzip")
			h.Set("ETag", `"`+tag+`-gzip"`)
			body = compressed()
		}
		c.Request().Header.Del("Range") // a part of a compressed body is of no use to anyone
		http.ServeContent(c.Response(), c.Request(), "", time.Time{}, bytes.NewReader(body))
		return nil
	}
}
