package writer

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/fold"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/statement"
)

// What is derived from a follow: the columns that search and the index read, and the index itself.
// Every change of a follow, whatever caused it, comes here with the row as it was and as it is.
// What a row calls for is said once, by deriveFollow and internal/filter: check and reindex ask
// them too.

// A row that is deleted, or not there yet, is in no set.
func live(row []Value) bool { return row != nil && row[followDeleted].Is != Present }

// carried are the columns of the contact that a follow carries as they are, and its own that hold
// them.
var carried = []struct{ contact, follow int }{
	{contactID, followContactID},
	{contactUID, followContactUID},
	{contactType, followType},
	{contactGender, followGender},
}

// carriedTexts are the columns of the contact that are in a follow's texts for search.
var carriedTexts = []int{contactName, contactCorpName, contactCorpFullName}

// deriveFollow fills in a follow's derived columns.
func deriveFollow(row, contact []Value) {
	for _, c := range carried {
		row[c.follow] = contact[c.contact]
	}
	name, remark := fold.String(contact[contactName].Text), fold.String(row[followRemark].Text)
	row[followNameFolded], row[followRemarkFolded] = Text(name), Text(remark)
	row[followNotesFolded] = Text(filter.Notes(
		row[followDescription].Text, row[followRemarkCorpName].Text, contact[contactCorpName].Text, contact[contactCorpFullName].Text))
	row[followPinyin] = Text(filter.Spelt(name, remark))
	row[followMobiles] = Text(filter.Mobiles(row[followRemarkMobiles].Text))
	row[followTags] = Text(filter.TagsJSON(row[followTagID].Text))
}

// carriedAlike says whether follows carry the same of a contact as it was and as it is.
func carriedAlike(was, is []Value) bool {
	for _, c := range carried {
		if was[c.contact] != is[c.contact] {
			return false
		}
	}
	return !slices.ContainsFunc(carriedTexts, func(c int) bool { return was[c] != is[c] })
}

