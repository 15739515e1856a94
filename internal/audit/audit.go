// Package audit owns the trail of who read customers' data: a line of JSON for each list that a
// member read, however many pages that took. Filters are named; their values, which may be
// customers' names and telephones, are not in it.
package audit

import (
	"context"
	"encoding/json"
	"io"
	"sync"
	"time"

	"github.com/jellydator/ttlcache/v3"
)

// Read is one page of a list as it was sent.
type Read struct {
	UID, Uniacid, CropID uint32
	Client, UserAgent    string
	Filters              []string
	Asked                string // by what two pages belong to one list: never written
	Rows                 int
	RequestID            string
}

// line is a list that was read, as it is written.
type line struct {
	Time      time.Time `json:"time"` // of the first page
	Last      time.Time `json:"last"` // of the last one
	Event     string    `json:"event"`
	UID       uint32    `json:"member"`
	Uniacid   uint32    `json:"uniacid"`
	CropID    uint32    `json:"crop_id"`
	Client    string    `json:"client"`
	UserAgent string    `json:"user_agent,omitempty"`
	Filters   []string  `json:"filters"`
	Pages     int       `json:"pages"`
	Rows      int       `json:"rows"`
	RequestID string    `json:"request_id"` // of the first page
}

// key is what the pages of one list have in common.
type key struct {
	UID, Uniacid, CropID uint32
	Client, Asked        string
}

// Trail writes lists that were read. It is safe for concurrent use.
type Trail struct {
	mu   sync.Mutex
	out  *json.Encoder
	now  func() time.Time
	open *ttlcache.Cache[key, *line]
	fail func(error)
	done func() // returns when what was given up is written
}

// idle is how long after its last page a list is taken to be read to its end; the longest that a
// line can be late.
const (
	idle     = time.Minute
	maxLists = 10_000 // that are being read at once; beyond, the oldest is written
)

// New returns a Trail that writes to out; fail hears of what cannot be written.
func New(out io.Writer, now func() time.Time, fail func(error)) *Trail {
	t := &Trail{out: json.NewEncoder(out), now: now, fail: fail}
	t.open = ttlcache.New(ttlcache.WithTTL[key, *line](idle), ttlcache.WithCapacity[key, *line](maxLists))
	t.done = t.open.OnEviction(func(_ context.Context, _ ttlcache.EvictionReason, i *ttlcache.Item[key, *line]) { t.write(i.Value()) })
	go t.open.Start()
	return t
}

// Record notes a page.
func (t *Trail) Record(r Read) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := key{r.UID, r.Uniacid, r.CropID, r.Client, r.Asked}
	now := t.now()
	if item := t.open.Get(k); item != nil { // which makes its time begin again
		l := item.Value()
		l.Last, l.Pages, l.Rows = now, l.Pages+1, l.Rows+r.Rows
		return
	}
	if r.Filters == nil {
		r.Filters = []string{}
	}
	t.open.Set(k, &line{
		Time: now, Last: now, Event: "list", UID: r.UID, Uniacid: r.Uniacid, CropID: r.CropID, Client: r.Client, UserAgent: r.UserAgent,
		Filters: r.Filters, Pages: 1, Rows: r.Rows, RequestID: r.RequestID,
	}, ttlcache.DefaultTTL)
}

func (t *Trail) write(l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.out.Encode(l); err != nil {
		t.fail(err)
	}
}

// Close writes what is open.
func (t *Trail) Close() {
	t.open.Stop()
	t.done()
	for _, item := range t.open.Items() {
		t.write(item.Value())
	}
}
