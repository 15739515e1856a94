// Package client is the Go client of the WeCom customer list: getList, getFacets and
// getBusinessList of the contract, in natural Go types.
//
//	c, err := client.New("https://mall.example.com", client.WithToken(token))
//	page, err := c.GetList(ctx, 2, client.Query{Customer: "李", Status: client.StatusFollowing})
//
// What the server refuses is an *Error, also where it answers failures as HTTP 200 (LEGACY_STATUS):
// the envelope's result decides. What it would refuse is one too, and is not sent.
//
// A call asks again, a bounded number of times, where the server is busy; it asks for a new token
// once where one is refused; and it fetches a page that it has kept only where it has changed.
//
// The models are generated, in gen/models; beside them this package needs the standard library
// alone.
package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gen "example.com/wechatcustomers/gen/models"
)

// What the answers are made of, as the contract names it.
type (
	// Page is one page of follows with the paginator's fields, and the enterprise's tags and
	// employees.
	Page = gen.CustomerPage
	// Follow is a row: an employee's relation to a contact.
	Follow = gen.Follow
	// Contact is a row's has_one_customer.
	Contact = gen.Contact
	// Employee is a row's has_one_employee.
	Employee = gen.Employee
	// EmployeeName is an entry of a page's list of employees.
	EmployeeName = gen.EmployeeName
	// Tag is an entry of a page's list of tags.
	Tag = gen.Tag
	// Facets says how the rows divide among the filters' values.
	Facets = gen.CustomerFacets
	// NumberCount is an entry of Facets.Status, Type and Gender.
	NumberCount = gen.NumberCount
	// AddWayCount is an entry of Facets.AddWay.
	AddWayCount = gen.AddWayCount
	// EmployeeCount is an entry of Facets.Employee.
	EmployeeCount = gen.EmployeeCount
	// TagCount is an entry of Facets.Tag.
	TagCount = gen.TagCount
	// FilterTotal is an entry of Facets.Without.
	FilterTotal = gen.FilterTotal
	// Business is an enterprise that the token's member manages.
	Business = gen.Business
	// FieldError is what is wrong with one parameter, by its name in the contract.
	FieldError = gen.FieldError
	// Status is a follow's state.
	Status = gen.StatusFilter
	// Type is a contact's kind.
	Type = gen.ExternalTypeFilter
	// Gender is a contact's gender.
	Gender = gen.GenderFilter
	// Sort is the order of the rows.
	Sort = gen.Sort
	// Facet is a part of Facets, by its name in the contract.
	Facet string
)

// The states of a follow, the kinds of contacts and their genders.
const (
	StatusFollowing = gen.StatusFollowing // 正常
	StatusLost      = gen.StatusLost      // 已流失
	TypeWeChat      = gen.TypeWeChat      // 微信用户
	TypeWeCom       = gen.TypeWeCom       // 企业微信
	GenderUnknown   = gen.GenderUnknown   // 未知
	GenderMale      = gen.GenderMale      // 男
	GenderFemale    = gen.GenderFemale    // 女
)

// The orders of the rows; rows of equal times come by id, newest first.
const (
	SortByIDDesc         = gen.SortByIDDesc         // newest id first
	SortByCreatetimeDesc = gen.SortByCreatetimeDesc // the last added first
	SortByCreatetime     = gen.SortByCreatetime     // the first added first
)

// The parts of Facets that can be left out.
const (
	FacetStatus    Facet = "status"
	FacetType      Facet = "type"
	FacetAddWay    Facet = "add_way"
	FacetGender    Facet = "gender"
	FacetEmployee  Facet = "employee"
	FacetTag       Facet = "tag"
	FacetWithout   Facet = "without"
	FacetCustomers Facet = "customers"
)

// TokenSource returns the token to send. It is asked before every call with "", and once more where
// the server refuses that token (401), with the refused one: the call is repeated if it then returns
// another. Its error is the call's.
type TokenSource func(ctx context.Context, refused string) (string, error)

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base    string
	http    *http.Client
	token   TokenSource
	timeout time.Duration
	retries int
	answers *store
	headers http.Header
}

// Option changes a new Client. Its error is New's.
type Option func(*Client) error

// WithToken sends the token as `Authorization: Bearer` with every request.
func WithToken(token string) Option {
	return WithTokenSource(func(context.Context, string) (string, error) { return token, nil })
}

// WithTokenSource asks source for the tokens, so that one that expires can be renewed.
func WithTokenSource(source TokenSource) Option {
	return func(c *Client) error {
		if source == nil {
			return errors.New("client: WithTokenSource: no source")
		}
		c.token = source
		return nil
	}
}

// WithHTTPClient sends the requests through h instead of http.DefaultClient: for proxies,
// certificates, tracing.
func WithHTTPClient(h *http.Client) Option {
	return func(c *Client) error {
		if h == nil {
			return errors.New("client: WithHTTPClient: no client")
		}
		c.http = h
		return nil
	}
}

// WithHeaders sends these header fields with every request, below those that the client itself sets.
func WithHeaders(headers http.Header) Option {
	return func(c *Client) error {
		c.headers = headers.Clone()
		return nil
	}
}

// WithTimeout bounds what a call may take, its repetitions and their waits included: 30 s unless it
// is set. With 0 the call's context alone bounds it.
func WithTimeout(timeout time.Duration) Option {
	return func(c *Client) error {
		if timeout < 0 {
			return fmt.Errorf("client: WithTimeout: %s is negative", timeout)
		}
		c.timeout = timeout
		return nil
	}
}

