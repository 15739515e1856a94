// Package demo owns the demonstration enterprise: invented records, always the
// same bytes, that show every case the list has to deal with.
//
// The first enterprise (CropID) has 2,000 follows that are not deleted, 40 employees
// and 60 tags, and contains the contract's sample with its ids. Beyond these numbers
// there are 6 deleted follows, 1 deleted employee and 3 deleted tags. Some follows
// carry a deleted tag or a tag id that no tag has, some belong to the deleted
// employee, one to an employee nobody knows, and one contact is deleted though it
// is still followed. The second enterprise (OtherCropID) is a handful of rows, for
// trying what it is to manage more than one.
package demo

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// Uniacid is the platform account that both enterprises belong to.
	Uniacid = 2
	// CropID is the first enterprise, the one with the sample's rows.
	CropID = 1
	// OtherCropID is the second enterprise, a small one.
	OtherCropID = 2
	// ManagerUID is the system member who manages both.
	ManagerUID = 7
	// LastFollow is the id of the follow that Write writes last, one of the second
	// enterprise: where it is, all of the demonstration has been loaded.
	LastFollow = liveFollows + deletedFollows + otherFollows
)

const (
	liveFollows    = 2000
	deletedFollows = 6
	otherFollows   = 12

	// What the sample fixes.
	sampleTag      = 27 // 开发测试标签组1标签1
	sampleTag2     = 26 // 测试标签1-2
	missingTag     = 25 // 测试标签11, which the sample's tag list leaves out
	sampleEmployee = 12
	sampleWeChat   = 20 // the contact Abe
	sampleWeCom    = 37 // the contact 李一天
	sampleFollow   = 62
	sampleFollow2  = 63

	deletedEmployee = 17
	employeeLeft    = "2024-03-15 18:02:11"
	deletedContact  = 100
	unknownUserid   = "TaoWeiMin"
	// unknownTag stands in follows and in no tag.
	unknownTag = "etDesSDgAAxUnKn0wnTagIdQ7c1mZ4vw"
)

var (
	// deletedTags are ids of the first enterprise's tags: 百度推广, 港澳台, 同行.
	deletedTags = []int{18, 35, 61}
	// deletedRows are the ids of the deleted follows.
	deletedRows = []int{9, 333, 700, 1201, 1777, 2004}
	// unknownRow is the follow whose employee nobody knows.
	unknownRow = 1500

	enterprises = []business{
		{Uniacid, CropID, "示例科技（广州）有限公司"},
		{Uniacid, OtherCropID, "示例贸易（深圳）有限公司"},
	}
)

// Businesses returns the ids and the names of both enterprises.
func Businesses() (ids []uint32, names []string) {
	for _, b := range enterprises {
		ids, names = append(ids, uint32(b.ID)), append(names, b.Name)
	}
	return ids, names
}

// china is China Standard Time, in which the *_at are written. A fixed zone, since
// the machine may have no time zone database, and China has no summer time.
var china = time.FixedZone("CST", 8*60*60)

// Write writes the demonstration enterprises to w as an import: one JSON object a
// line, businesses first, then managers, employees, contacts, tags and follows. The
// bytes are the same every time. An error is one of w's.
func Write(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	m := generate()
	for _, kind := range []func() error{
		func() error { return writeAll(out, "business", m.businesses) },
		func() error { return writeAll(out, "manager", m.managers) },
		func() error { return writeAll(out, "employee", m.employees) },
		func() error { return writeAll(out, "customer", m.customers) },
		func() error { return writeAll(out, "tag", m.tags) },
		func() error { return writeAll(out, "follow", m.follows) },
	} {
		if err := kind(); err != nil {
			return fmt.Errorf("writing the demonstration: %w", err)
		}
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("writing the demonstration: %w", err)
	}
	return nil
}

func writeAll[T any](out *json.Encoder, kind string, records []T) error {
	for _, r := range records {
		if err := out.Encode(map[string]T{kind: r}); err != nil {
			return err
		}
	}
	return nil
}

