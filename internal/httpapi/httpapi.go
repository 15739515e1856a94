// Package httpapi owns the HTTP edge: routes, the way of a request through the middleware, limits,
// and the one place where errors become envelopes. A request to the API goes: observe →
// cross-origin → limit → shed → authenticate → check (normalise, then validate) → the generated
// binder → the gate → internal/getlist.
package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/canonical"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/telemetry"
)

// Config is what the edge is made from. What has no zero value
// that says so is required.
type Config struct {
	Document     []byte // the OpenAPI document
	Operations   Operations
	Verifier     *auth.Verifier
	JWTCookie    string   // the cookie that may hold the token; "" for none
	LegacyStatus bool     // every envelope goes out as 200, as the original sends it
	CORSOrigins  []string // the origins that may call from a browser; none: CORS is off
	Ready        func(context.Context) error
	// While returns a context for an operation, done when it cannot succeed any more, and its cancel
	// function; an error where it cannot succeed now. nil: the request's own.
	While     func(context.Context) (context.Context, context.CancelFunc, error)
	Limits    Limits
	Rates     Rates
	Proxies   Proxies // whose word on the caller's address and on the page's is taken
	Log       *slog.Logger
	Telemetry *telemetry.Telemetry          // may be nil
	Record    func(context.Context, *Entry) // hears of each request that was answered; may be nil
}

// Operations are the contract's operations; internal/getlist implements them. What they need of the
// request beside its parameters comes as an argument, so that none can do without it.
type Operations interface {
	GetList(ctx context.Context, r getlist.Request, in api.GetListRequestObject) (api.GetListResponseObject, error)
	GetFacets(ctx context.Context, r getlist.Request, in api.GetFacetsRequestObject) (api.GetFacetsResponseObject, error)
	GetBusinessList(ctx context.Context, r getlist.Request, in api.GetBusinessListRequestObject) (api.GetBusinessListResponseObject, error)
}

// Limits bound what one request may take. What exceeds one is answered with the envelope.
type Limits struct {
	URL    int           // bytes of the address: 414
	Header int           // bytes of all header fields: 431
	Pairs  int           // parameters in the query (414) and in the body (413)
	Body   int64         // bytes of the body: 413
	Handle time.Duration // time to answer: 503
	Work   int           // requests at work at once
	Queue  int           // requests that wait for that; more: 503 at once
}

// DefaultLimits are generous for people and tight for machines.
var DefaultLimits = Limits{
	URL: 16 << 10, Header: 32 << 10, Pairs: 200, Body: 256 << 10, Handle: 30 * time.Second, Work: 32, Queue: 64,
}

// apiPrefix begins the path of every route of the contract; what is answered under it is always the
// envelope.
const apiPrefix = "/business/"

// edge is what the middleware shares.
type edge struct {
	Config
	operations map[string]operation // by route path as Echo has it
	gate       *gate

	members, addresses, failures *rates // nil: any number
}

// operation is one GET of the document, with what its requests are checked by. A POST beside it is
// the same operation in another spelling.
type operation struct {
	path       string
	item       *openapi3.PathItem
	params     []canonical.Param // all that a request may have in its query, in the document's order
	route      *routers.Route
	normaliser *canonical.Normaliser
	schemas    map[string]*openapi3.Schema // of params, by name
	body       *openapi3.Schema            // of a JSON body
}

