// Package client is the Go client of the WeCom customer list: getList, getFacets and
// getBusinessList of the contract, in natural Go types.
//
//	c, err := client.New("https://mall.example.com", client.WithToken(token))
//	page, err := c.GetList(ctx, 2, client.Query{Customer: "李", Status: client.StatusFollowing})
//
// What the server refuses is an *Error, also where it answers failures as HTTP 200 (LEGACY_STATUS):
// the envelope's result decides.
//
// The calls and models are generated, in gen/client; this package imports nothing else but the
// standard library.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"

	gen "example.com/wechatcustomers/gen/client"
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

// Client calls one server. It is safe for concurrent use.
type Client struct {
	calls *gen.Client
}

// Option changes a new Client.
type Option func(*settings)

type settings struct {
	doer  gen.HttpRequestDoer
	token func(context.Context) (string, error)
}

// WithToken sends the token as `Authorization: Bearer` with every request.
func WithToken(token string) Option {
	return WithTokenSource(func(context.Context) (string, error) { return token, nil })
}

// WithTokenSource asks source for the token before every request, so that one that expires can be
// renewed. Its error is the call's.
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return func(s *settings) { s.token = source }
}

// WithHTTPClient sends the requests through c instead of http.DefaultClient: for timeouts, proxies,
// retries.
func WithHTTPClient(c *http.Client) Option {
	return func(s *settings) { s.doer = c }
}

// New returns a Client of the server at baseURL, such as https://mall.example.com or, where the API
// lies below a path, with that path. It does not connect. The error is a baseURL that is none.
func New(baseURL string, options ...Option) (*Client, error) {
	s := settings{doer: http.DefaultClient}
	for _, o := range options {
		o(&s)
	}
	edit := func(ctx context.Context, r *http.Request) error {
		if s.token == nil {
			return nil
		}
		token, err := s.token(ctx)
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	if err := checkURL(baseURL); err != nil {
		return nil, err
	}
	calls, err := gen.NewClient(baseURL, gen.WithHTTPClient(s.doer), gen.WithRequestEditorFn(edit))
	if err != nil {
		return nil, err
	}
	return &Client{calls: calls}, nil
}

// GetList returns one page of an enterprise's follows, newest first unless q.Sort says otherwise.
// uniacid is the mall account.
//
// Errors are *Error where the server refuses; a Query that cannot be sent and what goes wrong on
// the way are other errors.
func (c *Client) GetList(ctx context.Context, uniacid int64, q Query) (*Page, error) {
	params, err := q.params()
	if err != nil {
		return nil, err
	}
	answer, err := c.calls.GetList(ctx, uniacid, params)
	if err != nil {
		return nil, fmt.Errorf("getList: %w", err)
	}
	page, err := read[Page](answer)
	if err != nil {
		return nil, fmt.Errorf("getList: %w", err)
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
	params, err := q.facetParams(omit)
	if err != nil {
		return nil, err
	}
	answer, err := c.calls.GetFacets(ctx, uniacid, params)
	if err != nil {
		return nil, fmt.Errorf("getFacets: %w", err)
	}
	facets, err := read[Facets](answer)
	if err != nil {
		return nil, fmt.Errorf("getFacets: %w", err)
	}
	return &facets, nil
}

// GetBusinessList returns the enterprises that the token's member manages under the mall account,
// by id. Errors are as GetList's.
func (c *Client) GetBusinessList(ctx context.Context, uniacid int64) ([]Business, error) {
	answer, err := c.calls.GetBusinessList(ctx, uniacid)
	if err != nil {
		return nil, fmt.Errorf("getBusinessList: %w", err)
	}
	list, err := read[[]Business](answer)
	if err != nil {
		return nil, fmt.Errorf("getBusinessList: %w", err)
	}
	return list, nil
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
		if q.Page != 0 {
			yield(Follow{}, errors.New("client: Rows has no pages: Query.Page is set"))
			return
		}
		if q.Sort != "" && q.Sort != SortByIDDesc {
			yield(Follow{}, errors.New("client: Rows has one order: Query.Sort is set"))
			return
		}
		q := q // an iterator may be ranged over again
		q.OmitTags, q.OmitEmployees = true, true
		if q.PerPage == 0 {
			q.PerPage = maxPerPage
		}
		for {
			page, err := c.GetList(ctx, uniacid, q)
			if err == nil && q.BeforeID != 0 && slices.ContainsFunc(page.Data, func(f Follow) bool { return f.ID >= q.BeforeID }) {
				err = errors.New("client: the server does not know before_id")
			}
			if err != nil {
				yield(Follow{}, err)
				return
			}
			for i := range page.Data {
				if !yield(page.Data[i], nil) {
					return
				}
			}
			if page.NextPageURL == nil || len(page.Data) == 0 {
				return
			}
			q.BeforeID = page.Data[len(page.Data)-1].ID
		}
	}
}

// read returns the data of a successful envelope, else an *Error. It looks at result before data:
// with LEGACY_STATUS failures come as 200, and their data is of another type.
func read[T any](answer *http.Response) (data T, err error) {
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return data, err
	}
	var envelope struct {
		Result *int            `json:"result"`
		Msg    string          `json:"msg"`
		Data   json.RawMessage `json:"data"`
	}
	failed := &Error{Status: answer.StatusCode, RequestID: answer.Header.Get("X-Request-Id")}
	if err := json.Unmarshal(body, &envelope); err != nil || envelope.Result == nil {
		// Not the server's own words: a proxy's page, or another address altogether.
		failed.Msg = http.StatusText(answer.StatusCode) + " (no envelope)"
		return data, failed
	}
	if *envelope.Result != 1 {
		failed.Msg = envelope.Msg
		// Data that names no fields says nothing more.
		if json.Unmarshal(envelope.Data, &failed.Fields) != nil {
			failed.Fields = nil
		}
		return data, failed
	}
	if err := json.Unmarshal(envelope.Data, &data); err != nil {
		return data, fmt.Errorf("read the answer: %w", err)
	}
	return data, nil
}
