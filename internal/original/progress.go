package original

import (
	"sync"

	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/writer"
)

// saveRanges is how many ranges are written before it is kept that they are.
const saveRanges = 32

// writing is what is given and what is written of it.
type writing struct {
	mu      sync.Mutex
	waiting []waiting // what is given and may not be written yet

	// Of the goroutine that writes.
	save    func(writer.Kind, map[int64]*copied) error
	ready   map[writer.Kind]map[int64]*copied // what is written, and not kept yet
	n       int                               // of them
	bad     int
	refused bool // a record of the first waiting range was
	err     error
}

// wait notes a range whose records are given.
func (w *writing) wait(range1 waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = append(w.waiting, range1)
}

// progress hears how much of the stream is written.
func (c *copier) progress(p importer.Progress) {
	if c.Progress != nil {
		c.Progress(p)
	}
	if !p.Done {
		c.written(p.Bytes, p.Bad)
	}
}

// written takes the ranges as written that end up to here. One that the import has refused a record
// of is not: it is looked at again the next time.
func (w *writing) written(upTo int64, bad int) {
	refused := bad > w.bad
	w.bad = bad
	w.mu.Lock()
	n := 0
	for n < len(w.waiting) && w.waiting[n].at <= upTo {
		n++
	}
	done := w.waiting[:n:n]
	w.waiting = w.waiting[n:]
	w.mu.Unlock()
	switch {
	case n == 0:
		w.refused = w.refused || refused
		return
	case refused: // of one of these, or of the one that is next
	case w.refused:
		w.keep(done[1:])
	default:
		w.keep(done)
	}
	w.refused = refused
}

func (w *writing) keep(done []waiting) {
	if w.ready == nil {
		w.ready = map[writer.Kind]map[int64]*copied{}
	}
	for _, d := range done {
		if w.ready[d.kind] == nil {
			w.ready[d.kind] = map[int64]*copied{}
		}
		w.ready[d.kind][d.first] = d.what
	}
	if w.n += len(done); w.n >= saveRanges {
		w.flush()
	}
}

func (w *writing) flush() {
	for kind, ranges := range w.ready {
		if err := w.save(kind, ranges); err != nil && w.err == nil {
			w.err = err
		}
	}
	w.ready, w.n = nil, 0
}

// finish keeps what is written; whole says that it is everything.
func (w *writing) finish(whole bool) error {
	if whole && !w.refused {
		w.keep(w.waiting)
	}
	w.flush()
	return w.err
}
