package demo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/tools/demo"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The records as a reader sees them, with what the tests look at.
type (
	employee struct {
		ID         int
		BusinessID int    `json:"business_id"`
		UserID     string `json:"user_id"`
		Name       string
		DeletedAt  *string `json:"deleted_at"`
	}
	customer struct {
		ID             int
		CropID         int    `json:"crop_id"`
		ExternalUserid string `json:"external_userid"`
		ExternalType   int    `json:"external_type"`
		CorpName       string `json:"corp_name"`
		CorpFullName   string `json:"corp_full_name"`
		Name           string
		DeletedAt      *string `json:"deleted_at"`
	}
	tag struct {
		ID        int
		CropID    int    `json:"crop_id"`
		TagID     string `json:"tag_id"`
		GroupID   string `json:"group_id"`
		Name      string
		DeletedAt *string `json:"deleted_at"`
	}
	follow struct {
		ID             int
		CropID         int `json:"crop_id"`
		Userid         string
		ExternalUserid string `json:"external_userid"`
		Remark         string
		RemarkMobiles  string `json:"remark_mobiles"`
		Createtime     int64
		AddWay         string `json:"add_way"`
		Status         int
		TagID          string  `json:"tag_id"`
		TagName        string  `json:"tag_name"`
		CreatedAt      string  `json:"created_at"`
		DeletedAt      *string `json:"deleted_at"`
	}
	records struct {
		raw        []byte
		kinds      []string // one for each line
		businesses []struct {
			Uniacid, ID int
			Name        string
		}
		managers []struct {
			Uniacid, UID int
			BusinessID   int `json:"business_id"`
		}
		employees []employee
		customers []customer
		tags      []tag
		follows   []follow
	}
)

func write(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := demo.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// read returns the records as read back, which all tests share and none changes.
func read(t *testing.T) *records {
	t.Helper()
	r, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var readOnce = sync.OnceValues(func() (*records, error) {
	var out bytes.Buffer
	if err := demo.Write(&out); err != nil {
		return nil, err
	}
	r := &records{raw: out.Bytes()}
	for line := range bytes.Lines(r.raw) {
		var record map[string]json.RawMessage
		if err := json.Unmarshal(line, &record); err != nil {
			return nil, fmt.Errorf("%w in %s", err, line)
		}
		if len(record) != 1 {
			return nil, fmt.Errorf("not one record a line: %s", line)
		}
		for kind, body := range record {
			var err error
			switch kind {
			case "business":
				err = add(&r.businesses, body)
			case "manager":
				err = add(&r.managers, body)
			case "employee":
				err = add(&r.employees, body)
			case "customer":
				err = add(&r.customers, body)
			case "tag":
				err = add(&r.tags, body)
			case "follow":
				err = add(&r.follows, body)
			default:
				err = errors.New("unknown kind of record")
			}
			if err != nil {
				return nil, fmt.Errorf("%w in %s", err, line)
			}
			r.kinds = append(r.kinds, kind)
		}
	}
	return r, nil
})

func add[T any](to *[]T, body []byte) error {
	var record T
	err := json.Unmarshal(body, &record)
	*to = append(*to, record)
	return err
}

// A change of these bytes is a change of the demonstration; run with -update if it
// is meant. A new release of Go must not make one.
func TestTheBytesAreAlwaysTheSame(t *testing.T) {
	t.Parallel()
	const golden = "testdata/demo.sha256"
	first, second := write(t), write(t)
	if !bytes.Equal(first, second) {
		t.Error("two runs wrote different bytes")
	}
	sum := sha256.Sum256(first)
	got := hex.EncodeToString(sum[:]) + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("sum %s, want %s", got, want)
	}
}

// By these a database is known to hold a part of the demonstration, or all of it.
func TestBusinessesAndTheLastFollowAreThoseThatAreWritten(t *testing.T) {
	t.Parallel()
	r := read(t)
	ids, names := demo.Businesses()
	for i, b := range r.businesses {
		if len(ids) != len(r.businesses) || int(ids[i]) != b.ID || names[i] != b.Name {
			t.Fatalf("%v %v, written are %v", ids, names, r.businesses)
		}
	}
	if last := r.follows[len(r.follows)-1]; r.kinds[len(r.kinds)-1] != "follow" || last.ID != demo.LastFollow || last.CropID != demo.OtherCropID {
		t.Errorf("%s %d of enterprise %d is written last", r.kinds[len(r.kinds)-1], last.ID, last.CropID)
	}
}

func TestTheSampleIsContainedByteForByte(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct {
			Data []json.RawMessage
			Tag  []json.RawMessage
		}
	}
	if err := json.Unmarshal(sample, &answer); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, row := range answer.Data.Data {
		var parts struct {
			Customer json.RawMessage `json:"has_one_customer"`
			Employee json.RawMessage `json:"has_one_employee"`
		}
		if err := json.Unmarshal(row, &parts); err != nil {
			t.Fatal(err)
		}
		own, _, found := strings.Cut(string(row), `,"has_one_customer":`)
		if !found {
			t.Fatalf("no contact in %s", row)
		}
		want = append(want, `{"follow":`+own+`}}`, `{"customer":`+string(parts.Customer)+`}`, `{"employee":`+string(parts.Employee)+`}`)
	}
	for _, tag := range answer.Data.Tag {
		want = append(want, `{"tag":`+string(tag)+`}`)
	}
	if len(want) != 8 {
		t.Fatalf("the sample has %d records, want 8", len(want))
	}
	lines := strings.Split(string(read(t).raw), "\n")
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestTheSamplesListsStandAroundIt(t *testing.T) {
	t.Parallel()
	r := read(t)
	var first []string
	for _, e := range r.employees[:2] {
		first = append(first, e.UserID+" "+e.Name)
	}
	if diff := cmp.Diff([]string{"SunXinJian 孙新建", "WeiPing 韦平"}, first); diff != "" {
		t.Errorf("first employees (-want +got)\n%s", diff)
	}
	i := slices.IndexFunc(r.tags, func(t tag) bool { return t.Name == "测试标签11" })
	if i < 0 || r.tags[i].TagID != "etDesSDgAACFJtKmZ8DmxP3DjZmceyLw" || r.tags[i].ID >= 26 || r.tags[i].DeletedAt != nil {
		t.Errorf("the tag that the sample's list leaves out is %+v", r.tags[max(i, 0)])
	}
}

func TestTheFirstEnterpriseHasTheCountsPromised(t *testing.T) {
	t.Parallel()
	r := read(t)
	got := map[string]int{}
	count := func(kind string, crop int, deleted *string) {
		switch {
		case crop != demo.CropID:
			kind = "other " + kind
		case deleted != nil:
			kind = "deleted " + kind
		}
		got[kind]++
	}
	for _, e := range r.employees {
		count("employees", e.BusinessID, e.DeletedAt)
	}
	for _, x := range r.tags {
		count("tags", x.CropID, x.DeletedAt)
	}
	for _, f := range r.follows {
		count("follows", f.CropID, f.DeletedAt)
	}
	for _, c := range r.customers {
		if c.DeletedAt != nil {
			got["deleted contacts"]++
		}
	}
	want := map[string]int{
		"follows": 2000, "deleted follows": 6, "other follows": 12,
		"employees": 40, "deleted employees": 1, "other employees": 3,
		"tags": 60, "deleted tags": 3, "other tags": 3,
		"deleted contacts": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestOneMemberManagesBothEnterprises(t *testing.T) {
	t.Parallel()
	r := read(t)
	var businesses, managed []int
	for _, b := range r.businesses {
		if b.Uniacid == demo.Uniacid {
			businesses = append(businesses, b.ID)
		}
	}
	for _, m := range r.managers {
		if m.Uniacid == demo.Uniacid && m.UID == demo.ManagerUID {
			managed = append(managed, m.BusinessID)
		}
	}
	want := []int{demo.CropID, demo.OtherCropID}
	if !slices.Equal(businesses, want) || !slices.Equal(managed, want) {
		t.Errorf("enterprises %v, managed %v, want %v", businesses, managed, want)
	}
}

func TestRecordsComeInTheOrderOfAnImport(t *testing.T) {
	t.Parallel()
	want := []string{"business", "manager", "employee", "customer", "tag", "follow"}
	if got := slices.Compact(slices.Clone(read(t).kinds)); !slices.Equal(got, want) {
		t.Errorf("kinds in the order %v, want %v", got, want)
	}
}

func TestEveryAddWayTypeAndStatusOccurs(t *testing.T) {
	t.Parallel()
	r := read(t)
	types := map[string]int{}
	for _, c := range r.customers {
		types[c.ExternalUserid] = c.ExternalType
		if prefix := map[int]string{1: "wm", 2: "wo"}[c.ExternalType]; !strings.HasPrefix(c.ExternalUserid, prefix) || prefix == "" {
			t.Errorf("contact %d of type %d is called %s", c.ID, c.ExternalType, c.ExternalUserid)
		}
		if (c.ExternalType == 2) != (c.CorpName != "" && c.CorpFullName != "") {
			t.Errorf("contact %d of type %d is of the company %q", c.ID, c.ExternalType, c.CorpFullName)
		}
	}
	ways, both := map[string]bool{}, map[[2]int]bool{}
	for _, f := range r.follows {
		if f.CropID == demo.CropID && f.DeletedAt == nil {
			ways[f.AddWay] = true
			both[[2]int{types[f.ExternalUserid], f.Status}] = true
		}
	}
	want := map[string]bool{"21": true, "22": true, "24": true, "201": true, "202": true}
	for way := range 19 {
		want[strconv.Itoa(way)] = true
	}
	if diff := cmp.Diff(want, ways); diff != "" {
		t.Errorf("add_way (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[[2]int]bool{{1, 1}: true, {1, -1}: true, {2, 1}: true, {2, -1}: true}, both); diff != "" {
		t.Errorf("type and status (-want +got)\n%s", diff)
	}
}

func TestIdsAndKeysAreUniqueAndFollowsPointAtContacts(t *testing.T) {
	t.Parallel()
	r := read(t)
	seen := map[string]bool{}
	once := func(parts ...any) {
		key, _ := json.Marshal(parts)
		if seen[string(key)] {
			t.Errorf("twice: %s", key)
		}
		seen[string(key)] = true
	}
	wecom := regexp.MustCompile(`^(wm|wo|et)[A-Za-z0-9_-]{30}$`)
	for _, e := range r.employees {
		once("employee", e.ID)
		once("employee", e.BusinessID, strings.ToLower(e.UserID))
	}
	contacts := map[string]int{}
	for _, c := range r.customers {
		once("customer", c.ID)
		once("customer", c.ExternalUserid)
		contacts[c.ExternalUserid] = c.CropID
		if !wecom.MatchString(c.ExternalUserid) {
			t.Errorf("not like an id of WeCom: %s", c.ExternalUserid)
		}
	}
	for _, x := range r.tags {
		once("tag", x.ID)
		once("tag", x.TagID)
		if !wecom.MatchString(x.TagID) || !wecom.MatchString(x.GroupID) {
			t.Errorf("not like ids of WeCom: %s %s", x.TagID, x.GroupID)
		}
	}
	for _, f := range r.follows {
		once("follow", f.ID)
		once("follow", f.CropID, f.ExternalUserid, strings.ToLower(f.Userid))
		if contacts[f.ExternalUserid] != f.CropID {
			t.Errorf("follow %d of enterprise %d has no contact in it", f.ID, f.CropID)
		}
	}
}

func TestTheOddCasesOccur(t *testing.T) {
	t.Parallel()
	r := read(t)
	gone := func(crop int, id string) (known, deleted bool) {
		for _, e := range r.employees {
			if e.BusinessID == crop && e.UserID == id {
				return true, e.DeletedAt != nil
			}
		}
		return false, false
	}
	tags, deletedContacts := map[string]tag{}, map[string]bool{}
	for _, x := range r.tags {
		tags[x.TagID] = x
	}
	for _, c := range r.customers {
		deletedContacts[c.ExternalUserid] = c.DeletedAt != nil
	}
	got := map[string]int{}
	for _, f := range r.follows {
		if f.DeletedAt != nil {
			continue
		}
		known, deleted := gone(f.CropID, f.Userid)
		if !known {
			got["unknown employee"]++
		}
		if deleted {
			got["deleted employee"]++
		}
		if deletedContacts[f.ExternalUserid] {
			got["deleted contact"]++
		}
		for id := range strings.SplitSeq(f.TagID, ",") {
			if x, known := tags[id]; id != "" && !known {
				got["unknown tag"]++
			} else if x.DeletedAt != nil {
				got["deleted tag"]++
			}
		}
		if len(f.TagID) > 7*33 {
			got["many tags"]++
		}
		if strings.ContainsAny(f.Remark, "%_") {
			got["remark with letters of LIKE"]++
		}
		if strings.ContainsAny(f.Remark, "ＶＩＰ０１２") {
			got["remark with full-width letters"]++
		}
		if strings.ContainsFunc(f.Remark, func(r rune) bool { return r > 0xffff }) {
			got["remark with emoji"]++
		}
		if f.RemarkMobiles != "[]" {
			got["phones"]++
		}
	}
	if got["unknown employee"] != 1 {
		t.Errorf("%d follows of an unknown employee, want 1", got["unknown employee"])
	}
	for _, name := range []string{
		"deleted employee", "deleted contact", "unknown tag", "deleted tag", "many tags",
		"remark with letters of LIKE", "remark with full-width letters", "remark with emoji", "phones",
	} {
		if got[name] == 0 {
			t.Errorf("no follow with: %s", name)
		}
	}
}

func TestTextsFitTheColumnsAndTimesTheYears(t *testing.T) {
	t.Parallel()
	r := read(t)
	china := time.FixedZone("CST", 8*60*60)
	from, to := time.Date(2021, 1, 1, 0, 0, 0, 0, china), time.Date(2027, 1, 1, 0, 0, 0, 0, china)
	for _, f := range r.follows {
		var phones []string
		if err := json.Unmarshal([]byte(f.RemarkMobiles), &phones); err != nil || len(f.RemarkMobiles) > 50 {
			t.Errorf("follow %d: remark_mobiles %s", f.ID, f.RemarkMobiles)
		}
		if utf8.RuneCountInString(f.Remark) > 200 || len(f.TagID) > 500 {
			t.Errorf("follow %d is too long", f.ID)
		}
		stored, err := time.ParseInLocation(time.DateTime, f.CreatedAt, china)
		if err != nil {
			t.Error(err)
		}
		if added := time.Unix(f.Createtime, 0); added.Before(from) || stored.After(to) || added.After(stored) {
			t.Errorf("follow %d: added %v, stored %v", f.ID, added.In(china), stored)
		}
	}
}

// What tag_name says is worked out again from the rule: live tags, id descending.
func TestTagNamesAreThoseOfTheLiveTags(t *testing.T) {
	t.Parallel()
	r := read(t)
	tags := slices.SortedFunc(slices.Values(r.tags), func(a, b tag) int { return b.ID - a.ID })
	for _, f := range r.follows {
		var names []string
		for _, x := range tags {
			if x.CropID == f.CropID && x.DeletedAt == nil && slices.Contains(strings.Split(f.TagID, ","), x.TagID) {
				names = append(names, x.Name)
			}
		}
		if want := strings.Join(names, ","); f.TagName != want {
			t.Errorf("follow %d: tag_name %q, want %q", f.ID, f.TagName, want)
		}
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestAWritersErrorIsReturned(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	if err := demo.Write(failingWriter{full}); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
}
