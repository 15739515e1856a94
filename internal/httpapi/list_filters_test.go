package httpapi_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/writer"
)

// seedFlag repeats a run whose records or filters found something.
var seedFlag = flag.Uint64("seed", 0, "the seed of random records and filters, as a failure prints it")

// dice returns random numbers whose seed a failure prints.
func dice(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again with: -run '%s' -args -seed %d", t.Name(), seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 1))
}

func pick[T any](d *rand.Rand, from []T) T { return from[d.IntN(len(from))] }

// names are contacts' names and remarks, with everything that a search may stumble over.
var names = []string{
	"李一天", "李宝佳", "孙新建-广州", "100%", "100", "50%_折", "a_b", "axb", `C:\路径`, `C:路径`, `%`, `_`, `\`, `\\%`, "😀笑", "👨‍👩‍👧 家", "👨", "ＡＢＣ公司", "abc", "aBc", "İstanbul",
	"istanbul", "ISTANBUL", "ıstanbul", "Straße", "STRASSE", "strasse", "ΣΊΣΥΦΟΣ", "σίσυφος", "Σίσυφοσ", "José", "Jose\u0301", "Jose", "ﬁne", "㎏", "kg", "ｶﾞｽ", "ガス", "カス",
	" 前后 ", "\u3000全\u3000角\u3000", "全 角", "", "'; DROP TABLE follows; -- ", `"引号"`, "马", "馬", "0", "NULL", "null", "a\u00a0b", "ǅ", "ﬀ", "①", "1", "Å", "Å", "\u0301x", "ÿ", "tab\there",
}

// words are what is searched for: the names, parts of them, other writings of them, and nothing at all.
var words = append([]string{
	"李", "天李", "%%", "__", "100\\%", "a_", "ａＢｃ", "A", "i", "I", "İ", "i̇", "ı", "ss", "ß", "ẞ", "Σ", "ς", "σ", "Σς", "e", "é", "e\u0301", "É", "f", "fi", "ﬀﬁ", "Ｋｇ", "ガ", "ｶ", "😀", "👩",
	"\u200d", " ", "\u3000", "\u2003\t", "\u3000李\u3000", " abc ", "角\u3000", "全　角", "'", "--", `"`, "无此人", "NUL", "wm1", "WM1", " wo2 ", "etA", "\u0301", "¨", "²", "⁄",
}, names...)

var (
	userids   = []string{"XiaoLiangZi", "xiaoliangzi", "XIAOLIANGZI", "WeiPing", "SunXinJian", "Left-01", "Nobody", "a.b@c_d"}
	tagIDs    = []string{"etA", "eta", "etB", "etC", "etDeleted", "etNobody", "et%", "et_", "etABC"}
	memberIDs = []int64{0, 0, 0, 3061, 3062, 7, 4294967295}
	addWays   = []string{"0", "1", "2", "16", "201", "202", "65535"}
	times     = []int64{0, 1, 1631950638, 1631950639, 1631950640, 1632277573, 1714521600, 99999999999}
)

// randomWorld returns two enterprises of one account that share userids, external_userids and tag ids, but no row.
func randomWorld(d *rand.Rand) *world {
	w := &world{}
	id := int64(100)
	next := func() int64 { id += 1 + d.Int64N(3); return id }
	for _, business := range []int64{1, 2} {
		for _, e := range []struct {
			userid, name string
			deleted      *string
		}{{"XiaoLiangZi", "李健平", nil}, {"weiping", "韦平", nil}, {"SunXinJian", "", nil}, {"Left-01", "离职", new(day)}, {"a.b@c_d", "点", nil}} {
			if business == 2 && e.userid == "weiping" {
				continue
			}
			one := newEmployee(next(), e.userid, e.name)
			one.BusinessID, one.DeletedAt = business, e.deleted
			w.employees = append(w.employees, one)
		}
		for i, tagID := range tagIDs {
			if tagID == "etNobody" {
				continue
			}
			tag := newTag(next(), tagID, fmt.Sprintf("标签%d,%d", business, i))
			tag.CropID = business
			if tagID == "etDeleted" {
				tag.DeletedAt = new(day)
			}
			w.tags = append(w.tags, tag)
		}
		for i := range 40 * (3 - int(business)) {
			c := newContact(next(), fmt.Sprintf("%s%d", pick(d, []string{"wm", "wo"}), i), pick(d, names))
			c.CropID, c.ExternalType, c.UID = business, 1+d.Int32N(2), pick(d, memberIDs)
			if d.IntN(10) == 0 {
				c.DeletedAt = new(day)
			}
			w.contacts = append(w.contacts, c)
		}
	}
	d.Shuffle(len(w.tags), func(i, j int) { w.tags[i].ID, w.tags[j].ID = w.tags[j].ID, w.tags[i].ID })
	taken := map[string]bool{}
	for len(w.follows) < 150 {
		c := pick(d, w.contacts)
		f := newFollow(0, pick(d, userids), c.ExternalUserid)
		key := fmt.Sprint(c.CropID, " ", c.ExternalUserid, " ", lower(f.Userid))
		if taken[key] {
			continue
		}
		taken[key] = true
		f.ID, f.CropID, f.Remark = next(), c.CropID, pick(d, names)
		f.TagID = randomTags(d)
		f.Createtime, f.AddWay, f.Status = pick(d, times), pick(d, addWays), 1-2*d.Int32N(2)
		if d.IntN(12) == 0 {
			f.DeletedAt = new(day)
		}
		w.follows = append(w.follows, f)
	}
	// The list's order is the ids', not that of the records.
	d.Shuffle(len(w.follows), func(i, j int) { w.follows[i], w.follows[j] = w.follows[j], w.follows[i] })
	return w
}