// WithRetries sets how often a call that is answered 429 or 503 is asked again: 2 unless it is set.
// It waits as long as Retry-After says, or 1 s. Where that would end after the call's time the error
// is returned at once.
func WithRetries(retries int) Option {
	return func(c *Client) error {
		if retries < 0 {
			return fmt.Errorf("client: WithRetries: %d is negative", retries)
		}
		c.retries = retries
		return nil
	}
}

// WithCacheSize sets how many answers are kept with their ETag, to be fetched again only where they
// have changed: 20 unless it is set; 0 keeps none. Walks (Rows, Pages) keep none either.
func WithCacheSize(size int) Option {
	return func(c *Client) error {
		if size < 0 {
			return fmt.Errorf("client: WithCacheSize: %d is negative", size)
		}
		c.answers = newStore(size)
		return nil
	}
}

// New returns a Client of the server at baseURL, such as https://mall.example.com or, where the API
// lies below a path, with that path. It does not connect. The error is a baseURL that is none, or an
// option that cannot be.
func New(baseURL string, options ...Option) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("client: " + strconv.Quote(baseURL) + " is no address; one looks like https://mall.example.com")
	}
	c := &Client{
		base: strings.TrimRight(u.String(), "/"), http: http.DefaultClient, timeout: 30 * time.Second,
		retries: 2, answers: newStore(20),
	}
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// GetList returns one page of an enterprise's follows, newest first unless q.Sort says otherwise.
// uniacid is the mall account.
//
// Errors are *Error where the server refuses, and where it would refuse q, which is then not sent
// (Status 0). What goes wrong on the way are other errors; the context's can be told by errors.Is.
func (c *Client) GetList(ctx context.Context, uniacid int64, q Query) (*Page, error) {
	return c.list(ctx, uniacid, q, true)
}

func (c *Client) list(ctx context.Context, uniacid int64, q Query, keep bool) (*Page, error) {
	values, err := q.list()
	if err != nil {
		return nil, fmt.Errorf("getList: %w", err)
	}
	page, err := call[Page](ctx, c, request{"getList", uniacid, values, keep})
	if err != nil {
		return nil, err
	}
	return &page, nil
}

// GetFacets returns how the rows under q's filters divide among the values of each filter; see the
// contract for what each list counts. What q says of pages, orders and lists to omit is not looked
// at, so that it may be the list's own. The parts in omit are not counted: their lists are empty,
// the customers 0. Errors are as GetList's.
func (c *Client) GetFacets(
	ctx context.Context, uniacid int64, q Query, omit ...Facet,
) (*Facets, error) {
	values, err := q.facets(omit)
	if err != nil {
		return nil, fmt.Errorf("getFacets: %w", err)
	}
	facets, err := call[Facets](ctx, c, request{"getFacets", uniacid, values, true})
	if err != nil {
		return nil, err
	}
	return &facets, nil
}

// GetBusinessList returns the enterprises that the token's member manages under the mall account,
// by id. Errors are as GetList's.
func (c *Client) GetBusinessList(ctx context.Context, uniacid int64) ([]Business, error) {
	return call[[]Business](ctx, c, request{"getBusinessList", uniacid, nil, true})
}

// maxPerPage is the contract's.
const maxPerPage = 100

// Rows returns all rows of a list, newest first, fetched as they are read: q.PerPage at a time, or
// 100. Every row that is there throughout comes exactly once, whatever others write meanwhile; what
// is added meanwhile does not come.
//
// After an error, which is as GetList's, there are no more rows. q.Page must not be set, nor q.Sort
// to another order; q.BeforeID starts below that id.
func (c *Client) Rows(ctx context.Context, uniacid int64, q Query) iter.Seq2[Follow, error] {
	return func(yield func(Follow, error) bool) {
		for page, err := range c.Pages(ctx, uniacid, q) {
			if err != nil {
				yield(Follow{}, err)
				return
			}
			for i := range page.Data {
				if !yield(page.Data[i], nil) {
					return
				}
			}
		}
	}
}

// Pages is what Rows is made of: the same walk, a page at a time, without tags and employees. The
// page numbers say nothing; the first page's Total is the rows of the whole list, each later one's
// those that are left. A list without rows is one empty page.
func (c *Client) Pages(ctx context.Context, uniacid int64, q Query) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		if q.Page != 0 {
			yield(nil, errors.New("client: a walk has no page numbers: Query.Page is set"))
			return
		}
		if q.Sort != "" && q.Sort != SortByIDDesc {
			yield(nil, errors.New("client: a walk has one order: Query.Sort is set"))
			return
		}
		q := q // an iterator may be ranged over again
		q.OmitTags, q.OmitEmployees = true, true
		if q.PerPage == 0 {
			q.PerPage = maxPerPage
		}
		for {
			page, err := c.list(ctx, uniacid, q, false)
			if err == nil && q.BeforeID != 0 && slices.ContainsFunc(page.Data, func(f Follow) bool { return f.ID >= q.BeforeID }) {
				err = errors.New("client: the server does not know before_id")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			// Read before the page is the caller's.
			more := page.NextPageURL != nil && len(page.Data) > 0
			if more {
				q.BeforeID = page.Data[len(page.Data)-1].ID
			}
			if !yield(page, nil) || !more {
				return
			}
		}
	}
}
