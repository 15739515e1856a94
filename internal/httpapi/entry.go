package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/trace"

	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/paginate"
)

// Entry is a request as it was answered. The access log, the metrics and the audit trail are all
// made from it.
type Entry struct {
	RequestID string // the caller's own X-Request-Id where it is sane
	TraceID   string // of the caller's traceparent, or of the trace that begins here; "" for none
	Method    string
	Path      string
	Operation string // the operationId of a route of the contract, the path of another, "" for none
	Status    int
	Fault     bool // the service's own failure, or its database's, and not the caller's
	Bytes     int64
	Took      time.Duration
	Member    auth.Member   // zero where nobody has signed in
	Refused   *auth.Refusal // the token that did not hold; nil for none
	Filters   []string      // the search parameters that were set, by their names in the document
	Asked     string        // the literal query without what pages it
	Served    getlist.Served
	Client    string // the caller's address, as far as trusted proxies tell it
	UserAgent string
	Err       error
}

const entryKey = "entry"

// entryOf returns the entry of a request that observe has begun.
func entryOf(c echo.Context) *Entry {
	if e, ok := c.Get(entryKey).(*Entry); ok {
		return e
	}
	return &Entry{}
}

// A request id of the caller's is kept where it can stand in a log as it is.
var saneID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}$`)

// begin makes the request's entry, with its id and trace, and returns what its handling is done in.
func (x *edge) begin(c echo.Context) (*Entry, context.Context, trace.Span) {
	r := c.Request()
	id := r.Header.Get(echo.HeaderXRequestID)
	if !saneID.MatchString(id) {
		id = rand.Text()[:12]
	}
	c.Response().Header().Set(echo.HeaderXRequestID, id)
	e := &Entry{RequestID: id, Method: r.Method, Path: r.URL.Path, Client: x.client(r), UserAgent: r.UserAgent()}
	e.Operation = c.Path()
	if op, ok := x.operations[c.Path()]; ok {
		e.Operation = op.route.Operation.OperationID
	}
	ctx, span := x.Telemetry.Request(r, e.Operation)
	if s := span.SpanContext(); s.HasTraceID() {
		e.TraceID = s.TraceID().String()
	}
	c.Set(entryKey, e)
	return e, ctx, span
}

// asked notes what a request of the contract asks for.
func (e *Entry) asked(query []paginate.Pair) {
	var rest strings.Builder
	for _, p := range query {
		if name, isFilter := strings.CutPrefix(p.Key, "search["); isFilter {
			name, _, _ = strings.Cut(name, "]")
			if name = "search[" + name + "]"; !slices.Contains(e.Filters, name) {
				e.Filters = append(e.Filters, name)
			}
		}
		switch p.Key {
		case "page", "per_page", "before_id", "omit":
		default:
			rest.WriteString(p.Key + "=" + p.Value + "&")
		}
	}
	e.Asked = rest.String()
}

// end completes the entry, logs it as a line and hands it on.
func (x *edge) end(ctx context.Context, c echo.Context, e *Entry, begin time.Time, err error) {
	w := c.Response()
	e.Status, e.Bytes, e.Took, e.Err = w.Status, w.Size, time.Since(begin), err
	level := slog.LevelInfo
	if err != nil {
		switch code := toFault(err).Code; {
		case errors.Is(err, errOverloaded):
			level = slog.LevelWarn // the callers' doing, and counted
		case code == apierr.Internal, code == apierr.Unavailable:
			if e.Fault = ctx.Err() == nil; e.Fault { // the caller has not left
				level = slog.LevelError
			}
		case code == apierr.Unauthenticated, code == apierr.Forbidden, code == apierr.TooMany:
			level = slog.LevelWarn
		}
	}
	if x.Log.Enabled(ctx, level) {
		x.Log.LogAttrs(ctx, level, "request", e.attrs()...)
	}
	if x.Record != nil {
		x.Record(ctx, e)
	}
}

// attrs returns the entry as a line of the access log has it: what is not known is left out, and no
// value of a filter is in it.
func (e *Entry) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("request_id", e.RequestID), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("status", e.Status), slog.Int64("bytes", e.Bytes), slog.Duration("took", e.Took),
		slog.String("client", e.Client),
	}
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	text("operation", e.Operation)
	text("trace_id", e.TraceID)
	text("user_agent", e.UserAgent)
	member := e.Member
	if e.Refused != nil {
		member = e.Refused.Member
	}
	if member != (auth.Member{}) {
		attrs = append(attrs, slog.Uint64("member", uint64(member.UID)), slog.Uint64("uniacid", uint64(member.Uniacid)))
		if e.Refused != nil && !e.Refused.Signed {
			attrs = append(attrs, slog.Bool("signed", false)) // anybody can write such a token
		}
	}
	if e.Served.CropID != 0 {
		attrs = append(attrs, slog.Uint64("crop_id", uint64(e.Served.CropID)), slog.Int("rows", e.Served.Rows), slog.Bool("kept", e.Served.Kept))
	}
	text("filters", strings.Join(e.Filters, " "))
	if e.Err != nil {
		text("error", e.Err.Error())
	}
	return attrs
}

// from says what a good answer of the contract was made from; "" for any other answer.
func (e *Entry) from() string {
	switch {
	case e.Err != nil || e.Served.CropID == 0:
		return ""
	case e.Status == http.StatusNotModified:
		return "304"
	case e.Served.Kept:
		return "kept"
	}
	return "read"
}
