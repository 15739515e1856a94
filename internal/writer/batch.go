package writer

import (
	"cmp"
	"context"
	"database/sql"
	"maps"
	"slices"
	"strconv"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/statement"
)

// batch is one attempt at writing records of one kind. It reads everything that the records touch,
// works them off one by one in memory, and then writes what came out: so the result is that of
// writing each alone, at the price of a few statements.
type batch struct {
	ctx   context.Context //nolint:containedctx // lives as long as the one call
	tx    *sql.Tx
	q     *gendb.Queries
	ahead bool // it reads from a snapshot, has no lock, and must not write
	t     *table
	now   string // clock as a date of the tables
	clock time.Time

	result     Result
	businesses map[int64]business // each enterprise known and locked
	rows       map[key]*entry     // the rows touched
	owners     map[int64]key      // whose an id is
	contacts   map[key][]Value    // for follows
	touched    []*entry           // in the order of the first touch since the last flush
	versions   map[int64]bumped   // of the enterprises changed
	before     map[key]losers     // what the run has dropped before this batch, not to be changed
	losers     map[key]losers     // and with it, of the keys where that differs
}

// entry is a row on its way from what is stored to what will be.
type entry struct {
	stored  []Value // nil where there is none
	current []Value
	touched bool
}

// business is what writing to an enterprise needs of it.
type business struct {
	uniacid int64
	indexed int64 // the format of its index, negative while it is being filled, 0 for none
	version int64 // of its rows
}

func newBatch(ctx context.Context, tx *sql.Tx, t *table, now time.Time, before map[key]losers) *batch {
	return &batch{
		ctx: ctx, tx: tx, q: gendb.New(tx), t: t, clock: now, now: now.In(china).Format(time.DateTime),
		businesses: map[int64]business{}, rows: map[key]*entry{}, owners: map[int64]key{}, contacts: map[key][]Value{},
		versions: map[int64]bumped{}, before: before, losers: map[key]losers{},
	}
}

// work works the rows off; what is left is to write what came out.
func (b *batch) work(rows [][]Value) error {
	if err := b.load(rows); err != nil {
		return err
	}
	for i, row := range rows {
		if row == nil {
			continue
		}
		if err := b.record(i, row); err != nil {
			return err
		}
	}
	return nil
}

// write writes what came out.
func (b *batch) write() error {
	if err := b.flush(); err != nil {
		return err
	}
	return bump(b.ctx, b.tx, b.clock, b.versions)
}

// load takes the locks and reads what the records touch.
func (b *batch) load(rows [][]Value) error {
	keys := map[int64][]key{}
	var ids []int64
	for _, row := range rows {
		if row == nil {
			continue
		}
		k := b.t.keyOf(row)
		keys[k.business] = append(keys[k.business], k)
		if b.t.id >= 0 && row[b.t.id].Int != 0 {
			ids = append(ids, row[b.t.id].Int)
		}
		for id := range b.before[k] {
			ids = append(ids, id)
		}
	}
	var businesses []uint32
	for id := range keys {
		businesses = append(businesses, uint32(id)) // checked by the column's type
	}
	if len(businesses) == 0 {
		return nil
	}
	if !b.ahead {
		if err := b.lock(businesses); err != nil {
			return err
		}
	}
	for _, business := range slices.Sorted(maps.Keys(b.businesses)) {
		asked := keys[business]
		slices.SortFunc(asked, func(x, y key) int { return cmp.Or(cmp.Compare(x.a, y.a), cmp.Compare(x.b, y.b)) })
		asked = slices.Compact(asked)
		if err := b.loadRows(business, asked); err != nil {
			return err
		}
	}
	if b.t.id < 0 {
		return nil
	}
	slices.Sort(ids)
	owned, err := b.t.readByID(b.ctx, b.tx, slices.Compact(ids))
	if err != nil {
		return err
	}
	for _, row := range owned {
		b.owners[row[b.t.id].Int] = b.t.keyOf(row)
	}
	return nil
}

