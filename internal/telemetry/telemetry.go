// Package telemetry owns what operators watch the program by: metrics in Prometheus's form, and
// traces that go out by OTLP where the standard OTEL_ variables say so. What happens is told to it;
// it asks nobody.
package telemetry

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// Telemetry takes what happens. It is safe for concurrent use; nil takes nothing.
type Telemetry struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	inFlight prometheus.Gauge
	answers  *prometheus.CounterVec
	rows     prometheus.Counter
	shed     prometheus.Counter
	restarts prometheus.Counter
	sql      *prometheus.HistogramVec
	wecom    *prometheus.HistogramVec
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider // nil: nobody takes traces
}

// The buckets reach from an answer that is kept to a request that is out of time.
var buckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// service is the name that traces carry where OTEL_SERVICE_NAME says none.
const service = "wechat-customers"

// New returns a Telemetry with no measurements yet. With traces they go out by OTLP over HTTP, as the
// OTEL_ variables say, which the exporter reads as the specification has them. version is the
// program's.
func New(ctx context.Context, version string, traces bool) (*Telemetry, error) {
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	t := &Telemetry{
		registry: prometheus.NewRegistry(),
		requests: histogram("http_request_duration_seconds", "Time to answer a request.", "operation", "status"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_requests_in_flight", Help: "Requests being answered."}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wechat_answers_total", Help: "Good answers of the contract's operations: kept ones, those read from the database, and 304s.",
		}, []string{"operation", "from"}),
		rows: prometheus.NewCounter(prometheus.CounterOpts{Name: "wechat_rows_sent_total", Help: "Rows of the list that were sent."}),
		shed: prometheus.NewCounter(prometheus.CounterOpts{Name: "wechat_requests_shed_total", Help: "Requests refused at once because too many were waiting."}),
		restarts: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "wechat_embedded_restarts_total", Help: "Times that the embedded database had ended and ran again.",
		}),
		sql:    histogram("sql_query_duration_seconds", "Time of a statement at the database, by the query's name.", "query"),
		wecom:  histogram("wechat_wecom_call_duration_seconds", "Time of a call of WeCom's API, and what it was answered with: 0 is good.", "call", "errcode"),
		tracer: noop.NewTracerProvider().Tracer(service),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "wechat_build_info", Help: "1, with the program's version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	t.registry.MustRegister(t.requests, t.inFlight, t.answers, t.rows, t.shed, t.restarts, t.sql, t.wecom, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if !traces {
		return t, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	named, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", service), attribute.String("service.version", version)), resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(named))
	t.tracer = t.provider.Tracer(service)
	return t, nil
}

// Close sends what is left of the traces.
func (t *Telemetry) Close(ctx context.Context) error {
	if t == nil || t.provider == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// WatchPool adds the state of a pool of connections.
func (t *Telemetry) WatchPool(db *sql.DB, name string) {
	t.registry.MustRegister(collectors.NewDBStatsCollector(db, name))
}

// Data is what the database has, as an operator asks.
type Data struct {
	Indexed, Unindexed int       // enterprises with an index, and those that should have one and have not
	Changed            time.Time // when a follow or contact was last changed; zero: never
}

// WatchData adds the state of the data, which is read as the metrics are asked for; read has a
// second for it. Where it fails wechat_database_up is 0, and nothing is said of the data.
func (t *Telemetry) WatchData(read func(context.Context) (Data, error)) {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	t.registry.MustRegister(&data{
		read:        read,
		up:          describe("wechat_database_up", "1 where the database answers with its state within a second."),
		enterprises: describe("wechat_index_enterprises", "Enterprises with a complete index, and large ones whose index is missing.", "state"),
		changed:     describe("wechat_data_changed_timestamp_seconds", "When a customer of any enterprise was last changed, by an import or otherwise."),
	})
}

// data is the collector of Data.
type data struct {
	read                     func(context.Context) (Data, error)
	up, enterprises, changed *prometheus.Desc
}

func (d *data) Describe(all chan<- *prometheus.Desc) {
	all <- d.up
	all <- d.enterprises
	all <- d.changed
}

func (d *data) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		all <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	now, err := d.read(ctx)
	if err != nil {
		gauge(d.up, 0)
		return
	}
	gauge(d.up, 1)
	gauge(d.enterprises, float64(now.Indexed), "complete")
	gauge(d.enterprises, float64(now.Unindexed), "missing")
	if !now.Changed.IsZero() {
		gauge(d.changed, float64(now.Changed.UnixMicro())/float64(time.Second/time.Microsecond))
	}
}

// Metrics answers with all metrics.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{Registry: t.registry})
}

var traceContext propagation.TraceContext

// Request begins a request's span, in the caller's trace where its traceparent names one, and
// returns the context of what is done for it.
func (t *Telemetry) Request(r *http.Request, operation string) (context.Context, trace.Span) {
	ctx := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	if t == nil {
		return ctx, trace.SpanFromContext(ctx)
	}
	t.inFlight.Inc()
	return t.tracer.Start(ctx, r.Method+" "+operation, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", operation)))
}

// Answered says how a request was answered: from is "kept", "read" or "304", "" where it was no good
// answer of the contract.
func (t *Telemetry) Answered(span trace.Span, operation string, status int, took time.Duration, from string, rows int) {
	if t == nil {
		return
	}
	t.inFlight.Dec()
	t.requests.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
	if from != "" {
		t.answers.WithLabelValues(operation, from).Inc()
		t.rows.Add(float64(rows))
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// Shed counts a request that was refused because too many were waiting.
func (t *Telemetry) Shed() {
	if t != nil {
		t.shed.Inc()
	}
}

// Restarted counts a restart of the embedded database.
func (t *Telemetry) Restarted() {
	if t != nil {
		t.restarts.Inc()
	}
}

// Query begins a statement's span; what it returns is called with the statement's error when it has
// ended. It is store.Observe.
func (t *Telemetry) Query(ctx context.Context, statement string) func(error) {
	name, begin := queryName(statement), time.Now()
	var span trace.Span
	if t.provider != nil {
		_, span = t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("db.operation.name", name)))
	}
	return func(err error) {
		t.sql.WithLabelValues(name).Observe(time.Since(begin).Seconds())
		if span == nil {
			return
		}
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// queryName returns the name that sqlc gives a query, or the first word of another statement.
func queryName(statement string) string {
	name, ok := strings.CutPrefix(statement, "-- name: ")
	if !ok {
		name = strings.ToUpper(strings.TrimSpace(statement))
	}
	if end := strings.IndexAny(name, " \n\t("); end >= 0 {
		name = name[:end]
	}
	return name
}
