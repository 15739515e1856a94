package writer

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/fold"
	"example.com/wechatcustomers/internal/tagids"
)

// What is derived from a follow, and kept with it. Every change of a follow, whatever caused it, comes here with the row as it was and as it is, and each derived table
// is written the difference between what the one and the other call for. What a row calls for is said once, by these functions of the row alone: reindex and check
// (reindex.go, check.go) use them too.

// A row that is deleted, or not there yet, calls for nothing.
func live(row []Value) bool { return row != nil && row[followDeleted].Is != Present }

// tagLink is a row of follow_tags.
type tagLink struct {
	tag    string
	follow int64
}

func tagLinks(row []Value) []tagLink {
	if !live(row) {
		return nil
	}
	ids := tagids.Split(row[followTagID].Text)
	links := make([]tagLink, len(ids))
	for i, id := range ids {
		links[i] = tagLink{tag: id, follow: row[followID].Int}
	}
	return links
}

// mix is the key of a row of follow_counts within its enterprise.
type mix struct{ status, kind, addWay int64 }

func mixOf(row []Value) mix {
	return mix{row[followStatus].Int, row[followType].Int, row[followAddWay].Int}
}

// BlockBits is how many low bits of an id its block of follow_blocks leaves out.
const BlockBits = 12

func block(id int64) int64 { return id >> BlockBits }

// gram is a row of follow_grams.
type gram struct {
	gram   int64
	follow int64
	fields int64
}

// Where a gram stands: bits of follow_grams.fields.
const (
	GramInName   = 1
	GramInRemark = 2
)

// Gram returns what follow_grams holds for one to three neighbouring code points: the first one highest. One alone is the last of its text, and the least of all
// pairs that begin with it.
func Gram(letters ...rune) uint64 {
	if len(letters) == 1 {
		return uint64(letters[0]) << letterBits
	}
	var packed uint64
	for _, r := range letters {
		packed = packed<<letterBits | uint64(r)
	}
	return packed
}

// GramTo returns the greatest pair that begins with this letter. Three letters are more than any pair: no letter is NUL.
func GramTo(letter rune) uint64 { return Gram(letter) | (1<<letterBits - 1) }

// letterBits holds any code point.
const letterBits = 21

// Grams appends to grams what follow_grams holds of a folded text: each two and each three neighbouring code points, and the last one alone, which also serves the
// search for one. The same one may be there twice.
func Grams(grams []uint64, folded string) []uint64 {
	var last, beforeLast rune
	for _, r := range folded {
		if last != 0 {
			grams = append(grams, Gram(last, r))
		}
		if beforeLast != 0 {
			grams = append(grams, Gram(beforeLast, last, r))
		}
		beforeLast, last = last, r
	}
	if last != 0 {
		grams = append(grams, Gram(last))
	}
	return grams
}

// gramer makes the grams of rows; it exists for its buffer.
type gramer struct{ buffer []uint64 }

// of returns the grams of a row, in their order, each once.
func (g *gramer) of(row []Value) []gram {
	if !live(row) {
		return nil
	}
	g.buffer = Grams(g.buffer[:0], row[followNameFolded].Text)
	inName := len(g.buffer)
	g.buffer = Grams(g.buffer, row[followRemarkFolded].Text)
	grams := make([]gram, len(g.buffer))
	for i, packed := range g.buffer {
		grams[i] = gram{gram: int64(packed), follow: row[followID].Int, fields: GramInName} // 63 bits
		if i >= inName {
			grams[i].fields = GramInRemark
		}
	}
	slices.SortFunc(grams, compareGrams)
	kept := grams[:0]
	for _, x := range grams {
		if last := len(kept) - 1; last >= 0 && kept[last].gram == x.gram {
			kept[last].fields |= x.fields
		} else {
			kept = append(kept, x)
		}
	}
	return kept
}

func compareGrams(x, y gram) int {
	return cmp.Or(cmp.Compare(x.gram, y.gram), cmp.Compare(x.follow, y.follow))
}

