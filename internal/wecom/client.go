package wecom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	gen "example.com/wechatcustomers/gen/wecom"
)

// WeCom lets an enterprise make 10,000 calls a minute and 150,000 an hour of each kind, and an
// address 20,000 and 600,000 of all kinds. An even 40 a second, and 160 of all, stay below both with
// whatever was called before this process began: each start adds the burst alone.
const (
	callsPerSecond    = 40
	callsBurst        = 20
	addressPerSecond  = 160
	addressBurst      = 80
	callsAtOnce       = 8        // of one enterprise
	maxAnswer         = 16 << 20 // bytes; a page of 100 customers is some 100 KB
	longestBlockWaits = 66       // a block lasts a minute or an hour
)

// Error is a failure that WeCom has answered.
type Error struct {
	Call    string // the path after /cgi-bin/
	Code    int64  // errcode
	Message string // errmsg, for people, without secrets
}

func (e *Error) Error() string { return fmt.Sprintf("%s: errcode %d: %s", e.Call, e.Code, e.Message) }

// The errcodes that are told apart.
const (
	systemBusy        = -1
	badSecret         = 40001
	badUserid         = 40003
	badCorpID         = 40013
	badToken          = 40014
	badParameter      = 40058
	badExternalUserid = 40096
	noSecret          = 41004
	expiredToken      = 42001
	overQuota         = 45009
	tooManyAtOnce     = 45033
	notAllowed        = 48002
	appDisabled       = 50003
	noPrivilege       = 60011
	addressRefused    = 60020
	noSuchUser        = 60111
	noRelation        = 84061
)

func codeOf(err error) int64 {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return 0
}

// remedies say what a person has to set for the errors that nothing else ends.
var remedies = map[int64]string{
	badSecret:      "the secret is not that of the app: copy it anew into the file (contact_secret: 客户与上下游 → 客户联系 → API; directory_secret: 安全与管理 → 管理工具 → 通讯录同步)",
	badCorpID:      "the corpid is not right: copy it anew into the file (我的企业 → 企业信息 → 企业ID)",
	noSecret:       "the secret is missing: set contact_secret in the file",
	notAllowed:     "the app may not make this call: add it under 客户与上下游 → 客户联系 → API → 可调用接口的应用; the secrets of system apps make no new calls since 2023-12-01, take that of a self-built app (自建应用)",
	noPrivilege:    "the app has no right to this: widen its 可见范围, and add it under 客户与上下游 → 客户联系 → API → 可调用接口的应用",
	addressRefused: "WeCom refuses this server's address: add the one that the message names to the app's 企业可信IP",
	appDisabled:    "the app is disabled: enable it (应用管理 → the app)",
}

// PersonError is an error that lasts until somebody sets something right.
type PersonError struct {
	Remedy string // what to set
	Err    error
}

func (e *PersonError) Error() string { return e.Remedy + " (" + e.Err.Error() + ")" }

// Unwrap returns what WeCom has answered.
func (e *PersonError) Unwrap() error { return e.Err }

// client makes the calls of one enterprise.
type client struct {
	e       Enterprise
	api     *gen.Client
	waits   Waits
	address *rate.Limiter // of all enterprises
	atOnce  chan struct{}
	watch   Observer

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by call
	tokens   [apps]token
}

// app is whose token a call needs.
type app int

const (
	contactApp   app = iota // 客户联系
	directoryApp            // 通讯录同步
	apps
)

// token is renewed by one caller at a time.
type token struct {
	renewing sync.Mutex
	text     string
	until    time.Time
}

// Waits are the times that are waited; the zero value is for use, others are for tests.
type Waits struct {
	Answer time.Duration // for an answer; default 15 s
	Again  time.Duration // before the second try of a call; default 500 ms, longer before the third
	Block  time.Duration // while a quota is used up; default 60 s
	Poll   time.Duration // between two looks for events; default 1 s
	Lease  time.Duration // until others take over from a process that has died; default 30 s
	Retry  time.Duration // before an event that failed is tried again; default 1 s, longer each time
}

