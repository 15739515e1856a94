// Command bench measures the list on a million follows and prints what each request costs; `make
// bench` runs it, docs/performance.md explains it. It exits 1 where a figure is over its limit.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/tools/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	missed, err := run(ctx, os.Getenv)
	stop()
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(2)
	case missed > 0:
		os.Exit(1)
	}
}

func run(ctx context.Context, getenv func(string) string) (missed int, err error) {
	env := func(name, otherwise string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return otherwise
	}
	o := bench.Options{
		Log: os.Stderr, Live: term.IsTerminal(int(os.Stderr.Fd())),
		Rates: env("BENCH_RATES", "1") != "0", Fresh: env("BENCH_FRESH", "0") != "0",
	}
	for name := range strings.SplitSeq(env("BENCH_ENGINES", "mariadb,mysql"), ",") {
		engine := embedded.Engine(name)
		switch name {
		case "mariadb":
			engine = embedded.MariaDB1011
		case "mysql":
			engine = embedded.MySQL97
		}
		o.Engines = append(o.Engines, engine)
	}
	var errs []error
	for size := range strings.SplitSeq(env("BENCH_ROWS", "1000000"), ",") {
		digits, sparse := strings.CutSuffix(size, bench.SparseSuffix)
		n, err := strconv.Atoi(digits)
		if err != nil {
			errs = append(errs, fmt.Errorf("BENCH_ROWS: %w", err))
		}
		o.Sizes = append(o.Sizes, bench.Size{Rows: n, Sparse: sparse})
	}
	if o.Peers, err = strconv.Atoi(env("BENCH_PEERS", "100000")); err != nil {
		errs = append(errs, fmt.Errorf("BENCH_PEERS: %w", err))
	}
	if o.Time, err = time.ParseDuration(env("BENCH_TIME", "2s")); err != nil {
		errs = append(errs, fmt.Errorf("BENCH_TIME: %w", err))
	}
	if only := getenv("BENCH_ONLY"); only != "" {
		if o.Only, err = regexp.Compile(only); err != nil {
			errs = append(errs, fmt.Errorf("BENCH_ONLY: %w", err))
		}
	}
	if o.Dir = getenv("BENCH_DIR"); o.Dir == "" {
		cache, err := os.UserCacheDir()
		errs = append(errs, err)
		o.Dir = filepath.Join(cache, "wechat-customers", "bench")
	}
	if err := errors.Join(errs...); err != nil {
		return 0, err
	}
	var tables bytes.Buffer
	o.Out = io.MultiWriter(os.Stdout, &tables)
	missed, err = bench.Run(ctx, o)
	if record := getenv("BENCH_RECORD"); record != "" && err == nil {
		err = keep(record, tables.String())
	}
	return missed, err
}

// The tables stand between these lines in the document that keeps them.
const begin, end = "<!-- make bench: begin -->\n", "<!-- make bench: end -->\n"

// keep replaces the tables in a document.
func keep(document, tables string) error {
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return fmt.Errorf("%s has no place for the tables: %q to %q", document, begin, end)
	}
	tables = "\n" + bench.Heading(time.Now()) + ".\n" + tables + "\n"
	text = []byte(before + begin + tables + end + after)
	return os.WriteFile(document, text, 0o644) //nolint:gosec // a document for everybody
}
