// Package wecomtest is a stand-in of WeCom: it holds an enterprise of any size, answers the calls of
// api/wecom.yaml as WeCom does, with its tokens, cursors and quotas, fails as it is told, and sends
// signed callbacks. What it holds is the truth that a sync is compared with.
package wecomtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	gen "example.com/wechatcustomers/gen/wecom"
)

// Options say what the enterprise is and how WeCom treats it.
type Options struct {
	CorpID, ContactSecret, DirectorySecret string
	CallbackToken, EncodingAESKey          string

	Members, Follows int    // how many the enterprise begins with
	Seed             uint64 // of what they are

	// Quotas of each call; default 10,000 and 150,000. Whoever exceeds one is refused (45009) for a
	// minute.
	PerMinute, PerHour int
	AtOnce             int           // calls at a time, refused beyond (45033); default 50
	TokenLasts         time.Duration // default 2 h
	CursorLasts        time.Duration // default 10 min

	// Fault may spoil an answer; called for each with the call's path after /cgi-bin/. nil: none.
	Fault func(call string) Fault
	// Page hears of each page of customers before it is made, and may change the enterprise. nil: nobody.
	Page func()
	Now  func() time.Time // nil: the system's
}

// Fault is how an answer is spoilt.
type Fault struct {
	Code   int64 // this errcode, with empty lists; 0: none
	Half   bool  // the connection breaks after half of the answer
	Break  bool  // and before any of it
	Hang   bool  // no answer comes until the caller leaves
	Null   bool  // the answer is good, and its lists are null
	Status int   // an HTTP status with a page of HTML; 0: none
}

// The errcodes that are answered.
const (
	done              = 0
	badSecret         = 40001
	badUserid         = 40003
	badToken          = 40014
	badParameter      = 40058
	badExternalUserid = 40096
	noToken           = 41001
	expiredToken      = 42001
	overQuota         = 45009
	tooManyAtOnce     = 45033
	notAllowed        = 48002
	noSuchUser        = 60111
	noRelation        = 84061
)

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	o       Options
	handler http.Handler

	mu        sync.Mutex
	clock     time.Time // of the last event: each gets a second of its own
	members   map[string]*member
	customers map[string]*gen.ExternalContact
	groups    []gen.TagGroup
	tokens    map[string]issued
	serial    int64
	calls     map[string]*calls
	running   int
	epoch     int // of cursors
}

type member struct {
	gen.User

	unlicensed bool
	follows    map[string]*follow // by external_userid
	order      []string           // of follows, sorted; nil where it has changed
}

type follow struct {
	gen.FollowInfo

	listed bool // get_by_user lists it: the member has not deleted the customer
	lost   bool // either has deleted the other
	odd    int  // how it is written on the wire
}

type issued struct {
	directory bool
	until     time.Time
}

// calls are those of one kind.
type calls struct {
	times        []time.Time // of the last hour
	blockedUntil time.Time
	count, over  int
}

// New returns a stand-in that holds a made-up enterprise.
func New(o Options) *Server {
	for _, s := range []struct {
		text *string
		of   string
	}{
		{&o.CorpID, "wwFict"}, {&o.ContactSecret, "contact-secret"}, {&o.DirectorySecret, "directory-secret"}, {&o.CallbackToken, "callback-token"},
		{&o.EncodingAESKey, "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"},
	} {
		if *s.text == "" {
			*s.text = s.of
		}
	}
	for _, n := range []struct {
		number *int
		of     int
	}{{&o.PerMinute, 10_000}, {&o.PerHour, 150_000}, {&o.AtOnce, 50}} {
		if *n.number == 0 {
			*n.number = n.of
		}
	}
	if o.TokenLasts == 0 {
		o.TokenLasts = 2 * time.Hour
	}
	if o.CursorLasts == 0 {
		o.CursorLasts = 10 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{
		o: o, clock: o.Now().Truncate(time.Second), members: map[string]*member{}, customers: map[string]*gen.ExternalContact{}, tokens: map[string]issued{}, calls: map[string]*calls{},
	}
	s.handler = gen.HandlerWithOptions(gen.NewStrictHandlerWithOptions(calling{s}, nil, gen.StrictHTTPServerOptions{
		RequestErrorHandlerFunc:  func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, badParameter, err.Error()) },
		ResponseErrorHandlerFunc: func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, -1, err.Error()) },
	}), gen.StdHTTPServerOptions{
		ErrorHandlerFunc: func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, noToken, err.Error()) },
	})
	s.populate()
	return s
}