func (w Waits) orDefault() Waits {
	for _, d := range []struct {
		wait *time.Duration
		of   time.Duration
	}{
		{&w.Answer, 15 * time.Second}, {&w.Again, 500 * time.Millisecond}, {&w.Block, time.Minute},
		{&w.Poll, time.Second}, {&w.Lease, 30 * time.Second}, {&w.Retry, time.Second},
	} {
		if *d.wait == 0 {
			*d.wait = d.of
		}
	}
	return w
}

func newClient(e Enterprise, base string, waits Waits, address *rate.Limiter, watch Observer) (*client, error) {
	api, err := gen.NewClient(strings.TrimSuffix(base, "/"), gen.WithHTTPClient(&http.Client{
		Timeout: waits.Answer,
		// The token is in the address, which a redirect would hand on.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	if err != nil {
		return nil, err
	}
	return &client{
		e: e, api: api, waits: waits, address: address, atOnce: make(chan struct{}, callsAtOnce), limiters: map[string]*rate.Limiter{}, watch: watch,
	}, nil
}

// request sends a call with a token.
type request func(ctx context.Context, api *gen.Client, token string) (*http.Response, error)

// call makes a call until it is answered well, as often as its errors allow: a token that does not
// hold is renewed once, failures of WeCom's or of the network are tried three times, and a used-up
// quota is waited out. Any other failure is an *Error, within a PersonError where it is one.
func call[T any](ctx context.Context, c *client, name string, of app, send request) (answer T, err error) {
	again := backoff.NewExponentialBackOff()
	again.InitialInterval = c.waits.Again
	for blocked := 0; ; blocked++ {
		answer, err = backoff.Retry(ctx, func() (T, error) {
			answer, err := tryCall[T](ctx, c, name, of, send)
			if err != nil && (ctx.Err() != nil || !passes(err)) {
				err = backoff.Permanent(err)
			}
			return answer, err
		}, backoff.WithBackOff(again), backoff.WithMaxTries(3))
		if permanent, ok := errors.AsType[*backoff.PermanentError](err); ok {
			err = permanent.Unwrap()
		}
		if codeOf(err) != overQuota || blocked == longestBlockWaits {
			break
		}
		if err := wait(ctx, c.waits.Block); err != nil {
			return answer, err
		}
	}
	if remedy, ok := remedies[codeOf(err)]; ok {
		err = &PersonError{Remedy: remedy, Err: err}
	}
	return answer, err
}

// passes says whether a failure may be gone at the next try: WeCom's own, and any of the network.
func passes(err error) bool {
	e, answered := errors.AsType[*Error](err)
	return !answered || e.Code == systemBusy || e.Code == tooManyAtOnce
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tryCall makes a call once, and once more with a new token where WeCom asks for that.
func tryCall[T any](ctx context.Context, c *client, name string, of app, send request) (answer T, err error) {
	used := ""
	for range 2 {
		if used, err = c.token(ctx, of, used); err != nil {
			return answer, err
		}
		answer, err = do[T](ctx, c, name, func(ctx context.Context) (*http.Response, error) { return send(ctx, c.api, used) })
		if code := codeOf(err); code != badToken && code != expiredToken {
			return answer, err
		}
	}
	// Two tokens in a row: another process of the enterprise may be renewing it.
	return answer, fmt.Errorf("the token is refused again: %s", err) //nolint:errorlint // the code has had its turn
}

// token returns the app's token, a new one where it has run out or was refused.
func (c *client) token(ctx context.Context, of app, refused string) (string, error) {
	t := &c.tokens[of]
	t.renewing.Lock()
	defer t.renewing.Unlock()
	if t.text != "" && t.text != refused && time.Now().Before(t.until) {
		return t.text, nil
	}
	secret := c.e.ContactSecret
	if of == directoryApp {
		secret = c.e.DirectorySecret
	}
	answer, err := do[gen.Token](ctx, c, "gettoken", func(ctx context.Context) (*http.Response, error) {
		return c.api.GetToken(ctx, &gen.GetTokenParams{Corpid: c.e.CorpID, Corpsecret: secret})
	})
	if err != nil {
		return "", err
	}
	if text(answer.AccessToken) == "" {
		return "", errors.New("gettoken: the answer has no access_token")
	}
	const early = 5 * time.Minute
	t.text = *answer.AccessToken
	t.until = time.Now().Add(max(time.Duration(number(answer.ExpiresIn))*time.Second-early, time.Second))
	return t.text, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// do makes a call once, when the limits let it. Its errors hold no address, for that has the token or
// the secret in it.
func do[T any](ctx context.Context, c *client, name string, send func(context.Context) (*http.Response, error)) (answer T, err error) {
	select {
	case c.atOnce <- struct{}{}:
		defer func() { <-c.atOnce }()
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	}
	if err := c.limiter(name).Wait(ctx); err != nil {
		return answer, err
	}
	if err := c.address.Wait(ctx); err != nil {
		return answer, err
	}
	ended := c.watch.WecomCall(ctx, name)
	defer func() {
		switch e, answered := errors.AsType[*Error](err); {
		case err == nil:
			ended("0")
		case answered:
			ended(strconv.FormatInt(e.Code, 10))
		default:
			ended("none")
		}
	}()
	res, err := send(ctx)
	if err != nil {
		if in, ok := errors.AsType[*url.Error](err); ok {
			err = in.Err
		}
		return answer, fmt.Errorf("%s: %w", name, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return answer, fmt.Errorf("%s: the answer breaks off: %w", name, err)
	}
	if res.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("%s: HTTP %d", name, res.StatusCode)
	}
	var result struct {
		Errcode *int64 `json:"errcode"`
		Errmsg  string `json:"errmsg"`
	}
	switch {
	case len(body) > maxAnswer:
		return answer, fmt.Errorf("%s: the answer is larger than %d bytes", name, maxAnswer)
	case json.Unmarshal(body, &result) != nil || result.Errcode == nil:
		return answer, fmt.Errorf("%s: the answer is no JSON object with an errcode", name)
	case *result.Errcode != 0:
		return answer, &Error{Call: name, Code: *result.Errcode, Message: c.clean(result.Errmsg)}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return answer, fmt.Errorf("%s: the answer is not as documented: %w", name, err)
	}
	return answer, nil
}

func (c *client) limiter(name string) *rate.Limiter {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.limiters[name]
	if l == nil {
		l = rate.NewLimiter(callsPerSecond, callsBurst)
		c.limiters[name] = l
	}
	return l
}

// clean returns a message of WeCom's without what it must not hold, and at a length for people.
func (c *client) clean(message string) string {
	secrets := []string{c.e.ContactSecret, c.e.DirectorySecret, c.e.CallbackToken, c.e.EncodingAESKey}
	for i := range c.tokens {
		t := &c.tokens[i]
		if t.renewing.TryLock() { // held by whoever is renewing it: then the old one is of no use any more
			secrets = append(secrets, t.text)
			t.renewing.Unlock()
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			message = strings.ReplaceAll(message, secret, "…")
		}
	}
	const most = 300
	if runes := []rune(message); len(runes) > most {
		message = string(runes[:most]) + "…"
	}
	return message
}

// The calls.

func (c *client) followUsers(ctx context.Context) ([]string, error) {
	answer, err := call[gen.FollowUsers](ctx, c, "externalcontact/get_follow_user_list", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
		return api.ListFollowUsers(ctx, &gen.ListFollowUsersParams{AccessToken: token})
	})
	return list(answer.FollowUser), err
}

// customers returns one page of these members' customers.
func (c *client) customers(ctx context.Context, userids []string, cursor string) (gen.Customers, error) {
	const limit int64 = 100
	ask := gen.CustomersRequest{UseridList: userids, Limit: new(limit)}
	if cursor != "" {
		ask.Cursor = &cursor
	}
	return call[gen.Customers](ctx, c, "externalcontact/batch/get_by_user", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
		return api.ListCustomers(ctx, &gen.ListCustomersParams{AccessToken: token}, ask)
	})
}

// customer returns a contact and what this member has noted of it, nil where it is not among those
// that follow it.
func (c *client) customer(ctx context.Context, externalUserid, userid string) (*gen.ExternalContact, *gen.FollowInfo, error) {
	params := gen.GetCustomerParams{ExternalUserid: externalUserid}
	for {
		answer, err := call[gen.Customer](ctx, c, "externalcontact/get", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
			params.AccessToken = token
			return api.GetCustomer(ctx, &params)
		})
		if err != nil {
			return nil, nil, err
		}
		for _, follow := range list(answer.FollowUser) {
			if strings.EqualFold(text(follow.Userid), userid) {
				return answer.ExternalContact, &follow, nil
			}
		}
		if text(answer.NextCursor) == "" {
			return answer.ExternalContact, nil, nil
		}
		params.Cursor = answer.NextCursor
	}
}

// tags returns the groups of tags, nil where the answer has no list of them.
func (c *client) tags(ctx context.Context) ([]gen.TagGroup, error) {
	answer, err := call[gen.Tags](ctx, c, "externalcontact/get_corp_tag_list", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
		return api.ListTags(ctx, &gen.ListTagsParams{AccessToken: token}, gen.TagsRequest{})
	})
	return list(answer.TagGroup), err
}

