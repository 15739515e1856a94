// Package importer owns the import format: newline-delimited JSON whose records are the contract's
// own objects, {"follow":{…}} to a line, each after what it refers to; or saved answers of getList.
// It reads them, batches them to internal/writer, and reports what became of each.
package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
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

// Source is one file to import, or any other origin of records.
type Source struct {
	Name   string    // as messages name it
	Reader io.Reader // lines or answers, gzip or not
	Size   int64     // in bytes, 0 where it is not known

	// Records gives records where there is no Reader, until give returns an error, which it returns.
	// at is what a Place then has for a line, and done what Progress has for bytes; Size is of its kind.
	Records func(ctx context.Context, give func(at, done int64, kind writer.Kind, record writer.Record) error) error
}

// Options say how to import.
type Options struct {
	// KeepGoing leaves bad records out and loads the rest; without it the import stops at the first
	// batch that has one.
	KeepGoing bool
	// BatchRows is how many records are written in one transaction; 0 is 1,000.
	BatchRows int
	// DryRun writes nothing: the report is what loading would have done.
	DryRun bool
	// Progress hears how far the import is after each batch; nil is silent. It is called from one
	// goroutine.
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

	Bad        []Problem   // each wrong field of each bad record that was met, in the order of lines
	Duplicates []Duplicate // each record that is not stored, or is stored no longer, because of another of the same key

	// LoadedTo is the last line of the last batch that is loaded, without its bad records; its Line is
	// 0 where none is. Stopped says that the import ended there, before the end of the sources.
	LoadedTo Place
	Stopped  bool
}

// Loaded returns the number of records loaded.
func (r *Report) Loaded() int64 { return r.New + r.Changed + r.Unchanged }

// BadRecords returns the number of bad records: of some there are several problems.
func (r *Report) BadRecords() int {
	n := 0
	for i, p := range r.Bad {
		if i == 0 || p.Place != r.Bad[i-1].Place || p.Kind != r.Bad[i-1].Kind {
			n++
		}
	}
	return n
}

// Place is a line of a source.
type Place struct {
	Source string
	Line   int64  // from 1
	Part   string // of the answer of getList that begins there
}

func (p Place) String() string {
	s := p.Source + ":" + strconv.FormatInt(p.Line, 10)
	if p.Part != "" {
		s += " " + p.Part
	}
	return s
}

// Problem is a bad record, or a wrong field of one.
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
	if !o.DryRun {
		return i.load(ctx, sources)
	}
	var report Report
	err := w.Try(ctx, func(run *writer.Run) (err error) {
		i.run = run
		report, err = i.load(ctx, sources)
		return err
	})
	return report, err
}

func (i *importer) load(ctx context.Context, sources []Source) (Report, error) {
	o := i.o
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

// batch is what is written in one transaction: records, by their kinds, and bad ones among them.
type batch struct {
	groups [kinds]group
	size   int // of lines or records, bad ones too
	bad    []numbered
	first  Place
	end    Place // the last line of the batch
	bytes  int64 // read up to there

	prepared *writer.Prepared // of a batch of one kind
}

// only returns the kind of a batch that has one.
func (b *batch) only() (kind writer.Kind, ok bool) {
	n := 0
	for k := range b.groups {
		if len(b.groups[k].records) > 0 {
			kind = writer.Kind(k)
			n++
		}
	}
	return kind, n == 1
}

const kinds = writer.Follow + 1

// group is the records of a kind.
type group struct {
	records []writer.Record
	places  []Place
	numbers []int // each one's in the batch
}

// numbered is a problem of a record of this number in its batch.
type numbered struct {
	n int
	Problem
}

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
		// The next one is made ready while this one is written.
		if i.prepare(ctx, b) {
			select {
			case next = <-batches:
				if next != nil {
					i.prepare(ctx, next)
				}
			default:
			}
		}
		if len(b.bad) > 0 && !i.o.KeepGoing {
			i.add(b)
			return ErrBadRecords
		}
		if err := i.writeBatch(ctx, b); err != nil {
			return fmt.Errorf("%s to %s: %w", b.first, b.end, err)
		}
		bad := len(i.report.Bad)
		i.add(b)
		if len(i.report.Bad) > bad && !i.o.KeepGoing {
			return ErrBadRecords
		}
		i.report.LoadedTo = b.end
		i.bytes = b.bytes
		i.progress(b.end, false)
	}
}

// prepare begins to make a batch ready, false where it cannot: it is of several kinds, or every
// write has to see the ones before it.
func (i *importer) prepare(ctx context.Context, b *batch) bool {
	kind, one := b.only()
	if !one || i.o.DryRun {
		return false
	}
	if b.prepared == nil {
		b.prepared = i.run.Prepare(ctx, kind, b.groups[kind].records)
	}
	return true
}

func (i *importer) writeBatch(ctx context.Context, b *batch) error {
	if b.prepared != nil {
		kind, _ := b.only()
		result, err := b.prepared.Write(ctx, i.o.KeepGoing)
		if err == nil {
			i.result(kind, &b.groups[kind], &result, b)
		}
		return err
	}
	var groups []writer.Group
	for kind := range b.groups {
		if records := b.groups[kind].records; len(records) > 0 {
			groups = append(groups, writer.Group{Kind: writer.Kind(kind), Records: records})
		}
	}
	results, err := i.run.WriteAll(ctx, groups, i.o.KeepGoing)
	if err != nil {
		return err
	}
	for n, g := range groups {
		i.result(g.Kind, &b.groups[g.Kind], &results[n], b)
	}
	return nil
}

