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

	"example.com/wechatcustomers/internal/writer"
)

// generation is raised with every change of the generator's bytes, so that kept databases are made
// anew.
const generation = 3

const (
	uniacid    = 2
	managerUID = 7
	// bigCrop is the enterprise that is measured. One of 10,000 follows comes after it, then
	// smallCrop, of 2,000 and without an index, and then those of 100.
	bigCrop   = 1
	smallCrop = 3
	maxRows   = 20_000_000
)

// Size is how much data there is.
type Size struct {
	Rows   int  // live follows of the big enterprise
	Sparse bool // the ids of follows are every tenth number only
}

// SparseSuffix is what a sparse size ends with as a text.
const SparseSuffix = "-sparse"

func (s Size) String() string {
	if s.Sparse {
		return strconv.Itoa(s.Rows) + SparseSuffix
	}
	return strconv.Itoa(s.Rows)
}

// plan is the data of one size: a pure function of it, so that any row can be asked for at any
// time.
type plan struct {
	Size
	enterprises []*enterprise
}

// newPlan returns the data of a size; from 100,000 on it has 2,000 employees and 300 tags.
func newPlan(s Size) (*plan, error) {
	if s.Rows < 1000 || s.Rows > maxRows || s.Rows%500 != 0 {
		return nil, fmt.Errorf("%d rows: not a multiple of 500 from 1,000 to %d", s.Rows, maxRows)
	}
	p := &plan{Size: s}
	p.add(s.Rows, min(s.Rows/50, 2000), min(s.Rows*300/100_000+15, 300))
	p.add(min(s.Rows/100, 10_000), min(s.Rows/200, 200), 50)
	p.add(min(s.Rows/5, 2000), 20, 30)
	for range min(s.Rows/500, 500) {
		p.add(100, 10, 10)
	}
	return p, nil
}

func (p *plan) add(live, employees, tags int) {
	e := &enterprise{
		crop: len(p.enterprises) + 1, raw: live + live/100, employees: employees, tags: tags,
		sparse: p.Sparse, employeeOdds: newZipf(employees), tagOdds: newZipf(tags),
	}
	e.before = (e.crop - 1) * 2 * maxRows
	for i := range employees {
		e.userids = append(e.userids, pick(e.dice(ofEmployee, i), pinyinNames)+strconv.Itoa(i))
	}
	for i := range tags {
		e.tagIDs = append(e.tagIDs, e.wecomID("et", ofTag, i))
	}
	p.enterprises = append(p.enterprises, e)
}

func (p *plan) big() *enterprise { return p.enterprises[bigCrop-1] }

// indexFrom returns what INDEX_FROM is: its default, or less where the big enterprise would get no
// index. The small one never gets one.
func (p *plan) indexFrom() int { return min(p.Rows/2, writer.DefaultIndexFrom) }

// records returns the number of lines of the import.
func (p *plan) records() (n int) {
	for _, e := range p.enterprises {
		n += 2 + e.employees + e.tags + e.contacts() + e.raw
	}
	return n
}

// enterprise makes the records of one enterprise. Follows are counted from 0, the oldest; every
// hundredth is deleted.
type enterprise struct {
	crop, raw, employees, tags int // raw counts the deleted follows too
	before                     int // ids before this enterprise's, of each kind
	sparse                     bool
	employeeOdds, tagOdds      zipf
	userids, tagIDs            []string
}

// What the measured requests need is made on purpose and not left to chance.
const (
	rareWay = 202 // with status -1 and type 2 of ten follows, spread over the whole list

	name2, name3, name4, name6         = "鹤鸣", "松鹤延", "春风化雨", "四海一家茶社"
	remark2, remark3, remark4, remark6 = "展会", "周三回", "年会嘉宾", "华东渠道代理"

	// days is how long the list grew: 30 of them have about 16,000 of a million rows.
	days      = 1760
	day       = 24 * 60 * 60
	firstTime = 1609459200 // 2021-01-01 in UTC
)

func (e *enterprise) deleted(i int) bool { return i%101 == 100 }

// special says whether a follow is one of those ten.
func (e *enterprise) special(i int) bool {
	return e.crop == bigCrop && i%5 == 0 && i/5%(e.raw/50) == e.raw/200
}

// followID returns the id of follow i; from raw on, of new ones.
func (e *enterprise) followID(i int) int {
	if e.sparse {
		return 10*(e.before+i+1) + 7
	}
	return e.before + i + 1
}

// Of five neighbouring follows the first four bring a contact each, the fifth goes to a contact
// that somebody else follows already.

func (e *enterprise) contacts() int { return e.raw/5*4 + e.raw%5 }

// contactOf returns the contact of a follow; the fifth of a group belongs to the contacts of
// another group, each group's to a different one.
func (e *enterprise) contactOf(i int) (contact int, second bool) {
	if i%5 != 4 {
		return i/5*4 + i%5, false
	}
	group := i / 5 * 7_368_787 % (e.raw / 5)
	return group*4 + i/5%4, true
}