// lock makes every other writer to these enterprises wait until the transaction ends, and notes
// those that there are.
func (b *batch) lock(ids []uint32) error {
	slices.Sort(ids)
	for chunk := range slices.Chunk(ids, statement.MaxRows) {
		known, err := b.q.LockBusinesses(b.ctx, chunk)
		if err != nil {
			return err
		}
		for _, row := range known {
			b.businesses[int64(row.ID)] = business{int64(row.Uniacid), row.Indexed, row.RowsVersion}
		}
	}
	return nil
}

func (b *batch) loadRows(business int64, keys []key) error {
	stored, err := b.t.readByKey(b.ctx, b.tx, business, keys)
	if err != nil {
		return err
	}
	for _, row := range stored {
		k := b.t.keyOf(row)
		b.rows[k] = &entry{stored: row, current: row}
		if b.t.id >= 0 {
			b.owners[row[b.t.id].Int] = k
		}
	}
	if b.t.kind != Follow {
		return nil
	}
	var externals []string
	for _, k := range keys {
		if len(externals) == 0 || externals[len(externals)-1] != k.a {
			externals = append(externals, k.a)
		}
	}
	known, err := contactsOf(b.ctx, b.tx, business, externals)
	for external, c := range known {
		b.contacts[key{business: business, a: external}] = c
	}
	return err
}

// contactsOf returns what follows carry of these contacts of an enterprise.
func contactsOf(ctx context.Context, tx *sql.Tx, business int64, externals []string) (map[string][]Value, error) {
	t := tables[Customer]
	columns := append([]int{contactKey}, carriedTexts...)
	for _, c := range carried {
		columns = append(columns, c.contact)
	}
	contacts := make(map[string][]Value, len(externals))
	for chunk := range slices.Chunk(externals, statement.MaxRows) {
		where, args := t.haveKeys(business, chunk)
		rows, err := t.readColumns(ctx, tx, columns, where, args)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			contacts[row[contactKey].Text] = row
		}
	}
	return contacts, nil
}

// record works one record off.
func (b *batch) record(i int, row []Value) error {
	t := b.t
	k := t.keyOf(row)
	locked, known := b.businesses[k.business]
	uniacid := locked.uniacid
	switch {
	case t.kind == Business && known && row[t.uniacid].Int != uniacid:
		b.reject(i, t.uniacid, "is not that of the business, "+strconv.FormatInt(uniacid, 10)+", which never changes")
		return nil
	case t.kind != Business && !known:
		b.reject(i, t.business, "is no known business")
		return nil
	case row[t.uniacid].Is == Present && known && row[t.uniacid].Int != uniacid:
		b.reject(i, t.uniacid, "is not that of its business, "+strconv.FormatInt(uniacid, 10))
		return nil
	}
	if t.kind == Follow {
		if _, known := b.contacts[key{business: k.business, a: k.a}]; !known {
			b.reject(i, followContact, "is no known customer of the business")
			return nil
		}
	}

	e := b.rows[k]
	var id int64 // 0 for none
	if t.id >= 0 && (e == nil || row[t.id].Is != IfNew) {
		id = row[t.id].Int
	}
	if owner, owned := b.owners[id]; id != 0 && owned && owner != k {
		// Not said: whose, where it is another enterprise's.
		b.reject(i, t.id, "belongs to another "+t.kind.String())
		return nil
	}
	switch {
	case e == nil:
		e = &entry{}
		b.rows[k] = e
		b.touch(e)
		e.current = b.fresh(row)
		b.own(id, k)
		if t.kind == Business {
			b.businesses[k.business] = business{uniacid: row[t.uniacid].Int}
		}
		b.result.New++

	case id != 0 && e.current[t.id].Is != Present:
		// The row was new in this batch and brought no id: it has to have its own before two can be
		// compared.
		if err := b.flush(); err != nil {
			return err
		}
		return b.record(i, row)

	case id == 0 || id == e.current[t.id].Int:
		b.touch(e)
		before := e.current
		e.current = b.merged(before, row)
		if slices.Equal(before, e.current) {
			b.result.Unchanged++
		} else {
			b.result.Changed++
		}
		return b.reconsider(i, k, e)

	default:
		return b.duplicate(i, k, e, row)
	}
	return nil
}

