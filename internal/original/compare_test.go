package original_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/original"
	"example.com/wechatcustomers/internal/originaltest"
)

var secret = []byte("a secret of the tests, 32 bytes or more")

// ours returns this service on our tables, and what signs in there.
func (h house) service() (http.Handler, http.Header) {
	h.t.Helper()
	verifier, err := auth.New(h.t.Context(), auth.Config{Secret: secret})
	if err != nil {
		h.t.Fatal(err)
	}
	handler, err := httpapi.New(httpapi.Config{
		Document: api.Document, Verifier: verifier, Operations: getlist.New(getlist.Config{DB: h.ours, Build: "test"}),
		Ready: func(context.Context) error { return nil }, Limits: httpapi.DefaultLimits, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	token, err := auth.Mint(secret, auth.Member{UID: 7, Uniacid: 2}, time.Hour, time.Now(), "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	return handler, http.Header{"Authorization": {"Bearer " + token}}
}

// compare compares the original behind HTTP with what was copied.
func (h house) compare(url string, requests int, report string) (original.Comparison, []original.Difference) {
	h.t.Helper()
	handler, header := h.service()
	var found []original.Difference
	o := original.CompareOptions{
		Original: &original.GetList{URL: url}, Ours: handler, Header: header, Uniacid: 2, CropID: 1, Requests: requests, Pages: 3, Seed: 1,
		Found: func(d original.Difference) { found = append(found, d) },
		EmployeeID: func(ctx context.Context, userid string) (id int64, err error) {
			err = h.ours.QueryRowContext(ctx, "SELECT id FROM employees WHERE business_id = 1 AND user_id = ?", userid).Scan(&id)
			return id, err
		},
	}
	if report != "" {
		o.Report = strings.NewReader(report)
	}
	result, err := original.Compare(h.t.Context(), o)
	if err != nil {
		h.t.Fatal(err)
	}
	return result, found
}

func texts(found []original.Difference) (lines []string) {
	for _, d := range found {
		lines = append(lines, d.String())
	}
	return lines
}

func TestAfterACopyOfOrdinaryRowsEveryAnswerIsTheSame(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(120)
	h.do("UPDATE CONTACTS SET uid = id % 5, external_type = 1 + id % 2, gender = id % 3, updated_at = created_at", "UPDATE FOLLOWS SET status = -1, tag_id = 'etB,etA' WHERE id % 7 = 0",
		"UPDATE FOLLOWS SET deleted_at = 9 WHERE id % 11 = 0", "UPDATE FOLLOWS SET userid = 'unknown' WHERE id % 13 = 0", `UPDATE FOLLOWS SET remark_mobiles = '["138"]' WHERE id % 5 = 0`)
	h.copy(h.database())
	url := h.serve(originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Per: 15})
	result, found := h.compare(url, 80, "")
	if len(found) > 0 || result.Rows != 110 || result.Requests != 81 || !strings.HasSuffix(result.String(), "every answer is the same. It can be switched over.") {
		t.Errorf("%v %+v\n%s", result, result, strings.Join(texts(found), "\n"))
	}
	// Whatever differs is found.
	for statement, want := range map[string]string{
		"UPDATE FOLLOWS SET remark = 'neu' WHERE id = 40": "the whole list: row 40 remark: the original \"neu\", here \"备40\" (NO KNOWN REASON)",
		"UPDATE CONTACTS SET name = 'neu' WHERE id = 41":  "the whole list: row 41 has_one_customer.name: the original \"neu\", here \"客41\" (NO KNOWN REASON)",
		"UPDATE TAGS SET name = 'neu' WHERE id = 3":       "the lists: row 3 tag.name: the original \"neu\", here \"甲\" (NO KNOWN REASON)",
		"UPDATE STAFF SET name = 'neu' WHERE id = 6":      "the lists employee emp2: the original {\"name\":\"neu\",\"user_id\":\"Emp2\"}, here \"员二\" (NO KNOWN REASON)",
		"DELETE FROM FOLLOWS WHERE id = 46":               "the whole list: row 46: the original does not show it, here shows it (NO KNOWN REASON)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, created_at) VALUES (500, 2, 1, 'wm1', 'x', 5)": "the whole list: row 500: the original shows it, here does not (NO KNOWN REASON)",
	} {
		h.do(statement)
		result, found := h.compare(url, 0, "")
		if !strings.Contains(strings.Join(texts(found), "\n"), want) || result.Unknown == 0 || !strings.Contains(result.String(), "Do not switch over") {
			t.Errorf("%s: %v\n%s", statement, result, strings.Join(texts(found), "\n"))
		}
	}
}

// oddRows fills the original with every odd row that a list can show.
func (h house) oddRows() {
	h.t.Helper()
	h.ordinary(60)
	cut := strings.Repeat("etA,", 122)
	h.do(
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (111, 2, 1, 'wmNone', 'Other', 0, 0)",
		"INSERT INTO STAFF (id, uniacid, business_id, user_id, created_at) VALUES (8, 2, 4, 'Other', 1632277573)",
		"INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, external_profile, created_at) VALUES (120, 0, 1, 'wm120', NULL, 0)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, add_way, status, remark, uid) VALUES (120, 0, 1, 'wm120', 'Emp1', 1632277573, 'abc', -7, NULL, -4), (121, 2, 1, 'wm120', 'Emp1', 1632277573, 'abc', -7, NULL, -4)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid) VALUES (130, 9, 1, 'wm1', 'x'), (131, 2, 0, 'wm1', 'x')",
		"INSERT INTO TAGS (id, uniacid, crop_id, tag_id, name, created_at) VALUES (41, 2, 1, 'etabcdefabcd-whole', '长', 1632277573), (42, 0, 1, 'etZero', '零', 5), (43, 2, 1, 'etA', '又', 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, tag_id, createtime, created_at) VALUES (150, 2, 1, 'wm1', 'cut', '"+cut+"etabcdefabcd', 5, 5), (151, 2, 1, 'wm1', 'none', '"+cut+"etabcdefabxx', 5, 5)",
		`INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, remark_mobiles, createtime, created_at) VALUES
			(160, 2, 1, 'wm1', 'm1', '["13800000001","13800000002","13800000003","138000', 5, 5), (162, 2, 1, 'wm1', 'm3', '', 5, 5)`,
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid) VALUES (170, 2, 1, 'wm1', '李'), (171, 2, 1, 'wm 1', 'Emp1')",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, deleted_at, createtime, created_at) VALUES (180, 2, 1, 'wm1', 'd1', 0, 5, 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (182, 2, 1, 'wm1', 'neg', -5, 5)",
		// Rows of one key, of each kind.
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, remark, tag_id, createtime, created_at) VALUES (200, 2, 1, 'wm1', 'emp2', '', '', 77, 5), (201, 2, 1, 'wm3', 'EMP2', '', 'etB', 77, 5), (202, 2, 1, 'wm3', 'emp2', 'R', '', 77, 5)",
		"INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, name, uid, created_at) VALUES (202, 2, 1, 'wm5', '', 3061, 5)",
		"INSERT INTO STAFF (id, uniacid, business_id, user_id, name, mobile, created_at) VALUES (203, 2, 1, 'EMP1', '', '138', 5), (204, 0, 1, 'Zero', '零', '', 5)",
		// Letters that a collation takes for others.
		"UPDATE FOLLOWS SET remark = 'Ａbé', tag_id = 'ETA' WHERE id = 30", "UPDATE FOLLOWS SET remark = 'abe' WHERE id = 31", "UPDATE FOLLOWS SET remark = '100%_é' WHERE id = 32",
		"UPDATE CONTACTS SET name = 'ｷﾞé' WHERE id = 33", "UPDATE CONTACTS SET name = 'ぎe' WHERE id = 34", "UPDATE CONTACTS SET deleted_at = 9, uid = 5 WHERE id = 35",
	)
}

