package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/canonical"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/gzipped"
	"example.com/wechatcustomers/internal/paginate"
)

// observe gives the request an id, turns a panic into an error, sends the error's envelope, and says
// how the request was answered.
func (x *edge) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		begin := time.Now()
		e, ctx, span := x.begin(c)
		c.SetRequest(c.Request().WithContext(ctx))
		err := recovered(next, c)
		if err != nil {
			c.Error(err)
		}
		x.end(ctx, c, e, begin, err)
		x.Telemetry.Answered(span, e.Operation, e.Status, e.Took, e.from(), e.Served.Rows)
		return nil
	}
}

func recovered(next echo.HandlerFunc, c echo.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // a panic of it is compared by net/http just so
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return next(c)
}

func requestID(c echo.Context) string {
	return c.Response().Header().Get(echo.HeaderXRequestID)
}

// limit bounds the size of the address, the header and the body, and the time to answer.
func (x *edge) limit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		if allow, routed := c.Get(echo.ContextKeyHeaderAllow).(string); routed && r.Method == http.MethodOptions {
			c.Response().Header().Set(echo.HeaderAllow, allow)
			return apierr.New(apierr.Method, nil) // Echo would answer a route's OPTIONS by itself, without an envelope
		}
		if len(r.RequestURI) > x.Limits.URL {
			return apierr.New(apierr.TooLong, nil)
		}
		size := 0
		for name, values := range r.Header {
			for _, v := range values {
				size += len(name) + len(v) + len(": \r\n")
			}
		}
		if size > x.Limits.Header {
			return apierr.New(apierr.HeaderTooLong, nil)
		}
		ctx, cancel := context.WithTimeout(r.Context(), x.Limits.Handle)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(c.Response().Writer, r.Body, x.Limits.Body)
		c.SetRequest(r)
		return next(c)
	}
}

// authenticate notes the token's member in the entry: Unauthenticated without one, and TooMany where
// the member, the address, or whoever has no right from there has sent too many requests.
func (x *edge) authenticate(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		e := entryOf(c)
		if wait := x.failures.spent(e.Client); wait > 0 {
			return tooMany(c, wait, "without a token that holds, from this address")
		}
		if wait := x.addresses.take(e.Client); wait > 0 {
			return tooMany(c, wait, "from this address")
		}
		member, err := x.Verifier.VerifyRequest(c.Request(), x.JWTCookie)
		if err != nil {
			if toFault(err).Code == apierr.Unauthenticated {
				x.failures.take(e.Client)
			}
			return err
		}
		e.Member = member
		if wait := x.members.take(fmt.Sprint(member.Uniacid, "/", member.UID)); wait > 0 {
			return tooMany(c, wait, "from this member")
		}
		c.Response().Header().Set(echo.HeaderCacheControl, "private, no-cache")
		return next(c)
	}
}

// check rewrites the request, however it is spelt, as the document's literal query, before anything
// has read the query, and validates that against the document: Invalid with every parameter that
// either finds wrong.
func (x *edge) check(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		op := x.operations[c.Path()]
		query, err := op.normalise(r)
		misspelt := apierr.Of(err)
		if err != nil && misspelt.Code != apierr.Invalid {
			return err
		}
		e, set := entryOf(c), pairs(query)
		if e.Member == (auth.Member{}) {
			return apierr.New(apierr.Unauthenticated, nil) // no route of the API goes without authenticate
		}
		e.asked(set)
		asked := getlist.Request{
			Served: &e.Served, Member: e.Member, Address: x.address(r), Query: set, Literal: query, Gzip: gzipped.Taken(strings.Join(r.Header.Values(echo.HeaderAcceptEncoding), ","))}
		if r.Method != http.MethodPost {
			asked.Revalidates, asked.IfNoneMatch = true, strings.Join(r.Header.Values("If-None-Match"), ",")
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, asked))
		u := *r.URL
		u.RawQuery = query
		r.URL, r.Body = &u, http.NoBody // what it said is in the query now, and the validator would read it once more
		c.SetRequest(r)
		wrong, err := op.validate(c)
		if err != nil {
			return err
		}
		if wrong = append(misspelt.Fields, wrong...); len(wrong) > 0 {
			slices.SortStableFunc(wrong, func(a, b apierr.Field) int { return op.place(a.Field) - op.place(b.Field) })
			return apierr.Bad(wrong...)
		}
		return next(c)
	}
}

