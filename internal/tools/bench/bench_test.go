package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/importer"
)

// The benchmark at a size that takes seconds, so that it never rots: answers are checked, figures
// are not.
func TestEveryRequestIsAnsweredAsTheDataSaysAndMeasured(t *testing.T) {
	t.Parallel()
	// A server of its own: the benchmark counts its statements.
	server, err := embedded.Start(t.Context(), embedded.Options{
		Dir: t.TempDir(), Engine: embedded.Engine(dbtest.Engine()), Disposable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := alone(t.Context(), server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	var out, log bytes.Buffer
	o := Options{Time: time.Millisecond, Rates: true, Out: &out, Log: &log}
	s := &session{Options: o, server: db, dsn: server.DSN(), version: "test"}
	dense := Size{Rows: 5000}
	if err := s.with(t.Context(), dense, s.measure); err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	for _, r := range mustPlan(t, dense).requests() {
		if !strings.Contains(out.String(), "\n| "+r.name+" ") {
			t.Errorf("the table has no row for %q", r.name)
		}
	}
	l, err := keep(t.Context(), db, s.dsn, mustPlan(t, dense), false, func(importer.Progress) {
		t.Error("the data was kept, and is loaded again")
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = l.db.Close()
	if err := s.with(t.Context(), dense, s.compare); err != nil {
		t.Errorf("beside the original's shape: %v", err)
	}
	s.Rates = false
	s.Only = regexp.MustCompile("page|facets|write")
	if err := s.with(t.Context(), dense, s.measure); err != nil {
		t.Errorf("the same data as that of a later size, after the writes: %v", err)
	}
	if err := s.with(t.Context(), Size{2000, true}, s.measure); err != nil {
		t.Errorf("sparse ids: %v", err)
	}
	t.Log(out.String())
}

func mustPlan(t *testing.T, s Size) *plan {
	t.Helper()
	p, err := newPlan(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheDataHasTheCasesThatAreMeasured(t *testing.T) {
	t.Parallel()
	p := mustPlan(t, Size{Rows: 100_000})
	// In hundred-thousandths of all rows.
	bounds := map[string][2]int{
		"first page": {100_000, 100_000}, "an employee": {2500, 3500}, "a year": {15_000, 25_000},
		"30 days, newest": {1300, 1900}, "30 days, old": {1300, 1900}, "one tag": {300, 400},
		"any of three tags": {900, 1200}, "name, 1 letter": {4000, 20_000},
		"name, 2 letters": {200, 400}, "name, 3 letters": {150, 300}, "name, 4 letters": {200, 300},
		"name, 6 letters": {200, 300}, "remark, 2 letters": {200, 400},
		"remark, 3 letters": {150, 300}, "remark, 4 letters": {200, 300},
		"remark, 6 letters": {200, 300}, "all three, 10 hits": {10, 10},
		"all three, no hits": {0, 1}, "mobile, 3 digits": {10, 200}, "keyword, digits": {1, 200},
		"keyword, whole pinyin": {1, 400},
	}
	requests := slices.DeleteFunc(p.requests(), func(r request) bool {
		return bounds[r.name] == [2]int{}
	})
	if len(requests) != len(bounds) {
		t.Errorf("%d of these requests are in the table, not %d", len(requests), len(bounds))
	}
	for i, w := range p.expect(requests) {
		if b := bounds[requests[i].name]; w.total < b[0] || w.total > b[1] {
			t.Errorf("%s has %d rows", requests[i].name, w.total)
		}
	}
}

func TestTheDataIsTheSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	const known = "7772161589db1d0546503619c99f61ee0a1c75e5edfa88d88e4b3b31ff003e05"
	h := sha256.New()
	if err := mustPlan(t, Size{Rows: 1000}).write(h); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != known {
		t.Errorf("the generator makes other bytes (%s): raise generation, so that kept databases "+
			"are made anew, and set known", got)
	}
}
