package client

import (
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	gen "example.com/wechatcustomers/gen/models"
)

// Query says which rows, and which page of them. What is zero does not filter; all that is set
// applies together.
type Query struct {
	Customer  string   // the contact's name contains it, or its external_userid is it
	Member    *int64   // the contact's mall member; a pointer, because 0, no member, is a value
	AddWay    *int32   // how the customer was added; 0, unknown, is a value
	Tags      []string // any of these WeCom tag ids; AnyTag: rows with a tag
	TagsAll   []string // all of these tag ids
	TagsNone  []string // none of these tag ids; AnyTag: rows without a tag
	Employee  string   // the employee's userid
	Employees []string // any of these userids, of which Employee is one more
	Type      Type     // TypeWeChat or TypeWeCom
	Gender    *Gender  // the contact's; GenderUnknown, 0, is a value
	Status    Status   // StatusFollowing or StatusLost
	// From and To bound the time added, both inclusive and to the second: a fraction counts as the
	// time that it is, so that From rounds up and To rounds down. The zero Time is open. From 1970
	// on, before the year 5138.
	From, To time.Time
	Remark   string // the row's remark contains it
	Mobile   string // a phone number of the row contains these digits; spaces, + and - do not count
	// Keyword is looked for in the contact's name and companies, the row's remark, description and
	// company, as pinyin in name and remark, in phone numbers, and is compared with the
	// external_userid, userid and unionid.
	Keyword string

	CropID   int64 // the enterprise; 0: the token's, else the only one that its member manages
	Page     int   // from 1; 0 is 1
	PerPage  int   // rows per page, to 100; 0 is 15
	Sort     Sort  // "" is SortByIDDesc
	BeforeID int64 // rows with smaller ids, instead of a page, in the order of "" alone; see Rows

	OmitTags, OmitEmployees bool // leave Page.Tag, Page.Employee empty: for pages after the first
}

// AnyTag stands for any tag at all in Query.Tags, TagsAll and TagsNone.
const AnyTag = "*"

// maxUint32 is the largest id of an account or an enterprise.
const maxUint32 = 1<<32 - 1

// check gathers what is wrong with a query, by the contract's names.
type check struct{ fields []FieldError }

func (c *check) want(ok bool, field, message string) {
	if !ok {
		c.fields = append(c.fields, FieldError{Field: field, Message: message})
	}
}

func (c *check) err() error {
	if len(c.fields) > 0 {
		return refused(c.fields)
	}
	return nil
}

// list returns the contract's literal parameters of getList; an *Error for what it does not take.
func (q Query) list() (url.Values, error) {
	var c check
	p := q.filters(&c)
	c.want(q.Page >= 0, "page", "应为正整数")
	c.want(q.PerPage >= 0 && q.PerPage <= maxPerPage, "per_page", fmt.Sprintf("只能是 1 到 %d", maxPerPage))
	c.want(q.Sort == "" || q.Sort.Valid(), "sort", "没有这种排序")
	c.want(q.BeforeID >= 0, "before_id", "应为正整数")
	c.want(q.BeforeID == 0 || q.Page == 0, "before_id", "不能与 page 同时使用")
	c.want(q.BeforeID == 0 || q.Sort == "" || q.Sort == SortByIDDesc, "before_id", "只能与默认排序同时使用")
	if err := c.err(); err != nil {
		return nil, err
	}
	p.Page, p.PerPage, p.Sort, p.BeforeID = set(int64(q.Page)), set(int32(q.PerPage)), set(q.Sort), set(q.BeforeID)
	var omit []string
	if q.OmitTags {
		omit = append(omit, "tag")
	}
	if q.OmitEmployees {
		omit = append(omit, "employee")
	}
	p.Omit = set(strings.Join(omit, ","))
	return values(p), nil
}

