package httpapi_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"example.com/wechatcustomers/gen/client"
)

// world is what a test has imported, in the contract's own objects, and the list as plainly as it can be said: what a server answers is held against it.
type world struct {
	employees []client.Employee
	contacts  []client.Contact
	tags      []client.Tag
	follows   []client.Follow // without what comes from the others: tag_name, has_one_*
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

// list returns every row of the enterprise under p's filters in the list's order, whole; paging is not looked at.
func (w *world) list(business int64, p client.GetListParams) []client.Follow {
	rows := []client.Follow{}
	for _, f := range w.follows {
		if f.CropID != business || f.DeletedAt != nil {
			continue
		}
		f.HasOneCustomer = *w.contact(business, f.ExternalUserid)
		f.HasOneEmployee = w.employee(business, f.Userid)
		f.TagName = w.tagName(business, f.TagID)
		if matches(f, p) {
			rows = append(rows, f)
		}
	}
	slices.SortFunc(rows, func(a, b client.Follow) int { return int(b.ID - a.ID) })
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

func (w *world) employee(business int64, userid string) *client.Employee {
	for i, e := range w.employees {
		if e.BusinessID == business && lower(e.UserID) == lower(userid) && e.DeletedAt == nil {
			return &w.employees[i]
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

// liveEmployees returns the employee list.
func (w *world) liveEmployees(business int64) []client.EmployeeName {
	var live []client.Employee
	for _, e := range w.employees {
		if e.BusinessID == business && e.DeletedAt == nil {
			live = append(live, e)
		}
	}
	slices.SortFunc(live, func(a, b client.Employee) int { return int(a.ID - b.ID) })
	names := []client.EmployeeName{}
	for _, e := range live {
		names = append(names, client.EmployeeName{UserID: e.UserID, Name: e.Name})
	}
	return names
}

func (w *world) tagName(business int64, tagIDs string) string {
	own := ids(tagIDs)
	var names []string
	for _, t := range w.liveTags(business) {
		if slices.Contains(own, t.TagID) {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, ",")
}

// matches says whether a row meets every filter of p.
func matches(f client.Follow, p client.GetListParams) bool {
	c := f.HasOneCustomer
	if q := query(p.SearchCustomer); q != "" && !strings.Contains(folded(c.Name), q) && c.ExternalUserid != strings.TrimSpace(*p.SearchCustomer) {
		return false
	}
	if q := query(p.SearchRemark); q != "" && !strings.Contains(folded(f.Remark), q) {
		return false
	}
	if p.SearchMember != nil && *p.SearchMember != "" && strconv.FormatInt(c.UID, 10) != withoutZeros(*p.SearchMember) {
		return false
	}
	if p.SearchAddWayType != nil && f.AddWay != strconv.Itoa(int(*p.SearchAddWayType)) {
		return false
	}
	if p.SearchTagsData != nil {
		asked, own := ids(*p.SearchTagsData), ids(f.TagID)
		if len(asked) > 0 && !slices.ContainsFunc(asked, func(id string) bool { return slices.Contains(own, id) }) {
			return false
		}
	}
	if p.SearchEmployeeMember != nil {
		if q := strings.TrimSpace(*p.SearchEmployeeMember); q != "" && lower(f.Userid) != lower(q) {
			return false
		}
	}
	for _, kind := range []*client.ExternalTypeFilter{p.SearchType, p.SearchLeixing} {
		if kind != nil && c.ExternalType != int32(*kind) {
			return false
		}
	}
	if p.SearchStatus != nil && f.Status != int32(*p.SearchStatus) {
		return false
	}
	if p.SearchTime != nil {
		from, to := (*p.SearchTime)[0], (*p.SearchTime)[1]
		if from != "" && f.Createtime < seconds(from) || to != "" && f.Createtime > seconds(to) {
			return false
		}
	}
	return true
}

// folded is the rule of text search, written again for the letters that the tests use.
func folded(s string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

func query(s *string) string {
	if s == nil {
		return ""
	}
	return strings.TrimSpace(folded(strings.TrimSpace(*s)))
}

// ids returns the tag ids of a comma-separated text.
func ids(list string) []string {
	var all []string
	for id := range strings.SplitSeq(list, ",") {
		if id = strings.TrimSpace(id); id != "" {
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
