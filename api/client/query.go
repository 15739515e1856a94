package client

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	gen "example.com/wechatcustomers/gen/client"
)

// Query says which rows, and which page of them. What is zero does not filter; all that is set
// applies together.
type Query struct {
	Customer  string   // the contact's name contains it, or its external_userid is it
	Member    *int64   // the contact's mall member; 0, no member, is a value: new(int64(0))
	AddWay    *int32   // how the customer was added; 0, unknown, is a value
	Tags      []string // any of these WeCom tag ids; AnyTag: rows with a tag
	TagsAll   []string // all of these tag ids
	TagsNone  []string // none of these tag ids; AnyTag: rows without a tag
	Employee  string   // the employee's userid
	Employees []string // any of these userids, of which Employee is one more
	Type      Type     // TypeWeChat or TypeWeCom
	Gender    *Gender  // the contact's; unknown is a value: new(GenderUnknown)
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

// params returns the contract's literal parameters of getList; an error for what they cannot say.
func (q Query) params() (*gen.GetListParams, error) {
	p, err := q.filters()
	if err != nil {
		return nil, err
	}
	p.Page, p.Sort, p.BeforeID = set(int64(q.Page)), set(q.Sort), set(q.BeforeID)
	if q.PerPage != 0 {
		if q.PerPage < 1 || q.PerPage > maxPerPage { // also what no int32 could hold
			return nil, fmt.Errorf("client: Query.PerPage is %d, not from 1 to %d", q.PerPage, maxPerPage)
		}
		p.PerPage = new(int32(q.PerPage))
	}
	var omit []string
	if q.OmitTags {
		omit = append(omit, "tag")
	}
	if q.OmitEmployees {
		omit = append(omit, "employee")
	}
	p.Omit = set(strings.Join(omit, ","))
	return p, nil
}

// facetParams returns the contract's literal parameters of getFacets: those of getList but for the
// page; an error for what they cannot say.
func (q Query) facetParams(omit []Facet) (*gen.GetFacetsParams, error) {
	filters, err := q.filters()
	if err != nil {
		return nil, err
	}
	p := &gen.GetFacetsParams{}
	from, to := reflect.ValueOf(filters).Elem(), reflect.ValueOf(p).Elem()
	for i := range to.NumField() {
		to.Field(i).Set(from.FieldByName(to.Type().Field(i).Name))
	}
	names := make([]string, len(omit))
	for i, facet := range omit {
		names[i] = string(facet)
	}
	p.Omit = set(strings.Join(names, ","))
	return p, nil
}

// filters returns what getList and getFacets have in common.
func (q Query) filters() (*gen.GetListParams, error) {
	p := &gen.GetListParams{
		SearchCustomer: set(q.Customer), SearchAddWayType: q.AddWay, SearchType: set(q.Type),
		SearchGender: q.Gender, SearchStatus: set(q.Status), SearchRemark: set(q.Remark),
		SearchMobile: set(q.Mobile), SearchKeyword: set(q.Keyword), CropID: set(q.CropID),
	}
	if q.Member != nil {
		p.SearchMember = new(strconv.FormatInt(*q.Member, 10))
	}
	employees := q.Employees
	if q.Employee != "" {
		employees = append([]string{q.Employee}, employees...)
	}
	for _, list := range []struct {
		param    **string
		is, name string
		ids      []string
	}{
		{&p.SearchTagsData, "tag id", "Tags", q.Tags},
		{&p.SearchTagsAll, "tag id", "TagsAll", q.TagsAll},
		{&p.SearchTagsNone, "tag id", "TagsNone", q.TagsNone},
		{&p.SearchEmployeeMember, "userid", "Employees", employees},
	} {
		for _, id := range list.ids {
			if strings.TrimSpace(id) == "" || strings.Contains(id, ",") {
				return nil, fmt.Errorf("client: Query.%s: %q is no %s", list.name, id, list.is)
			}
		}
		*list.param = set(strings.Join(list.ids, ","))
	}
	if !q.From.IsZero() || !q.To.IsZero() {
		from, err := seconds("From", q.From, time.Second-1)
		if err != nil {
			return nil, err
		}
		to, err := seconds("To", q.To, 0)
		if err != nil {
			return nil, err
		}
		p.SearchTime = &[]string{from, to}
	}
	return p, nil
}

// seconds returns one side of the time range as the contract writes it, "" where it is open.
func seconds(name string, t time.Time, up time.Duration) (string, error) {
	if t.IsZero() {
		return "", nil
	}
	const milliseconds = 1e11 // what the contract takes for milliseconds
	n := t.Add(up).Unix()
	if n < 0 || n >= milliseconds {
		return "", fmt.Errorf("client: Query.%s is %s, not from 1970 to 5137", name, t)
	}
	return strconv.FormatInt(n, 10), nil
}

// set returns nil for what is not set.
func set[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func checkURL(baseURL string) error {
	u, err := url.Parse(baseURL)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("client: " + strconv.Quote(baseURL) + " is no address; one looks like https://mall.example.com")
	}
	return nil
}