func randomTags(d *rand.Rand) string {
	var own []string
	for range max(0, d.IntN(6)-1) {
		own = append(own, pick(d, tagIDs))
	}
	return strings.Join(own, pick(d, []string{",", ",", ", "}))
}

// twoEnterprises are the records of two enterprises that member 7 manages.
const twoEnterprises = `{"business":{"uniacid":2,"id":1,"name":"芸众"}}
{"business":{"uniacid":2,"id":2,"name":"另一家"}}
{"manager":{"uniacid":2,"uid":7,"business_id":1}}
{"manager":{"uniacid":2,"uid":7,"business_id":2}}
`

// dimension is one filter.
type dimension struct {
	name string
	set  func(d *rand.Rand, p *client.GetListParams)
}

var dimensions = []dimension{
	{"customer", func(d *rand.Rand, p *client.GetListParams) { p.SearchCustomer = new(pick(d, words)) }},
	{"member", func(d *rand.Rand, p *client.GetListParams) {
		p.SearchMember = new(pick(d, []string{"0", "0", "00", "3061", "3062", "003061", "8", "4294967295", "4294967296", "99999999999999999999"}))
	}},
	{"add_way_type", func(d *rand.Rand, p *client.GetListParams) {
		n, _ := strconv.ParseInt(pick(d, append([]string{"5"}, addWays...)), 10, 32)
		p.SearchAddWayType = new(int32(n))
	}},
	{"tags_data", func(d *rand.Rand, p *client.GetListParams) {
		asked := pick(d, tagIDs)
		for range d.IntN(4) {
			asked += "," + pick(d, append([]string{"etUnknown", "", " etB "}, tagIDs...))
		}
		p.SearchTagsData = &asked
	}},
	{"employee_member", func(d *rand.Rand, p *client.GetListParams) {
		p.SearchEmployeeMember = new(pick(d, append([]string{"nobody", "wEIpING", "小明", "XiaoLiangZ", "%", " WeiPing ", "\u3000", "XiaoLiangZ\u0131"}, userids...)))
	}},
	{"类型", func(d *rand.Rand, p *client.GetListParams) {
		p.SearchLeixing = new(client.ExternalTypeFilter(1 + d.Int32N(2)))
	}},
	{"type", func(d *rand.Rand, p *client.GetListParams) {
		p.SearchType = new(client.ExternalTypeFilter(1 + d.Int32N(2)))
	}},
	{"status", func(d *rand.Rand, p *client.GetListParams) {
		p.SearchStatus = new(client.StatusFilter(1 - 2*d.Int32N(2)))
	}},
	{"time", func(d *rand.Rand, p *client.GetListParams) {
		sides := []int64{pick(d, times), pick(d, times)}
		slices.Sort(sides)
		written := client.TimeRange{strconv.FormatInt(sides[0], 10), strconv.FormatInt(sides[1], 10)}
		for i, n := range sides {
			if 1e8 <= n && n < 1e10 && d.IntN(3) == 0 {
				written[i] += fmt.Sprintf("%03d", d.IntN(1000)) // milliseconds
			}
			if d.IntN(4) == 0 {
				written[i] = ""
			}
		}
		p.SearchTime = &written
	}},
	{"remark", func(d *rand.Rand, p *client.GetListParams) { p.SearchRemark = new(pick(d, words)) }},
}

// agree lets both spellings of the type say the same: otherwise they are an error.
func agree(p *client.GetListParams) {
	if p.SearchType != nil && p.SearchLeixing != nil {
		p.SearchLeixing = p.SearchType
	}
}