// firstOf returns the follow that brought a contact.
func (e *enterprise) firstOf(contact int) int { return contact/4*5 + contact%4 }

// Each kind of record has dice of its own, thrown from its number: any record can be made without
// those before it.
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
	id, employee, contact       int
	of                          contact
	status, way, createtime     int
	tags                        []int
	remark, description, mobile string
}

// contact is what the filters read of a contact.
type contact struct {
	name, company     string
	kind, uid, gender int
}

// facts returns what the filters read of follow i.
func (e *enterprise) facts(i int) facts {
	d := e.dice(ofFollow, i)
	contact, second := e.contactOf(i)
	f := facts{
		id: e.followID(i), contact: contact, of: e.contact(contact),
		employee: e.employeeOdds.draw(d), status: 1, way: pick(d, ways),
	}
	if second && f.employee == e.employeeOdds.draw(e.dice(ofFollow, e.firstOf(contact))) {
		f.employee = (f.employee + 1) % e.employees // nobody follows a contact twice
	}
	if d.below(100) < 15 {
		f.status = -1
	}
	f.createtime = firstTime + i*days*day/e.raw - d.below(day)
	if d.below(10) == 0 { // known long before they were synchronised
		f.createtime = firstTime + d.below(f.createtime-firstTime+2*day)
	}
	for range min(d.below(20)/6, 3) { // none, one, two in six of twenty each, three in two
		if t := e.tagOdds.draw(d); !slices.Contains(f.tags, t) {
			f.tags = append(f.tags, t)
		}
	}
	switch {
	case e.special(i):
		f.status, f.way = -1, rareWay
	case f.status == -1 && f.of.kind == 2 && f.way == rareWay:
		f.way = 1
	}
	switch n := d.below(10_000); {
	case n < 30:
		f.remark = f.of.name + "-" + remark2
	case n < 50:
		f.remark = f.of.name + " " + remark3 + "访"
	case n < 75:
		f.remark = f.of.name + remark4
	case n < 100:
		f.remark = remark6 + " " + f.of.name
	case n < 4000:
		f.remark = f.of.name
	case n < 7000:
		f.remark = f.of.name + "-" + pick(d, notes)
	}
	if d.below(4) == 0 {
		f.description = pick(d, descriptions)
	}
	if d.below(6) == 0 {
		f.mobile = fmt.Sprintf("1990000%04d", d.below(10_000))
	}
	return f
}

