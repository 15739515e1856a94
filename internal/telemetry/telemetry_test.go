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

func TestARequestsStatementsAreInTheCallersTrace(t *testing.T) {
	received := make(chan *v1.ExportTraceServiceRequest, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var sent v1.ExportTraceServiceRequest
		if err := errors.Join(err, proto.Unmarshal(body, &sent)); err != nil {
			t.Error(err)
		}
		received <- &sent
	}))
	defer receiver.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.URL)
	watched, err := telemetry.New(t.Context(), "1.2.3", true)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ctx, span := watched.Request(r, "getList")
	watched.Query(ctx, "-- name: GetAccess :one\nSELECT 1")(nil)
	watched.Answered(span, "getList", http.StatusOK, 0, "read", 3)
	if err := watched.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, of := range (<-received).ResourceSpans {
		for _, scope := range of.ScopeSpans {
			for _, s := range scope.Spans {
				names = append(names, s.Name)
				if got := strings.ToLower(hexOf(s.TraceId)); got != "0af7651916cd43dd8448eb211c80319c" {
					t.Errorf("%s is in the trace %s", s.Name, got)
				}
			}
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"GET getList", "GetAccess"}) {
		t.Errorf("spans %q", names)
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