// The proof: a copy of every odd row, compared with the original over HTTP, differs only where it
// is meant to.
func TestACopyOfEveryOddRowDiffersOnlyForKnownReasons(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.oddRows()
	result, lines := h.copy(h.database())
	report := strings.Join(lines, "\n")
	url := h.serve(originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Per: 15})
	compared, found := h.compare(url, 400, report)
	if compared.Unknown > 0 {
		found = slices.DeleteFunc(found, func(d original.Difference) bool { return d.Reason != "" })
		t.Errorf("%v\n%s", compared, strings.Join(texts(found), "\n"))
	}
	for _, r := range []original.Reason{original.RepeatedRows, original.RepeatedContact, original.Folding, original.NoContact, original.TagsCut, original.MobilesCut, original.NoDate, original.OddValue, original.Reported} {
		if compared.Known[r] == 0 {
			t.Errorf("no difference because %s", r)
		}
	}
	if !strings.Contains(compared.String(), "differences that are meant") {
		t.Errorf("%v", compared)
	}
	t.Log(compared, result.Decisions.Lines())
}

func TestCompareSaysWhatKeepsItFromTheOriginal(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(2)
	h.copy(h.database())
	handler, header := h.service()
	url := h.serve(originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Cookie: "in=1"})
	o := original.CompareOptions{Original: &original.GetList{URL: url}, Ours: handler, Header: header, Uniacid: 2, CropID: 1, Found: func(original.Difference) {}}
	if _, err := original.Compare(t.Context(), o); err == nil || !strings.Contains(err.Error(), "请登录") {
		t.Errorf("%v", err)
	}
	o.Original.Header = http.Header{"Cookie": {"in=1"}}
	if _, err := original.Compare(t.Context(), o); err != nil {
		t.Error(err)
	}
}

