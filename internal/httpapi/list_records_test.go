package httpapi_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"example.com/wechatcustomers/gen/client"
)

// world is what a test has imported, in the contract's own objects, and the list as plainly as it
// can be said: what a server answers is held against it.
type world struct {
	employees []client.Employee
	contacts  []client.Contact
	tags      []client.Tag
	follows   []client.Follow // without what comes from the others: tag_name, has_one_*
	last      int64           // the greatest id that newID has given
}

// records returns all of w as an import has it, behind the businesses and managers.
func (w *world) records() string {
	return records(w.employees, w.contacts, w.tags, w.follows)
}

// records returns the lines of an import.
func records(employees []client.Employee, contacts []client.Contact, tags []client.Tag, follows []client.Follow) string {
	var b strings.Builder
	for _, e := range employees {
		line(&b, "employee", e)
	}
	for _, c := range contacts {
		line(&b, "customer", c)
	}
	for _, t := range tags {
		line(&b, "tag", t)
	}
	for _, f := range follows {
		text := marshal(f)
		own, _, _ := strings.Cut(text, `,"has_one_customer":`)
		b.WriteString(`{"follow":` + own + "}}\n")
	}
	return b.String()
}

func line(b *strings.Builder, kind string, record any) {
	b.WriteString(`{"` + kind + `":` + marshal(record) + "}\n")
}

func marshal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a model of the contract
	}
	return string(text)
}

// list returns every row of the enterprise under p's filters, whole, in the order that p asks for;
// paging is not looked at.
func (w *world) list(business int64, p client.GetListParams) []client.Follow {
	rows := w.rows(business, asked(p))
	order := client.SortByIDDesc
	if p.Sort != nil {
		order = *p.Sort
	}
	slices.SortFunc(rows, func(a, b client.Follow) int {
		switch order {
		case client.SortByCreatetime:
			return cmp.Or(cmp.Compare(a.Createtime, b.Createtime), cmp.Compare(b.ID, a.ID))
		case client.SortByCreatetimeDesc:
			return cmp.Or(cmp.Compare(b.Createtime, a.Createtime), cmp.Compare(b.ID, a.ID))
		default:
			return cmp.Compare(b.ID, a.ID)
		}
	})
	return rows
}

// condition is a filter that is set: the parameter that it is called by, and the rows that it asks
// for.
type condition struct {
	name  string
	meets func(f *client.Follow) bool
}

// asked returns the filters that p sets, in the document's order.
func asked(p client.GetListParams) (conditions []condition) {
	for i := range dimensions {
		if meets := dimensions[i].asks(&p); meets != nil {
			conditions = append(conditions, condition{dimensions[i].name(), meets})
		}
	}
	return conditions
}

// rows returns the live rows of the enterprise that meet all conditions, whole, in any order.
func (w *world) rows(business int64, conditions []condition) []client.Follow {
	contacts, employees := map[string]*client.Contact{}, map[string]*client.Employee{}
	for i := range w.contacts {
		if c := &w.contacts[i]; c.CropID == business {
			contacts[c.ExternalUserid] = c
		}
	}
	for i := range w.employees {
		if e := &w.employees[i]; e.BusinessID == business && e.DeletedAt == nil {
			employees[lower(e.UserID)] = e
		}
	}
	tags := w.liveTags(business)
	rows := []client.Follow{}
next:
	for _, f := range w.follows {
		if f.CropID != business || f.DeletedAt != nil {
			continue
		}
		f.HasOneCustomer = *contacts[f.ExternalUserid]
		for _, c := range conditions {
			if !c.meets(&f) {
				continue next
			}
		}
		f.HasOneEmployee = employees[lower(f.Userid)]
		f.TagName = tagName(tags, f.TagID)
		rows = append(rows, f)
	}
	return rows
}

func (w *world) contact(business int64, externalUserid string) *client.Contact {
	for i := range w.contacts {
		if w.contacts[i].CropID == business && w.contacts[i].ExternalUserid == externalUserid {
			return &w.contacts[i]
		}
	}
	return nil
}

// liveTags returns the tag list.
func (w *world) liveTags(business int64) []client.Tag {
	tags := []client.Tag{}
	for _, t := range w.tags {
		if t.CropID == business && t.DeletedAt == nil {
			tags = append(tags, t)
		}
	}
	slices.SortFunc(tags, func(a, b client.Tag) int { return int(b.ID - a.ID) })
	return tags
}

