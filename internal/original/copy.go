package original

import (
	"cmp"
	"context"
	"crypto/md5" //nolint:gosec // names a lock
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/writer"
)

// Source is an installation of the original: a Database, or Pages.
type Source interface {
	open(ctx context.Context, to *sql.DB, report *Report) (rows, func() error, error)
}

// Options say how to copy.
type Options struct {
	Names    map[int64]string        // of enterprises, which no known table of the original has
	Full     bool                    // write everything, also what was written before
	Report   io.Writer               // gets every decision, a line each; nil: nobody
	Progress func(importer.Progress) // may be nil
	Now      func() time.Time        // nil: the system's clock
}

// Result is what one copy did.
type Result struct {
	importer.Report

	Rows      int64 // the original's
	Unchanged int64 // records that are as they were written before, and were not looked at again
	Vanished  int64 // rows deleted here, because the original has them no more
	Decisions *Report
	As        time.Time // the moment of the state that was copied
}

// ErrBusy says that another program copies from the same source.
var ErrBusy = errors.New("another copy from there is at work")

// Copy makes the tables hold what the original holds: first everything, the next time what changed
// since, rows that vanished included. It can be ended at any moment; the next one goes on there.
// The error is importer.ErrBadRecords where the import refused records, which are in the report.
func Copy(ctx context.Context, db *sql.DB, w *writer.Writer, from Source, o Options) (result Result, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	result.Decisions = newReport(o.Report)
	defer func() { err = errors.Join(err, result.Decisions.end()) }()
	begun := o.Now()
	list, end, err := from.open(ctx, db, result.Decisions)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, end()) }()
	result.As = begun
	unlock, err := lock(ctx, db, list.name())
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	c := &copier{
		Options: o, rows: list, state: state{db, list.name()}, report: result.Decisions,
		accounts: map[int64]int64{}, official: map[int64]bool{}, staff: map[string][]int64{}, tags: map[int64]map[string]bool{},
		now: writer.Text(begun.In(china).Format(time.DateTime)),
	}
	if err := c.learn(ctx); err != nil {
		return result, err
	}
	streamed := make(chan struct{})
	stream := func(ctx context.Context, give func(at, done int64, kind writer.Kind, record writer.Record) error) error {
		defer close(streamed)
		return c.stream(ctx, give)
	}
	c.save = func(kind writer.Kind, ranges map[int64]*copied) error {
		return c.state.save(context.WithoutCancel(ctx), kind, ranges)
	}
	result.Report, err = importer.Import(ctx, w, []importer.Source{{Name: "copy", Size: max(c.total, 1), Records: stream}}, importer.Options{
		KeepGoing: true, Progress: c.progress, Now: o.Now,
	})
	<-streamed // an import that is cut off does not wait for it
	result.Rows, result.Unchanged, result.Vanished = c.total, c.unchanged, c.vanished
	for _, p := range result.Bad {
		c.report.addf(NotWritten, kindNamed(p.Kind), p.Line, 0, "%s %s", p.Field, p.Message)
	}
	whole := err == nil || errors.Is(err, importer.ErrBadRecords)
	err = errors.Join(err, c.finish(whole))
	if pages, ok := list.(*spool); ok && whole {
		err = errors.Join(err, pages.forget())
	}
	return result, err
}

func kindNamed(name string) writer.Kind {
	kind, _ := writer.KindOf(name)
	return kind
}

// lock keeps others from copying from the same source.
func lock(ctx context.Context, db *sql.DB, source string) (unlock func() error, err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	sum := md5.Sum([]byte(source)) //nolint:gosec // a name
	name := "wechat-customers copy " + hex.EncodeToString(sum[:])
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, 0)", name).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = ErrBusy
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK(?)", name)
		return errors.Join(err, conn.Close())
	}, nil
}

// copier is one copy.
type copier struct {
	Options
	rows   rows
	state  state
	report *Report
	now    writer.Value // for deleted_at of what vanished

	// What is learnt of the whole before rows are looked at one by one.
	accounts map[int64]int64 // of each enterprise
	official map[int64]bool  // it has managers or staff
	contacts []uint64        // the names of all contacts, sorted
	staff    map[string][]int64
	tags     map[int64]map[string]bool // of each enterprise, whether they live
	repeated [writer.Follow + 1]map[int64]*repeated
	ranges   [writer.Follow + 1]map[int64]*copied
	known    [writer.Follow + 1]map[int64]*copied // what was there the last time
	managers []string
	total    int64 // rows

	unchanged, vanished int64
	done                int64 // records given, or found to be as they were

	writing // shared with the goroutine that writes
}

// repeated are the rows of one key.
type repeated struct {
	left    int // to come
	records []keyed
}