// The original's own getList brings the same as its tables do, as far as it shows them.
func TestPagesBringWhatTheTablesDo(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(60)
	h.do("INSERT INTO STAFF (id, uniacid, business_id, user_id, name, created_at) VALUES (9, 2, 1, 'idle', '闲', 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (70, 2, 1, 'wmNone', 'Emp1', 5, 5), (71, 2, 1, 'wm7', 'emp2', 5, 5)")
	pages := h.pages(h.serve(originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Cookie: "in=1"}))
	pages.Header = http.Header{"Cookie": {"in=1"}}
	first, lines := h.copy(pages)
	h.want("SELECT COUNT(*), MIN(id), MAX(id) FROM follows", "61|1|71")
	h.want("SELECT remark, tag_id FROM follows WHERE id = 71", "备7|etA")
	h.want("SELECT user_id, name, id > 1000 FROM employees ORDER BY id", "Emp1|员一|0", "Emp2|员二|0", "idle|闲|1")
	h.want("SELECT COUNT(*) FROM tags", "2")
	if first.Decisions.Counts[original.StandInContact] != 1 || first.Decisions.Counts[original.Repeated] != 1 {
		t.Errorf("%q", lines)
	}
	// The same again changes nothing; what vanished goes; whoever was known by name alone keeps it.
	before := h.dump()
	if again, _ := h.copy(pages); again.Vanished != 0 || again.New+again.Changed != 0 {
		t.Errorf("again: %+v", again)
	}
	if after := h.dump(); strings.Join(before, "\n") != strings.Join(after, "\n") {
		t.Error("the second copy changed the tables")
	}
	h.do("DELETE FROM FOLLOWS WHERE id IN (3, 71)", "DELETE FROM TAGS WHERE id = 4", "UPDATE FOLLOWS SET userid = 'idle' WHERE id = 9", "INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (72, 2, 1, 'wm1', 'idle', 5, 5)")
	h.do("UPDATE FOLLOWS SET userid = 'Emp2' WHERE id = 9")
	third, _ := h.copy(pages)
	h.want("SELECT id FROM follows WHERE deleted_at IS NOT NULL", "3")
	h.want("SELECT id, deleted_at FROM follows WHERE external_userid IN ('wm7', 'wm1') AND deleted_at IS NULL ORDER BY id", "1|NULL", "7|NULL", "72|NULL")
	h.want("SELECT id, deleted_at FROM employees WHERE user_id = 'idle'", "9|NULL")
	h.want("SELECT id FROM tags WHERE deleted_at IS NULL", "3")
	if third.Vanished != 4 || len(third.Duplicates) != 1 { // two follows, a tag, and the contact that no row shows any more
		t.Errorf("%+v, vanished %d", third, third.Vanished)
	}
	if left, err := filepath.Glob(pages.Dir + "/*"); err != nil || len(left) > 0 {
		t.Errorf("pages are left: %v %v", left, err)
	}
}

