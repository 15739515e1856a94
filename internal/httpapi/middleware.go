package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/canonical"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/gzipped"
	"example.com/wechatcustomers/internal/paginate"
	"example.com/wechatcustomers/internal/store"
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
		if errors.Is(err, errOverloaded) {
			x.Telemetry.Shed()
		}
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
			e.Refused, _ = errors.AsType[*auth.Refusal](err)
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
// either finds wrong. A JSON body is held against its own schema too, and what a body wins over
// against the query's: a gateway that goes by the document looks at both.
func (x *edge) check(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		op := x.operations[c.Path()]
		body, err := op.read(r)
		if err != nil {
			return err
		}
		query, err := op.normaliser.Normalise(r.URL.RawQuery, r.Header.Get(echo.HeaderContentType), body)
		misspelt := apierr.Of(err)
		if err != nil && misspelt.Code != apierr.Invalid {
			return err
		}
		wrong := misspelt.Fields
		e, set := entryOf(c), pairs(query)
		if e.Member == (auth.Member{}) {
			return apierr.New(apierr.Unauthenticated, nil) // no route of the API goes without authenticate
		}
		e.asked(set)
		asked := getlist.Request{
			Served: &e.Served, Member: e.Member, Address: x.address(r), Query: set, Literal: query, Gzip: gzipped.Taken(strings.Join(r.Header.Values(echo.HeaderAcceptEncoding), ","))}
		if r.Method != http.MethodPost {
			asked.Revalidates, asked.IfNoneMatch = true, strings.Join(r.Header.Values(ifNoneMatch), ",")
			if asked.IfNoneMatch != "" {
				r.Header.Set(ifNoneMatch, asked.IfNoneMatch) // several lines are one list; the binder takes one line
			}
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, asked))
		queries := []string{query}
		if len(body) > 0 && r.URL.RawQuery != "" {
			alone, err := op.normaliser.Normalise(r.URL.RawQuery, "", nil)
			wrong = merge(wrong, apierr.Of(err).Fields)
			queries = []string{alone, query}
		}
		r.Body = http.NoBody // what it said is in the query now, and the validator would read it once more
		for _, query := range queries {
			u := *r.URL
			u.RawQuery = query
			r = r.WithContext(r.Context())
			r.URL = &u
			found, err := op.validate(c, r)
			if err != nil {
				return err
			}
			wrong = merge(wrong, found)
		}
		c.SetRequest(r)
		if isJSON(r) {
			wrong = merge(wrong, op.wrongJSON(body))
		}
		if len(wrong) > 0 {
			slices.SortStableFunc(wrong, func(a, b apierr.Field) int { return op.place(a.Field) - op.place(b.Field) })
			return apierr.Bad(wrong...)
		}
		return next(c)
	}
}

const ifNoneMatch = "If-None-Match"

// merge returns wrong with those of more that are not in it.
func merge(wrong, more []apierr.Field) []apierr.Field {
	for _, f := range more {
		if !slices.ContainsFunc(wrong, func(w apierr.Field) bool { return w.Field == f.Field }) {
			wrong = append(wrong, f)
		}
	}
	return wrong
}

type requestKey struct{}

// typed is the generated server's interface to Operations: it hands on what check has read of the
// request, once the gate lets it in.
type typed struct{ edge *edge }

func (o typed) GetList(ctx context.Context, request api.GetListRequestObject) (api.GetListResponseObject, error) {
	return withRequest(ctx, o.edge, request, o.edge.Operations.GetList)
}

func (o typed) GetFacets(ctx context.Context, request api.GetFacetsRequestObject) (api.GetFacetsResponseObject, error) {
	return withRequest(ctx, o.edge, request, o.edge.Operations.GetFacets)
}

func (o typed) GetBusinessList(ctx context.Context, request api.GetBusinessListRequestObject) (api.GetBusinessListResponseObject, error) {
	return withRequest(ctx, o.edge, request, o.edge.Operations.GetBusinessList)
}