// compare walks the whole list under p's filters page by page and holds each page against w's plain list: the rows with all they show, their order, and
// the page fields. It returns the number of rows.
func compare(t *testing.T, b *bundle, w *world, p client.GetListParams) int {
	t.Helper()
	want := w.list(*p.CropID, p)
	tags, employees := w.liveTags(*p.CropID), w.liveEmployees(*p.CropID)
	p.PerPage = new(max(*p.PerPage, int32(len(want)/3)))
	size := int(*p.PerPage)
	for page := 1; page == 1 || (page-1)*size < len(want)+size; page++ {
		p.Page = new(int64(page))
		got := b.get(t, p)
		rows := want[min((page-1)*size, len(want)):min(page*size, len(want))]
		if diff := cmp.Diff(rows, got.Data); diff != "" || got.Total != int64(len(want)) || got.Count != got.Total {
			t.Errorf("%s\npage %d of %d rows: total %d, ids %v, want %v\n%s", marshal(p), page, len(want), got.Total, rowIDs(got.Data), rowIDs(rows), diff)
			return 0
		}
		if diff := cmp.Diff(tags, got.Tag) + cmp.Diff(employees, got.Employee); diff != "" {
			t.Errorf("the lists beside the rows (-want +got)\n%s", diff)
		}
	}
	return len(want)
}

// walk goes through the list under p's filters by before_id and holds what it meets against w's plain list.
func walk(t *testing.T, b *bundle, w *world, p client.GetListParams) {
	t.Helper()
	want := w.list(*p.CropID, p)
	p.PerPage, p.Page, p.Omit = new(max(*p.PerPage, int32(len(want)/3))), nil, new("tag,employee")
	p.BeforeID = new(int64(1 << 40))
	rows := []client.Follow{}
	for {
		got := b.get(t, p)
		rows = append(rows, got.Data...)
		if got.Total != int64(len(want)) || got.From != nil || got.To != nil || len(rows) > len(want) {
			t.Errorf("%s\ntotal %d, from and to %v %v, want %d and null", marshal(p), got.Total, got.From, got.To, len(want))
		}
		if got.NextPageURL == nil || len(got.Data) == 0 {
			break
		}
		p.BeforeID = new(got.Data[len(got.Data)-1].ID)
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("%s\nids %v, want %v", marshal(p), rowIDs(rows), rowIDs(want))
	}
}

func TestTheListIsThatOfAPlainFilterOfTheSameRecords(t *testing.T) {
	t.Parallel()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records())
	start := func(d *rand.Rand) client.GetListParams {
		return client.GetListParams{CropID: new(1 + int64(d.IntN(5)/4)), PerPage: new(1 + d.Int32N(100))}
	}
	group := func(name string, run func(t *testing.T, d *rand.Rand)) {
		own := rand.New(rand.NewPCG(d.Uint64(), 2))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, own)
		})
	}
	group("without filters", func(t *testing.T, d *rand.Rand) {
		t.Helper()
		for business := range int64(2) {
			p := start(d)
			p.CropID = new(business + 1)
			compare(t, b, w, p)
			walk(t, b, w, p)
		}
	})
	group("by each filter alone", func(t *testing.T, d *rand.Rand) {
		t.Helper()
		for _, filter := range dimensions {
			found := 0
			for range 8 {
				p := start(d)
				filter.set(d, &p)
				found += compare(t, b, w, p)
			}
			if found == 0 {
				t.Errorf("%s: no filter found anything", filter.name)
			}
		}
	})
	group("by each text", func(t *testing.T, d *rand.Rand) {
		t.Helper()
		for _, word := range words {
			p := start(d)
			p.CropID = new(int64(1))
			p.SearchCustomer = &word
			compare(t, b, w, p)
			p.SearchCustomer, p.SearchRemark = nil, &word
			compare(t, b, w, p)
		}
	})
	group("by all pairs of filters", func(t *testing.T, d *rand.Rand) {
		t.Helper()
		for i, one := range dimensions {
			for _, other := range dimensions[:i] {
				for range 2 {
					p := start(d)
					one.set(d, &p)
					other.set(d, &p)
					agree(&p)
					compare(t, b, w, p)
				}
			}
		}
	})
	for part := range 2 {
		group("by any filters, part "+strconv.Itoa(part+1), func(t *testing.T, d *rand.Rand) {
			t.Helper()
			found := 0
			for range 150 {
				p := randomFilters(d, start(d))
				found += compare(t, b, w, p)
				if d.IntN(2) == 0 {
					walk(t, b, w, p)
				}
			}
			if found < 100 {
				t.Errorf("150 lists had only %d rows", found)
			}
		})
	}
}

