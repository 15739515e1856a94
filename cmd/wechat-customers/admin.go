package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"runtime/debug"
	"strings"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/audit"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/telemetry"
)

// logFlags say how the program logs, whatever its command.
type logFlags struct {
	LogFormat string `env:"LOG_FORMAT" enum:"text,json" default:"text" help:"Form of the log's lines: text or json (${default})."`
	LogLevel  string `env:"LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"Least level that is logged: debug, info, warn or error (${default})."`
}

func (f logFlags) logger(out io.Writer) *slog.Logger {
	var o slog.HandlerOptions
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.LogLevel)) // one of the enum
	o.Level = level
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, &o))
	}
	return slog.New(slog.NewTextHandler(out, &o))
}

// build is what the program was built from, as Go has written it down.
type build struct {
	Version  string `json:"version"`            // of the module; (devel) for a build of a work tree
	Revision string `json:"revision,omitempty"` // of the source
	Modified bool   `json:"modified,omitempty"` // the source was not as at that revision
	Go       string `json:"go"`
}

func builtFrom() (b build) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version, b.Go = info.Main.Version, info.GoVersion
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

type versionCommand struct{}

// Run prints the program's version and what it was built from.
func (versionCommand) Run(s streams) error {
	b := builtFrom()
	words := []string{"wechat-customers", b.Version}
	if b.Revision != "" { // what Go could not tell is left out
		words = append(words, b.Revision)
	}
	if b.Modified {
		words = append(words, "(modified)")
	}
	_, err := fmt.Fprintln(s.out, strings.Join(append(words, b.Go), " "))
	return err
}

// adminFlags say how the server is watched.
type adminFlags struct {
	AdminAddr string `env:"ADMIN_ADDR" placeholder:"ADDR" help:"Address of /metrics, /debug/pprof/ and /version, which ask for no token. Default: 127.0.0.1:8081, where it is free."`
	AuditLog  string `env:"AUDIT_LOG" placeholder:"FILE" help:"File to which it is added who read which list, a line of JSON each; - is standard output. Default: lines of the log."`
}

const defaultAdminAddr = "127.0.0.1:8081"

// admin serves what operators watch the program by until the returned function is called.
func (f adminFlags) admin(ctx context.Context, s streams, t *telemetry.Telemetry) (stop func(), err error) {
	address := f.AdminAddr
	if address == "" {
		address = defaultAdminAddr
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil && f.AdminAddr == "" {
		s.log.Info("no metrics: the default of ADMIN_ADDR is taken", "error", err)
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ADMIN_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", t.Metrics())
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(builtFrom())
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("no metrics any more", "error", err)
		}
	}()
	s.log.Info("metrics", "address", listener.Addr().String())
	return func() { _ = server.Close(); <-done }, nil
}

// dataState returns what reads the state of the data: enterprises of more than from live follows should
// have an index.
func dataState(db *sql.DB, from int32) func(context.Context) (telemetry.Data, error) {
	return func(ctx context.Context) (d telemetry.Data, err error) {
		q := gendb.New(db)
		indexed, err := q.CountIndexed(ctx, index.Format)
		if err != nil {
			return d, err
		}
		d.Indexed = int(indexed)
		crops, err := q.ListEnterprisesToIndex(ctx, index.Format)
		if err != nil {
			return d, err
		}
		for _, crop := range crops {
			large, err := q.HasFollows(ctx, gendb.HasFollowsParams{CropID: crop, Offset: from})
			if err != nil {
				return d, err
			}
			if large {
				d.Unindexed++
			}
		}
		newest, err := q.NewestVersion(ctx)
		if err != nil || newest == 0 {
			return d, err
		}
		d.Changed = time.UnixMicro(newest)
		return d, nil
	}
}

// tracesWanted says whether the standard variables of OpenTelemetry name somebody who takes traces.
func tracesWanted() bool {
	receiver := os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") + os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	return receiver != "" && os.Getenv("OTEL_SDK_DISABLED") != "true" && os.Getenv("OTEL_TRACES_EXPORTER") != "none"
}

// trail returns the audit trail; the returned function writes what is open.
func (f adminFlags) trail(s streams) (*audit.Trail, func() error, error) {
	fail := func(err error) { s.log.Error("the audit trail cannot be written", "error", err) }
	var out io.Writer
	closeFile := func() error { return nil }
	switch f.AuditLog {
	case "":
		out = logLines{s.log}
	case "-":
		out = s.out
	default:
		file, err := os.OpenFile(f.AuditLog, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, fmt.Errorf("AUDIT_LOG: %w", err)
		}
		out, closeFile = file, file.Close
	}
	t := audit.New(out, time.Now, fail)
	return t, func() error { t.Close(); return closeFile() }, nil
}

// logLines writes lines of the audit trail as lines of the log.
type logLines struct{ log *slog.Logger }

func (l logLines) Write(line []byte) (int, error) {
	l.log.Info("audit", "read", json.RawMessage(bytes.TrimSuffix(line, []byte("\n"))))
	return len(line), nil
}

// recorder returns what hears of each request: a page of customers is noted in the audit trail.
func recorder(t *audit.Trail) func(context.Context, *httpapi.Entry) {
	return func(_ context.Context, e *httpapi.Entry) {
		if e.Served.Rows == 0 || e.Status != http.StatusOK || e.Err != nil {
			return
		}
		t.Record(audit.Read{
			UID: e.Member.UID, Uniacid: e.Member.Uniacid, CropID: e.Served.CropID, Client: e.Client, UserAgent: e.UserAgent,
			Filters: e.Filters, Asked: e.Asked, Rows: e.Served.Rows, RequestID: e.RequestID,
		})
	}
}
