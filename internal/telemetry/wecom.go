package telemetry

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Wecom is how far the filling of an enterprise from WeCom is, as an operator asks.
type Wecom struct {
	CropID    uint32
	Succeeded time.Time // when the last complete sync was; zero: never
	Failures  int       // syncs in a row since that were not complete
	Scheduled bool      // syncs are to come by themselves

	Waiting, Failed int           // events
	Lag             time.Duration // since the first of the waiting events came
}

// WatchWecom adds the state of the filling from WeCom, which is read as the metrics are asked for; read
// has a second for it. Where it fails nothing is said.
func (t *Telemetry) WatchWecom(read func(context.Context) ([]Wecom, error)) {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("wechat_wecom_"+name, help, append([]string{"crop_id"}, labels...), nil)
	}
	t.registry.MustRegister(&wecom{
		read:      read,
		succeeded: describe("sync_success_timestamp_seconds", "When the last complete sync from WeCom was; 0: never."),
		failures:  describe("sync_failures", "Syncs in a row, since the last complete one, that were not complete."),
		events:    describe("events", "Events of WeCom that wait to be worked off, or are left failed.", "state"),
		lag:       describe("event_lag_seconds", "For how long the first of the events that wait has done so."),
	})
}

// wecom is the collector of Wecom.
type wecom struct {
	read                             func(context.Context) ([]Wecom, error)
	succeeded, failures, events, lag *prometheus.Desc
}

func (w *wecom) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{w.succeeded, w.failures, w.events, w.lag} {
		all <- d
	}
}

func (w *wecom) Collect(all chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	states, err := w.read(ctx)
	if err != nil {
		return // wechat_database_up says it
	}
	for _, s := range states {
		gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
			labels = append([]string{strconv.FormatUint(uint64(s.CropID), 10)}, labels...)
			all <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
		}
		if s.Scheduled { // else nobody is to be told that they do not come
			at := float64(0)
			if !s.Succeeded.IsZero() {
				at = float64(s.Succeeded.Unix())
			}
			gauge(w.succeeded, at)
			gauge(w.failures, float64(s.Failures))
		}
		gauge(w.events, float64(s.Waiting), "waiting")
		gauge(w.events, float64(s.Failed), "failed")
		gauge(w.lag, s.Lag.Seconds())
	}
}

// WecomCall begins a call's span; what it returns is called with the errcode of the answer, "none" where
// there is none. The address is not in it, which has the token.
func (t *Telemetry) WecomCall(ctx context.Context, call string) func(errcode string) {
	begin := time.Now()
	_, span := t.tracer.Start(ctx, "wecom "+call, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("url.path", "/cgi-bin/"+call)))
	return func(errcode string) {
		t.wecom.WithLabelValues(call, errcode).Observe(time.Since(begin).Seconds())
		span.SetAttributes(attribute.String("wecom.errcode", errcode))
		if errcode != "0" {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// WecomWork begins the span of a sync or of an event that is worked off, and returns the context of what
// is done for it; what it returns beside it is called with its error when it has ended.
func (t *Telemetry) WecomWork(ctx context.Context, what string, crop uint32) (context.Context, func(error)) {
	ctx, span := t.tracer.Start(ctx, "wecom "+what, trace.WithAttributes(attribute.Int64("crop_id", int64(crop))))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
