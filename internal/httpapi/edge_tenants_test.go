package httpapi_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/store"
)

// tenants are enterprises 1 to 9 of the accounts 2 to 4 in which every text carries its
// enterprise's mark, every id its enterprise's digit, and all else is the same: userids, tag ids
// and contacts' ids are shared.
type tenants struct {
	account map[int64]uint32 // of each enterprise
	follows map[int64]int64  // how many each has
	manages map[auth.Member]map[int64]bool
	all     *world
	records string
}

// mark is what every text of an enterprise carries.
func mark(business int64) string { return fmt.Sprintf("<%d>", business) }

var marks = regexp.MustCompile(`<(\d)>|\\u003c(\d)\\u003e`)

// shared are the keys that mean something in several enterprises.
var (
	sharedUserids  = []string{"ZhangSan", "LiSi", "wangwu", "ZhaoLiu"}
	sharedTags     = []string{"etA", "etB", "etC"}
	sharedContacts = []string{"wmA", "wmB", "wmC", "wmD", "wmE"}
)

func newTenants(r *rand.Rand) tenants {
	w := tenants{account: map[int64]uint32{}, follows: map[int64]int64{}, manages: map[auth.Member]map[int64]bool{}}
	all := &world{}
	w.all = all
	var businesses, rights strings.Builder
	for business := int64(1); business <= 9; business++ {
		w.account[business] = uint32(2 + r.IntN(3))
		fmt.Fprintf(&businesses, `{"business":{"uniacid":%d,"id":%d,"name":"%s"}}`+"\n", w.account[business], business, mark(business))
		for uid := uint32(1); uid <= 8; uid++ {
			if r.IntN(2) > 0 {
				continue
			}
			m := auth.Member{UID: uid, Uniacid: w.account[business]}
			if w.manages[m] == nil {
				w.manages[m] = map[int64]bool{}
			}
			gone := "null"
			if r.IntN(4) == 0 {
				gone = `"2024-01-01 00:00:00"`
			}
			w.manages[m][business] = gone == "null"
			fmt.Fprintf(&rights, `{"manager":{"uniacid":%d,"uid":%d,"business_id":%d,"deleted_at":%s}}`+"\n", m.Uniacid, uid, business, gone)
		}
		before := len(all.follows)
		all.add(r, business, int64(w.account[business]))
		w.follows[business] = int64(len(all.follows) - before)
	}
	w.records = businesses.String() + rights.String() + all.records()
	return w
}

// add gives the enterprise some of everything.
func (w *world) add(r *rand.Rand, business, account int64) {
	m := mark(business)
	next := business * 1000
	id := func() int64 { next++; return next }
	for _, userid := range sharedUserids {
		if r.IntN(4) > 0 {
			e := newEmployee(id(), userid, m)
			e.Uniacid, e.BusinessID, e.Mobile, e.Email, e.Alias, e.Position = account, business, m, m, m, m
			w.employees = append(w.employees, e)
		}
	}
	for _, tag := range sharedTags {
		if r.IntN(4) > 0 {
			t := newTag(id(), tag, m)
			t.Uniacid, t.CropID, t.GroupName, t.GroupID = account, business, m, m
			w.tags = append(w.tags, t)
		}
	}
	for _, contact := range sharedContacts {
		if r.IntN(5) == 0 {
			continue
		}
		c := newContact(id(), contact, m+"客户")
		c.Uniacid, c.CropID, c.UID, c.ExternalType, c.CorpName, c.ExternalProfile = account, business, int64(r.IntN(3)), int32(1+r.IntN(2)), m, `"`+m+`"`
		c.Unionid = "oUnion-" + contact
		w.contacts = append(w.contacts, c)
		for _, userid := range sharedUserids {
			if r.IntN(2) == 0 {
				continue
			}
			f := newFollow(id(), userid, contact)
			f.Uniacid, f.CropID, f.Remark, f.Description, f.RemarkCorpName, f.State = account, business, m+"备注", m, m, m
			f.Createtime, f.Status, f.AddWay = int64(1700000000+r.IntN(100)), []int32{1, -1}[r.IntN(2)], strconv.Itoa(r.IntN(3))
			f.TagID, f.RemarkMobiles = strings.Join(sharedTags[:r.IntN(len(sharedTags)+1)], ","), `["1380013800`+strconv.Itoa(r.IntN(3))+`"]`
			w.follows = append(w.follows, f)
		}
	}
}

// inquiry is a random request with all that decides what it may see.
type inquiry struct {
	member auth.Member // the token's, with its default enterprise
	path   uint32      // the account of the path
	crop   int64       // the parameter; 0 for none
	op     string      // getList, getFacets or getBusinessList
	values url.Values  // what is asked for
	ask    ask
}