type (
	weighted struct {
		text   string
		weight int
	}
	person struct {
		userid, name string
		gender       int
	}
	group struct {
		name string
		tags []string
	}
)

// maker holds what has been made so far and the dice that make the rest.
type maker struct {
	dice
	businesses []business
	managers   []manager
	employees  []employee
	customers  []customer
	tags       []tag
	follows    []follow
	phones     int
}

// dice are random numbers that stay the same in every Go release: the generator is
// a fixed algorithm, and the choice of a number below n is made here and not by
// rand.Rand, whose ways may change. No floating point, which differs by processor.
type dice struct{ *rand.PCG }

// below returns a number from 0 to n-1.
func (d dice) below(n int) int {
	high, _ := bits.Mul64(d.Uint64(), uint64(n))
	return int(high)
}

// percent reports true p times in a hundred.
func (d dice) percent(p int) bool { return d.below(100) < p }

func pick[T any](d dice, from []T) T { return from[d.below(len(from))] }

// skewed returns an index below n, small ones more often than large ones.
func (d dice) skewed(n int) int { return min(d.below(n), d.below(n)) }

func (d dice) weighted(from []weighted) string {
	total := 0
	for _, w := range from {
		total += w.weight
	}
	n := d.below(total)
	for _, w := range from {
		if n -= w.weight; n < 0 {
			return w.text
		}
	}
	panic("unreachable: the weights sum to their total")
}

// wecomID returns an id as WeCom makes them: a prefix of its kind and enterprise,
// then 16 random bytes as base64url. 32 characters.
func (d dice) wecomID(prefix string) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], d.Uint64())
	binary.BigEndian.PutUint64(b[8:], d.Uint64())
	return prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

func at(unix int64) string { return time.Unix(unix, 0).In(china).Format(time.DateTime) }

func atPtr(unix int64) *string { s := at(unix); return &s }

func seconds(text string) int64 {
	t, err := time.ParseInLocation(time.DateTime, text, china)
	if err != nil {
		panic(err) // a constant of this package is misspelt
	}
	return t.Unix()
}

func generate() *maker {
	m := &maker{dice: dice{rand.NewPCG(2, 20210928)}}
	m.businesses = enterprises
	m.managers = []manager{{Uniacid, ManagerUID, CropID}, {Uniacid, ManagerUID, OtherCropID}}
	m.makeEmployees()
	m.makeTags()
	m.makeFollows()
	m.makeOtherFollows()
	return m
}

func (m *maker) makeEmployees() {
	made := seconds("2021-09-24 16:31:09")
	for i, p := range append(slices.Clone(staff), otherStaff...) {
		e := employee{
			ID: i + 1, Uniacid: Uniacid, BusinessID: CropID, UserID: p.userid, Name: p.name, Gender: p.gender,
			Mobile: m.phone(), Position: pick(m.dice, jobs), Status: 1, OpenUserid: "1_" + p.userid,
			Email:          strings.ToLower(p.userid) + "@example.com",
			MainDepartment: strconv.Itoa(1 + m.skewed(6)), CreatedAt: at(made), UpdatedAt: atPtr(made),
		}
		if m.percent(20) {
			e.Alias = pick(m.dice, []string{"小", "阿", "老"}) + string([]rune(p.name)[len([]rune(p.name))-1:])
		}
		if i >= len(staff) {
			e.BusinessID, e.OpenUserid = OtherCropID, "2_"+p.userid
		}
		switch e.ID {
		case sampleEmployee:
			e.Mobile, e.Position, e.Email, e.Alias, e.MainDepartment = "13547567468", "", "", "", "1"
			e.Avatar = "https://wework.qpic.cn/bizmail/g2TmcaCFx5yE5F5dufa9zyshU9v6fYIHziasdVlEof4PzDwe4VvKaxw/0"
			e.QRCode = "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=vc060e73b159d87d1d"
		case deletedEmployee:
			e.Status, e.DeletedAt = 5, atPtr(seconds(employeeLeft))
		case 23:
			e.Status, e.Disabled = 2, 1
		case 30:
			e.Status = 4
		}
		m.employees = append(m.employees, e)
	}
}

func (m *maker) makeTags() {
	created := seconds("2021-03-11 11:56:16")
	add := func(crop int, groupID, groupName, name string, order int) {
		id := len(m.tags) + 1
		created += int64(3600 + m.below(40*3600))
		stored := max(created+60, seconds("2021-08-24 16:13:28"))
		t := tag{
			ID: id, Uniacid: Uniacid, CropID: crop, TagID: m.wecomID("etDesSDgAA"), Name: name, CreateTime: created, Order: order,
			CreatedAt: at(stored), UpdatedAt: atPtr(stored), GroupID: groupID, GroupName: groupName,
		}
		if slices.Contains(deletedTags, id) {
			t.DeletedAt = atPtr(seconds("2025-05-06 10:20:30") + int64(id))
			t.UpdatedAt = t.DeletedAt
		}
		switch id {
		case sampleTag:
			t.TagID, t.GroupID = "etDesSDgAAB6_PNgMEt6fWHVVJhceQow", "etDesSDgAAkqdytUBUMtc_fsnHRnEZ6w"
			t.CreateTime = 1615434976
		case sampleTag2, missingTag:
			t.TagID, t.GroupID = "etDesSDgAAYoJscGWjVDukf38n7PJIOg", "etDesSDgAAgSPK4ZV9R6whR-HznwfJGw"
			t.CreateTime = 1616825466
			if id == missingTag {
				t.TagID = "etDesSDgAACFJtKmZ8DmxP3DjZmceyLw"
			}
		}
		if id >= missingTag && id <= sampleTag {
			t.Order = 0
			t.CreatedAt, t.UpdatedAt = "2021-08-24 16:13:28", atPtr(seconds("2021-08-24 16:13:28"))
		}
		m.tags = append(m.tags, t)
	}
	for _, g := range groups {
		id := m.wecomID("etDesSDgAA")
		for i, name := range g.tags {
			add(CropID, id, g.name, name, i)
		}
	}
	id := m.wecomID("etQk2PEwAA")
	for i, name := range []string{"批发", "零售", "代理"} {
		add(OtherCropID, id, "合作方式", name, i)
		m.tags[len(m.tags)-1].TagID = m.wecomID("etQk2PEwAA")
	}
}

// addWays are how contacts were added, all codes that WeCom has or had, with how
// often they occur.
var addWays = []weighted{
	{"1", 380}, {"16", 130}, {"2", 90}, {"3", 80}, {"4", 80}, {"24", 40}, {"6", 30}, {"202", 30}, {"201", 25}, {"0", 20}, {"5", 20},
	{"7", 15}, {"10", 15}, {"8", 8}, {"9", 8}, {"11", 8}, {"12", 8}, {"13", 8}, {"14", 8}, {"15", 8}, {"17", 8}, {"18", 8}, {"21", 8}, {"22", 8},
}

// phone returns a number that nobody has: 154 is left out of China's numbering plan.
func (m *maker) phone() string {
	m.phones++
	return fmt.Sprintf("154000%05d", m.phones)
}

func (m *maker) personName() (name string, gender int) {
	gender = 1 + m.below(2)
	given := menNames
	if gender == 2 {
		given = womenNames
	}
	return m.weighted(surnames) + pick(m.dice, given), gender
}

// company returns an invented company's short and full name.
func (m *maker) company() (short, full string) {
	brand, industry := pick(m.dice, brands), pick(m.dice, industries)
	return brand + industry[0], pick(m.dice, cities) + "市" + brand + industry[1] + "有限公司"
}

