package bench

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

// generation is raised with every change of the generator's bytes, or of what the import derives from them, so that kept databases are made anew.
const generation = 2

const (
	uniacid    = 2
	managerUID = 7
	// bigCrop is the enterprise that is measured, otherCrop the one of 10,000; the small ones come after them.
	bigCrop   = 1
	otherCrop = 2
)

// plan is the data of one size: a pure function of the number of follows in the big enterprise, so that any row of it can be asked for at any time.
type plan struct {
	rows        int // live follows of the big enterprise
	enterprises []*enterprise
}

// newPlan returns the data whose big enterprise has this many live follows; from 100,000 on it has 2,000 employees and 300 tags.
func newPlan(rows int) (*plan, error) {
	if rows < 1000 || rows > 20_000_000 || rows%500 != 0 {
		return nil, fmt.Errorf("%d rows: the size must be a multiple of 500 from 1,000 to 20,000,000", rows)
	}
	p := &plan{rows: rows}
	p.add(rows, min(rows/50, 2000), min(rows*300/100_000+15, 300))
	p.add(min(rows/100, 10_000), min(rows/200, 200), 50)
	for range min(rows/500, 500) {
		p.add(100, 10, 10)
	}
	return p, nil
}

func (p *plan) big() *enterprise { return p.enterprises[0] }

// enterprise returns the one of this crop_id; 0 is the big one.
func (p *plan) enterprise(crop int) *enterprise { return p.enterprises[max(crop, bigCrop)-1] }

// records returns the number of lines of the import.
func (p *plan) records() int {
	n := 0
	for _, e := range p.enterprises {
		n += 2 + e.employees + e.tags + e.contacts() + e.raw
	}
	return n
}

func (p *plan) add(live, employees, tags int) {
	e := &enterprise{crop: len(p.enterprises) + 1, raw: live + live/100, employees: employees, tags: tags, special: map[int]bool{}}
	if len(p.enterprises) > 0 {
		last := p.enterprises[len(p.enterprises)-1]
		e.firstFollow = last.firstFollow + last.raw
		e.firstContact = last.firstContact + last.contacts()
		e.firstEmployee = last.firstEmployee + last.employees
		e.firstTag = last.firstTag + last.tags
	}
	e.employeeOdds, e.tagOdds = newZipf(employees), newZipf(tags)
	for j := range raresInMix {
		i := (2*j + 1) * e.raw / (2 * raresInMix) / 5 * 5
		for e.deleted(i) || e.special[i] {
			i += 5
		}
		if i < e.raw {
			e.special[i] = true
		}
	}
	p.enterprises = append(p.enterprises, e)
}

// enterprise makes the records of one enterprise. Follows are counted from 0, the oldest; every hundredth is deleted.
type enterprise struct {
	crop, raw, employees, tags                         int // raw counts the deleted follows too
	firstFollow, firstContact, firstEmployee, firstTag int // ids before this enterprise's
	employeeOdds, tagOdds                              zipf
	special                                            map[int]bool // the follows of the rare mix
}

// What the measured requests need is made on purpose and not left to chance.
const (
	raresInMix = 10 // follows of status=-1, type=2, source 202, spread over the whole list
	rareWay    = 202

	perThousandInName2   = 3 // contacts with name2 in their name
	perThousandInName3   = 2
	perThousandInRemark2 = 3
	perThousandInRemark3 = 2
	name2, name3         = "鹤鸣", "松鹤延"
	remark2, remark3     = "展会", "周三回"
	oneCharacter         = "王"

	// days is how long the list grew: 30 of them have about 16,000 of a million rows.
	days      = 1760
	day       = 24 * 60 * 60
	firstTime = 1609459200 // 2021-01-01 in UTC
)

func (e *enterprise) deleted(i int) bool { return i%101 == 100 }

func (e *enterprise) followID(i int) int { return e.firstFollow + i + 1 }

// Of five neighbouring follows the first four bring a contact each, the fifth goes to a contact that somebody else follows already.

func (e *enterprise) contacts() int { return e.raw/5*4 + e.raw%5 }

// contactOf returns the contact of a follow; the fifth of a group belongs to the contacts of another group, each group's to a different one.
func (e *enterprise) contactOf(i int) (contact int, second bool) {
	if i%5 != 4 {
		return i/5*4 + i%5, false
	}
	groups := e.raw / 5
	group := int(uint64(i/5) * 7_368_787 % uint64(groups))
	return group*4 + i/5%4, true
}