// Options returns what the stand-in was made with, defaults filled in.
func (s *Server) Options() Options { return s.o }

// ServeHTTP answers a call: an unknown path is 404 with an empty body.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, known := strings.CutPrefix(r.URL.Path, "/cgi-bin/")
	if !known {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fault := Fault{}
	if s.o.Fault != nil {
		fault = s.o.Fault(call)
	}
	code := s.enter(call)
	defer s.leave()
	if code == done {
		code = fault.Code
	}
	switch {
	case fault.Hang:
		// A body that has not been read hides that the caller leaves.
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return
	case fault.Break:
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(fault.Status)
		_, _ = w.Write([]byte("<html>"))
		return
	case code != done:
		refuse(w, code, "refused, hint: [1700000000_1_0], token "+r.URL.Query().Get("access_token")+" secret "+r.URL.Query().Get("corpsecret"))
		return
	}
	if fault.Null {
		_, _ = w.Write([]byte(`{"errcode":0,"errmsg":"ok","external_contact_list":null,"follow_user":null,"tag_group":null,"userlist":null}`))
		return
	}
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	s.handler.ServeHTTP(answer, r)
	body := answer.body
	if answer.status == http.StatusNotFound {
		body = nil
	}
	if fault.Half {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), answer.header)
	w.WriteHeader(answer.status)
	_, _ = w.Write(body)
}

type recorder struct {
	header http.Header
	status int
	body   []byte
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { r.body = append(r.body, b...); return len(b), nil }

// enter counts a call, also one that is refused.
func (s *Server) enter(call string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running++
	now := s.o.Now()
	c := s.calls[call]
	if c == nil {
		c = &calls{}
		s.calls[call] = c
	}
	c.count++
	for len(c.times) > 0 && now.Sub(c.times[0]) >= time.Hour {
		c.times = c.times[1:]
	}
	c.times = append(c.times, now)
	within, _ := slices.BinarySearchFunc(c.times, now.Add(-time.Minute), func(a, b time.Time) int { return a.Compare(b) })
	if len(c.times)-within > s.o.PerMinute || len(c.times) > s.o.PerHour {
		c.over++
		c.blockedUntil = now.Add(time.Minute)
	}
	switch {
	case now.Before(c.blockedUntil):
		return overQuota
	case s.running > s.o.AtOnce:
		return tooManyAtOnce
	}
	return done
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
}

// Calls returns how many calls of this kind came, "" for all, and how many of them exceeded a quota.
func (s *Server) Calls(call string) (count, over int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, c := range s.calls {
		if call == "" || call == name {
			count, over = count+c.count, over+c.over
		}
	}
	return count, over
}

// Revoke makes every token invalid, as WeCom may at any time.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// Expire makes every cursor run out.
func (s *Server) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch++
}

func refuse(w http.ResponseWriter, code int64, message string) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(encoded(map[string]any{
		"errcode": code, "errmsg": message, "external_contact_list": []any{}, "follow_user": []any{}, "tag_group": []any{}, "userlist": []any{},
	}))
}

// calling answers the calls of the document.
type calling struct{ *Server }

func (s *Server) allowed(token string, directory bool) int64 {
	t, known := s.tokens[token]
	switch {
	case token == "":
		return noToken
	case !known:
		return badToken
	case !s.o.Now().Before(t.until):
		return expiredToken
	case t.directory != directory:
		return notAllowed
	}
	return done
}