// waiting is a range whose records are given.
type waiting struct {
	kind  writer.Kind
	first int64
	at    int64 // how much of the stream it ends with
	what  *copied
}

type named struct {
	name uint64
	id   int64
}

func nameOf(business int64, key string) uint64 {
	h := fnv.New64a()
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(business))
	_, _ = h.Write(b[:])
	_, _ = io.WriteString(h, key)
	return h.Sum64()
}

// learn reads what names every row.
func (c *copier) learn(ctx context.Context) error {
	votes := map[int64]map[int64]int{}
	for _, kind := range kinds {
		if !c.rows.has(kind) {
			continue
		}
		var all []named
		p := places[kind]
		c.ranges[kind] = map[int64]*copied{}
		err := c.rows.each(ctx, kind, true, func(r row) error {
			c.total++
			business, _ := strconv.ParseInt(r.values[p.business].string, 10, 64)
			uniacid, _ := strconv.ParseInt(r.values[p.uniacid].string, 10, 64)
			if business > 0 {
				if votes[business] == nil {
					votes[business] = map[int64]int{}
				}
				if uniacid > 0 {
					votes[business][uniacid]++
					if kind == writer.Manager || kind == writer.Employee {
						votes[business][uniacid] += 1 << 40 // their word counts first
						c.official[business] = true
					}
				}
			}
			name := nameOf(business, keyOf(kind, r.values))
			all = append(all, named{name, r.id})
			live := !r.values[p.deleted].valid
			switch kind {
			case writer.Customer:
				c.contacts = append(c.contacts, name)
			case writer.Employee:
				userid := strings.ToLower(r.values[employeeUserid].string)
				if live && !slices.Contains(c.staff[userid], business) {
					c.staff[userid] = append(c.staff[userid], business)
				}
			case writer.Tag:
				if c.tags[business] == nil {
					c.tags[business] = map[string]bool{}
				}
				c.tags[business][r.values[tagKey].string] = c.tags[business][r.values[tagKey].string] || live
			case writer.Manager:
				c.managers = append(c.managers, fmt.Sprintf("%d %s", business, r.values[managerUID].string))
				return nil
			}
			of := c.ranges[kind][firstOf(r.id)]
			if of == nil {
				of = &copied{}
				c.ranges[kind][firstOf(r.id)] = of
			}
			of.set(r.id)
			return nil
		})
		if err != nil {
			return err
		}
		c.repeated[kind] = groups(all)
		if c.known[kind], err = c.state.load(ctx, kind); err != nil {
			return err
		}
	}
	slices.Sort(c.contacts)
	for business, accounts := range votes {
		best := int64(0)
		for _, account := range slices.Sorted(maps.Keys(accounts)) {
			if best == 0 || accounts[account] > accounts[best] {
				best = account
			}
		}
		if only, ok := c.rows.(interface{ account() int64 }); best == 0 && ok {
			best = only.account()
		}
		if best != 0 {
			c.accounts[business] = best
		}
	}
	slices.Sort(c.managers)
	if len(c.managers) > 0 {
		c.ranges[writer.Manager][0] = &copied{ids: []byte(strings.Join(slices.Compact(c.managers), "\n"))}
	}
	return nil
}

// groups returns the rows that share their key with others.
func groups(all []named) map[int64]*repeated {
	slices.SortFunc(all, func(a, b named) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id)) })
	of := map[int64]*repeated{}
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].name == all[i].name {
			j++
		}
		if j > i+1 {
			g := &repeated{left: j - i}
			for ; i < j; i++ {
				of[all[i].id] = g
			}
		}
		i = j
	}
	return of
}

// business returns a row's enterprise, false where the row is left out.
func (c *copier) business(kind writer.Kind, r row) (int64, bool) {
	p := places[kind]
	business, err := strconv.ParseInt(r.values[p.business].string, 10, 64)
	account, known := c.accounts[business]
	if err != nil || !known {
		c.report.addf(NoEnterprise, kind, r.id, business, "uniacid %s", r.values[p.uniacid].string)
		return 0, false
	}
	uniacid, _ := strconv.ParseInt(r.values[p.uniacid].string, 10, 64)
	switch uniacid {
	case account:
	case 0:
		c.report.addf(AccountZero, kind, r.id, business, "%d", account)
	default:
		c.report.addf(OtherAccount, kind, r.id, business, "%d, not %d", uniacid, account)
		return 0, false
	}
	return business, true
}

// given is a record on its way.
type given struct {
	id     int64
	kind   writer.Kind
	record writer.Record
}

type giver func(given) error