// duplicate settles which of two records of one key with different ids is kept.
func (b *batch) duplicate(i int, k key, e *entry, record []Value) error {
	t := b.t
	had, brought := e.current[t.id].Int, record[t.id].Int
	row := b.fresh(record)
	if before, dropped := b.losersOf(k)[brought]; dropped {
		row = b.merged(before, record)
	}
	if !t.better(row, e.current) {
		b.settled(Duplicate{Record: i, Key: t.describe(row), Kept: had, Dropped: brought})
		b.result.Unchanged++
		b.drop(k, row, e.current)
		return nil
	}
	b.result.Changed++
	return b.replace(i, k, e, row)
}

// reconsider gives the place of a row that has just been deleted to the best of those that were
// dropped for it.
func (b *batch) reconsider(i int, k key, e *entry) error {
	if b.t.id < 0 || e.current[b.t.deleted].Is != Present || len(b.before[k])+len(b.losers[k]) == 0 {
		return nil
	}
	best := e.current
	for id, row := range b.losersOf(k) {
		// An id that is another key's by now cannot come back, nor can the one that is being deleted:
		// another import may have kept it meanwhile.
		if owner, owned := b.owners[id]; id != e.current[b.t.id].Int && b.t.better(row, best) && (!owned || owner == k) {
			best = row
		}
	}
	if &best[0] == &e.current[0] {
		return nil
	}
	best = slices.Clone(best)
	b.derive(best) // the contact may have changed since
	return b.replace(i, k, e, best)
}