// GetToken gives the token that is in force, or a new one.
func (s calling) GetToken(_ context.Context, r gen.GetTokenRequestObject) (gen.GetTokenResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	directory := false
	switch {
	case r.Params.Corpid != s.o.CorpID:
		return answer{gen.Result{Errcode: 40013, Errmsg: "invalid corpid"}}, nil
	case r.Params.Corpsecret == s.o.DirectorySecret:
		directory = true
	case r.Params.Corpsecret != s.o.ContactSecret:
		return answer{gen.Result{Errcode: badSecret, Errmsg: "invalid credential " + r.Params.Corpsecret}}, nil
	}
	now := s.o.Now()
	for text, t := range s.tokens {
		if t.directory == directory && now.Before(t.until) {
			return answer{gen.Token{Errmsg: "ok", AccessToken: &text, ExpiresIn: new(int64(t.until.Sub(now) / time.Second))}}, nil
		}
	}
	s.serial++
	text := "token-" + strconv.FormatInt(s.serial, 10) + "-" + strings.Repeat("x", 40)
	s.tokens[text] = issued{directory, now.Add(s.o.TokenLasts)}
	return answer{gen.Token{Errmsg: "ok", AccessToken: &text, ExpiresIn: new(int64(s.o.TokenLasts / time.Second))}}, nil
}

// ListFollowUsers lists all members.
func (s calling) ListFollowUsers(_ context.Context, r gen.ListFollowUsersRequestObject) (gen.ListFollowUsersResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	all := s.userids()
	return answer{gen.FollowUsers{Errmsg: "ok", FollowUser: &all}}, nil
}

// userids returns the userids of all members, sorted.
func (s *Server) userids() []string {
	all := []string{}
	for _, m := range s.members {
		all = append(all, *m.Userid)
	}
	slices.Sort(all)
	return all
}

// ListCustomers gives one page: the members in the order asked for, each one's customers by their ids.
func (s calling) ListCustomers(_ context.Context, r gen.ListCustomersRequestObject) (gen.ListCustomersResponseObject, error) {
	if s.o.Page != nil {
		s.o.Page()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	const most = 100
	if len(r.Body.UseridList) == 0 || len(r.Body.UseridList) > most {
		return failed(badParameter), nil
	}
	limit := 50
	if n := r.Body.Limit; n != nil && *n > 0 {
		limit = min(int(*n), most)
	}
	at, valid := s.position(r.Body.Cursor)
	if !valid {
		return failed(badParameter), nil
	}
	var page []any
	unlicensed := []string{}
	next := ""
	for i, userid := range r.Body.UseridList {
		m := s.members[strings.ToLower(userid)]
		if m == nil {
			return failed(badUserid), nil
		}
		if m.unlicensed {
			unlicensed = append(unlicensed, *m.Userid)
			continue
		}
		if i < at.Member {
			continue
		}
		for _, external := range m.sorted() {
			f := m.follows[external]
			if i == at.Member && external <= at.After || !f.listed {
				continue
			}
			if len(page) == limit {
				next = s.cursor(at)
				break
			}
			page = append(page, s.onTheWire(f, external))
			at = position{Member: i, After: external}
		}
		if next != "" {
			break
		}
	}
	if page == nil {
		page = []any{}
	}
	result := map[string]any{"errcode": 0, "errmsg": "ok", "external_contact_list": page, "next_cursor": next}
	if len(unlicensed) > 0 {
		result["fail_info"] = map[string]any{"unlicensed_userid_list": unlicensed}
	}
	return answer{result}, nil
}

func (m *member) sorted() []string {
	if m.order == nil {
		for external := range m.follows {
			m.order = append(m.order, external)
		}
		slices.Sort(m.order)
	}
	return m.order
}

// position is where a page ends; a cursor is one in a form that tells callers nothing.
type position struct {
	Member int    `json:"member"`
	After  string `json:"after"`
	Epoch  int    `json:"epoch"`
	Until  int64  `json:"until"`
}

func (s *Server) cursor(p position) string {
	p.Epoch, p.Until = s.epoch, s.o.Now().Add(s.o.CursorLasts).UnixNano()
	return base64.RawURLEncoding.EncodeToString(encoded(p))
}

func (s *Server) position(cursor *string) (p position, valid bool) {
	p.Member = -1
	if cursor == nil || *cursor == "" {
		return p, true
	}
	text, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil || json.Unmarshal(text, &p) != nil {
		return p, false
	}
	return p, p.Epoch == s.epoch && s.o.Now().UnixNano() < p.Until
}

// onTheWire returns a pair as WeCom writes it: what is not there is an absent key, sometimes null, and
// there are keys that nobody has asked for.
func (s *Server) onTheWire(f *follow, external string) any {
	return map[string]any{"external_contact": contactOnTheWire(s.customers[external]), "follow_info": f.onTheWire()}
}

// fieldsOf returns an object's fields as they are written.
func fieldsOf(object any) map[string]any {
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(encoded(object), &raw)
	fields := map[string]any{}
	for name, value := range raw {
		fields[name] = value
	}
	return fields
}

// encoded returns JSON with < and > as WeCom writes them: as they are.
func encoded(value any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) //nolint:errchkjson // what the stand-in has always can be
	return b.Bytes()
}

