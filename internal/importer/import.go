// Package importer owns the import format: newline-delimited JSON whose records are the contract's
// own objects, {"follow":{…}} to a line, in the order business, manager, employee, customer, tag,
// follow. It reads them, batches them to internal/writer, and reports what became of each.
package importer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/writer"
)

// Source is one file to import.
type Source struct {
	Name   string // as messages name it
	Reader io.Reader
	Size   int64 // in bytes, 0 where it is not known
}

// Options say how to import.
type Options struct {
	// KeepGoing leaves bad records out and loads the rest; without it the import stops at the first
	// batch that has one.
	KeepGoing bool
	// BatchRows is how many records are written in one transaction; 0 is 1,000.
	BatchRows int
	// Progress hears how far the import is; nil is silent. It is called from one goroutine.
	Progress func(Progress)
	// Now is the clock of rates; nil is the system's.
	Now func() time.Time
}

const defaultBatchRows = 1000

// MaxLine is the longest line that is read, in bytes: a longer one is a bad record.
const MaxLine = 1 << 20

// Report is what became of the records.
type Report struct {
	New, Changed, Unchanged int64 // records loaded, by what they did to their row
	Elapsed                 time.Duration

	Bad        []Problem   // each bad record that was met, in the order of lines
	Duplicates []Duplicate // each record that is not stored, or is stored no longer, because of another of the same key

	// LoadedTo is the last line of the last batch that is loaded, without its bad records; its Line is
	// 0 where none is. Stopped says that the import ended there, before the end of the sources.
	LoadedTo Place
	Stopped  bool
}

// Loaded returns the number of records loaded.
func (r *Report) Loaded() int64 { return r.New + r.Changed + r.Unchanged }

// Place is a line of a source.
type Place struct {
	Source string
	Line   int64 // from 1
}

func (p Place) String() string { return p.Source + ":" + strconv.FormatInt(p.Line, 10) }

// Problem is a bad record.
type Problem struct {
	Place
	Kind    string // the kind of record, "" where it was not even to be read
	Field   string // the field that is wrong, "" for the record as a whole
	Message string
}

func (p Problem) String() string {
	what := "the line"
	if p.Field != "" {
		what = p.Field
		if p.Kind != "" && p.Field != p.Kind {
			what = p.Kind + "." + p.Field
		}
	} else if p.Kind != "" {
		what = "the " + p.Kind + " record"
	}
	return p.Place.String() + ": " + what + " " + p.Message
}

// Duplicate is a record that is not stored because another one of the same key with a different id
// is: of the two the live one, then the one with the higher id.
type Duplicate struct {
	Place         // of the record that met the other, which was before it or in the database, or that deleted the other
	Kind          string
	Key           string
	Kept, Dropped int64 // the ids
}

func (d Duplicate) String() string {
	return fmt.Sprintf("%s: two records of one %s (%s): kept id %d, dropped id %d", d.Place, d.Kind, d.Key, d.Kept, d.Dropped)
}

// ErrBadRecords says that there were bad records, which the report lists, and that nothing else
// went wrong.
var ErrBadRecords = errors.New("there are bad records")