func (c *client) departments(ctx context.Context) ([]gen.Department, error) {
	answer, err := call[gen.Departments](ctx, c, "department/simplelist", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
		return api.ListDepartments(ctx, &gen.ListDepartmentsParams{AccessToken: token})
	})
	return list(answer.DepartmentID), err
}

func (c *client) usersOf(ctx context.Context, department int64) ([]gen.User, error) {
	answer, err := call[gen.Users](ctx, c, "user/list", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
		return api.ListUsers(ctx, &gen.ListUsersParams{AccessToken: token, DepartmentID: department})
	})
	return list(answer.Userlist), err
}

func (c *client) user(ctx context.Context, userid string) (gen.User, error) {
	answer, err := call[gen.UserAnswer](ctx, c, "user/get", contactApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
		return api.GetUser(ctx, &gen.GetUserParams{AccessToken: token, Userid: userid})
	})
	return gen.User{
		Userid: answer.Userid, Name: answer.Name, Mobile: answer.Mobile, Position: answer.Position, Gender: answer.Gender, Telephone: answer.Telephone,
		Email: answer.Email, Avatar: answer.Avatar, Alias: answer.Alias, Status: answer.Status, QrCode: answer.QrCode, Address: answer.Address,
		OpenUserid: answer.OpenUserid, MainDepartment: answer.MainDepartment,
	}, err
}

// userids returns the userids of all members of the enterprise.
func (c *client) userids(ctx context.Context) ([]string, error) {
	const limit int64 = 10_000
	ask := gen.UserIDsRequest{Limit: new(limit)}
	var all []string
	for {
		answer, err := call[gen.UserIDs](ctx, c, "user/list_id", directoryApp, func(ctx context.Context, api *gen.Client, token string) (*http.Response, error) {
			return api.ListUserIds(ctx, &gen.ListUserIdsParams{AccessToken: token}, ask)
		})
		if err != nil {
			return nil, err
		}
		for _, u := range list(answer.DeptUser) {
			if id := text(u.Userid); id != "" {
				all = append(all, id)
			}
		}
		if text(answer.NextCursor) == "" {
			return all, nil
		}
		ask.Cursor = answer.NextCursor
	}
}

func list[T any](of *[]T) []T {
	if of == nil {
		return nil
	}
	return *of
}