// tagName returns the names of a row's tags among these, in the order of the list.
func tagName(tags []client.Tag, tagIDs string) string {
	own := ids(tagIDs)
	var names []string
	for _, t := range tags {
		if slices.Contains(own, t.TagID) {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, ",")
}

// notSeen are the code points that Unicode calls default-ignorable, from first to last.
var notSeen = [][2]rune{
	{0xad, 0xad}, {0x34f, 0x34f}, {0x61c, 0x61c}, {0x115f, 0x1160}, {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x202a, 0x202e},
	{0x2060, 0x206f}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff0, 0xfff8}, {0x1bca0, 0x1bca3},
	{0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
}

// seen returns what is seen of a text.
func seen(s string) string {
	return strings.Map(func(r rune) rune {
		if slices.ContainsFunc(notSeen, func(of [2]rune) bool { return of[0] <= r && r <= of[1] }) {
			return -1
		}
		return r
	}, s)
}

// folded is the rule of text search, written again for the letters that the tests use. What was
// folded once is kept: the tests ask for the same few texts millions of times.
func folded(s string) string {
	if known, ok := foldedTexts.Load(s); ok {
		return known.(string)
	}
	text := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(seen(s))))
	foldedTexts.Store(s, text)
	return text
}

var foldedTexts sync.Map

func query(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(folded(*s))
}

// trimmed returns an id as it is compared.
func trimmed(s string) string { return strings.TrimSpace(seen(s)) }

// ids returns the ids of a comma-separated text, each once.
func ids(list string) []string {
	var all []string
	for id := range strings.SplitSeq(list, ",") {
		if id = trimmed(id); id != "" && !slices.Contains(all, id) {
			all = append(all, id)
		}
	}
	return all
}

// lower returns s with ASCII's capitals made small and no others.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func withoutZeros(digits string) string {
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return "0"
	}
	return digits
}

// seconds returns one side of search[time].
func seconds(digits string) int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		panic(err) // a text of the tests'
	}
	if n >= 1e11 {
		n /= 1000
	}
	return n
}

// day is a date of the tests, any.
const day = "2024-05-01 08:00:00"

// These make records of enterprise 1 in which only what a test is about is not everyday.

func newContact(id int64, externalUserid, name string) client.Contact {
	return client.Contact{
		ID: id, Uniacid: uniacid, CropID: crop, ExternalUserid: externalUserid, Name: name, ExternalType: 1, ExternalProfile: "null", CreatedAt: day,
	}
}

func newFollow(id int64, userid, externalUserid string) client.Follow {
	return client.Follow{
		ID: id, Uniacid: uniacid, CropID: crop, Userid: userid, ExternalUserid: externalUserid, RemarkMobiles: "[]", AddWay: "1", Status: 1,
		Createtime: 1714521600 + id, CustomerCreateTime: 1714521600 + id, CreatedAt: day,
	}
}

func newEmployee(id int64, userid, name string) client.Employee {
	return client.Employee{ID: id, Uniacid: uniacid, BusinessID: crop, UserID: userid, Name: name, Status: 1, MainDepartment: "1", CreatedAt: day}
}

func newTag(id int64, tagID, name string) client.Tag {
	return client.Tag{ID: id, Uniacid: uniacid, CropID: crop, TagID: tagID, Name: name, CreatedAt: day, GroupID: "etGroup", GroupName: "组"}
}

// crowd returns a world of n follows of as many contacts, with the ids 1 to n.
func crowd(n int) *world {
	w := &world{employees: []client.Employee{newEmployee(1, "ZhangSan", "张三")}}
	for id := int64(1); id <= int64(n); id++ {
		externalUserid := "wm" + strconv.FormatInt(id, 10)
		w.contacts = append(w.contacts, newContact(id, externalUserid, "客户"+strconv.FormatInt(id, 10)))
		w.follows = append(w.follows, newFollow(id, "ZhangSan", externalUserid))
	}
	return w
}

// rowIDs returns the ids of rows.
func rowIDs(rows []client.Follow) []int64 {
	list := []int64{}
	for _, r := range rows {
		list = append(list, r.ID)
	}
	return list
}

// mustSucceed fails the test on an error.
func mustSucceed(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
