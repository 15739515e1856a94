package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTheManyPagesOfOneListAreOneLineAndOtherListsTheirOwn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	trail := New(&out, func() time.Time { now = now.Add(time.Second); return now }, func(err error) { t.Error(err) })
	one := Read{UID: 7, Uniacid: 2, CropID: 1, Client: "192.0.2.1", Filters: []string{"search[status]"}, Asked: "search[status]=1&", Rows: 100, RequestID: "a"}
	other := one
	other.Asked, other.RequestID, other.Rows = "", "b", 3
	other.Filters = nil
	elsewhere := one
	elsewhere.Client, elsewhere.RequestID = "192.0.2.2", "c"
	for range 3 {
		trail.Record(one)
		one.RequestID = "later"
	}
	trail.Record(other)
	trail.Record(elsewhere)
	one.Rows = 5
	trail.Record(one)
	trail.Close()
	got := map[string][2]int{}
	for d := json.NewDecoder(&out); d.More(); {
		var l line
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		got[l.RequestID] = [2]int{l.Pages, l.Rows}
		if l.RequestID == "a" && l.Last.Sub(l.Time) != 5*time.Second {
			t.Errorf("from %s to %s", l.Time, l.Last)
		}
		if l.Filters == nil {
			t.Error("filters are null")
		}
	}
	if diff := cmp.Diff(map[string][2]int{"a": {4, 305}, "b": {1, 3}, "c": {1, 100}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestALineThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	var said []error
	trail := New(full{}, time.Now, func(err error) { said = append(said, err) })
	trail.Record(Read{UID: 7, Rows: 1})
	trail.Close()
	if len(said) != 1 || !errors.Is(said[0], errFull) {
		t.Errorf("said %v", said)
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }
