package wecomtest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	gen "example.com/wechatcustomers/gen/wecom"
)

// The made-up enterprise: members of very different numbers of customers, some customers of several
// members, WeChat's and WeCom's, tags in two groups.

const (
	families = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
	given    = "一二天明小雨子涵浩然欣怡梓宇轩诗琪博文静"
	tagCount = 12
)

func (s *Server) populate() {
	random := rand.New(rand.NewPCG(s.o.Seed, 1)) //nolint:gosec // the same enterprise each time
	created := s.clock.Add(-1000 * time.Hour).Unix()
	for g := range 2 {
		group := gen.TagGroup{GroupID: new(fmt.Sprintf("etG%d", g)), GroupName: new("来源" + fmt.Sprint(g)), CreateTime: &created, Order: new(int64(g)), Tag: &[]gen.Tag{}}
		for i := range tagCount / 2 {
			*group.Tag = append(*group.Tag, gen.Tag{ID: new(fmt.Sprintf("etFict%d%02d", g, i)), Name: new(fmt.Sprintf("标签%d", i)), CreateTime: &created, Order: new(int64(i))})
		}
		s.groups = append(s.groups, group)
	}
	var ids []string
	for i := range s.o.Members {
		userid := fmt.Sprintf("Member%04d", i)
		ids = append(ids, userid)
		m := &member{follows: map[string]*follow{}}
		m.User = gen.User{
			Userid: &userid, Name: new(name(random)), Status: new(int64(1)), MainDepartment: new(int64(1 + i%3)), Position: new("顾问"), Alias: new(""),
		}
		if i%3 == 0 {
			m.Gender, m.Mobile = new("1"), new(fmt.Sprintf("1380013%04d", i))
		}
		s.members[strings.ToLower(userid)] = m
	}
	for n := 0; n < s.o.Follows; {
		// The square makes some members have many times what others have.
		userid := ids[int(float64(len(ids))*random.Float64()*random.Float64())]
		external := fmt.Sprintf("wmFict%07d", n-n%7*random.IntN(2)) // every other one may be followed already
		if s.customers[external] == nil {
			s.addCustomer(external, random)
		}
		if s.members[strings.ToLower(userid)].follows[external] == nil {
			s.relate(userid, external, s.clock.Add(-time.Duration(random.IntN(1000))*time.Hour).Unix(), random)
			n++
		}
	}
}

func name(random *rand.Rand) string {
	f, g := []rune(families), []rune(given)
	n := string(f[random.IntN(len(f))]) + string(g[random.IntN(len(g))])
	if random.IntN(2) == 0 {
		n += string(g[random.IntN(len(g))])
	}
	if random.IntN(20) == 0 {
		n += "😀"
	}
	return n
}

func (s *Server) addCustomer(external string, random *rand.Rand) {
	c := &gen.ExternalContact{ExternalUserid: &external, Name: new(name(random)), Type: new(int64(1)), Gender: new(int64(random.IntN(3)))}
	if random.IntN(4) == 0 {
		c.Unionid = new("o" + external)
	}
	if random.IntN(4) == 0 {
		c.Avatar = new("https://wx.qlogo.cn/mmhead/" + external + "/0")
	}
	if random.IntN(8) == 0 {
		c.Type, c.CorpName, c.CorpFullName, c.Position = new(int64(2)), new("云杉"), new("云杉示例有限公司"), new("经理")
		c.ExternalProfile = new(json.RawMessage(`{"external_attr":[{"type":0,"name":"座右铭","text":{"value":"早 <起>"}}]}`))
	}
	s.customers[external] = c
}

// relate makes a member follow a customer.
func (s *Server) relate(userid, external string, at int64, random *rand.Rand) {
	m := s.members[strings.ToLower(userid)]
	tags := []string{}
	for i := range tagCount {
		if random.IntN(6) == 0 {
			tags = append(tags, fmt.Sprintf("etFict%d%02d", i%2, i/2))
		}
	}
	ways := []int64{0, 1, 2, 3, 10, 16, 24, 201, 202, 977}
	f := &follow{listed: true, odd: random.IntN(12), FollowInfo: gen.FollowInfo{
		Userid: m.Userid, Remark: new(""), Description: new(""), Createtime: &at, TagID: &tags, AddWay: new(ways[random.IntN(len(ways))]), OperUserid: m.Userid,
	}}
	if random.IntN(2) == 0 {
		f.Remark = new("老" + *s.customers[external].Name)
	}
	if random.IntN(3) == 0 {
		f.RemarkMobiles = &[]string{fmt.Sprintf("139%08d", random.IntN(1e8))}
	}
	if random.IntN(5) == 0 {
		f.RemarkCorpName, f.State = new("云杉"), new("ch1")
	}
	if before := m.follows[external]; before == nil {
		m.order = nil
	} else {
		// What was noted before is there again: absent values are not what has been cleared.
		f.RemarkMobiles, f.RemarkCorpName, f.State = or(f.RemarkMobiles, before.RemarkMobiles), or(f.RemarkCorpName, before.RemarkCorpName), or(f.State, before.State)
	}
	m.follows[external] = f
}

func or[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

// Event is a change as a callback tells it: its XML, and when it happened.
type Event struct {
	Type, ChangeType       string
	Userid, ExternalUserid string
	CreateTime             int64 // unix seconds
	XML                    string
}

// event makes one of now; two never happen in the same second.
func (s *Server) event(kind, change string, fields ...string) Event {
	now := s.o.Now().Truncate(time.Second)
	if !now.After(s.clock) {
		now = s.clock.Add(time.Second)
	}
	s.clock = now
	e := Event{Type: kind, ChangeType: change, CreateTime: now.Unix()}
	var b strings.Builder
	fmt.Fprintf(&b, "<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[%s]]></Event><ChangeType><![CDATA[%s]]></ChangeType>", s.o.CorpID, e.CreateTime, kind, change)
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, "<%s><![CDATA[%s]]></%[1]s>", fields[i], fields[i+1])
		switch fields[i] {
		case "UserID":
			e.Userid = fields[i+1]
		case "ExternalUserID":
			e.ExternalUserid = fields[i+1]
		}
	}
	b.WriteString("</xml>")
	e.XML = b.String()
	return e
}

const (
	external = "change_external_contact"
	tagEvent = "change_external_tag"
	people   = "change_contact"
)

// Pairs returns all pairs of a member and a customer that have ever been, sorted.
func (s *Server) Pairs() []Pair {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pairs []Pair
	for _, userid := range s.userids() {
		m := s.members[strings.ToLower(userid)]
		for _, e := range m.sorted() {
			f := m.follows[e]
			pairs = append(pairs, Pair{Userid: userid, ExternalUserid: e, Lost: f.lost, Listed: f.listed})
		}
	}
	return pairs
}

// Pair is a member and a customer.
type Pair struct {
	Userid, ExternalUserid string

	Lost   bool // either has deleted the other
	Listed bool // get_by_user lists it
}

// Userids returns the userids of all members, sorted.
func (s *Server) Userids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.userids()
}

// Add makes a member follow a customer, one that is new or was lost.
func (s *Server) Add(userid, externalUserid string, half bool) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	change := "add_external_contact"
	if half {
		change = "add_half_external_contact"
	}
	e := s.event(external, change, "UserID", userid, "ExternalUserID", externalUserid, "State", "ch1", "WelcomeCode", "W1")
	random := rand.New(rand.NewPCG(uint64(e.CreateTime), 2)) //nolint:gosec // made-up customers
	if s.customers[externalUserid] == nil {
		s.addCustomer(externalUserid, random)
	}
	s.relate(userid, externalUserid, e.CreateTime, random)
	return e
}

// Edit changes what a member has noted of a customer, and the customer's own name.
func (s *Server) Edit(userid, externalUserid, remark string, tags ...string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.members[strings.ToLower(userid)].follows[externalUserid]
	f.Remark, f.TagID = &remark, new(append([]string{}, tags...))
	changed := *s.customers[externalUserid]
	changed.Name = new("改" + remark)
	s.customers[externalUserid] = &changed
	return s.event(external, "edit_external_contact", "UserID", userid, "ExternalUserID", externalUserid)
}

// DeleteCustomer makes a member delete a customer: get_by_user lists the pair no longer.
func (s *Server) DeleteCustomer(userid, externalUserid string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.members[strings.ToLower(userid)].follows[externalUserid]
	f.listed, f.lost = false, true
	return s.event(external, "del_external_contact", "UserID", userid, "ExternalUserID", externalUserid)
}

// DeleteMember makes a customer delete a member: every call still lists the pair.
func (s *Server) DeleteMember(userid, externalUserid string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[strings.ToLower(userid)].follows[externalUserid].lost = true
	return s.event(external, "del_follow_user", "UserID", userid, "ExternalUserID", externalUserid)
}

// RenameTag gives a tag another name.
func (s *Server) RenameTag(id, name string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		for i := range *g.Tag {
			if t := &(*g.Tag)[i]; *t.ID == id {
				t.Name = &name
			}
		}
	}
	return s.event(tagEvent, "update", "Id", id, "TagType", "tag")
}

// DeleteTag deletes a tag, and takes it from all customers.
func (s *Server) DeleteTag(id string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		*g.Tag = slices.DeleteFunc(*g.Tag, func(t gen.Tag) bool { return *t.ID == id })
	}
	for _, m := range s.members {
		for _, f := range m.follows {
			if slices.Contains(*f.TagID, id) {
				f.TagID = new(slices.DeleteFunc(slices.Clone(*f.TagID), func(t string) bool { return t == id }))
			}
		}
	}
	return s.event(tagEvent, "delete", "Id", id, "TagType", "tag")
}

// CreateTag makes a tag of the first group.
func (s *Server) CreateTag(id, name string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.groups[0].Tag = append(*s.groups[0].Tag, gen.Tag{ID: &id, Name: &name, CreateTime: new(s.clock.Unix()), Order: new(int64(99))})
	return s.event(tagEvent, "create", "Id", id, "TagType", "tag")
}

// CreateUser makes a member without customers.
func (s *Server) CreateUser(userid, name string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[strings.ToLower(userid)] = &member{follows: map[string]*follow{}, User: gen.User{Userid: &userid, Name: &name, Status: new(int64(1))}}
	return s.event(people, "create_user", "UserID", userid, "Department", "1")
}

// RenameUser gives a member another name.
func (s *Server) RenameUser(userid, name string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[strings.ToLower(userid)].Name = &name
	return s.event(people, "update_user", "UserID", userid, "Department", "1")
}

// DeleteUser makes a member leave.
func (s *Server) DeleteUser(userid string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.members, strings.ToLower(userid))
	return s.event(people, "delete_user", "UserID", userid)
}

// Unlicense takes a member's licence, or gives it back: its customers are in no answer of
// get_by_user meanwhile.
func (s *Server) Unlicense(userid string, unlicensed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[strings.ToLower(userid)].unlicensed = unlicensed
}

// Other returns an event that tells of nothing that the list has.
func (s *Server) Other(kind, change string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.event(kind, change, "Hello", "]]>&lt;")
}