// stream gives the import what there is to write.
func (c *copier) stream(ctx context.Context, to func(at, done int64, kind writer.Kind, record writer.Record) error) error {
	give := func(g given) error {
		c.done++
		return to(g.id, c.done, g.kind, g.record)
	}
	for _, business := range slices.Sorted(maps.Keys(c.accounts)) {
		record := writer.NewRecord(writer.Business)
		record[writer.Business.Field("id")], record[writer.Business.Field("uniacid")] = writer.Int(business), writer.Int(c.accounts[business])
		name, named := c.Names[business]
		if named {
			record[writer.Business.Field("name")] = writer.Text(name)
		} else if err := c.nameless(ctx, business); err != nil {
			return err
		}
		if !c.official[business] && c.rows.has(writer.Manager) {
			c.report.addf(RowsOnly, writer.Business, business, business, "")
		}
		if err := give(given{business, writer.Business, record}); err != nil {
			return err
		}
	}
	for _, kind := range kinds {
		if !c.rows.has(kind) {
			continue
		}
		if err := c.begin(ctx, kind); err != nil {
			return err
		}
		if err := c.gone(ctx, kind, give); err != nil {
			return err
		}
		if err := c.kind(ctx, kind, give); err != nil {
			return err
		}
	}
	return nil
}