// filterRow returns a follow as filters read it; nil for one that is in no set.
func filterRow(row []Value) *filter.Row {
	if !live(row) {
		return nil
	}
	return &filter.Row{
		ID: uint64(row[followID].Int), CropID: uint32(row[followCrop].Int), Userid: row[followUserid].Text,
		ExternalUserid: row[followContact].Text, TagID: row[followTagID].Text, Createtime: row[followCreatetime].Int,
		AddWay: uint32(row[followAddWay].Int), Status: int32(row[followStatus].Int),
		RemarkFolded: row[followRemarkFolded].Text, ExternalType: int32(row[followType].Int), Gender: int32(row[followGender].Int), NameFolded: row[followNameFolded].Text,
		ContactUID: uint32(row[followContactUID].Int), ContactID: uint64(row[followContactID].Int), NotesFolded: row[followNotesFolded].Text,
		Pinyin: row[followPinyin].Text, Mobiles: row[followMobiles].Text, Tags: row[followTags].Text,
	}
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

// bump makes the versions of the enterprises that were changed grow, once per transaction however
// much it changed. A version is the microsecond of its change, or one more than the one before: so
// that after a restore, or in another database, no number comes again that has named other data.
func bump(ctx context.Context, tx *sql.Tx, now time.Time, versions map[int64]bumped) error {
	into := statement.Insert{
		Into: "versions", Columns: []string{"crop_id", "rows_version", "dict_version"},
		After: " ON DUPLICATE KEY UPDATE rows_version = GREATEST(rows_version + (VALUES(rows_version) > 0), VALUES(rows_version)), " +
			"dict_version = GREATEST(dict_version + (VALUES(dict_version) > 0), VALUES(dict_version))",
	}
	stamp := func(changed bool) int64 {
		if changed {
			return stampOf(now)
		}
		return 0
	}
	for business, v := range versions {
		into.Add(business, 0)
		into.Add(stamp(v.rows), 0)
		into.Add(stamp(v.dictionaries), 0)
		if err := into.Row(ctx, tx); err != nil {
			return err
		}
	}
	return into.End(ctx, tx)
}

func stampOf(now time.Time) int64 { return max(now.UnixMicro(), 1) }

// versionAfter returns the version of an enterprise's rows that bump leaves.
func (b *batch) versionAfter(id int64) int64 {
	version := b.businesses[id].version
	if b.versions[id].rows {
		return max(version+1, stampOf(b.clock))
	}
	return version
}

// contactsChanged carries what changed of contacts over to their follows.
func (b *batch) contactsChanged(changes []change) error {
	contacts := map[key][]Value{}
	keys := map[int64][]key{}
	for _, c := range changes {
		if c.old != nil && !carriedAlike(c.old, c.new) {
			k := b.t.keyOf(c.new)
			contacts[k] = c.new
			keys[k.business] = append(keys[k.business], k)
		}
	}
	for business, keys := range keys {
		// In parts: each contact has many follows, perhaps.
		for part := range slices.Chunk(keys, 100) {
			if err := b.followContacts(business, part, contacts); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *batch) followContacts(business int64, keys []key, contacts map[key][]Value) error {
	t := tables[Follow]
	args := []any{business}
	for _, k := range keys {
		args = append(args, k.a)
	}
	rows, err := t.read(b.ctx, b.tx, "FORCE INDEX (follows_contact) WHERE crop_id = ? AND external_userid IN (?"+strings.Repeat(",?", len(keys)-1)+")", args)
	if err != nil {
		return err
	}
	var changes []change
	for _, row := range rows {
		is := slices.Clone(row)
		deriveFollow(is, contacts[key{business: business, a: row[followContact].Text}])
		if !slices.Equal(row, is) {
			changes = append(changes, change{old: row, new: is})
		}
	}
	if err := t.update(b.ctx, b.tx, after(changes)); err != nil {
		return err
	}
	return b.followsChanged(changes)
}

func after(changes []change) [][]Value {
	rows := make([][]Value, len(changes))
	for i, c := range changes {
		rows[i] = c.new
	}
	return rows
}

// followsChanged brings the index up to date.
func (b *batch) followsChanged(changes []change) error {
	byBusiness := map[int64][]change{}
	for _, c := range changes {
		business := c.new[followCrop].Int
		byBusiness[business] = append(byBusiness[business], c)
	}
	for id, changes := range byBusiness {
		if err := indexChanges(b.ctx, b.tx, id, b.businesses[id].indexed, changes); err != nil {
			return err
		}
	}
	return nil
}

// indexChanges makes an enterprise's index follow these changes of its rows: where it is complete
// by its sets, and while it is being filled by a note of what to look at again. indexed is that of
// the versions.
func indexChanges(ctx context.Context, tx *sql.Tx, business, indexed int64, changes []change) error {
	switch indexed {
	case index.Format:
		list := make([]index.Change, len(changes))
		for i, c := range changes {
			list[i] = index.Change{Old: filterRow(c.old), New: filterRow(c.new)}
		}
		return index.Apply(ctx, tx, uint32(business), list)
	case -index.Format:
		note := statement.Insert{Into: "follow_changes", Columns: []string{"crop_id", "follow_id"}, After: " ON DUPLICATE KEY UPDATE follow_id = VALUES(follow_id)"}
		for _, c := range changes {
			for _, row := range [][]Value{c.old, c.new} {
				if row == nil {
					continue
				}
				note.Add(business, 0)
				note.Add(row[followID].Int, 0)
				if err := note.Row(ctx, tx); err != nil {
					return err
				}
			}
		}
		return note.End(ctx, tx)
	}
	return nil
}

// lock makes every other writer to an enterprise wait until the transaction ends, and returns the
// format of its index.
func lock(ctx context.Context, tx *sql.Tx, business int64) (indexed int64, err error) {
	locked, err := gendb.New(tx).LockBusinesses(ctx, []uint32{uint32(business)})
	if err == nil && len(locked) > 0 {
		indexed = locked[0].Indexed
	}
	return indexed, err
}