func contactOnTheWire(c *gen.ExternalContact) any {
	fields := fieldsOf(c)
	if c.Position == nil && len(*c.Name)%2 == 0 {
		fields["position"] = nil
	}
	fields["a_new_key"] = map[string]any{"of": []any{1, nil}}
	return fields
}

func (f *follow) onTheWire() map[string]any {
	fields := fieldsOf(f.FollowInfo)
	switch f.odd % 4 {
	case 0:
		fields["wechat_channels"] = map[string]any{"nickname": "云杉号", "source": 1}
	case 1:
		if f.RemarkCorpName == nil {
			fields["remark_corp_name"] = nil
		}
		if f.RemarkMobiles == nil {
			fields["remark_mobiles"] = nil
		}
	}
	return fields
}

// GetCustomer gives a customer; the members that have deleted it are still listed.
func (s calling) GetCustomer(_ context.Context, r gen.GetCustomerRequestObject) (gen.GetCustomerResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	c := s.customers[r.Params.ExternalUserid]
	if c == nil {
		return failed(badExternalUserid), nil
	}
	follows := []any{}
	for _, userid := range s.userids() {
		if f := s.members[strings.ToLower(userid)].follows[r.Params.ExternalUserid]; f != nil {
			fields := f.onTheWire()
			delete(fields, "tag_id")
			tags := []any{}
			for _, id := range *f.TagID {
				tags = append(tags, map[string]any{"group_name": "来源", "tag_name": id, "tag_id": id, "type": 1})
			}
			if f.odd%3 == 0 {
				tags = append(tags, map[string]any{"group_name": "", "tag_name": "爱喝茶", "type": 2})
			}
			fields["tags"] = tags
			follows = append(follows, fields)
		}
	}
	if len(follows) == 0 {
		return failed(noRelation), nil
	}
	// Two members a page, so that pages are turned.
	from := 0
	if r.Params.Cursor != nil {
		from, _ = strconv.Atoi(*r.Params.Cursor)
	}
	result := map[string]any{"errcode": 0, "errmsg": "ok", "external_contact": contactOnTheWire(c), "follow_user": follows[min(from, len(follows)):min(from+2, len(follows))]}
	if from+2 < len(follows) {
		result["next_cursor"] = strconv.Itoa(from + 2)
	}
	return answer{result}, nil
}

// ListTags gives all tags.
func (s calling) ListTags(_ context.Context, r gen.ListTagsRequestObject) (gen.ListTagsResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	var copied []gen.TagGroup // marshalled after the lock is given back
	_ = json.Unmarshal(encoded(s.groups), &copied)
	return answer{gen.Tags{Errmsg: "ok", TagGroup: &copied}}, nil
}

