package getlist

import (
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/paginate"
)

// toPage returns the contract's page object, its tags and employees empty: they are kept encoded.
// No list is nil: a nil one would be printed as null.
func toPage(uniacid int64, asked wanted, a answer, r Request) api.CustomerPage {
	var p paginate.Page
	var links paginate.Links
	if asked.beforeID != nil {
		p, links = walked(a, r)
	} else {
		p, links = a.page, a.page.Links(r.Address, r.Query)
	}
	employees := make(map[string]*api.Employee, len(a.employees))
	for _, e := range a.employees {
		employees[strings.ToLower(e.UserID)] = toEmployee(uniacid, e)
	}
	follows := make([]api.Follow, len(a.rows))
	for i, row := range a.rows {
		follows[i] = toFollow(uniacid, row.Follow)
		follows[i].TagName = a.lists.names.of(row.Follow.TagID)
		follows[i].HasOneCustomer = toContact(uniacid, row.Contact)
		follows[i].HasOneEmployee = employees[strings.ToLower(row.Follow.Userid)]
	}
	return api.CustomerPage{
		CurrentPage:  int64(p.CurrentPage),
		Data:         follows,
		FirstPageURL: links.FirstPageURL,
		From:         wide(p.From),
		LastPage:     int64(p.LastPage),
		LastPageURL:  links.LastPageURL,
		NextPageURL:  links.NextPageURL,
		Path:         links.Path,
		PerPage:      int32(p.PerPage),
		PrevPageURL:  links.PrevPageURL,
		To:           wide(p.To),
		Total:        int64(p.Total),
		Count:        int64(p.Total),
		Tag:          []api.Tag{},
		Employee:     []api.EmployeeName{},
	}
}

// walked returns the page fields and links of a list that is walked by before_id: the rows' numbers
// are not known, and the next page is the rows before the last one of this.
func walked(a answer, r Request) (paginate.Page, paginate.Links) {
	first := slices.DeleteFunc(slices.Clone(r.Query), func(p paginate.Pair) bool { return p.Key == "before_id" })
	p := a.page
	p.From, p.To = nil, nil
	links := p.Links(r.Address, first)
	links.NextPageURL, links.PrevPageURL = nil, nil
	if a.more {
		last := strconv.FormatUint(a.rows[len(a.rows)-1].Follow.ID, 10)
		next := paginate.Address(r.Address, append(first, paginate.Pair{Key: "before_id", Value: last}))
		links.NextPageURL = &next
	}
	return p, links
}

func wide(n *int) *int64 {
	if n == nil {
		return nil
	}
	w := int64(*n)
	return &w
}

// tagNames finds the names of a row's tags.
type tagNames struct {
	tags  []gendb.Tag
	index map[string]int // tag_id → its place in tags
}

func newTagNames(tags []gendb.Tag) tagNames {
	n := tagNames{tags: tags, index: make(map[string]int, len(tags))}
	for i, t := range tags {
		n.index[t.TagID] = i
	}
	return n
}

// of returns the names of the live tags among ids, comma-separated as they are, in the order of the
// tag list.
func (n tagNames) of(ids string) string {
	var places []int
	for _, id := range filter.Split(ids) {
		if i, live := n.index[id]; live {
			places = append(places, i)
		}
	}
	slices.Sort(places)
	names := make([]string, len(places))
	for i, place := range places {
		names[i] = n.tags[place].Name
	}
	return strings.Join(names, ",")
}

func toFollow(uniacid int64, f gendb.Follow) api.Follow {
	return api.Follow{
		ID:                 int64(f.ID),
		Uniacid:            uniacid,
		CropID:             int64(f.CropID),
		UID:                int64(f.UID),
		Userid:             f.Userid,
		ExternalUserid:     f.ExternalUserid,
		Remark:             f.Remark,
		Description:        f.Description,
		CustomerCreateTime: f.CustomerCreateTime,
		RemarkCorpName:     f.RemarkCorpName,
		RemarkMobiles:      f.RemarkMobiles,
		OperUserid:         f.OperUserid,
		TagID:              f.TagID,
		Createtime:         f.Createtime,
		AddWay:             strconv.FormatUint(uint64(f.AddWay), 10),
		State:              f.State,
		Status:             f.Status,
		CreatedAt:          f.CreatedAt,
		UpdatedAt:          f.UpdatedAt,
		DeletedAt:          f.DeletedAt,
	}
}

func toContact(uniacid int64, c gendb.Contact) api.Contact {
	return api.Contact{
		ID:              int64(c.ID),
		Uniacid:         uniacid,
		CropID:          int64(c.CropID),
		UID:             int64(c.UID),
		ExternalUserid:  c.ExternalUserid,
		Name:            c.Name,
		Avatar:          c.Avatar,
		ExternalType:    c.ExternalType,
		Gender:          c.Gender,
		Unionid:         c.Unionid,
		Position:        c.Position,
		CorpName:        c.CorpName,
		CorpFullName:    c.CorpFullName,
		ExternalProfile: c.ExternalProfile,
		IsMember:        c.IsMember,
		CreatedAt:       c.CreatedAt,
		UpdatedAt:       c.UpdatedAt,
		DeletedAt:       c.DeletedAt,
	}
}

func toEmployee(uniacid int64, e gendb.Employee) *api.Employee {
	return &api.Employee{
		ID:             int64(e.ID),
		Uniacid:        uniacid,
		BusinessID:     int64(e.BusinessID),
		UID:            int64(e.UID),
		UserID:         e.UserID,
		Name:           e.Name,
		Mobile:         e.Mobile,
		Position:       e.Position,
		Gender:         e.Gender,
		Telephone:      e.Telephone,
		Email:          e.Email,
		Avatar:         e.Avatar,
		Alias:          e.Alias,
		Status:         e.Status,
		QrCode:         e.QrCode,
		Address:        e.Address,
		OpenUserid:     e.OpenUserid,
		MainDepartment: e.MainDepartment,
		UpdatedAt:      e.UpdatedAt,
		CreatedAt:      e.CreatedAt,
		DeletedAt:      e.DeletedAt,
		RightType:      e.RightType,
		Disabled:       e.Disabled,
	}
}

func toTags(uniacid int64, tags []gendb.Tag) []api.Tag {
	list := make([]api.Tag, len(tags))
	for i, t := range tags {
		list[i] = api.Tag{
			ID:         int64(t.ID),
			Uniacid:    uniacid,
			CropID:     int64(t.CropID),
			TagID:      t.TagID,
			Name:       t.Name,
			CreateTime: t.CreateTime,
			Order:      t.Order,
			CreatedAt:  t.CreatedAt,
			UpdatedAt:  t.UpdatedAt,
			DeletedAt:  t.DeletedAt,
			GroupID:    t.GroupID,
			GroupName:  t.GroupName,
		}
	}
	return list
}

func toEmployeeNames(employees []gendb.ListEmployeesRow) []api.EmployeeName {
	list := make([]api.EmployeeName, len(employees))
	for i, e := range employees {
		list[i] = api.EmployeeName{UserID: e.UserID, Name: e.Name}
	}
	return list
}