// Import loads the sources one after the other through w and reports what it did. Loading the same
// again changes nothing.
//
// Each batch is one transaction. Without KeepGoing a batch with a bad record loads nothing and ends
// the import with ErrBadRecords; the batches before it stay. With it everything else is loaded, and
// the error is ErrBadRecords all the same. Any other error is the reader's, the database's or
// ctx's, bad records or not; the report is right in every case.
//
// An import that is ended does not wait for a source whose Read does not return, such as a pipe
// that stays open: that source must not be read any more.
func Import(ctx context.Context, w *writer.Writer, sources []Source, o Options) (Report, error) {
	if o.BatchRows <= 0 {
		o.BatchRows = defaultBatchRows
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	i := &importer{run: w.Run(), o: o, start: o.Now(), total: size(sources)}
	ctx, cancel := context.WithCancel(ctx)
	batches := make(chan *batch, 1) // one is read while one is written and one waits
	readErr := make(chan error, 1)
	go func() {
		defer close(batches)
		readErr <- read(ctx, sources, o, batches)
	}()
	err := i.write(ctx, batches)
	if cancel(); err == nil {
		err = <-readErr
	}
	i.run.Wait()
	i.report.Stopped = err != nil
	if err == nil && len(i.report.Bad) > 0 {
		err = ErrBadRecords
	}
	i.report.Duplicates = settled(i.report.Duplicates)
	i.report.Elapsed = o.Now().Sub(i.start)
	i.progress(Place{}, true)
	return i.report, err
}

// size returns the bytes of all sources, 0 where it is not known of each.
func size(sources []Source) (total int64) {
	for _, s := range sources {
		if s.Size <= 0 {
			return 0
		}
		total += s.Size
	}
	return total
}

// batch is what is written in one transaction: records of one kind, and bad ones among them.
type batch struct {
	kind    writer.Kind
	records []writer.Record
	places  []Place // of the records
	bad     []Problem
	end     Place // the last line of the batch
	bytes   int64 // read up to there

	prepared *writer.Prepared
}

func (b *batch) size() int { return len(b.records) + len(b.bad) }

// importer is the writing side of an import.
type importer struct {
	run    *writer.Run
	o      Options
	start  time.Time
	total  int64
	bytes  int64
	report Report
}

// write writes batches until there are no more or ctx is done. With KeepGoing bad records are in
// the report only.
func (i *importer) write(ctx context.Context, batches <-chan *batch) error {
	var next *batch
	for {
		b := next
		if next = nil; b == nil {
			select {
			case b = <-batches:
			case <-ctx.Done():
			}
		}
		if b == nil {
			return context.Cause(ctx)
		}
		if b.prepared == nil {
			b.prepared = i.run.Prepare(ctx, b.kind, b.records)
		}
		// The next one is made ready while this one is written.
		select {
		case next = <-batches:
			if next != nil {
				next.prepared = i.run.Prepare(ctx, next.kind, next.records)
			}
		default:
		}
		if len(b.bad) > 0 && !i.o.KeepGoing {
			i.report.Bad = append(i.report.Bad, b.bad...)
			return ErrBadRecords
		}
		result, err := b.prepared.Write(ctx, i.o.KeepGoing)
		if err != nil {
			return fmt.Errorf("%s to %s: %w", b.first(), b.end, err)
		}
		i.add(b, &result)
		if len(result.Rejected) > 0 && !i.o.KeepGoing {
			return ErrBadRecords
		}
		i.report.LoadedTo = b.end
		i.bytes = b.bytes
		i.progress(b.end, false)
	}
}

// first returns where the batch begins.
func (b *batch) first() Place {
	if len(b.places) > 0 {
		return b.places[0]
	}
	return b.end
}

func (i *importer) add(b *batch, result *writer.Result) {
	r := &i.report
	r.New += int64(result.New)
	r.Changed += int64(result.Changed)
	r.Unchanged += int64(result.Unchanged)
	for _, d := range result.Duplicates {
		r.Duplicates = append(r.Duplicates, Duplicate{Place: b.places[d.Record], Kind: b.kind.String(), Key: d.Key, Kept: d.Kept, Dropped: d.Dropped})
	}
	// Both lists are in the order of lines.
	bad := b.bad
	for _, x := range result.Rejected {
		place := b.places[x.Record]
		for len(bad) > 0 && bad[0].before(place) {
			r.Bad, bad = append(r.Bad, bad[0]), bad[1:]
		}
		r.Bad = append(r.Bad, Problem{Place: place, Kind: b.kind.String(), Field: x.Field, Message: x.Message})
	}
	r.Bad = append(r.Bad, bad...)
}

// settled leaves out what did not last: a record that was dropped, and later kept after all because
// the one that it was dropped for is deleted.
func settled(all []Duplicate) []Duplicate {
	type one struct {
		kind, key string
		id        int64
	}
	of := func(d Duplicate, id int64) one { return one{d.Kind, strings.ToLower(d.Key), id} } // userids differ in case
	kept := map[one]bool{}
	var lasting []Duplicate
	for _, d := range slices.Backward(all) {
		if !kept[of(d, d.Dropped)] {
			lasting = append(lasting, d)
		}
		kept[of(d, d.Kept)] = true
	}
	slices.Reverse(lasting)
	return lasting
}

// before compares lines of one batch. A batch may run over from one source into the next; then only
// lines of the same source are compared.
func (p Problem) before(q Place) bool { return p.Source == q.Source && p.Line < q.Line }

// read parses the sources into batches. It returns the first error of a reader or of ctx.
func read(ctx context.Context, sources []Source, o Options, batches chan<- *batch) error {
	r := reader{ctx: ctx, rows: o.BatchRows, keepGoing: o.KeepGoing, batches: batches}
	for _, s := range sources {
		if err := r.source(s); err != nil {
			return err
		}
	}
	return r.send()
}

// reader is the reading side of an import.
type reader struct {
	ctx       context.Context //nolint:containedctx // lives as long as the one call
	rows      int
	keepGoing bool
	batches   chan<- *batch

	batch *batch
	bytes int64
}

// source reads one source to its end.
func (r *reader) source(s Source) error {
	lines := bufio.NewReaderSize(s.Reader, 1<<16)
	var hold []byte
	last := writer.Business
	for place := (Place{Source: s.Name, Line: 1}); ; place.Line++ {
		line, n, err := readLine(lines, &hold)
		r.bytes += n
		if err != nil && !errors.Is(err, io.EOF) {
			return errors.Join(r.send(), fmt.Errorf("%s: %w", place, err))
		}
		end := err != nil
		if place.Line == 1 {
			// What some programs write in front of UTF-8.
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		switch {
		case line == nil && n > MaxLine:
			err = r.bad(place, &flaw{"", "", "is longer than " + strconv.Itoa(MaxLine) + " bytes"})
		case len(bytes.TrimSpace(line)) == 0:
			err = nil
		default:
			kind, record, wrong := decode(line)
			switch {
			case wrong != nil:
				err = r.bad(place, wrong)
			case kind < last:
				err = r.bad(place, &flaw{kind.String(), "", "comes after a " + last.String() + ": the order is business, manager, employee, customer, tag, follow"})
			default:
				last = kind
				err = r.record(place, kind, record)
			}
		}
		// A bad record ends the import: what is not there yet of its batch is not waited for.
		if err == nil && !end && !r.keepGoing && r.batch != nil && len(r.batch.bad) > 0 && lines.Buffered() == 0 {
			err = r.send()
		}
		if err == nil {
			err = context.Cause(r.ctx)
		}
		if err != nil || end {
			return err
		}
	}
}

// readLine returns the next line without its end, and the bytes read. A line longer than MaxLine is
// read over and nil. It holds until the next call.
func readLine(r *bufio.Reader, hold *[]byte) (line []byte, n int64, err error) {
	*hold = (*hold)[:0]
	for {
		part, err := r.ReadSlice('\n')
		n += int64(len(part))
		more := errors.Is(err, bufio.ErrBufferFull)
		if (more || len(*hold) > 0) && n <= MaxLine+1 {
			*hold = append(*hold, part...)
			part = *hold
		}
		if more {
			continue
		}
		line = bytes.TrimSuffix(part, []byte("\n"))
		if n > MaxLine+1 || len(line) > MaxLine {
			line = nil
		}
		return line, n, err
	}
}

func (r *reader) record(place Place, kind writer.Kind, record writer.Record) error {
	if r.batch != nil && len(r.batch.records) > 0 && r.batch.kind != kind {
		if err := r.send(); err != nil {
			return err
		}
	}
	b := r.open()
	b.kind = kind
	b.records = append(b.records, record)
	b.places = append(b.places, place)
	return r.took(place)
}

func (r *reader) bad(place Place, wrong *flaw) error {
	b := r.open()
	b.bad = append(b.bad, Problem{Place: place, Kind: wrong.kind, Field: wrong.field, Message: wrong.message})
	return r.took(place)
}

func (r *reader) open() *batch {
	if r.batch == nil {
		r.batch = &batch{}
	}
	return r.batch
}

func (r *reader) took(place Place) error {
	r.batch.end, r.batch.bytes = place, r.bytes
	if r.batch.size() < r.rows {
		return nil
	}
	return r.send()
}

// send hands the batch over.
func (r *reader) send() error {
	if r.batch == nil {
		return nil
	}
	select {
	case r.batches <- r.batch:
		r.batch = nil
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}