// firstOf returns the follow that brought a contact.
func (e *enterprise) firstOf(contact int) int { return contact/4*5 + contact%4 }

// Each kind of record has dice of its own, thrown from its number: any record can be made without those before it.
const (
	ofEmployee = iota + 1
	ofTag
	ofContact
	ofFollow
	ofText // what filters do not read
)

func (e *enterprise) dice(kind, i int) dice {
	return dice{rand.NewPCG(uint64(e.crop)<<8|uint64(kind), uint64(i)*0x9e3779b97f4a7c15)}
}

// facts are what the filters read of a follow.
type facts struct {
	id, employee, contact int
	status, kind, way     int
	createtime            int64
	tags                  [3]int
	tagged                int // how many of tags count
	name, remark          string
	deleted               bool
}

func (f *facts) tag(t int) bool { return slices.Contains(f.tags[:f.tagged], t) }

// facts returns what the filters read of follow i.
func (e *enterprise) facts(i int) facts {
	d := e.dice(ofFollow, i)
	f := facts{id: e.followID(i), deleted: e.deleted(i)}
	var second bool
	f.contact, second = e.contactOf(i)
	f.employee = e.employeeOdds.draw(d)
	if second {
		// Nobody follows a contact twice.
		if first := e.dice(ofFollow, e.firstOf(f.contact)); e.employeeOdds.draw(first) == f.employee {
			f.employee = (f.employee + 1) % e.employees
		}
	}
	f.status, f.way = 1, pick(d, ways)
	if d.below(100) < 15 {
		f.status = -1
	}
	f.createtime = firstTime + int64(i)*days*day/int64(e.raw) - int64(d.below(day))
	if d.below(10) == 0 { // known long before they were synchronised
		f.createtime = firstTime + int64(d.below(int(f.createtime-firstTime)+2*day))
	}
	for range min(d.below(20)/6, 3) { // none, one, two in six of twenty each, three in two
		if t := e.tagOdds.draw(d); !f.tag(t) {
			f.tags[f.tagged] = t
			f.tagged++
		}
	}
	f.name, f.kind = e.contact(f.contact)
	switch {
	case e.special[i]:
		f.status, f.way = -1, rareWay
	case f.status == -1 && f.kind == 2 && f.way == rareWay:
		f.way = 1
	}
	f.remark = e.remark(d, f.name)
	return f
}

// contact returns what the filters read of a contact.
func (e *enterprise) contact(c int) (name string, kind int) {
	d := e.dice(ofContact, c)
	kind = 1
	if d.below(100) < 6 || e.special[e.firstOf(c)] {
		kind = 2
	}
	switch n := d.below(1000); {
	case n < perThousandInName2:
		return pick(d, []string{"云上鹤鸣", "鹤鸣山人", "鹤鸣"}), kind
	case n < perThousandInName2+perThousandInName3:
		return pick(d, []string{"松鹤延年", "松鹤延年堂"}) + pick(d, surnames), kind
	case n < 600:
		return pick(d, surnames) + pick(d, givenNames), kind
	case n < 900:
		return pick(d, nicknames), kind
	default:
		return pick(d, cities) + pick(d, surnames) + pick(d, titles), kind
	}
}

func (e *enterprise) remark(d dice, name string) string {
	switch n := d.below(1000); {
	case n < perThousandInRemark2:
		return name + "-" + remark2
	case n < perThousandInRemark2+perThousandInRemark3:
		return name + " " + remark3 + "访"
	case n < 300:
		return ""
	case n < 700:
		return name
	default:
		return name + "-" + pick(d, notes)
	}
}

// zipf are odds of 1 to 1/2 to 1/3 and so on, in whole numbers.
type zipf struct {
	upTo  []uint64
	total uint64
}

func newZipf(n int) zipf {
	z := zipf{upTo: make([]uint64, n)}
	for k := range n {
		z.total += 1 << 32 / uint64(k+1)
		z.upTo[k] = z.total
	}
	return z
}

// draw returns a number below n. The ranks are dealt over the numbers: the first is not the most frequent.
func (z zipf) draw(d dice) int {
	high, _ := bits.Mul64(d.Uint64(), z.total)
	rank, _ := slices.BinarySearch(z.upTo, high+1)
	return z.at(rank)
}

// at returns the number of a rank, from 0.
func (z zipf) at(rank int) int { return (rank*7919 + 3) % len(z.upTo) }

// dice are random numbers that stay the same in every Go release and on every processor.
type dice struct{ *rand.PCG }