// GetUser gives a member.
func (s calling) GetUser(_ context.Context, r gen.GetUserRequestObject) (gen.GetUserResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	m := s.members[strings.ToLower(r.Params.Userid)]
	if m == nil {
		return failed(noSuchUser), nil
	}
	return answer{userOnTheWire(m.User, true)}, nil
}

func userOnTheWire(u gen.User, alone bool) map[string]any {
	fields := fieldsOf(u)
	if alone {
		fields["errcode"], fields["errmsg"] = 0, "ok"
	}
	fields["department"], fields["extattr"] = []any{1}, map[string]any{"attrs": []any{}}
	return fields
}

// ListDepartments gives two departments; the second one's members are in no answer of ListUsers.
func (s calling) ListDepartments(_ context.Context, r gen.ListDepartmentsRequestObject) (gen.ListDepartmentsResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	return answer{gen.Departments{Errmsg: "ok", DepartmentID: &[]gen.Department{{ID: new(int64(1))}, {ID: new(int64(2)), Parentid: new(int64(1))}}}}, nil
}

// ListUsers gives the first department's members: all but every fifth.
func (s calling) ListUsers(_ context.Context, r gen.ListUsersRequestObject) (gen.ListUsersResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, false); code != done {
		return failed(code), nil
	}
	users := []any{}
	for i, userid := range s.userids() {
		if r.Params.DepartmentID == 1 && i%5 != 4 {
			users = append(users, userOnTheWire(s.members[strings.ToLower(userid)].User, false))
		}
	}
	return answer{map[string]any{"errcode": 0, "errmsg": "ok", "userlist": users}}, nil
}

// ListUserIds lists all members, some twice, three a page.
//
//nolint:revive // its name is the generated interface's
func (s calling) ListUserIds(_ context.Context, r gen.ListUserIdsRequestObject) (gen.ListUserIdsResponseObject, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.allowed(r.Params.AccessToken, true); code != done {
		return failed(code), nil
	}
	all := []gen.DepartmentUser{}
	for i, userid := range s.userids() {
		for department := range 1 + i%2 {
			all = append(all, gen.DepartmentUser{Userid: &userid, Department: new(int64(department + 1))})
		}
	}
	from := 0
	if r.Body.Cursor != nil {
		from, _ = strconv.Atoi(*r.Body.Cursor)
	}
	const size = 30
	to := min(from+size, len(all))
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	page := all[min(from, to):to]
	return answer{gen.UserIDs{Errmsg: "ok", DeptUser: &page, NextCursor: &next}}, nil
}

func failed(code int64) answer {
	r := map[string]any{"errcode": code, "errmsg": fmt.Sprintf("failed, hint: [%d]", rand.Uint32())} //nolint:gosec // a text that varies
	r["external_contact_list"], r["follow_user"] = []any{}, []any{}
	return answer{r}
}

// answer is a JSON answer to any of the calls.
type answer struct{ value any }

func (a answer) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, err := w.Write(encoded(a.value))
	return err
}

// VisitGetTokenResponse and the others write the answer.
func (a answer) VisitGetTokenResponse(w http.ResponseWriter) error        { return a.write(w) }
func (a answer) VisitListFollowUsersResponse(w http.ResponseWriter) error { return a.write(w) }
func (a answer) VisitListCustomersResponse(w http.ResponseWriter) error   { return a.write(w) }
func (a answer) VisitGetCustomerResponse(w http.ResponseWriter) error     { return a.write(w) }
func (a answer) VisitListTagsResponse(w http.ResponseWriter) error        { return a.write(w) }
func (a answer) VisitGetUserResponse(w http.ResponseWriter) error         { return a.write(w) }
func (a answer) VisitListUsersResponse(w http.ResponseWriter) error       { return a.write(w) }
func (a answer) VisitListDepartmentsResponse(w http.ResponseWriter) error { return a.write(w) }

//nolint:revive // its name is the generated interface's
func (a answer) VisitListUserIdsResponse(w http.ResponseWriter) error { return a.write(w) }