// deriveFollow fills in a follow's derived columns.
func deriveFollow(row []Value, contact contactShown) {
	row[followRemarkFolded] = Text(fold.String(row[followRemark].Text))
	row[followType] = Int(contact.kind)
	row[followNameFolded] = Text(contact.name)
	row[followContactUID] = Int(contact.uid)
}

// change is a row before and after; old is nil for a new one.
type change struct{ old, new []Value }

// derived brings what is derived from the changed rows up to date.
func (b *batch) derived(changes []change) error {
	if b.t.kind != Manager {
		for _, c := range changes {
			v := b.versions[c.new[b.t.business].Int] // a new business has its row from the beginning
			switch b.t.kind {
			case Customer, Follow:
				v.rows = true
			case Employee, Tag:
				v.dictionaries = true
			}
			b.versions[c.new[b.t.business].Int] = v
		}
	}
	switch b.t.kind {
	case Follow:
		return b.followsChanged(changes)
	case Customer:
		return b.contactsChanged(changes)
	default:
		return nil
	}
}

// bumped says which versions of an enterprise grow with this transaction.
type bumped struct{ rows, dictionaries bool }

// bump makes the versions of the enterprises that were changed grow, once per transaction however much it changed. A version is the microsecond of its change, or one
// more than the one before: so that after a restore, or in another database, no number comes again that has named other data.
func bump(ctx context.Context, tx *sql.Tx, now time.Time, versions map[int64]bumped) error {
	into := insertion{
		into: "versions", columns: []string{"crop_id", "rows_version", "dict_version"},
		after: " ON DUPLICATE KEY UPDATE rows_version = GREATEST(rows_version + (VALUES(rows_version) > 0), VALUES(rows_version)), " +
			"dict_version = GREATEST(dict_version + (VALUES(dict_version) > 0), VALUES(dict_version))",
	}
	stamp := func(changed bool) int64 {
		if changed {
			return max(now.UnixMicro(), 1)
		}
		return 0
	}
	for business, v := range versions {
		into.add(business, 0)
		into.add(stamp(v.rows), 0)
		into.add(stamp(v.dictionaries), 0)
		if err := into.row(ctx, tx); err != nil {
			return err
		}
	}
	return into.end(ctx, tx)
}

// contactsChanged carries a contact's new name, type or member over to its follows.
func (b *batch) contactsChanged(changes []change) error {
	shown := map[key]contactShown{}
	keys := map[int64][]key{}
	for _, c := range changes {
		if c.old == nil {
			continue
		}
		was, is := showContact(c.old), showContact(c.new)
		if was != is {
			k := b.t.keyOf(c.new)
			shown[k] = is
			keys[k.business] = append(keys[k.business], k)
		}
	}
	for business, keys := range keys {
		// In parts: each contact has many follows, perhaps.
		for part := range slices.Chunk(keys, 100) {
			if err := b.followContacts(business, part, shown); err != nil {
				return err
			}
		}
	}
	return nil
}

func showContact(row []Value) contactShown {
	return contactShown{kind: row[contactType].Int, name: fold.String(row[contactName].Text), uid: row[contactUID].Int}
}

func (b *batch) followContacts(business int64, contacts []key, shown map[key]contactShown) error {
	t := tables[Follow]
	args := []any{business}
	for _, k := range contacts {
		args = append(args, k.a)
	}
	rows, err := t.read(b.ctx, b.tx, "FORCE INDEX (follows_contact) WHERE crop_id = ? AND external_userid IN (?"+strings.Repeat(",?", len(contacts)-1)+")", args)
	if err != nil {
		return err
	}
	var update [][]Value
	var changes []change
	for _, row := range rows {
		is := slices.Clone(row)
		deriveFollow(is, shown[key{business: business, a: row[followContact].Text}])
		if !slices.Equal(row, is) {
			update = append(update, is)
			changes = append(changes, change{old: row, new: is})
		}
	}
	if err := t.update(b.ctx, b.tx, update); err != nil {
		return err
	}
	return b.followsChanged(changes)
}

// followsChanged brings the derived tables up to date.
func (b *batch) followsChanged(changes []change) error {
	byBusiness := map[int64]*difference{}
	var grams gramer
	for _, c := range changes {
		business := c.new[followCrop].Int
		d := byBusiness[business]
		if d == nil {
			d = newDifference(business)
			byBusiness[business] = d
		}
		d.follow(&grams, c)
		if d.size() >= maxDifference {
			if err := d.write(b.ctx, b.tx); err != nil {
				return err
			}
		}
	}
	for _, d := range byBusiness {
		if err := d.write(b.ctx, b.tx); err != nil {
			return err
		}
	}
	return nil
}

// maxDifference bounds what is gathered before it is written: texts of thousands of characters have as many grams.
const maxDifference = 200_000

// difference is what is to be written to the derived tables of one enterprise.
type difference struct {
	business   int64
	counts     map[mix]int64
	blocks     map[int64]int64
	dropLinks  []tagLink
	addLinks   []tagLink
	dropGrams  []gram
	renewGrams []gram // new ones, and those with other fields
}

func newDifference(business int64) *difference {
	return &difference{business: business, counts: map[mix]int64{}, blocks: map[int64]int64{}}
}

func (d *difference) size() int {
	return len(d.dropLinks) + len(d.addLinks) + len(d.dropGrams) + len(d.renewGrams)
}

// follow adds what a change of a row calls for.
func (d *difference) follow(grams *gramer, c change) {
	for _, x := range []struct {
		row []Value
		n   int64
	}{{c.old, -1}, {c.new, 1}} {
		if live(x.row) {
			d.counts[mixOf(x.row)] += x.n
			d.blocks[block(x.row[followID].Int)] += x.n
		}
	}

	was, is := tagLinks(c.old), tagLinks(c.new)
	d.dropLinks = missing(d.dropLinks, was, is)
	d.addLinks = missing(d.addLinks, is, was)

	had, has := grams.of(c.old), grams.of(c.new)
	for len(had) > 0 || len(has) > 0 {
		var order int
		switch {
		case len(had) == 0:
			order = 1
		case len(has) == 0:
			order = -1
		default:
			order = compareGrams(had[0], has[0])
		}
		switch {
		case order < 0:
			d.dropGrams, had = append(d.dropGrams, had[0]), had[1:]
		case order > 0:
			d.renewGrams, has = append(d.renewGrams, has[0]), has[1:]
		default:
			if had[0].fields != has[0].fields {
				d.renewGrams = append(d.renewGrams, has[0])
			}
			had, has = had[1:], has[1:]
		}
	}
}

// missing appends those of links that are not in others.
func missing(to, links, others []tagLink) []tagLink {
	if len(others) == 0 {
		return append(to, links...)
	}
	known := make(map[tagLink]struct{}, len(others))
	for _, l := range others {
		known[l] = struct{}{}
	}
	for _, l := range links {
		if _, ok := known[l]; !ok {
			to = append(to, l)
		}
	}
	return to
}

// write writes the difference and is empty then. Rows go in the order of their tables: neighbours share pages. What is dropped is dropped first, because a replaced follow's id may
// have come back as another's.
func (d *difference) write(ctx context.Context, tx *sql.Tx) error {
	if err := d.writeLinks(ctx, tx); err != nil {
		return err
	}
	if err := d.writeGrams(ctx, tx); err != nil {
		return err
	}
	if err := d.writeCounts(ctx, tx); err != nil {
		return err
	}
	if err := d.writeBlocks(ctx, tx); err != nil {
		return err
	}
	*d = difference{
		business: d.business, counts: d.counts, blocks: d.blocks,
		dropLinks: d.dropLinks[:0], addLinks: d.addLinks[:0], dropGrams: d.dropGrams[:0], renewGrams: d.renewGrams[:0],
	}
	clear(d.counts)
	clear(d.blocks)
	return nil
}

