package bench

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/importer"
)

// The benchmark at a size that takes seconds, so that it never rots: answers are checked, figures are not.
func TestEveryRequestIsAnsweredAsTheDataSaysAndMeasured(t *testing.T) {
	t.Parallel()
	p, err := newPlan(5000)
	if err != nil {
		t.Fatal(err)
	}
	// A server of its own: the benchmark turns on its log and counts its statements.
	server, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir(), Engine: embedded.Engine(dbtest.Engine()), Disposable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	made, err := keep(t.Context(), server.DSN(), p, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = made.db.Close()
	l, err := keep(t.Context(), server.DSN(), p, false, func(importer.Progress) { t.Error("the data was kept, and is loaded again") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.db.Close() })
	var out, log bytes.Buffer
	o := Options{Time: time.Millisecond, Rates: true, Out: &out, Log: &log}
	figures, _, err := o.measure(t.Context(), l, "test", nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, &log)
	}
	o.Only = regexp.MustCompile("^total: all$")
	if _, _, err := o.measure(t.Context(), l, "test", figures); err != nil {
		t.Fatalf("the same size as a later one: %v", err)
	}
	o.Only = nil
	if _, err := o.compare(t.Context(), l, "test"); err != nil {
		t.Fatalf("beside the original's shape: %v", err)
	}
	for _, r := range p.requests() {
		if !strings.Contains(out.String(), "\n| "+r.name+" ") {
			t.Errorf("the table has no row for %q", r.name)
		}
	}
	t.Log(out.String())
}

func TestTheDataHasTheCasesThatAreMeasured(t *testing.T) {
	t.Parallel()
	p, err := newPlan(100_000)
	if err != nil {
		t.Fatal(err)
	}
	requests := p.requests()
	wants := p.expect(requests)
	// In thousandths of all rows.
	for name, bounds := range map[string][2]int{
		"first page": {1000, 1000}, "an employee": {25, 35}, "30 days, newest": {13, 19}, "30 days, old": {13, 19}, "one tag": {3, 4}, "any of three tags": {9, 12},
		"name, 2 characters": {2, 3}, "name, 3 characters": {1, 3}, "remark, 2 characters": {2, 3}, "remark, 3 characters": {1, 3}, "name, 1 character": {40, 200},
	} {
		found := false
		for i, r := range requests {
			if r.name == name {
				found = true
				if n := (wants[i].total + p.rows/2000) / (p.rows / 1000); n < bounds[0] || n > bounds[1] {
					t.Errorf("%s has %d rows of %d", name, wants[i].total, p.rows)
				}
			}
		}
		if !found {
			t.Errorf("no request %q", name)
		}
	}
	for i, r := range requests {
		if strings.HasSuffix(r.name, "10 hits") && wants[i].total != raresInMix {
			t.Errorf("%s has %d", r.name, wants[i].total)
		}
	}
}

func TestAProfileIsReadWithTheNamesOfItsFunctions(t *testing.T) {
	t.Parallel()
	var raw bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&raw, 0); err != nil {
		t.Fatal(err)
	}
	p, err := readProfile(&raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.samples {
		if slices.ContainsFunc(p.stack(s), func(name string) bool {
			return strings.HasSuffix(name, "bench.TestAProfileIsReadWithTheNamesOfItsFunctions")
		}) {
			return
		}
	}
	t.Errorf("this function is in none of %d stacks", len(p.samples))
}

func TestTimeIsGivenToTheInnermostPartOfARequest(t *testing.T) {
	t.Parallel()
	const serve = "net/http.(*conn).serve"
	for want, stack := range map[string][]string{
		"scan":   {"runtime.mallocgc", "database/sql.convertAssignRows", "database/sql.(*Rows).Scan", "example.com/wechatcustomers/gen/db.(*Queries).ListTags", serve},
		"encode": {"runtime.memmove", "encoding/json.Marshal", "net/http.(*response).Write", serve},
		"write":  {"internal/poll.(*FD).Write", "net/http.checkConnErrorWriter.Write", serve},
		"":       {"github.com/go-sql-driver/mysql.(*textRows).readRow", "database/sql.(*Rows).Next", "example.com/wechatcustomers/gen/db.(*Queries).ListTags", serve},
	} {
		var s shares
		if part := s.of(stack); part != nil {
			*part = 1
		}
		if s != map[string]shares{"scan": {scan: 1}, "encode": {encode: 1}, "write": {write: 1}, "": {}}[want] {
			t.Errorf("%v is given to %+v, not to %q", stack, s, want)
		}
	}
}

func TestTheDataIsTheSameBytesEveryTime(t *testing.T) {
	t.Parallel()
	const known = "bc8bdeb460cd43ce1ba64dc6f75120ed3f03abe057d26b9e27bb1248f6919ee1"
	p, err := newPlan(1000)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if err := p.write(h); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != known {
		t.Errorf("the generator makes other bytes (%s): raise generation, so that kept databases are made anew, and set known", got)
	}
}