// New returns the handler of the whole server: the API, /healthz (the process lives) and /readyz
// (its database answers and has this program's tables). It returns an error where the document and
// the generated routes do not match, or an origin of CORS is none.
func New(cfg Config, more ...func(*echo.Echo)) (http.Handler, error) {
	doc, err := openapi3.NewLoader().LoadFromData(cfg.Document)
	if err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	x := &edge{
		Config: cfg, operations: map[string]operation{}, gate: newGate(cfg.Limits.Work, cfg.Limits.Queue),
		members: newRates(cfg.Rates.Member), addresses: newRates(cfg.Rates.Address), failures: newRates(cfg.Rates.Failures),
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = x.sendError
	shared, err := crossOrigin(cfg.CORSOrigins)
	if err != nil {
		return nil, err
	}
	e.Pre(oneSlash)
	e.Use(x.observe, private, shared, x.limit)
	for path, item := range doc.Paths.Map() {
		if item.Get == nil {
			return nil, fmt.Errorf("%s has no GET in the document", path)
		}
		params := canonical.Params(item)
		op := operation{
			path: path, item: item, params: params,
			route:      &routers.Route{Spec: doc, Path: path, PathItem: item, Method: http.MethodGet, Operation: item.Get},
			normaliser: canonical.New(params, cfg.Limits.Pairs, cfg.LegacyStatus),
			schemas:    map[string]*openapi3.Schema{}, body: openapi3.NewSchema(),
		}
		for _, p := range slices.Concat(item.Parameters, item.Get.Parameters) {
			op.schemas[p.Value.Name] = p.Value.Schema.Value
		}
		if item.Post != nil {
			op.body = item.Post.RequestBody.Value.Content.Get(echo.MIMEApplicationJSON).Schema.Value
		}
		x.operations[echoPath(path)] = op
	}
	api.RegisterHandlers(router{e, x}, api.NewStrictHandler(typed{x}, nil))
	if err := x.complete(e.Routes()); err != nil {
		return nil, err
	}
	e.GET("/healthz", func(c echo.Context) error { return c.String(http.StatusOK, "ok\n") })
	e.GET("/readyz", x.ready)
	for _, register := range more {
		register(e)
	}
	return e, nil
}

// router registers the generated routes: each behind the middleware, and for every method that the
// document has for its path, so that one handler serves all spellings. HEAD is GET without the
// body.
type router struct {
	*echo.Echo
	edge *edge
}

func (r router) GET(path string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	if op := r.edge.operations[path]; op.item != nil && op.item.Post != nil {
		r.Echo.POST(path, h, r.edge.shed, r.edge.authenticate, r.edge.check)
	}
	r.Echo.HEAD(path, h, r.edge.shed, r.edge.authenticate, r.edge.check)
	return r.Echo.GET(path, h, r.edge.shed, r.edge.authenticate, r.edge.check)
}

// complete returns an error unless the document's operations and the routes are the same: an
// unmapped route would go without validation.
func (x *edge) complete(routes []*echo.Route) error {
	served := map[string]bool{}
	for _, r := range routes {
		if _, ok := x.operations[r.Path]; !ok && strings.HasPrefix(r.Path, apiPrefix) {
			return fmt.Errorf("route %s %s is not in the document", r.Method, r.Path)
		}
		served[r.Method+" "+r.Path] = true
	}
	for path, op := range x.operations {
		for method := range op.item.Operations() {
			if !served[method+" "+path] {
				return fmt.Errorf("%s %s is in the document and has no route", method, op.path)
			}
		}
	}
	return nil
}

// echoPath returns the document's path as Echo spells it: {uniacid} is :uniacid.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// oneSlash makes a path with doubled slashes, or with some at its end, the route without them: PHP's
// servers take both, and base addresses end in a slash as often as not.
func oneSlash(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		u := c.Request().URL
		u.Path, u.RawPath = single(u.Path), single(u.RawPath)
		return next(c)
	}
}

// single returns path with single slashes, and none at its end.
func single(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	if path == "/" {
		return path
	}
	return strings.TrimSuffix(path, "/")
}

func (x *edge) ready(c echo.Context) error {
	if err := x.Ready(c.Request().Context()); err != nil {
		x.Log.WarnContext(c.Request().Context(), "not ready", "error", err, "request_id", requestID(c))
		c.Response().Header().Set(echo.HeaderRetryAfter, retryAfter)
		return c.String(http.StatusServiceUnavailable, "not ready\n")
	}
	return c.String(http.StatusOK, "ready\n")
}
