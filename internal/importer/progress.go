package importer

import (
	"fmt"
	"io"
	"time"
)

// Progress is how far an import is.
type Progress struct {
	Rows    int64 // records loaded so far
	Bad     int   // bad records so far
	Bytes   int64 // read so far
	Total   int64 // to read, 0 where it is not known
	Elapsed time.Duration
	Place   Place // the last line loaded
	Done    bool  // the last call
}

func (i *importer) progress(at Place, done bool) {
	if i.o.Progress == nil {
		return
	}
	i.o.Progress(Progress{
		Rows: i.report.Loaded(), Bad: i.report.BadRecords(), Bytes: i.bytes, Total: i.total, Elapsed: i.o.Now().Sub(i.start), Place: at, Done: done,
	})
}

// Rate returns records per second.
func (p Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Rows) / p.Elapsed.Seconds()
}

// Left returns the time that is left at the pace so far, false where it cannot be known yet.
func (p Progress) Left() (time.Duration, bool) {
	if p.Total <= 0 || p.Bytes <= 0 || p.Bytes > p.Total {
		return 0, false
	}
	return time.Duration(float64(p.Elapsed) * float64(p.Total-p.Bytes) / float64(p.Bytes)), true
}

func (p Progress) String() string {
	s := fmt.Sprintf("%d rows, %.0f rows/s", p.Rows, p.Rate())
	if p.Bad > 0 {
		s += fmt.Sprintf(", %d bad", p.Bad)
	}
	if left, known := p.Left(); known && !p.Done {
		s += fmt.Sprintf(", %d%%, %s left", p.Bytes*100/p.Total, left.Round(time.Second))
	}
	return s
}

// How often progress is shown, in the import's own time.
const (
	terminalEvery = 200 * time.Millisecond
	plainEvery    = 5 * time.Second
)

// Show returns a function for Options.Progress that writes to out: on a terminal one line that is
// written over, elsewhere a line every few seconds.
func Show(out io.Writer, terminal bool) func(Progress) {
	every := plainEvery
	if terminal {
		every = terminalEvery
	}
	var shown time.Duration
	return func(p Progress) {
		if !p.Done && p.Elapsed-shown < every {
			return
		}
		shown = p.Elapsed
		switch {
		case !terminal:
			_, _ = fmt.Fprintln(out, p)
		case p.Done:
			_, _ = fmt.Fprintf(out, "\r\x1b[K%s\n", p)
		default:
			_, _ = fmt.Fprintf(out, "\r\x1b[K%s", p)
		}
	}
}
