package client

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	gen "example.com/wechatcustomers/gen/client"
)

// Query says which rows, and which page of them. What is zero does not filter; all that is set applies together.
type Query struct {
	Customer string   // the contact's name contains it, or its external_userid is it
	Member   *int64   // the contact's mall member; 0, no member, is a value: new(int64(0))
	AddWay   *int32   // how the customer was added; 0, unknown, is a value
	Tags     []string // any of these WeCom tag ids
	Employee string   // the employee's userid
	Type     Type     // TypeWeChat or TypeWeCom
	Status   Status   // StatusFollowing or StatusLost
	// From and To bound the time added, both inclusive and to the second: a fraction counts as the time that it is, so that From rounds up
	// and To rounds down. The zero Time is open. From 1970 on, before the year 5138.
	From, To time.Time
	Remark   string // the row's remark contains it

	CropID   int64 // the enterprise; 0: the token's, else the only one that its member manages
	Page     int   // from 1; 0 is 1
	PerPage  int   // rows per page, to 100; 0 is 15
	BeforeID int64 // rows with smaller ids, instead of a page; see Rows

	OmitTags, OmitEmployees bool // leave Page.Tag, Page.Employee empty: for pages after the first
}

// params returns the contract's literal parameters; an error for what they cannot say.
func (q Query) params() (*gen.GetListParams, error) {
	p := &gen.GetListParams{
		SearchCustomer: set(q.Customer), SearchAddWayType: q.AddWay, SearchEmployeeMember: set(q.Employee),
		SearchType: set(q.Type), SearchStatus: set(q.Status), SearchRemark: set(q.Remark),
		CropID: set(q.CropID), BeforeID: set(q.BeforeID), Page: set(int64(q.Page)),
	}
	if q.Member != nil {
		p.SearchMember = new(strconv.FormatInt(*q.Member, 10))
	}
	if q.PerPage != 0 {
		if q.PerPage < 1 || q.PerPage > maxPerPage { // also what no int32 could hold
			return nil, fmt.Errorf("client: Query.PerPage is %d, not from 1 to %d", q.PerPage, maxPerPage)
		}
		p.PerPage = new(int32(q.PerPage))
	}
	for _, tag := range q.Tags {
		if strings.TrimSpace(tag) == "" || strings.Contains(tag, ",") {
			return nil, fmt.Errorf("client: Query.Tags: %q is no tag id", tag)
		}
	}
	p.SearchTagsData = set(strings.Join(q.Tags, ","))
	var omit []string
	if q.OmitTags {
		omit = append(omit, "tag")
	}
	if q.OmitEmployees {
		omit = append(omit, "employee")
	}
	p.Omit = set(strings.Join(omit, ","))
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