// makeCustomer adds a contact that was first stored at the given second. About one
// in six uses WeCom, the others WeChat.
func (m *maker) makeCustomer(crop int, stored int64) *customer {
	c := customer{
		ID: len(m.customers) + 1, Uniacid: Uniacid, CropID: crop, ExternalType: 1, ExternalProfile: "null", CreatedAt: at(stored),
	}
	enterprise := "DesSDgAA"
	if crop == OtherCropID {
		enterprise = "Qk2PEwAA"
	}
	c.Name, c.Gender = m.personName()
	if m.percent(17) {
		c.ExternalType = 2
		c.ExternalUserid = m.wecomID("wo" + enterprise)
		c.CorpName, c.CorpFullName = m.company()
		c.Position = pick(m.dice, positions)
		if m.percent(30) {
			c.ExternalProfile = `{"external_corp_name":"` + c.CorpName + `","external_attr":[]}`
		}
	} else {
		c.ExternalUserid = m.wecomID("wm" + enterprise)
		if m.percent(45) {
			c.Name = pick(m.dice, nicknames)
			c.Gender = m.below(3)
		}
		if m.percent(30) {
			c.Unionid = m.wecomID("otAGn0")[:28]
		}
	}
	if m.percent(12) {
		// The sample's hosts with pictures that do not exist, so that a page is seen
		// to manage without; most contacts have none at all.
		host := "http://wx.qlogo.cn/mmhead/"
		if c.ExternalType == 2 {
			host = "http://wework.qpic.cn/wwhead/"
		}
		c.Avatar = host + m.wecomID("demo") + "/0"
	}
	if c.Unionid != "" && m.percent(60) {
		// Matched with a member of the system later the same day.
		c.UID, c.IsMember = 3000+c.ID, 1
		c.UpdatedAt = atPtr(stored + int64(60+m.below(3600)))
	}
	m.customers = append(m.customers, c)
	return &m.customers[len(m.customers)-1]
}

// sampleCustomers makes the contacts 20 and 37 those of the sample.
func (m *maker) sampleCustomers() {
	updated := "2021-08-23 18:40:42"
	m.customers[sampleWeChat-1] = customer{
		ID: sampleWeChat, Uniacid: Uniacid, CropID: CropID, UID: 3061, ExternalUserid: "wmDesSDgAAG17vSqReXF2Z5NoJs9yGgg", Name: "Abe",
		Avatar:       "http://wx.qlogo.cn/mmhead/ZqDaDiccbgkgPt3oAibwdVF9iayeDB61or1vTbven6xy5siatWCXH0NDJA/0",
		ExternalType: 1, Gender: 2, Unionid: "otAGn0opBEvlppt6dH3oplwFC9aY", ExternalProfile: "null", IsMember: 1,
		CreatedAt: "2021-08-23 18:24:42", UpdatedAt: &updated,
	}
	m.customers[sampleWeCom-1] = customer{
		ID: sampleWeCom, Uniacid: Uniacid, CropID: CropID, ExternalUserid: "woDesSDgAAShvEE1Odl6hiE8TPbaybhw", Name: "李一天",
		Avatar:       "http://wework.qpic.cn/wwhead/nMl9ssowtibVGyrmvBiaibzDrzltpHO18fPs34Qu2plSGib52cRusl235ibiarTTgyXDwr4Mbmwc3Lsics/0",
		ExternalType: 2, Gender: 1, CorpName: "芸众", CorpFullName: "广州市芸众信息科技有限公司", ExternalProfile: "null",
		CreatedAt: "2021-09-28 09:21:46",
	}
}