// replace keeps row in the place of e's, which has another id.
func (b *batch) replace(i int, k key, e *entry, row []Value) error {
	t := b.t
	had, brought := e.current[t.id].Int, row[t.id].Int
	for _, c := range t.key {
		row[c] = e.current[c] // as it was spelt
	}
	b.settled(Duplicate{Record: i, Key: t.describe(row), Kept: brought, Dropped: had})
	// A row that others hold on to takes its new id in place. Ids may move in a circle, so each such
	// move is written by itself, in the order of the records.
	alone := t.held && e.stored != nil
	if alone {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.touch(e)
	b.drop(k, e.current, row)
	delete(b.losersOf(k), brought)
	delete(b.owners, had)
	b.own(brought, k)
	e.current = row
	if alone {
		return b.flush()
	}
	return nil
}

// settled notes that a row was dropped for another; not of a stand-in, which is made to give way.
func (b *batch) settled(d Duplicate) {
	if d.Dropped < FirstMadeID {
		b.result.Duplicates = append(b.result.Duplicates, d)
	}
}

// drop remembers a row that is dropped for another, unless it can never be the better one again:
// deleted it loses to every state of a higher id.
func (b *batch) drop(k key, row, kept []Value) {
	id := row[b.t.id].Int
	if row[b.t.deleted].Is != Present || id > kept[b.t.id].Int {
		b.losersOf(k)[id] = row
	} else {
		delete(b.losersOf(k), id)
	}
}

// losersOf returns the rows of k that were dropped, for the batch to change.
func (b *batch) losersOf(k key) losers {
	of, own := b.losers[k]
	if !own {
		of = make(losers, len(b.before[k]))
		maps.Copy(of, b.before[k])
		b.losers[k] = of
	}
	return of
}

func (b *batch) reject(record, column int, message string) {
	b.result.Rejected = append(b.result.Rejected, Rejection{Record: record, Field: b.t.columns[column].Name, Message: message})
}

func (b *batch) own(id int64, k key) {
	if id != 0 {
		b.owners[id] = k
	}
}

// touch says that e.current is about to be replaced.
func (b *batch) touch(e *entry) {
	if !e.touched {
		e.touched = true
		b.touched = append(b.touched, e)
	}
}

// fresh returns the row that a record alone makes.
func (b *batch) fresh(record []Value) []Value {
	row := make([]Value, len(record))
	for _, c := range b.t.stored {
		column := &b.t.columns[c]
		switch {
		case record[c].Is == IfNew:
			row[c] = record[c]
			row[c].Is = Present
		case record[c].Is == Present || record[c].Is == Null:
			row[c] = record[c]
		case c == b.t.id:
			// The database gives one.
		case column.now:
			row[c] = Text(b.now)
		case column.Nullable:
			row[c] = Value{Is: Null}
		case column.Type.Number():
			row[c] = Int(column.number)
		default:
			row[c] = Text(column.text)
		}
	}
	b.derive(row)
	return row
}

// merged returns the row with what a record brings. Its key stays as it was spelt: filters know an
// employee by one spelling.
func (b *batch) merged(row, record []Value) []Value {
	before := row
	row = slices.Clone(row)
	for _, c := range b.t.stored {
		if is := record[c].Is; (is == Present || is == Null) && !slices.Contains(b.t.key, c) {
			row[c] = record[c]
		}
	}
	b.derive(row)
	if !slices.Equal(before, row) {
		for _, c := range b.t.stored {
			if record[c].Is == IfChanged {
				row[c] = record[c]
				row[c].Is = Present
			}
		}
	}
	return row
}

// derive fills in what a row takes from elsewhere.
func (b *batch) derive(row []Value) {
	if b.t.kind == Follow {
		deriveFollow(row, b.contacts[key{business: row[followCrop].Int, a: row[followContact].Text}])
	}
}

// flush writes what was touched since the last time.
func (b *batch) flush() error {
	if b.ahead {
		return errAhead
	}
	t := b.t
	var remove, update, insert, insertNew [][]Value
	var changes []change
	for _, e := range b.touched {
		e.touched = false
		switch {
		case e.stored == nil && t.id >= 0 && e.current[t.id].Is != Present:
			insertNew = append(insertNew, e.current)
		case e.stored == nil:
			insert = append(insert, e.current)
		case !t.held && t.id >= 0 && e.stored[t.id] != e.current[t.id]:
			remove, insert = append(remove, e.stored), append(insert, e.current)
		case !slices.Equal(e.stored, e.current):
			update = append(update, e.current)
		default:
			continue
		}
		changes = append(changes, change{old: e.stored, new: e.current})
	}
	// First what frees ids, then what takes them.
	if err := b.remove(remove); err != nil {
		return err
	}
	if err := t.update(b.ctx, b.tx, update); err != nil {
		return err
	}
	if err := t.insert(b.ctx, b.tx, insert); err != nil {
		return err
	}
	if err := b.insertNew(insertNew); err != nil {
		return err
	}
	for _, e := range b.touched {
		e.stored = e.current
	}
	b.touched = b.touched[:0]
	return b.derived(changes)
}

func (b *batch) remove(rows [][]Value) error {
	from := statement.Delete{From: b.t.name}
	for _, c := range b.t.primary {
		from.Columns = append(from.Columns, b.t.sqlName(c))
	}
	for _, row := range rows {
		var at []any
		for _, c := range b.t.primary {
			at = append(at, row[c].arg(b.t.columns[c].Type))
		}
		if err := from.Row(b.ctx, b.tx, at...); err != nil {
			return err
		}
	}
	return from.End(b.ctx, b.tx)
}

// insertNew inserts rows without ids and gives them theirs.
func (b *batch) insertNew(rows [][]Value) error {
	if len(rows) == 0 {
		return nil
	}
	if err := b.t.insert(b.ctx, b.tx, rows); err != nil {
		return err
	}
	keys := map[int64][]key{}
	byKey := map[key][]Value{}
	for _, row := range rows {
		k := b.t.keyOf(row)
		keys[k.business] = append(keys[k.business], k)
		byKey[k] = row
	}
	for business, keys := range keys {
		stored, err := b.t.readByKey(b.ctx, b.tx, business, keys)
		if err != nil {
			return err
		}
		for _, row := range stored {
			k := b.t.keyOf(row)
			byKey[k][b.t.id] = row[b.t.id]
			b.own(row[b.t.id].Int, k)
		}
	}
	return nil
}
