package telemetry_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	v1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"example.com/wechatcustomers/internal/telemetry"
)

// receiver takes traces at the URL; the returned function closes what sends them, and returns the spans'
// names with the trace that each is in.
func receiver(t *testing.T) (url string, spans func(*telemetry.Telemetry) (names, traces []string, all string)) {
	t.Helper()
	received := make(chan *v1.ExportTraceServiceRequest, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent v1.ExportTraceServiceRequest
		if err := errors.Join(err, proto.Unmarshal(body, &sent)); err != nil {
			t.Error(err)
		}
		received <- &sent
	}))
	t.Cleanup(server.Close)
	return server.URL, func(watched *telemetry.Telemetry) (names, traces []string, all string) {
		t.Helper()
		if err := watched.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		sent := <-received
		for _, of := range sent.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, s := range scope.Spans {
					names, traces = append(names, s.Name), append(traces, hexOf(s.TraceId))
				}
			}
		}
		slices.Sort(names)
		return names, traces, sent.String()
	}
}

func TestARequestsStatementsAreInTheCallersTrace(t *testing.T) {
	url, spans := receiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	watched, err := telemetry.New(t.Context(), "1.2.3", true)
	if err != nil {
		t.Fatal(err)
	}
	const callers = "0af7651916cd43dd8448eb211c80319c"
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Traceparent", "00-"+callers+"-b7ad6b7169203331-01")
	ctx, span := watched.Request(r, "getList")
	watched.Query(ctx, "-- name: GetAccess :one\nSELECT 1")(nil)
	watched.Answered(span, "getList", http.StatusOK, 0, "read", 3)
	names, traces, _ := spans(watched)
	if !slices.Equal(names, []string{"GET getList", "GetAccess"}) || !slices.Equal(traces, []string{callers, callers}) {
		t.Errorf("spans %q of the traces %q", names, traces)
	}
}

func TestTheCallsAndStatementsOfASyncAreInOneTraceOfItsOwn(t *testing.T) {
	url, spans := receiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
	watched, err := telemetry.New(t.Context(), "1.2.3", true)
	if err != nil {
		t.Fatal(err)
	}
	ctx, ended := watched.WecomWork(t.Context(), "sync", 7)
	watched.WecomCall(ctx, "externalcontact/batch/get_by_user")("0")
	watched.WecomCall(ctx, "gettoken")("40013")
	watched.Query(ctx, "-- name: GetWecomSync :one\nSELECT 1")(nil)
	ended(errors.New("not complete"))
	names, traces, all := spans(watched)
	if !slices.Equal(names, []string{"GetWecomSync", "wecom externalcontact/batch/get_by_user", "wecom gettoken", "wecom sync"}) || len(slices.Compact(traces)) != 1 {
		t.Errorf("spans %q of the traces %q", names, traces)
	}
	for _, want := range []string{"wecom.errcode", "40013", "crop_id"} {
		if !strings.Contains(all, want) {
			t.Errorf("without %s: %s", want, all)
		}
	}
}

func hexOf(id []byte) string {
	const digits = "0123456789abcdef"
	var text strings.Builder
	for _, b := range id {
		text.WriteByte(digits[b>>4])
		text.WriteByte(digits[b&15])
	}
	return text.String()
}