// facets returns the contract's literal parameters of getFacets: the filters of getList; an *Error
// for what it does not take.
func (q Query) facets(omit []Facet) (url.Values, error) {
	var c check
	p := values(q.filters(&c))
	names := make([]string, len(omit))
	for i, facet := range omit {
		switch facet {
		case FacetStatus, FacetType, FacetAddWay, FacetGender, FacetEmployee, FacetTag, FacetWithout, FacetCustomers:
		default:
			c.want(false, "omit", "没有「"+string(facet)+"」")
		}
		names[i] = string(facet)
	}
	if len(names) > 0 {
		p.Set("omit", strings.Join(names, ","))
	}
	return p, c.err()
}

// filters returns what getList and getFacets have in common. What texts may be it leaves to the
// server.
func (q Query) filters(c *check) *gen.GetListParams {
	p := &gen.GetListParams{
		SearchCustomer: set(q.Customer), SearchAddWayType: q.AddWay, SearchType: set(q.Type),
		SearchGender: q.Gender, SearchStatus: set(q.Status), SearchRemark: set(q.Remark),
		SearchMobile: set(q.Mobile), SearchKeyword: set(q.Keyword), CropID: set(q.CropID),
	}
	if q.Member != nil {
		c.want(*q.Member >= 0, "search[member]", "只能是数字")
		p.SearchMember = set(strconv.FormatInt(*q.Member, 10))
	}
	c.want(q.AddWay == nil || *q.AddWay >= 0 && *q.AddWay <= 65535, "search[add_way_type]", "应为 0 到 65535 的整数")
	employees := q.Employees
	if q.Employee != "" {
		employees = append([]string{q.Employee}, employees...)
	}
	for _, list := range []struct {
		param **string
		field string
		ids   []string
	}{
		{&p.SearchTagsData, "search[tags_data]", q.Tags},
		{&p.SearchTagsAll, "search[tags_all]", q.TagsAll},
		{&p.SearchTagsNone, "search[tags_none]", q.TagsNone},
		{&p.SearchEmployeeMember, "search[employee_member]", employees},
	} {
		for _, id := range list.ids {
			if strings.TrimSpace(id) == "" || strings.Contains(id, ",") {
				c.want(false, list.field, "每一项都不能为空,也不能含有逗号")
				break
			}
		}
		*list.param = set(strings.Join(list.ids, ","))
	}
	c.want(q.Type == 0 || q.Type.Valid(), "search[type]", "只能是 1 或 2")
	c.want(q.Gender == nil || q.Gender.Valid(), "search[gender]", "只能是 0、1 或 2")
	c.want(q.Status == 0 || q.Status.Valid(), "search[status]", "只能是 1 或 -1")
	c.want(q.CropID >= 0 && q.CropID <= maxUint32, "crop_id", "应为正整数")
	if !q.From.IsZero() || !q.To.IsZero() {
		from, to := seconds(c, q.From, time.Second-1), seconds(c, q.To, 0)
		if !q.From.IsZero() && !q.To.IsZero() {
			c.want(!q.From.After(q.To), "search[time]", "开始时间不能晚于结束时间")
		}
		p.SearchTime = &[]string{from, to}
	}
	return p
}

// seconds returns one side of the time range as the contract writes it, "" where it is open.
func seconds(c *check, t time.Time, up time.Duration) string {
	if t.IsZero() {
		return ""
	}
	const milliseconds = 1e11 // what the contract takes for milliseconds
	n := t.Add(up).Unix()
	c.want(n >= 0 && n < milliseconds, "search[time]", "应在 1970 年到 5137 年之间")
	return strconv.FormatInt(n, 10)
}

// values returns the parameters by the names in their tags. A list is its name as often as it has
// items.
func values(params *gen.GetListParams) url.Values {
	sent := url.Values{}
	p := reflect.ValueOf(params).Elem()
	for i := range p.NumField() {
		if p.Field(i).IsNil() {
			continue
		}
		name, _, _ := strings.Cut(p.Type().Field(i).Tag.Get("form"), ",")
		if list, ok := reflect.TypeAssert[*gen.TimeRange](p.Field(i)); ok {
			sent[name] = *list
		} else {
			sent.Set(name, fmt.Sprint(p.Field(i).Elem()))
		}
	}
	return sent
}

// set returns nil for what is not set.
func set[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