func (d dice) below(n int) int {
	high, _ := bits.Mul64(d.Uint64(), uint64(n))
	return int(high)
}

func pick[T any](d dice, from []T) T { return from[d.below(len(from))] }

// text returns n characters of base64url.
func (d dice) text(n int) string {
	b := make([]byte, n/4*3+3)
	for i := 0; i+8 <= len(b); i += 8 {
		binary.LittleEndian.PutUint64(b[i:], d.Uint64())
	}
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

func (e *enterprise) userid(employee int) string {
	return pick(e.dice(ofEmployee, employee), pinyin) + strconv.Itoa(employee)
}

// An id ends in its number, so that no two are the same.
func (e *enterprise) wecomID(prefix string, kind, i int) string {
	number := strconv.FormatInt(int64(i), 36)
	return prefix + strconv.Itoa(e.crop) + "A" + e.dice(kind, i).text(28-len(number)) + number
}

func (e *enterprise) externalUserid(contact, kind int) string {
	return e.wecomID([]string{"wm", "wo"}[kind-1], ofContact, contact)
}

func (e *enterprise) tagID(t int) string { return e.wecomID("et", ofTag, t) }

// The records of an import: the contract's own objects.
type (
	employeeRecord struct {
		ID             int    `json:"id"`
		Uniacid        int    `json:"uniacid"`
		BusinessID     int    `json:"business_id"`
		UID            int    `json:"uid"`
		UserID         string `json:"user_id"`
		Name           string `json:"name"`
		Mobile         string `json:"mobile"`
		Position       string `json:"position"`
		Gender         int    `json:"gender"`
		Avatar         string `json:"avatar"`
		QRCode         string `json:"qr_code"`
		OpenUserid     string `json:"open_userid"`
		MainDepartment string `json:"main_department"`
		CreatedAt      string `json:"created_at"`
		UpdatedAt      string `json:"updated_at"`
	}
	contactRecord struct {
		ID              int    `json:"id"`
		Uniacid         int    `json:"uniacid"`
		CropID          int    `json:"crop_id"`
		UID             int    `json:"uid"`
		ExternalUserid  string `json:"external_userid"`
		Name            string `json:"name"`
		Avatar          string `json:"avatar"`
		ExternalType    int    `json:"external_type"`
		Gender          int    `json:"gender"`
		Unionid         string `json:"unionid"`
		CorpName        string `json:"corp_name"`
		CorpFullName    string `json:"corp_full_name"`
		ExternalProfile string `json:"external_profile"`
		IsMember        int    `json:"is_member"`
		CreatedAt       string `json:"created_at"`
	}
	tagRecord struct {
		ID         int    `json:"id"`
		Uniacid    int    `json:"uniacid"`
		CropID     int    `json:"crop_id"`
		TagID      string `json:"tag_id"`
		Name       string `json:"name"`
		CreateTime int64  `json:"create_time"`
		CreatedAt  string `json:"created_at"`
		GroupID    string `json:"group_id"`
		GroupName  string `json:"group_name"`
	}
	followRecord struct {
		ID                 int     `json:"id"`
		Uniacid            int     `json:"uniacid"`
		CropID             int     `json:"crop_id"`
		Userid             string  `json:"userid"`
		ExternalUserid     string  `json:"external_userid"`
		Remark             string  `json:"remark"`
		Description        string  `json:"description"`
		CustomerCreateTime int64   `json:"customer_create_time"`
		RemarkMobiles      string  `json:"remark_mobiles"`
		OperUserid         string  `json:"oper_userid"`
		TagID              string  `json:"tag_id"`
		Createtime         int64   `json:"createtime"`
		AddWay             string  `json:"add_way"`
		State              string  `json:"state"`
		Status             int     `json:"status"`
		CreatedAt          string  `json:"created_at"`
		DeletedAt          *string `json:"deleted_at"`
	}
)

var china = time.FixedZone("CST", 8*60*60)

func at(unix int64) string { return time.Unix(unix, 0).In(china).Format(time.DateTime) }

func (e *enterprise) employeeRecord(i int) employeeRecord {
	d := e.dice(ofText, i)
	userid := e.userid(i)
	return employeeRecord{
		ID: e.firstEmployee + i + 1, Uniacid: uniacid, BusinessID: e.crop, UserID: userid, Name: pick(d, surnames) + pick(d, givenNames),
		Mobile: "1990000" + fmt.Sprintf("%04d", i%10_000), Position: pick(d, titles), Gender: 1 + d.below(2), Avatar: "https://wework.qpic.cn/bizmail/" + d.text(60) + "/0",
		QRCode: "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=vc" + d.text(16), OpenUserid: "1_" + userid, MainDepartment: strconv.Itoa(1 + i%20),
		CreatedAt: at(firstTime), UpdatedAt: at(firstTime + int64(i)),
	}
}

func (e *enterprise) contactRecord(i int) contactRecord {
	d := e.dice(ofText, i)
	name, kind := e.contact(i)
	r := contactRecord{
		ID: e.firstContact + i + 1, Uniacid: uniacid, CropID: e.crop, ExternalUserid: e.externalUserid(i, kind), Name: name, ExternalType: kind,
		Avatar: "http://wx.qlogo.cn/mmhead/" + d.text(64) + "/0", Gender: d.below(3), Unionid: "o" + d.text(27), ExternalProfile: "null",
		CreatedAt: at(firstTime + int64(i)*days*day/int64(e.contacts())),
	}
	if d.below(5) == 0 {
		r.UID, r.IsMember = 1000+i, 1
	}
	if kind == 2 {
		r.Unionid, r.CorpName = "", pick(d, cities)+pick(d, industries)
		r.CorpFullName = r.CorpName + "有限公司"
	}
	return r
}

func (e *enterprise) tagRecord(i int) tagRecord {
	group := i / 10
	return tagRecord{
		ID: e.firstTag + i + 1, Uniacid: uniacid, CropID: e.crop, TagID: e.tagID(i), Name: pick(e.dice(ofText, i), industries) + strconv.Itoa(i),
		CreateTime: firstTime + int64(i), CreatedAt: at(firstTime + int64(i)),
		GroupID: "et" + strconv.Itoa(e.crop) + "G" + e.dice(ofTag, -1-group).text(24), GroupName: "标签组" + strconv.Itoa(group),
	}
}

func (e *enterprise) followRecord(i int) followRecord {
	f := e.facts(i)
	d := e.dice(ofText, -1-i)
	r := followRecord{
		ID: f.id, Uniacid: uniacid, CropID: e.crop, Userid: e.userid(f.employee), ExternalUserid: e.externalUserid(f.contact, f.kind), Remark: f.remark,
		CustomerCreateTime: f.createtime, RemarkMobiles: "[]", Createtime: f.createtime, AddWay: strconv.Itoa(f.way), Status: f.status,
		CreatedAt: at(f.createtime + day),
	}
	r.OperUserid = r.Userid
	if d.below(4) == 0 {
		r.Description = pick(d, descriptions)
	}
	if d.below(6) == 0 {
		r.RemarkMobiles = `["1990000` + fmt.Sprintf("%04d", d.below(10_000)) + `"]`
	}
	ids := make([]string, f.tagged)
	for j, t := range f.tags[:f.tagged] {
		ids[j] = e.tagID(t)
	}
	r.TagID = strings.Join(ids, ",")
	if f.deleted {
		when := at(f.createtime + 2*day)
		r.DeletedAt = &when
	}
	return r
}

// write writes the plan as an import to w, the same bytes every time. An error is one of w's.
func (p *plan) write(w io.Writer) error {
	buffered := bufio.NewWriterSize(w, 1<<20)
	out := json.NewEncoder(buffered)
	out.SetEscapeHTML(false)
	put := func(kind string, record any) error { return out.Encode(map[string]any{kind: record}) }
	for _, kind := range []func(e *enterprise) error{
		func(e *enterprise) error {
			return put("business", map[string]any{"uniacid": uniacid, "id": e.crop, "name": "企业" + strconv.Itoa(e.crop)})
		},
		func(e *enterprise) error {
			return put("manager", map[string]any{"uniacid": uniacid, "uid": managerUID, "business_id": e.crop})
		},
		func(e *enterprise) error {
			return each(e.employees, func(i int) error { return put("employee", e.employeeRecord(i)) })
		},
		func(e *enterprise) error {
			return each(e.contacts(), func(i int) error { return put("customer", e.contactRecord(i)) })
		},
		func(e *enterprise) error {
			return each(e.tags, func(i int) error { return put("tag", e.tagRecord(i)) })
		},
		func(e *enterprise) error {
			return each(e.raw, func(i int) error { return put("follow", e.followRecord(i)) })
		},
	} {
		for _, e := range p.enterprises {
			if err := kind(e); err != nil {
				return err
			}
		}
	}
	return buffered.Flush()
}

func each(n int, f func(i int) error) error {
	for i := range n {
		if err := f(i); err != nil {
			return err
		}
	}
	return nil
}
