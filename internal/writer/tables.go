package writer

import (
	"strconv"
	"strings"
)

// table is how the records of one kind are stored.
type table struct {
	kind    Kind
	name    string
	columns []Column       // what records bring, in the contract's order, and then what is derived
	given   int            // the number of columns that records bring
	fields  map[string]int // the index of each of these
	stored  []int          // the indexes of the columns that the table has
	sql     []string       // their names, quoted

	id       int   // the index of the id of its own, -1 where the natural key is all
	business int   // of the enterprise's id
	uniacid  int   // of the mall account
	key      []int // of what names a row within its enterprise
	deleted  int
	primary  []int  // of the primary key's columns
	held     bool   // other rows hold on to the row, so that it is changed and never replaced
	byKey    string // the index of the natural key
	byID     string // and that of the id
}

// What is read here by position.
const (
	// of a contact
	contactID           = 0
	contactUID          = 3
	contactKey          = 4
	contactName         = 5
	contactType         = 7
	contactGender       = 8
	contactCorpName     = 11
	contactCorpFullName = 12

	// of a follow
	followID             = 0
	followCrop           = 2
	followUserid         = 4
	followContact        = 5
	followRemark         = 6
	followDescription    = 7
	followRemarkCorpName = 9
	followRemarkMobiles  = 10
	followTagID          = 12
	followCreatetime     = 13
	followAddWay         = 14
	followStatus         = 16
	followDeleted        = 19
	// derived
	followRemarkFolded = 20
	followType         = 21
	followNameFolded   = 22
	followContactUID   = 23
	followContactID    = 24
	followNotesFolded  = 25
	followPinyin       = 26
	followMobiles      = 27
	followTags         = 28
	followGender       = 29
)

var (
	uniacidColumn = Column{Name: "uniacid", Type: Unsigned32, unstored: true}
	createdAt     = Column{Name: "created_at", Type: Date, now: true}
	updatedAt     = Column{Name: "updated_at", Type: Date, Nullable: true}
	deletedAt     = Column{Name: "deleted_at", Type: Date, Nullable: true}
)

func text(name string, width int) Column { return Column{Name: name, Type: Plain, Max: width} }

func number(name string) Column { return Column{Name: name, Type: Number32} }

// defaulted returns the column with the table's default for a number.
func defaulted(c Column, n int64) Column { //nolint:unparam // the default stands where the column does
	c.number = n
	return c
}

// tables describes the tables of db/migrations: the widths and defaults are theirs (a test compares
// them).
var tables = [kinds]*table{
	Business: finish(table{
		kind: Business, name: "businesses", byKey: "PRIMARY", byID: "",
		columns: []Column{
			{Name: "id", Type: Unsigned32, required: true},
			{Name: "uniacid", Type: Unsigned32, required: true},
			text("name", 255), createdAt, updatedAt, deletedAt,
		},
		given: 6, held: true,
	}, []string{"id"}),
	Manager: finish(table{
		kind: Manager, name: "managers", byKey: "PRIMARY", byID: "",
		columns: []Column{
			{Name: "uniacid", Type: Unsigned32, required: true},
			{Name: "uid", Type: Unsigned32, required: true},
			{Name: "business_id", Type: Unsigned32, required: true},
			createdAt, updatedAt, deletedAt,
		},
		given: 6,
	}, []string{"uniacid", "uid", "business_id"}, "uid"),
	Employee: finish(table{
		kind: Employee, name: "employees", byKey: "employees_userid", byID: "PRIMARY",
		columns: []Column{
			{Name: "id", Type: ID}, uniacidColumn, {Name: "business_id", Type: Unsigned32, required: true},
			{Name: "uid", Type: Unsigned32}, {Name: "user_id", Type: Userid, Max: 255, required: true},
			text("name", 255), text("mobile", 255), text("position", 255), number("gender"), text("telephone", 255), text("email", 255), text("avatar", 1024),
			text("alias", 255), defaulted(number("status"), 1), text("qr_code", 1024), text("address", 255), text("open_userid", 255), text("main_department", 255),
			updatedAt, createdAt, deletedAt, number("right_type"), number("disabled"),
		},
		given: 23,
	}, []string{"id"}, "user_id"),
	Customer: finish(table{
		kind: Customer, name: "contacts", byKey: "contacts_external", byID: "contacts_id",
		columns: []Column{
			{Name: "id", Type: ID}, uniacidColumn, {Name: "crop_id", Type: Unsigned32, required: true},
			{Name: "uid", Type: Unsigned32}, {Name: "external_userid", Type: Key, Max: 100, required: true},
			text("name", 255), text("avatar", 1024), defaulted(number("external_type"), 1), number("gender"), text("unionid", 255), text("position", 255),
			text("corp_name", 255), text("corp_full_name", 255), {Name: "external_profile", Type: Plain, Max: 1 << 20, text: "null"}, number("is_member"),
			createdAt, updatedAt, deletedAt,
		},
		given: 18, held: true,
	}, []string{"crop_id", "id"}, "external_userid"),
	Tag: finish(table{
		kind: Tag, name: "tags", byKey: "tags_tag", byID: "PRIMARY",
		columns: []Column{
			{Name: "id", Type: ID}, uniacidColumn, {Name: "crop_id", Type: Unsigned32, required: true},
			{Name: "tag_id", Type: Key, Max: longestTagID, required: true}, text("name", 255), {Name: "create_time", Type: Number64}, {Name: "order", Type: Number64},
			createdAt, updatedAt, deletedAt, text("group_id", 100), text("group_name", 255),
		},
		given: 12,
	}, []string{"id"}, "tag_id"),
	Follow: finish(table{
		kind: Follow, name: "follows", byKey: "follows_contact", byID: "follows_id",
		columns: []Column{
			{Name: "id", Type: ID}, uniacidColumn, {Name: "crop_id", Type: Unsigned32, required: true},
			{Name: "uid", Type: Unsigned32}, {Name: "userid", Type: Userid, Max: 100, required: true},
			{Name: "external_userid", Type: Key, Max: 100, required: true}, text("remark", 255), text("description", 1000), {Name: "customer_create_time", Type: Number64},
			text("remark_corp_name", 255), {Name: "remark_mobiles", Type: Texts, Max: 1000, text: "[]"}, text("oper_userid", 255), {Name: "tag_id", Type: Keys, Max: 65535},
			{Name: "createtime", Type: Seconds}, {Name: "add_way", Type: Source}, text("state", 255), defaulted(Column{Name: "status", Type: Standing}, 1),
			createdAt, updatedAt, deletedAt,
			text("remark_folded", 4590), defaulted(number("external_type"), 1), text("name_folded", 4590), {Name: "contact_uid", Type: Unsigned32},
			{Name: "contact_id", Type: ID}, {Name: "notes_folded", Type: Plain, Max: 1 << 22}, {Name: "pinyin", Type: Plain, Max: 1 << 22},
			{Name: "mobiles", Type: Plain, Max: 65535}, {Name: "tags", Type: Plain, Max: 1 << 22}, number("gender"),
		},
		given: 20,
	}, []string{"crop_id", "id"}, "external_userid", "userid"),
}