// nameless reports an enterprise that has no name yet.
func (c *copier) nameless(ctx context.Context, business int64) error {
	var name string
	err := c.state.db.QueryRowContext(ctx, "SELECT name FROM businesses WHERE id = ?", business).Scan(&name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if name == "" {
		c.report.addf(NoName, writer.Business, business, business, "")
	}
	return nil
}

// begin notes, before anything of a kind is written, which ids may be from now on: so that what is
// written and then cut off is not forgotten.
func (c *copier) begin(ctx context.Context, kind writer.Kind) error {
	unsure := map[int64]*copied{}
	for first, is := range c.ranges[kind] {
		was := c.known[kind][first]
		if was != nil && string(was.ids) == string(is.ids) {
			continue
		}
		both := &copied{ids: slices.Clone(is.ids)}
		if was != nil && kind != writer.Manager {
			for i := range was.ids {
				both.ids[i] |= was.ids[i]
			}
		} else if was != nil {
			both.ids = append(append(both.ids, '\n'), was.ids...)
		}
		unsure[first] = both
	}
	return c.state.save(ctx, kind, unsure)
}

// kind gives the records of the ranges in which something is not as it was written.
func (c *copier) kind(ctx context.Context, kind writer.Kind, give giver) error {
	f := flow{copier: c, kind: kind, give: give, first: -1, sum: sha256.New()}
	err := c.rows.each(ctx, kind, false, func(r row) error {
		first := int64(0)
		if kind != writer.Manager {
			first = firstOf(r.id)
		}
		if first != f.first {
			if err := f.end(); err != nil {
				return err
			}
			f.first = first
		}
		f.row(r)
		return nil
	})
	if err != nil {
		return err
	}
	return f.end()
}

// flow is the records of the range that is being read.
type flow struct {
	*copier
	kind    writer.Kind
	give    giver
	first   int64
	records []given
	sum     hash.Hash
}

func (f *flow) row(r row) {
	record, ok := f.record(f.kind, r)
	if g := f.repeated[f.kind][r.id]; g != nil {
		if ok {
			g.records = append(g.records, keyed{r.id, record})
		}
		if g.left--; g.left > 0 || len(g.records) == 0 {
			return
		}
		best := f.merged(f.kind, g.records)
		r.id, record, ok = best.id, best.record, true
	}
	if !ok {
		return
	}
	if f.kind == writer.Follow {
		business, external := record[places[writer.Follow].business].Int, record[followContact].Text
		if _, there := slices.BinarySearch(f.contacts, nameOf(business, external+"\x00")); !there {
			f.report.addf(StandInContact, writer.Follow, r.id, business, "%s", external)
			f.records = append(f.records, given{r.id, writer.Customer, standIn(r.id, business, external)})
		}
	}
	f.records = append(f.records, given{r.id, f.kind, record})
}

// standIn returns the contact of a follow that has none: it has the follow's id among those that
// give way, and changes nothing of one that is there.
func standIn(follow, business int64, external string) writer.Record {
	record := writer.NewRecord(writer.Customer)
	record[places[writer.Customer].id] = writer.ForNew(writer.Int(writer.FirstMadeID + follow))
	record[places[writer.Customer].business] = writer.Int(business)
	record[contactKey] = writer.Text(external)
	return record
}

// end gives the range's records, unless they are as they were written.
func (f *flow) end() error {
	if f.first < 0 {
		return nil
	}
	f.sum.Reset()
	var b []byte
	for _, g := range f.records {
		b = append(b[:0], byte(g.kind))
		b = binary.AppendVarint(b, g.id)
		for _, v := range g.record {
			b = append(b, byte(v.Is))
			b = binary.AppendVarint(b, v.Int)
			b = binary.AppendUvarint(b, uint64(len(v.Text)))
			b = append(b, v.Text...)
		}
		_, _ = f.sum.Write(b)
	}
	is := &copied{ids: f.ranges[f.kind][f.first].ids, hash: string(f.sum.Sum(nil))}
	was := f.known[f.kind][f.first]
	if !f.Full && was != nil && was.hash == is.hash && string(was.ids) == string(is.ids) {
		f.unchanged += int64(len(f.records))
		f.done += int64(len(f.records))
	} else {
		for _, g := range f.records {
			if err := f.give(g); err != nil {
				return err
			}
		}
		f.wait(waiting{f.kind, f.first, f.done, is})
	}
	f.records = f.records[:0]
	return nil
}

// gone deletes what was copied before and is not in the original any more: before its other rows,
// so that one that was kept back for such a row can take its place.
func (c *copier) gone(ctx context.Context, kind writer.Kind, give giver) error {
	var ids []int64
	var firsts []int64
	for _, first := range slices.Sorted(maps.Keys(c.known[kind])) {
		was, is := c.known[kind][first], c.ranges[kind][first]
		if kind == writer.Manager {
			if err := c.goneManagers(was, give); err != nil {
				return err
			}
			if is == nil {
				firsts = append(firsts, first)
			}
			continue
		}
		ids = append(ids, was.without(first, is)...)
		if is == nil {
			firsts = append(firsts, first)
		}
	}
	for chunk := range slices.Chunk(ids, 500) {
		records, err := c.stored(ctx, kind, chunk)
		if err != nil {
			return err
		}
		for _, g := range records {
			c.vanished++
			c.report.addf(VanishedRow, kind, g.id, g.record[places[kind].business].Int, "")
			if err := give(g); err != nil {
				return err
			}
		}
	}
	for _, first := range firsts {
		c.wait(waiting{kind: kind, first: first, at: c.done, what: &copied{}})
	}
	return nil
}

func (c *copier) goneManagers(was *copied, give giver) error {
	seen := map[string]bool{}
	for _, key := range c.managers {
		seen[key] = true
	}
	for key := range strings.SplitSeq(string(was.ids), "\n") {
		var business, uid int64
		if n, err := fmt.Sscan(key, &business, &uid); n != 2 || err != nil || seen[key] || c.accounts[business] == 0 {
			continue
		}
		seen[key] = true
		record := writer.NewRecord(writer.Manager)
		p := places[writer.Manager]
		record[p.uniacid], record[p.business], record[managerUID] = writer.Int(c.accounts[business]), writer.Int(business), writer.Int(uid)
		record[p.deleted] = c.now
		c.vanished++
		c.report.addf(VanishedRow, writer.Manager, 0, business, "uid %d", uid)
		if err := give(given{uid, writer.Manager, record}); err != nil {
			return err
		}
	}
	return nil
}

// ours are our tables and their key columns.
var ours = map[writer.Kind]string{
	writer.Employee: "SELECT id, business_id, user_id, '' FROM employees",
	writer.Customer: "SELECT id, crop_id, external_userid, '' FROM contacts",
	writer.Tag:      "SELECT id, crop_id, tag_id, '' FROM tags",
	writer.Follow:   "SELECT id, crop_id, external_userid, userid FROM follows",
}

// stored returns records that delete the live rows of these ids.
func (c *copier) stored(ctx context.Context, kind writer.Kind, ids []int64) (records []given, err error) {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	list, err := c.state.db.QueryContext(ctx, ours[kind]+" WHERE deleted_at IS NULL AND id IN (?"+strings.Repeat(",?", len(ids)-1)+") ORDER BY id", args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = list.Close() }()
	for list.Next() {
		var id, business int64
		var keys [2]string
		if err := list.Scan(&id, &business, &keys[0], &keys[1]); err != nil {
			return nil, err
		}
		if kind == writer.Employee && id >= writer.FirstMadeID && slices.Contains(c.staff[strings.ToLower(keys[0])], business) {
			continue // of whom more than the name is known now
		}
		record := writer.NewRecord(kind)
		p := places[kind]
		record[p.id], record[p.business], record[p.deleted] = writer.Int(id), writer.Int(business), c.now
		for i, column := range keyColumns[kind] {
			record[column] = writer.Text(keys[i])
		}
		records = append(records, given{id, kind, record})
	}
	return records, list.Err()
}