type requestKey struct{}

// typed is the generated server's interface to Operations: it hands on what check has read of the
// request.
type typed struct{ Operations }

func (o typed) GetList(ctx context.Context, request api.GetListRequestObject) (api.GetListResponseObject, error) {
	return withRequest(ctx, request, o.Operations.GetList)
}

func (o typed) GetFacets(ctx context.Context, request api.GetFacetsRequestObject) (api.GetFacetsResponseObject, error) {
	return withRequest(ctx, request, o.Operations.GetFacets)
}

func (o typed) GetBusinessList(ctx context.Context, request api.GetBusinessListRequestObject) (api.GetBusinessListResponseObject, error) {
	return withRequest(ctx, request, o.Operations.GetBusinessList)
}

func withRequest[In, Out any](ctx context.Context, in In, operation func(context.Context, getlist.Request, In) (Out, error)) (out Out, err error) {
	r, ok := ctx.Value(requestKey{}).(getlist.Request)
	if !ok {
		return out, errors.New("an operation was called without check")
	}
	return operation(ctx, r, in)
}

// place returns where the document has the parameter; what it does not have comes first.
func (op operation) place(parameter string) int {
	return slices.IndexFunc(op.params, func(p canonical.Param) bool { return p.Name == parameter })
}

// normalise returns the literal query that means what the request means. The body of a GET counts
// as a POST's does, as in the original: ignoring it would answer with an unfiltered list.
func (op operation) normalise(r *http.Request) (string, error) {
	var body []byte
	if op.item.Post != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return "", bodyFault(err)
		}
		if encoding := r.Header.Get(echo.HeaderContentEncoding); encoding != "" && len(body) > 0 && !strings.EqualFold(encoding, "identity") {
			return "", apierr.New(apierr.MediaType, nil)
		}
	}
	return op.normaliser.Normalise(r.URL.RawQuery, r.Header.Get(echo.HeaderContentType), body)
}

// bodyFault returns what a body that could not be read is answered with: whatever broke on the way
// here is the sender's side of it.
func bodyFault(err error) error {
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return apierr.New(apierr.TooLarge, err)
	}
	f := apierr.Bad(apierr.Field{Field: "body", Message: "没有完整收到"})
	f.Cause = fmt.Errorf("read the body: %w", err)
	return f
}

// validate returns what is wrong with the normalised request by the document.
func (op operation) validate(c echo.Context) ([]apierr.Field, error) {
	params := make(map[string]string, len(c.ParamNames()))
	for i, name := range c.ParamNames() {
		params[name] = c.ParamValues()[i]
	}
	return wrongFields(openapi3filter.ValidateRequest(c.Request().Context(), &openapi3filter.RequestValidationInput{
		Request: c.Request(), PathParams: params, QueryParams: c.QueryParams(), Route: op.route,
		Options: &openapi3filter.Options{
			MultiError: true, SkipSettingDefaults: true, ExcludeRequestBody: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, // authenticate has done it
		},
	}))
}

// pairs returns the parameters of a normalised query in its order.
func pairs(query string) []paginate.Pair {
	var list []paginate.Pair
	for pair := range strings.SplitSeq(query, "&") {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			continue
		}
		// The normaliser has written the query: both halves are well encoded.
		key, _ = url.QueryUnescape(key)
		value, _ = url.QueryUnescape(value)
		list = append(list, paginate.Pair{Key: key, Value: value})
	}
	return list
}

// toFault returns err as a *apierr.Error, also where Echo or the network stack made it.
func toFault(err error) *apierr.Error {
	if f, ok := errors.AsType[*apierr.Error](err); ok {
		return f
	}
	if h, ok := errors.AsType[*echo.HTTPError](err); ok {
		switch h.Code {
		case http.StatusNotFound:
			return apierr.New(apierr.NotFound, err)
		case http.StatusMethodNotAllowed:
			return apierr.New(apierr.Method, err)
		case http.StatusBadRequest:
			return apierr.New(apierr.Invalid, err)
		}
	}
	if unavailable(err) {
		return apierr.New(apierr.Unavailable, err)
	}
	return apierr.Of(err)
}