// finish fills in what follows from the columns.
func finish(t table, primary []string, key ...string) *table {
	t.fields = map[string]int{}
	for i, c := range t.columns {
		if i < t.given {
			t.fields[c.Name] = i
		}
		if !c.unstored {
			t.stored = append(t.stored, i)
			t.sql = append(t.sql, "`"+c.Name+"`")
		}
	}
	at := func(name string) int {
		if i, ok := t.fields[name]; ok {
			return i
		}
		return -1
	}
	t.id, t.uniacid, t.deleted = at("id"), at("uniacid"), at("deleted_at")
	t.business = max(at("crop_id"), at("business_id"))
	if t.kind == Business {
		t.business, t.id = t.id, -1
	}
	for _, name := range key {
		t.key = append(t.key, at(name))
	}
	for _, name := range primary {
		t.primary = append(t.primary, at(name))
	}
	return &t
}

// key names a row: its enterprise and what is unique in it, as the database compares it.
type key struct {
	business int64
	a, b     string
}

func (t *table) keyOf(row []Value) key {
	k := key{business: row[t.business].Int}
	for i, column := range t.key {
		part := row[column].Text
		switch t.columns[column].Type {
		case Userid:
			part = strings.ToLower(part) // ASCII, as the column is
		case Unsigned32:
			part = strconv.FormatInt(row[column].Int, 10)
		}
		if i == 0 {
			k.a = part
		} else {
			k.b = part
		}
	}
	return k
}

// better says which of two rows of one key with different ids is kept: one whose id is no stand-in,
// then the live one, of two live or two deleted ones that with the higher id.
func (t *table) better(row, than []Value) bool {
	if made := row[t.id].Int >= FirstMadeID; made != (than[t.id].Int >= FirstMadeID) {
		return !made
	}
	if lives := row[t.deleted].Is != Present; lives != (than[t.deleted].Is != Present) {
		return lives
	}
	return row[t.id].Int > than[t.id].Int
}

// describe names a row for people.
func (t *table) describe(row []Value) string {
	var b strings.Builder
	b.WriteString(t.columns[t.business].Name)
	b.WriteByte(' ')
	b.WriteString(strconv.FormatInt(row[t.business].Int, 10))
	for _, column := range t.key {
		b.WriteString(", ")
		b.WriteString(t.columns[column].Name)
		b.WriteByte(' ')
		if t.columns[column].Type == Unsigned32 {
			b.WriteString(strconv.FormatInt(row[column].Int, 10))
		} else {
			b.WriteString(row[column].Text)
		}
	}
	return b.String()
}
