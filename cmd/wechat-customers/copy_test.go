package main_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/originaltest"
	"example.com/wechatcustomers/internal/store"
)

// From the original to this service: copy, compare, and copy again and again while both run.
func TestMovingOver(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	theirsDSN := dbtest.New(t)
	theirs, err := store.Open(theirsDSN)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = theirs.Close() })
	do := func(statement string) {
		t.Helper()
		if _, err := theirs.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := originaltest.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	do("INSERT INTO " + originaltest.Managers + " (uniacid, uid, business_id, created_at) VALUES (2, 7, 1, 5)")
	do("INSERT INTO " + originaltest.Contacts + " (id, uniacid, crop_id, external_userid, name, external_profile, created_at) VALUES (1, 2, 1, 'wmA', '甲', 'null', 5), (2, 2, 1, 'wmB', '乙', 'null', 5)")
	do("INSERT INTO " + originaltest.Follows + " (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (1, 2, 1, 'wmA', 'u', 5, 5), (2, 2, 1, 'wmB', 'u', 6, 5)")
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "ORIGINAL_DSN=" + theirsDSN}
	run(t, dir, env, program, "migrate")
	report := filepath.Join(dir, "report.tsv")
	out := run(t, dir, env, program, "copy", "--business", "1=一", "--business", "4=四;五", "--report", report)
	if !strings.Contains(out, "read 5 rows in ") || !strings.Contains(out, ": 6 new, 0 changed, 0 as they were, 0 vanished; 0 bad, 0 decisions\nwhat is here is what the original had at ") {
		t.Errorf("copy: %s", out)
	}
	if text, err := os.ReadFile(report); err != nil || !strings.HasPrefix(string(text), "decision\ttable\tid\tenterprise\tdetail\n") {
		t.Errorf("report: %v %s", err, text)
	}
	out = run(t, dir, env, program, "copy")
	if !strings.Contains(out, ": 0 new, 0 changed, 6 as they were, 0 vanished; 0 bad, 0 decisions\n") {
		t.Errorf("copy again: %s", out)
	}

	server := httptest.NewServer(originaltest.Server{DB: theirs, Uniacid: 2, CropID: 1, UID: 7, Per: 15, Cookie: "in=1"})
	t.Cleanup(server.Close)
	compare := []string{"compare", "--original", server.URL + "/getList", "--cookie", "in=1", "--pause", "0s", "--uniacid", "2", "--crop-id", "1"}
	out = run(t, dir, env, program, compare...)
	if out != "61 requests, all 2 customers of the list: every answer is the same. It can be switched over.\n" {
		t.Errorf("compare: %s", out)
	}
	do("UPDATE " + originaltest.Follows + " SET remark = '新' WHERE id = 2")
	do("INSERT INTO " + originaltest.Follows + " (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (3, 2, 1, 'wmA', 'U', 5, 5)")
	code, out, _ := pipe(t, env, program, append(compare, "--requests", "0")...).end(t)
	if code != 1 || !strings.Contains(out, "the whole list: row 2 remark: the original \"新\", here \"\" (NO KNOWN REASON)\n") || !strings.Contains(out, "Do not switch over") {
		t.Errorf("compare: exit code %d\n%s", code, out)
	}

	every := pipe(t, env, program, "copy", "--every", "10ms")
	for range 2 {
		for line := ""; !strings.HasPrefix(line, "what is here is what the original had at "); {
			if line, err = every.out.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	every.signal(t, syscall.SIGTERM)
	if code, out, errs := every.end(t); code != 0 {
		t.Errorf("copy --every, told to stop: exit code %d\n%s%s", code, out, errs)
	}
	code, out, _ = pipe(t, env, program, compare...).end(t)
	if code != 1 || strings.Contains(out, "NO KNOWN REASON") || !strings.Contains(out, "differences that are meant") {
		t.Errorf("compare: exit code %d\n%s", code, out)
	}
	run(t, dir, env, program, append(compare, "--ignore-known")...)

	// The same by the original's own answers, into another database.
	env = []string{"DATABASE_DSN=" + dbtest.New(t), "DATA_DIR=" + dir, "ORIGINAL_DSN=", "ORIGINAL_COOKIE=in=1"}
	run(t, dir, env, program, "migrate")
	out = run(t, dir, env, program, "copy", "--original", server.URL+"/getList", "--pause", "0s")
	if !strings.Contains(out, "1 × rows of one key") || !strings.Contains(out, ": 5 new,") {
		t.Errorf("copy by pages: %s", out)
	}
}

// Another instance of this service may be in the original's place.
func TestTwoInstancesAreCompared(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret}
	run(t, dir, env, program, "migrate")
	file := filepath.Join(dir, "customers.ndjson")
	if err := os.WriteFile(file, []byte(customers(1, 250)), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, dir, env, program, "import", file)
	_, address := serve(t, env, program)
	token := strings.TrimSpace(run(t, dir, env, program, "token", "--uid", "7", "--uniacid", "2"))
	compare := []string{"compare", "--original", "http://" + address + "/business/2/plugin/WechatCustomers/getList?crop_id=1&per_page=100", "--header", "Authorization: Bearer " + token,
		"--pause", "0s", "--uniacid", "2", "--crop-id", "1"}
	if out := run(t, dir, env, program, compare...); out != "61 requests, all 250 customers of the list: every answer is the same. It can be switched over.\n" {
		t.Errorf("%s", out)
	}
}

func TestCopyAndCompareSayWhatTheyWant(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "ORIGINAL_DSN=", "ORIGINAL_COOKIE="}
	run(t, ".", env, program, "migrate")
	for _, x := range []struct{ args, want string }{
		{"copy", "copy: one of --from and --original is wanted"},
		{"copy --from u:p@tcp(h:1)/d --original http://x/", "copy: one of --from and --original is wanted"},
		{"copy --from u:pass-word@tcp(127.0.0.1:1)/d", "the original's database: "},
		{"copy --from nonsense", "the original's database: the DSN"},
		{"copy --from u:p@tcp(h:1)/d --prefix a`b", "--prefix"},
		{"copy --original nonsense", "is no URL of getList"},
		{"copy --original http://x/ --header nonsense", "it has no colon"},
		{"compare --uniacid 2 --crop-id 1", "compare: --original is wanted"},
		{"compare --original http://x/", "missing flags"},
		{"compare --original http://x/ --uniacid 2 --crop-id 1", "nobody here manages enterprise 1 of account 2"},
	} {
		code, out, errs := pipe(t, env, program, strings.Fields(x.args)...).end(t)
		if code != 1 || !strings.Contains(errs, x.want) || strings.Contains(out+errs, "pass-word") {
			t.Errorf("%s: exit code %d\n%s%s", x.args, code, out, errs)
		}
	}
}