// result takes what became of a group into the report, and its bad records to those of the batch.
func (i *importer) result(kind writer.Kind, g *group, result *writer.Result, b *batch) {
	r := &i.report
	r.New += int64(result.New)
	r.Changed += int64(result.Changed)
	r.Unchanged += int64(result.Unchanged)
	for _, d := range result.Duplicates {
		r.Duplicates = append(r.Duplicates, Duplicate{Place: g.places[d.Record], Kind: kind.String(), Key: d.Key, Kept: d.Kept, Dropped: d.Dropped})
	}
	for _, x := range result.Rejected {
		b.bad = append(b.bad, numbered{g.numbers[x.Record], Problem{Place: g.places[x.Record], Kind: kind.String(), Field: x.Field, Message: x.Message}})
	}
}

// add takes the bad records of a batch into the report.
func (i *importer) add(b *batch) {
	slices.SortStableFunc(b.bad, func(x, y numbered) int { return x.n - y.n })
	for _, x := range b.bad {
		i.report.Bad = append(i.report.Bad, x.Problem)
	}
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

	batch   *batch
	bytes   int64
	present map[reference]bool // what records of the batch are (true), or refer to (false)
}

// reference is what a record refers to: an enterprise, or with an external_userid its customer.
type reference struct {
	business int64
	external string
}

// source reads one source to its end.
func (r *reader) source(s Source) error {
	if s.Reader == nil {
		before := r.bytes
		return s.Records(r.ctx, func(at, done int64, kind writer.Kind, record writer.Record) error {
			r.bytes = before + done
			return r.record(Place{Source: s.Name, Line: at}, kind, record)
		})
	}
	counted := &counter{r: s.Reader}
	before := r.bytes
	lines := bufio.NewReaderSize(counted, 1<<16)
	if magic, err := lines.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		text, err := gzip.NewReader(lines)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		lines = bufio.NewReaderSize(text, 1<<16)
	}
	read := func() { r.bytes = before + counted.n - int64(lines.Buffered()) }
	if beginsAnswer(lines) {
		return r.answers(s.Name, lines, read)
	}
	return r.lines(s.Name, lines, read)
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// lines reads newline-delimited records; read is told after each.
func (r *reader) lines(name string, lines *bufio.Reader, read func()) error {
	var hold []byte
	for place := (Place{Source: name, Line: 1}); ; place.Line++ {
		line, n, err := readLine(lines, &hold)
		read()
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
			err = r.bad(place, flaw{message: "is longer than " + strconv.Itoa(MaxLine) + " bytes"})
		case len(bytes.TrimSpace(line)) == 0:
			err = nil
		default:
			if kind, record, wrong := decode(line); len(wrong) > 0 {
				err = r.bad(place, wrong...)
			} else {
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

// record takes a record. Within a batch the kinds are written in their order, whatever order they
// came in; so that this is as good as writing each record where it stands, a batch ends before a
// record that an earlier one of it should have come after.
func (r *reader) record(place Place, kind writer.Kind, record writer.Record) error {
	is, refers := references(kind, record)
	if there, met := r.present[is]; met && !there && is != (reference{}) {
		if err := r.send(); err != nil {
			return err
		}
	}
	b := r.open()
	if is != (reference{}) {
		r.present[is] = true
	}
	if _, met := r.present[refers]; !met && refers != (reference{}) {
		r.present[refers] = false
	}
	g := &b.groups[kind]
	g.records = append(g.records, record)
	g.places = append(g.places, place)
	g.numbers = append(g.numbers, b.size)
	return r.took(place)
}

// references returns what others can refer to a record as, and what it refers to itself. What a
// follow's customer refers to it does not: there is none without.
func references(kind writer.Kind, record writer.Record) (is, refers reference) {
	switch kind {
	case writer.Business:
		return reference{business: record[businessID].Int}, reference{}
	case writer.Customer:
		crop := record[customerCrop].Int
		return reference{crop, record[customerKey].Text}, reference{business: crop}
	case writer.Follow:
		return reference{}, reference{record[followCrop].Int, record[followContact].Text}
	case writer.Tag:
		return reference{}, reference{business: record[tagCrop].Int}
	case writer.Employee:
		return reference{}, reference{business: record[employeeBusiness].Int}
	default:
		return reference{}, reference{business: record[managerBusiness].Int}
	}
}

// Where records have what others refer to.
var (
	businessID       = writer.Business.Field("id")
	managerBusiness  = writer.Manager.Field("business_id")
	employeeBusiness = writer.Employee.Field("business_id")
	customerCrop     = writer.Customer.Field("crop_id")
	customerKey      = writer.Customer.Field("external_userid")
	tagCrop          = writer.Tag.Field("crop_id")
	followCrop       = writer.Follow.Field("crop_id")
	followContact    = writer.Follow.Field("external_userid")
)

func (r *reader) bad(place Place, wrong ...flaw) error {
	b := r.open()
	for _, f := range wrong {
		b.bad = append(b.bad, numbered{b.size, Problem{Place: place, Kind: f.kind, Field: f.field, Message: f.message}})
	}
	return r.took(place)
}

func (r *reader) open() *batch {
	if r.batch == nil {
		r.batch = &batch{}
		r.present = map[reference]bool{}
	}
	return r.batch
}

func (r *reader) took(place Place) error {
	b := r.batch
	if b.size == 0 {
		b.first = place
	}
	b.size++
	b.end, b.bytes = place, r.bytes
	if b.size < r.rows {
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
		r.batch, r.present = nil, nil
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}