func (m *maker) makeFollows() {
	// The contacts that the sample's two follows need are made before all follows:
	// those up to 36 in a first reading, the others with the follows' first reading.
	firstRead, secondRead := seconds("2021-08-23 18:24:42"), seconds("2021-09-28 09:21:46")
	for id := 1; id <= sampleWeCom; id++ {
		read := firstRead
		if id == sampleWeCom {
			read = secondRead
		}
		m.makeCustomer(CropID, read)
	}
	m.sampleCustomers()

	total := liveFollows + deletedFollows
	stored := m.storedTimes(total)
	next := 1                 // the first contact that nobody follows yet
	taken := map[string]bool{ // by contact and employee, of whom there is one follow at most
		m.customers[sampleWeChat-1].ExternalUserid + staff[sampleEmployee-1].userid: true,
		m.customers[sampleWeCom-1].ExternalUserid + staff[sampleEmployee-1].userid:  true,
	}
	for id := 1; id <= total; id++ {
		if id == sampleFollow || id == sampleFollow2 {
			m.follows = append(m.follows, m.sampleRow(id))
			continue
		}
		var c *customer
		for next == sampleWeChat || next == sampleWeCom {
			next++
		}
		switch {
		case next > 1 && m.percent(17):
			c = &m.customers[m.below(next-1)]
		case next <= len(m.customers):
			c = &m.customers[next-1]
			next++
		default:
			c = m.makeCustomer(CropID, stored[id-1])
			next++
		}
		userid := unknownUserid
		for id != unknownRow {
			n := m.skewed(len(staff))
			userid = staff[n].userid
			pair := c.ExternalUserid + userid
			left := n+1 == deletedEmployee && stored[id-1] >= seconds(employeeLeft)
			if !taken[pair] && !left {
				taken[pair] = true
				break
			}
		}
		f := m.makeFollow(c, userid, stored[id-1], m.rowTags())
		f.ID = id
		if slices.Contains(deletedRows, id) {
			f.DeletedAt = atPtr(seconds(f.CreatedAt) + int64(86400+m.below(86400*30)))
			f.UpdatedAt = f.DeletedAt
		}
		m.follows = append(m.follows, f)
	}
	gone := &m.customers[deletedContact-1]
	gone.DeletedAt = atPtr(seconds("2025-11-11 11:11:11"))
	gone.UpdatedAt = gone.DeletedAt
}

// storedTimes returns when the first enterprise's n follows were stored, ascending:
// up to the sample's all in one reading, then by day until the middle of 2026, more
// and more, in working hours.
func (m *maker) storedTimes(n int) []int64 {
	first, last := seconds("2021-09-28 09:21:46"), seconds("2026-07-01 00:00:00")
	midnight := seconds("2021-09-29 00:00:00")
	days := int((last - midnight) / 86400)
	times := make([]int64, n)
	for i := range times {
		times[i] = first
		if i >= sampleFollow2 {
			day := days - 1 - m.skewed(days)
			times[i] = midnight + int64(day)*86400 + int64(8*3600+m.below(14*3600))
		}
	}
	slices.Sort(times)
	return times
}