func (e *enterprise) contact(c int) contact {
	d := e.dice(ofContact, c)
	of := contact{kind: 1}
	if d.below(100) < 6 || e.special(e.firstOf(c)) {
		of.kind, of.company = 2, pick(d, cities)+pick(d, industries)
	}
	switch n := d.below(10_000); {
	case n < 30:
		of.name = pick(d, []string{"云上鹤鸣", "鹤鸣山人", "鹤鸣"})
	case n < 50:
		of.name = pick(d, []string{"松鹤延年", "松鹤延年堂"}) + pick(d, surnames)
	case n < 75:
		of.name = pick(d, surnames) + name4
	case n < 100:
		of.name = name6 + pick(d, surnames)
	case n < 6000:
		of.name = pick(d, surnames) + pick(d, givenNames)
	case n < 9000:
		of.name = pick(d, nicknames)
	default:
		of.name = pick(d, cities) + pick(d, surnames) + pick(d, titles)
	}
	if of.gender = d.below(3); d.below(5) == 0 {
		of.uid = 1000 + c
	}
	return of
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

// draw returns a number below n. The ranks are dealt over the numbers: the first is not the most
// frequent.
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

// wecomID returns an id that ends in its number, so that no two are the same.
func (e *enterprise) wecomID(prefix string, kind, i int) string {
	number := strconv.FormatInt(int64(i), 36)
	return prefix + strconv.Itoa(e.crop) + "A" + e.dice(kind, i).text(28-len(number)) + number
}

func (e *enterprise) externalUserid(contact, kind int) string {
	return e.wecomID([]string{"wm", "wo"}[kind-1], ofContact, contact)
}

// record is a record of an import: the contract's fields in its order, each with a number, a text
// or nil.
type record []field

type field struct {
	name  string
	value any
}

// with returns the five fields that name a follow, and another one.
func (r record) with(f field) record {
	return append(slices.Clone(r[:5]), f)
}

var china = time.FixedZone("CST", 8*60*60)

func at(unix int) string { return time.Unix(int64(unix), 0).In(china).Format(time.DateTime) }

func (e *enterprise) business(int) record {
	return record{{"uniacid", uniacid}, {"id", e.crop}, {"name", "企业" + strconv.Itoa(e.crop)}}
}

func (e *enterprise) manager(int) record {
	return record{{"uniacid", uniacid}, {"uid", managerUID}, {"business_id", e.crop}}
}

func (e *enterprise) employee(i int) record {
	d := e.dice(ofText, i)
	return record{
		{"id", e.before + i + 1}, {"uniacid", uniacid}, {"business_id", e.crop},
		{"user_id", e.userids[i]}, {"name", pick(d, surnames) + pick(d, givenNames)},
		{"mobile", fmt.Sprintf("1990000%04d", i%10_000)}, {"position", pick(d, titles)},
		{"gender", 1 + d.below(2)},
		{"avatar", "https://wework.qpic.cn/bizmail/" + d.text(60) + "/0"},
		{"qr_code", "https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=vc" + d.text(16)},
		{"open_userid", "1_" + e.userids[i]}, {"main_department", strconv.Itoa(1 + i%20)},
		{"created_at", at(firstTime)}, {"updated_at", at(firstTime + i)},
	}
}

func (e *enterprise) customer(i int) record {
	d := e.dice(ofText, i)
	of := e.contact(i)
	unionid, fullName := "o"+d.text(27), ""
	if of.kind == 2 {
		unionid, fullName = "", of.company+"有限公司"
	}
	return record{
		{"id", e.before + i + 1}, {"uniacid", uniacid}, {"crop_id", e.crop}, {"uid", of.uid},
		{"external_userid", e.externalUserid(i, of.kind)}, {"name", of.name},
		{"avatar", "http://wx.qlogo.cn/mmhead/" + d.text(64) + "/0"}, {"external_type", of.kind},
		{"gender", of.gender}, {"unionid", unionid}, {"corp_name", of.company},
		{"corp_full_name", fullName}, {"external_profile", "null"}, {"is_member", min(of.uid, 1)},
		{"created_at", at(firstTime + i*days*day/e.contacts())},
	}
}

func (e *enterprise) tag(i int) record {
	return record{
		{"id", e.before + i + 1}, {"uniacid", uniacid}, {"crop_id", e.crop},
		{"tag_id", e.tagIDs[i]}, {"name", pick(e.dice(ofText, i), industries) + strconv.Itoa(i)},
		{"create_time", firstTime + i}, {"created_at", at(firstTime + i)},
		{"group_id", "et" + strconv.Itoa(e.crop) + "G" + e.dice(ofTag, -1-i/10).text(24)},
		{"group_name", "标签组" + strconv.Itoa(i/10)},
	}
}

func (e *enterprise) follow(i int) record {
	f := e.facts(i)
	ids := make([]string, len(f.tags))
	for j, t := range f.tags {
		ids[j] = e.tagIDs[t]
	}
	mobiles, deleted := "[]", any(nil)
	if f.mobile != "" {
		mobiles = `["` + f.mobile + `"]`
	}
	if e.deleted(i) {
		deleted = at(f.createtime + 2*day)
	}
	return record{
		{"id", f.id}, {"uniacid", uniacid}, {"crop_id", e.crop}, {"userid", e.userids[f.employee]},
		{"external_userid", e.externalUserid(f.contact, f.of.kind)}, {"remark", f.remark},
		{"description", f.description}, {"customer_create_time", f.createtime},
		{"remark_mobiles", mobiles}, {"oper_userid", e.userids[f.employee]},
		{"tag_id", strings.Join(ids, ",")}, {"createtime", f.createtime},
		{"add_way", strconv.Itoa(f.way)}, {"status", f.status},
		{"created_at", at(f.createtime + day)}, {"deleted_at", deleted},
	}
}

// write writes the plan as an import to w, the same bytes every time. An error is one of w's.
func (p *plan) write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<20)
	for _, kind := range []struct {
		name  string
		count func(e *enterprise) int
		make  func(e *enterprise, i int) record
	}{
		{"business", func(*enterprise) int { return 1 }, (*enterprise).business},
		{"manager", func(*enterprise) int { return 1 }, (*enterprise).manager},
		{"employee", func(e *enterprise) int { return e.employees }, (*enterprise).employee},
		{"customer", (*enterprise).contacts, (*enterprise).customer},
		{"tag", func(e *enterprise) int { return e.tags }, (*enterprise).tag},
		{"follow", func(e *enterprise) int { return e.raw }, (*enterprise).follow},
	} {
		for _, e := range p.enterprises {
			for i := range kind.count(e) {
				mark := `{"` + kind.name + `":{"`
				for _, f := range kind.make(e, i) {
					value, err := json.Marshal(f.value)
					if err != nil {
						return err
					}
					_, _ = out.WriteString(mark + f.name + `":`)
					_, _ = out.Write(value)
					mark = `,"`
				}
				if _, err := out.WriteString("}}\n"); err != nil {
					return err
				}
			}
		}
	}
	return out.Flush()
}