func (w tenants) inquire(t testing.TB, r *rand.Rand) inquiry {
	t.Helper()
	q := inquiry{member: auth.Member{UID: 1 + r.Uint32N(8), Uniacid: 2 + r.Uint32N(3)}, op: pick(r, []string{"getList", "getList", "getList", "getFacets", "getFacets", "getBusinessList"})}
	q.path = q.member.Uniacid
	if r.IntN(10) == 0 {
		q.path = 2 + r.Uint32N(3)
	}
	// Mostly of the token's account: what the path alone refuses proves less.
	business := func() int64 {
		for n := 0; ; n++ {
			if b := 1 + r.Int64N(9); n > 20 || w.account[b] == q.member.Uniacid || r.IntN(10) == 0 {
				return b
			}
		}
	}
	if r.IntN(3) == 0 {
		q.member.CropID = uint32(business())
	}
	v := url.Values{}
	if r.IntN(2) == 0 {
		q.crop = business()
		v.Set("crop_id", strconv.FormatInt(q.crop, 10))
	}
	sometimes := func(key string, values ...string) {
		if r.IntN(12) == 0 {
			v.Set(key, values[r.IntN(len(values))])
		}
	}
	sometimes("search[customer]", "<", "客户", "<3>", "wmA", "wmB")
	sometimes("search[remark]", "备注", "<", "<5>")
	sometimes("search[member]", "0", "1", "2")
	sometimes("search[add_way_type]", "0", "1", "2")
	sometimes("search[tags_data]", "etA", "etB", "etC,etA")
	sometimes("search[tags_all]", "etA", "etB,etA", "*")
	sometimes("search[tags_none]", "etA", "etC", "*")
	sometimes("search[employee_member]", append([]string{"zhangsan,wangwu"}, sharedUserids...)...)
	sometimes("search[type]", "1", "2")
	sometimes("search[status]", "1", "-1")
	sometimes("search[mobile]", "138", "13800138001", "2")
	sometimes("search[keyword]", "<", "kehu", "bz", "客户", "oUnion-wmA", "wmB", "lisi", "13800138002")
	sometimes("omit", "tag", "employee")
	if r.IntN(12) == 0 {
		v["search[time][]"] = []string{strconv.Itoa(1700000000 + r.IntN(50)), ""}
	}
	if q.op == "getList" {
		sometimes("per_page", "1", "3", "100")
		if r.IntN(12) == 0 {
			v.Set("before_id", strconv.Itoa(1000*(1+r.IntN(10))))
		} else {
			sometimes("page", "1", "2", "3")
			sometimes("sort", "-createtime", "createtime")
		}
	}
	q.values = v
	q.ask = ask{path: fmt.Sprintf("/business/%d/plugin/WechatCustomers/%s", q.path, q.op), query: v.Encode(), token: token(t, q.member)}
	switch {
	case q.op == "getBusinessList":
		q.ask.query = ""
	case r.IntN(3) == 0:
		q.ask.method, q.ask.body, q.ask.query = http.MethodPost, q.ask.query, ""
		q.ask.header = http.Header{"Content-Type": {formType}}
	}
	return q
}

// managed are the enterprises that the token's member may see by the path's account.
func (w tenants) managed(q inquiry) []int64 {
	var list []int64
	if q.path != q.member.Uniacid {
		return nil
	}
	for business, may := range w.manages[auth.Member{UID: q.member.UID, Uniacid: q.member.Uniacid}] {
		if may {
			list = append(list, business)
		}
	}
	return list
}

// verdict says what is wrong with an answer by the rights alone, "" for nothing, and whether it
// held any row.
func (w tenants) verdict(q inquiry, got reply) (wrong string, rows bool) {
	managed := w.managed(q)
	may := managed // what the bytes may be of
	if q.op != "getBusinessList" {
		asked := q.crop
		if asked == 0 {
			asked = int64(q.member.CropID)
		}
		if asked == 0 && len(managed) == 1 {
			asked = managed[0]
		}
		may = nil
		if slices.Contains(managed, asked) {
			may = []int64{asked}
		}
	}
	for _, found := range marks.FindAllStringSubmatch(got.body, -1) {
		if business, _ := strconv.ParseInt(found[1]+found[2], 10, 64); !slices.Contains(may, business) {
			return "a text of enterprise " + found[1] + found[2], false
		}
	}
	if allowed := q.path == q.member.Uniacid && (q.op == "getBusinessList" || len(may) > 0); allowed != (got.status == http.StatusOK) {
		return fmt.Sprintf("status %d", got.status), false
	}
	if got.status != http.StatusOK || q.op == "getBusinessList" {
		return "", false
	}
	if q.op == "getFacets" {
		return w.counted(may[0], q, got), false
	}
	var l client.ListResult
	if err := json.Unmarshal([]byte(got.body), &l); err != nil {
		return err.Error(), false
	}
	var ids, owners []int64
	for _, f := range l.Data.Data {
		ids, owners = append(ids, f.ID, f.HasOneCustomer.ID), append(owners, f.CropID, f.HasOneCustomer.CropID)
		if e := f.HasOneEmployee; e != nil {
			ids, owners = append(ids, e.ID), append(owners, e.BusinessID)
		}
	}
	for _, tag := range l.Data.Tag {
		ids, owners = append(ids, tag.ID), append(owners, tag.CropID)
	}
	for i := range ids {
		if ids[i]/1000 != may[0] || owners[i] != may[0] {
			return fmt.Sprintf("id %d of enterprise %d", ids[i], owners[i]), false
		}
	}
	if n := w.follows[may[0]]; l.Data.Total > n || l.Data.Count > n {
		return fmt.Sprintf("a total of %d, more than the %d rows of enterprise %d", l.Data.Total, n, may[0]), false
	}
	return "", len(l.Data.Data) > 0 && len(l.Data.Tag) > 0 && len(l.Data.Employee) > 0
}

// counted says which counts of an answer are not those of the enterprise's own rows.
func (w tenants) counted(business int64, q inquiry, got reply) (wrong string) {
	var facets client.FacetsResult
	if err := json.Unmarshal([]byte(got.body), &facets); err != nil {
		return err.Error()
	}
	parameters := map[string]any{}
	for name, values := range q.values {
		parameters[name] = values[0]
		if name == "search[time][]" {
			parameters[name] = values
		} else if n, err := strconv.Atoi(values[0]); err == nil && name != "search[member]" && name != "search[mobile]" && name != "search[keyword]" {
			parameters[name] = n
		}
	}
	var p client.GetListParams
	if err := json.Unmarshal([]byte(marshal(parameters)), &p); err != nil {
		return err.Error()
	}
	return cmp.Diff(w.all.facets(business, p, q.values["omit"]...), facets.Data)
}

// seed makes the tenants and requests of every run the same.
func seed() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestNoAnswerHoldsAnythingOfAnEnterpriseThatItsTokenMayNotManage(t *testing.T) {
	t.Parallel()
	onBothPaths(t, func(t *testing.T, path option) {
		t.Helper()
		r := seed()
		w := newTenants(r)
		b := setup(t, w.records, path)
		full := 0
		for range 600 {
			q := w.inquire(t, r)
			got := b.send(t, q.ask)
			wrong, rows := w.verdict(q, got)
			if wrong != "" {
				t.Fatalf("%+v\nmanages %v: %s\n%d %s", q, w.managed(q), wrong, got.status, got.body)
			}
			if rows {
				full++
			}
		}
		if full < 50 {
			t.Errorf("only %d answers held rows, tags and employees", full)
		}
	})
}

func TestTheTenantCheckFindsEachBindingThatIsTakenOut(t *testing.T) {
	t.Parallel()
	// The number is taken from the statement on its way to the database, of which the program knows
	// nothing: crop_id = 3 arrives as crop_id > 0. What the index looks up in the base tables needs no
	// binding, as it is looked for in the sets of the enterprise.
	for name, c := range map[string]struct {
		binding string
		path    option
	}{
		"rows":           {`\bf\.crop_id = [0-9]\b`, func(*settings) {}},
		"sets":           {`\bs\.crop_id = [0-9]\b`, indexed()},
		"tags":           {`\bWHERE crop_id = [0-9]\b`, indexed()},
		"employees":      {`\bWHERE business_id = [0-9]\b`, indexed()},
		"the member":     {`\bm\.uid = [0-9]\b`, indexed()},
		"the account":    {`\bm\.uniacid = [0-9]\b`, indexed()},
		"the enterprise": {`\bm\.business_id = [0-9]\b`, indexed()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := seed()
			w := newTenants(r)
			var cut atomic.Bool
			pattern := regexp.MustCompile(c.binding)
			own := setup(t, w.records, c.path)
			line := dbtest.StartWire(t, own.dsn, func(statement []byte) []byte {
				return pattern.ReplaceAllFunc(statement, func(bound []byte) []byte {
					cut.Store(true)
					return slices.Concat(bound[:len(bound)-len("= 3")], []byte("> 0"))
				})
			})
			unbound := open(t, line.DSN)
			b := own.instance(config(func(c *httpapi.Config) { c.Operations = getlist.New(getlist.Config{DB: unbound}) }))
			for range 600 {
				q := w.inquire(t, r)
				if wrong, _ := w.verdict(q, b.send(t, q.ask)); wrong != "" {
					t.Logf("found: %s, for %+v who manages %v", wrong, q.member, w.managed(q))
					return
				}
			}
			t.Errorf("nothing was found; the binding was cut: %v", cut.Load())
		})
	}
}

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := store.Open(dsn)
	mustSucceed(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}