// rowTags returns the tag ids of a row of the first enterprise: none for a third of
// them, mostly one to four, now and then more or unknown ones.
func (m *maker) rowTags() []string {
	n := 0
	switch {
	case m.percent(2):
		n = 8 + m.below(6)
	case m.percent(65):
		n = 1 + m.skewed(4)
	}
	var ids []string
	for len(ids) < n {
		// The first enterprise's tags come first; the sample's three are left to chance.
		id := m.tags[m.skewed(firstTags())].TagID
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if m.below(150) == 0 {
		ids = slices.Insert(ids, m.below(len(ids)+1), unknownTag)
	}
	return ids
}

// firstTags is the number of the first enterprise's tags.
func firstTags() int {
	n := 0
	for _, g := range groups {
		n += len(g.tags)
	}
	return n
}

// tagName returns what the contract's tag_name is for these ids: the names of the
// tags that are not deleted, by id descending.
func (m *maker) tagName(ids []string) string {
	var names []string
	for _, t := range slices.Backward(m.tags) {
		if t.DeletedAt == nil && slices.Contains(ids, t.TagID) {
			names = append(names, t.Name)
		}
	}
	return strings.Join(names, ",")
}

// makeFollow returns a follow of c, without its id, that was stored at the given second.
func (m *maker) makeFollow(c *customer, userid string, stored int64, tagIDs []string) follow {
	// Most are stored as WeCom reports them, within seconds; some by a nightly reading;
	// those of the first reading may be months old.
	added := stored - int64(m.below(4))
	switch {
	case stored == seconds("2021-09-28 09:21:46"):
		added = seconds("2021-01-04 09:00:00") + int64(m.below(266*86400))
	case m.percent(15):
		added = stored - int64(m.below(20*3600))
	}
	f := follow{
		Uniacid: Uniacid, CropID: c.CropID, Userid: userid, ExternalUserid: c.ExternalUserid, Remark: m.remark(c), RemarkMobiles: "[]",
		CustomerCreateTime: added, Createtime: added, AddWay: m.weighted(addWays), Status: 1, OperUserid: userid,
		CreatedAt: at(stored), TagID: strings.Join(tagIDs, ","), TagName: m.tagName(tagIDs),
	}
	if m.percent(25) {
		f.Description = pick(m.dice, descriptions)
	}
	if c.ExternalType == 1 && m.percent(12) {
		f.RemarkCorpName, _ = m.company()
	}
	if m.percent(20) {
		f.RemarkMobiles = `["` + m.phone() + `"]`
		if m.percent(15) {
			f.RemarkMobiles = `["` + m.phone() + `","` + m.phone() + `"]`
		}
	}
	switch f.AddWay {
	case "1", "7", "24": // the contact asked
		if m.percent(50) {
			f.OperUserid = c.ExternalUserid
		}
	case "16":
		f.State = "link_" + strconv.Itoa(1+m.skewed(9))
	case "201", "202": // a colleague handed over
		f.OperUserid = staff[0].userid
	}
	if m.percent(12) {
		f.Status = -1
	}
	if f.Status == -1 || m.percent(30) {
		f.UpdatedAt = atPtr(stored + int64(3600+m.below(60*86400)))
	}
	return f
}

// remark returns what an employee notes as the contact's name: mostly the name.
func (m *maker) remark(c *customer) string {
	switch n := m.below(100); {
	case n < 40:
		return c.Name
	case n < 55:
		return c.Name + pick(m.dice, []string{"-", " ", "_", "/", "·"}) + pick(m.dice, remarkNotes)
	case n < 70:
		return m.weighted(surnames) + pick(m.dice, titles) + pick(m.dice, []string{"", "-", " "}) + pick(m.dice, cities)
	case n < 80:
		return pick(m.dice, cities) + " " + c.Name
	case n < 87:
		return pick(m.dice, []string{"A", "Ａ", "B", "VIP", "ＶＩＰ"}) + pick(m.dice, []string{"001", "０１２", "88", "-7", "３"}) + " " + c.Name
	case n < 94:
		return c.Name + pick(m.dice, []string{"🌸", "⭐", "🔥", "👍", "❤️", "👨‍👩‍👧"})
	default:
		name, _ := m.personName()
		return name
	}
}

// sampleRow returns the sample's follow of this id.
func (m *maker) sampleRow(id int) follow {
	f := follow{
		ID: id, Uniacid: Uniacid, CropID: CropID, Userid: staff[sampleEmployee-1].userid, RemarkMobiles: "[]", AddWay: "1", Status: 1,
		CreatedAt: "2021-09-28 09:21:46",
	}
	if id == sampleFollow {
		f.ExternalUserid, f.Remark, f.OperUserid = m.customers[sampleWeChat-1].ExternalUserid, "Abe", f.Userid
		f.CustomerCreateTime, f.Createtime = 1632277573, 1632277573
		ids := []string{m.tags[missingTag-1].TagID, m.tags[sampleTag-1].TagID}
		f.TagID, f.TagName = strings.Join(ids, ","), m.tagName(ids)
		return f
	}
	f.ExternalUserid, f.Remark = m.customers[sampleWeCom-1].ExternalUserid, "李宝佳"
	f.OperUserid = f.ExternalUserid
	f.CustomerCreateTime, f.Createtime = 1631950639, 1631950639
	return f
}

func (m *maker) makeOtherFollows() {
	tags := m.tags[firstTags():]
	stored := seconds("2026-02-02 10:00:00")
	for i := range otherFollows {
		stored += int64(3600 + m.below(86400))
		var ids []string
		if m.percent(60) {
			ids = []string{pick(m.dice, tags).TagID}
		}
		c := m.makeCustomer(OtherCropID, stored)
		f := m.makeFollow(c, otherStaff[i%len(otherStaff)].userid, stored, ids)
		if f.OperUserid == staff[0].userid {
			f.OperUserid = otherStaff[0].userid
		}
		f.ID = len(m.follows) + 1
		m.follows = append(m.follows, f)
	}
}