func (d *difference) writeLinks(ctx context.Context, tx *sql.Tx) error {
	byTag := func(x, y tagLink) int { return cmp.Or(cmp.Compare(x.tag, y.tag), cmp.Compare(x.follow, y.follow)) }
	slices.SortFunc(d.dropLinks, byTag)
	slices.SortFunc(d.addLinks, byTag)
	drop := deletion{from: "follow_tags", columns: []string{"crop_id", "tag_id", "follow_id"}}
	for _, l := range d.dropLinks {
		if err := drop.row(ctx, tx, d.business, l.tag, l.follow); err != nil {
			return err
		}
	}
	if err := drop.end(ctx, tx); err != nil {
		return err
	}
	// Should a link be there already, the outcome is right all the same.
	add := insertion{into: "follow_tags", columns: []string{"crop_id", "tag_id", "follow_id"}, after: " ON DUPLICATE KEY UPDATE follow_id = VALUES(follow_id)"}
	for _, l := range d.addLinks {
		add.add(d.business, 0)
		add.add(l.tag, len(l.tag))
		add.add(l.follow, 0)
		if err := add.row(ctx, tx); err != nil {
			return err
		}
	}
	return add.end(ctx, tx)
}

func (d *difference) writeGrams(ctx context.Context, tx *sql.Tx) error {
	slices.SortFunc(d.dropGrams, compareGrams)
	slices.SortFunc(d.renewGrams, compareGrams)
	drop := deletion{from: "follow_grams", columns: []string{"crop_id", "gram", "follow_id"}}
	for _, g := range d.dropGrams {
		if err := drop.row(ctx, tx, d.business, g.gram, g.follow); err != nil {
			return err
		}
	}
	if err := drop.end(ctx, tx); err != nil {
		return err
	}
	renew := insertion{into: "follow_grams", columns: []string{"crop_id", "gram", "follow_id", "fields"}, after: " ON DUPLICATE KEY UPDATE fields = VALUES(fields)"}
	for _, g := range d.renewGrams {
		renew.add(d.business, 0)
		renew.add(g.gram, 0)
		renew.add(g.follow, 0)
		renew.add(g.fields, 0)
		if err := renew.row(ctx, tx); err != nil {
			return err
		}
	}
	return renew.end(ctx, tx)
}

// addToN is how counters change; a row that comes to 0 is taken away after.
const addToN = " ON DUPLICATE KEY UPDATE n = n + VALUES(n)"

func (d *difference) writeCounts(ctx context.Context, tx *sql.Tx) error {
	add := insertion{into: "follow_counts", columns: []string{"crop_id", "status", "external_type", "add_way", "n"}, after: addToN}
	drop := deletion{from: "follow_counts", columns: []string{"n", "crop_id", "status", "external_type", "add_way"}}
	for m, n := range d.counts {
		if n == 0 {
			continue
		}
		for _, v := range []int64{d.business, m.status, m.kind, m.addWay, n} {
			add.add(v, 0)
		}
		if err := add.row(ctx, tx); err != nil {
			return err
		}
	}
	if err := add.end(ctx, tx); err != nil {
		return err
	}
	for m, n := range d.counts {
		if n < 0 {
			if err := drop.row(ctx, tx, 0, d.business, m.status, m.kind, m.addWay); err != nil {
				return err
			}
		}
	}
	return drop.end(ctx, tx)
}

func (d *difference) writeBlocks(ctx context.Context, tx *sql.Tx) error {
	add := insertion{into: "follow_blocks", columns: []string{"crop_id", "block", "n"}, after: addToN}
	drop := deletion{from: "follow_blocks", columns: []string{"n", "crop_id", "block"}}
	for block, n := range d.blocks {
		if n == 0 {
			continue
		}
		for _, v := range []int64{d.business, block, n} {
			add.add(v, 0)
		}
		if err := add.row(ctx, tx); err != nil {
			return err
		}
	}
	if err := add.end(ctx, tx); err != nil {
		return err
	}
	for block, n := range d.blocks {
		if n < 0 {
			if err := drop.row(ctx, tx, 0, d.business, block); err != nil {
				return err
			}
		}
	}
	return drop.end(ctx, tx)
}