func (h house) pages(url string) original.Pages {
	return original.Pages{GetList: &original.GetList{URL: url}, Dir: h.t.TempDir()}
}

// While it is read, rows come in on top and go anywhere: each row that stays is brought.
func TestPagesMissNoRowWhileOthersWrite(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(60)
	server := originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Per: 5, DB: h.theirs}
	n := 0
	url := h.between(server, func() {
		n++
		switch {
		case n == 3: // seven of those that were read are gone
			h.do("DELETE FROM FOLLOWS WHERE id BETWEEN 53 AND 59")
		case n == 5:
			h.do("INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (100, 2, 1, 'wm1', 'new', 5, 5), (101, 2, 1, 'wm2', 'new', 5, 5)", "DELETE FROM FOLLOWS WHERE id IN (44, 45, 46, 47, 60)")
		case n < 15 && n%2 == 0:
			h.do(fmt.Sprintf("INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (%d, 2, 1, 'wm3', 'n%d', 5, 5)", 200+n, n))
		}
	})
	pages := h.pages(url)
	h.copy(pages)
	have := query(t, h.ours, "SELECT id FROM follows WHERE deleted_at IS NULL ORDER BY id")
	all := strings.Join(have, " ") + " "
	for _, id := range query(t, h.theirs, "SELECT id FROM "+originaltest.Follows) {
		if !strings.Contains(" "+all, " "+id+" ") {
			t.Errorf("row %s is missed", id)
		}
	}
	h.copy(pages)
	if got, want := query(t, h.ours, "SELECT id FROM follows WHERE deleted_at IS NULL ORDER BY id"), query(t, h.theirs, "SELECT id FROM "+originaltest.Follows+" ORDER BY id"); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("after the next copy %v, want %v", got, want)
	}
}

// Cut off while it reads pages, it goes on where it was; the server's failures are waited out.
func TestPagesGoOnWhereTheyWere(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(60)
	server := originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Per: 5, DB: h.theirs}
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	pages := h.pages(h.between(server, func() {
		if n++; n == 8 {
			cancel()
		}
	}))
	if _, _, err := h.try(ctx, pages, original.Options{}); err == nil {
		t.Error("it was not cut off")
	}
	files, _ := filepath.Glob(pages.Dir + "/*")
	if len(files) != 1 {
		t.Fatalf("%v", files)
	}
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0) // a page that was half written
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"result":1,"data":{"current_page":8,"data":[{"id":1`)
	_ = f.Close()
	before := n
	h.copy(pages)
	h.want("SELECT COUNT(*) FROM follows", "60")
	if more := n - before; more > 7 { // pages 8 to 12, and the first again
		t.Errorf("%d more requests", more)
	}
}

// between serves the original, and calls f before each answer.
func (h house) between(s originaltest.Server, f func()) string {
	h.t.Helper()
	return serveHTTP(h.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f()
		s.ServeHTTP(w, r)
	}))
}

func TestAChangedEnterpriseEndsACopyOfPages(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(6)
	h.do("INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (1000, 2, 4, 'wm1', 'x', 5, 5), (1001, 2, 4, 'wm1', 'y', 5, 5), (1002, 2, 4, 'wm1', 'z', 5, 5)")
	server := originaltest.Server{Uniacid: 2, CropID: 1, UID: 7, Per: 2, DB: h.theirs}
	n := 0
	pages := h.pages(serveHTTP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > 1 {
			server.CropID = 4
		}
		server.ServeHTTP(w, r)
	})))
	var report bytes.Buffer
	if _, err := original.Copy(t.Context(), h.ours, h.w, pages, original.Options{Report: &report}); err == nil || !strings.Contains(err.Error(), "another was chosen") {
		t.Errorf("%v", err)
	}
	h.want("SELECT COUNT(*) FROM follows", "0")
}