func withRequest[In, Out any](
	ctx context.Context, x *edge, in In, operation func(context.Context, getlist.Request, In) (Out, error),
) (out Out, err error) {
	r, ok := ctx.Value(requestKey{}).(getlist.Request)
	if !ok {
		return out, errors.New("an operation was called without check")
	}
	if x.While != nil {
		during, end, err := x.While(ctx)
		if err != nil {
			return out, err
		}
		defer end()
		ctx = during
	}
	// Only here: neither one who sends slowly nor one who reads slowly takes a place.
	leave, err := x.gate.enter(ctx)
	if err != nil {
		return out, err
	}
	defer leave()
	return operation(ctx, r, in)
}

// place returns where the document has the parameter; what it does not have comes first.
func (op operation) place(parameter string) int {
	return slices.IndexFunc(op.params, func(p canonical.Param) bool { return p.Name == parameter })
}

// read returns the body. A GET's counts as a POST's does, as in the original: ignoring it would
// answer with an unfiltered list.
func (op operation) read(r *http.Request) ([]byte, error) {
	if op.item.Post == nil {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyFault(err)
	}
	if encoding := r.Header.Get(echo.HeaderContentEncoding); encoding != "" && len(body) > 0 && !strings.EqualFold(encoding, "identity") {
		return nil, apierr.New(apierr.MediaType, nil)
	}
	return bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), nil // .NET, PowerShell and PHP files begin with it
}

func isJSON(r *http.Request) bool {
	mediaType, _, _ := strings.Cut(r.Header.Get(echo.HeaderContentType), ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), echo.MIMEApplicationJSON)
}

// wrongJSON returns the parameters that a JSON body has in another way than the body's schema.
// Whether it is JSON at all, its keys and what its values mean is canonical's to say.
func (op operation) wrongJSON(body []byte) []apierr.Field {
	var members map[string]any
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	var wrong []apierr.Field
	look := func(parameter string, schema *openapi3.SchemaRef, value any) {
		text, err := json.Marshal(value)
		if value = withoutNull(value); err != nil || value == nil || schema.Value.VisitJSON(value) == nil {
			return
		}
		f := apierr.Field{Field: parameter, Message: "格式不正确", Got: apierr.Quote(string(text))}
		for _, p := range op.params {
			if strings.TrimSuffix(p.Name, "[]") == parameter {
				f.Field, f.Message = p.Name, says(op.schemas[p.Name])
			}
		}
		wrong = append(wrong, f)
	}
	for name, schema := range op.body.Properties {
		value, given := members[name]
		filters, nested := value.(map[string]any)
		switch {
		case !given:
		case !nested || len(schema.Value.OneOf) == 0 || schema.Value.OneOf[0].Value.Properties == nil:
			look(name, schema, value)
		default:
			for filter, schema := range schema.Value.OneOf[0].Value.Properties {
				if value, given := filters[filter]; given {
					look(name+"["+filter+"]", schema, value)
				}
			}
		}
	}
	return wrong
}

// bodyFault returns what a body that could not be read is answered with: whatever broke on the way
// here is the sender's side of it.
func bodyFault(err error) error {
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return apierr.New(apierr.TooLarge, err)
	}
	f := apierr.Bad(apierr.Field{Field: apierr.Body, Message: "没有完整收到"})
	f.Cause = fmt.Errorf("read the body: %w", err)
	return f
}

// withoutNull returns a value without the nulls in it. The document's schemas of JSON values have no
// type, and take null; the validator refuses it there.
func withoutNull(value any) any {
	if list, ok := value.([]any); ok {
		return slices.DeleteFunc(list, func(item any) bool { return item == nil })
	}
	return value
}

// validate returns what is wrong with the normalised request by the document.
func (op operation) validate(c echo.Context, r *http.Request) ([]apierr.Field, error) {
	params := make(map[string]string, len(c.ParamNames()))
	for i, name := range c.ParamNames() {
		params[name] = c.ParamValues()[i]
	}
	return wrongFields(openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, QueryParams: r.URL.Query(), Route: op.route,
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
	if store.Unavailable(err) {
		return apierr.New(apierr.Unavailable, err)
	}
	return apierr.Of(err)
}

// private keeps answers from being framed, read as another type, or embedded by other sites' pages;
// who may call from a browser is CORS_ORIGINS' business. Pages set a policy of their own.
func private(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set(echo.HeaderXContentTypeOptions, "nosniff")
		h.Set(echo.HeaderContentSecurityPolicy, "frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		return next(c)
	}
}