// randomFilters returns p with about every fourth filter set.
func randomFilters(d *rand.Rand, p client.GetListParams) client.GetListParams {
	for _, filter := range dimensions {
		if d.IntN(4) == 0 {
			filter.set(d, &p)
		}
	}
	agree(&p)
	return p
}

// What a change must reach: everything a row shows or is found by, wherever it is stored a second time.
func TestTheListIsThatOfAPlainFilterAfterEachChangeOfTheRecords(t *testing.T) {
	t.Parallel()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records())
	for range 5 {
		b.load(change(d, w))
		for range 15 {
			p := randomFilters(d, client.GetListParams{CropID: new(1 + int64(d.IntN(5)/4)), PerPage: new(1 + d.Int32N(100))})
			compare(t, b, w, p)
			walk(t, b, w, p)
		}
		if t.Failed() {
			return
		}
	}
}

// Writers who share an enterprise, and each other's contacts: whatever the order in which they came, at a quiet point all that is derived is right and the lists are those of the records.
func TestTheListIsThatOfAPlainFilterAfterWritersAtOnce(t *testing.T) {
	t.Parallel()
	d := dice(t)
	w := randomWorld(d)
	b := setup(t, twoEnterprises+w.records())
	for range 5 {
		const writers = 4
		var shares [writers]strings.Builder // each row is in one of them, and each is in the order of kinds
		for line := range strings.Lines(change(d, w)) {
			shares[d.IntN(writers)].WriteString(line)
		}
		var all sync.WaitGroup
		for i := range shares {
			all.Go(func() {
				source := importer.Source{Name: "share", Reader: strings.NewReader(shares[i].String())}
				if _, err := importer.Import(t.Context(), writer.New(b.DB, time.Now), []importer.Source{source}, importer.Options{BatchRows: 3}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		found, err := writer.Check(t.Context(), b.DB, nil)
		if err != nil || len(found) > 0 {
			t.Errorf("check: %v %v", found, err)
		}
		for range 10 {
			p := randomFilters(d, client.GetListParams{CropID: new(1 + int64(d.IntN(5)/4)), PerPage: new(1 + d.Int32N(100))})
			compare(t, b, w, p)
			walk(t, b, w, p)
		}
		if t.Failed() {
			return
		}
	}
}

// change changes a part of w and returns the records of the change, some of them as they were.
func change(d *rand.Rand, w *world) string {
	flip := func(deleted *string) *string {
		if deleted == nil {
			return new(day)
		}
		return nil
	}
	var c world
	for i := range w.employees {
		e := &w.employees[i]
		if d.IntN(3) == 0 {
			e.DeletedAt = flip(e.DeletedAt)
			c.employees = append(c.employees, *e)
		}
	}
	if d.IntN(2) == 0 && !slices.ContainsFunc(w.employees, func(e client.Employee) bool { return e.UserID == "NOBODY" }) {
		e := newEmployee(9000, "NOBODY", "后来的")
		w.employees, c.employees = append(w.employees, e), append(c.employees, e)
	}
	for i := range w.contacts {
		x := &w.contacts[i]
		switch d.IntN(12) {
		case 0:
			x.Name = pick(d, names)
		case 1:
			x.ExternalType = 3 - x.ExternalType
		case 2:
			x.UID = pick(d, memberIDs)
		case 3:
			x.DeletedAt = flip(x.DeletedAt)
		case 4: // as it was
		default:
			continue
		}
		c.contacts = append(c.contacts, *x)
	}
	for i := range w.tags {
		x := &w.tags[i]
		switch d.IntN(4) {
		case 0:
			x.Name = "改名" + strconv.Itoa(d.IntN(100))
		case 1:
			x.DeletedAt = flip(x.DeletedAt)
		default:
			continue
		}
		c.tags = append(c.tags, *x)
	}
	for i := range w.follows {
		x := &w.follows[i]
		switch d.IntN(24) {
		case 0:
			x.Remark = pick(d, names)
		case 1:
			x.TagID = randomTags(d)
		case 2:
			x.DeletedAt = flip(x.DeletedAt)
		case 3:
			x.Status = -x.Status
		case 4:
			x.Createtime, x.AddWay = pick(d, times), pick(d, addWays)
		case 5:
			x.DeletedAt, x.TagID, x.Remark = flip(x.DeletedAt), randomTags(d), pick(d, names)
		case 6:
			x.Userid = pick(d, []string{strings.ToUpper(x.Userid), strings.ToLower(x.Userid)}) // the same to WeCom
		case 7: // as it was
		default:
			continue
		}
		c.follows = append(c.follows, *x)
	}
	return c.records()
}
