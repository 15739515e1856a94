package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/wecom"
	"example.com/wechatcustomers/internal/wecomtest"
)

// standIn returns a stand-in of WeCom that holds enterprise 1, and the settings of a program that knows
// it.
func standIn(t *testing.T, o wecomtest.Options) (theirs *wecomtest.Server, env []string) {
	t.Helper()
	theirs = wecomtest.New(o)
	server := httptest.NewServer(theirs)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "wecom.json")
	if err := os.WriteFile(file, theirs.Config(1), 0o600); err != nil {
		t.Fatal(err)
	}
	return theirs, []string{"WECOM_CONFIG=" + file, "WECOM_URL=" + server.URL}
}

// enterprise returns the settings of a program that knows an enterprise of 5 members and 120 customers.
func enterprise(t *testing.T) []string {
	t.Helper()
	_, env := standIn(t, wecomtest.Options{Members: 5, Follows: 120, Seed: 3})
	return env
}

// prepared returns the settings of a program whose database has enterprise 1 and its manager.
func prepared(t *testing.T, program string, more ...string) (env []string, dsn string) {
	t.Helper()
	dsn = dbtest.New(t)
	env = append([]string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret}, more...)
	run(t, ".", env, program, "migrate")
	records := filepath.Join(t.TempDir(), "business.ndjson")
	if err := os.WriteFile(records, []byte(business+`{"manager":{"uniacid":2,"uid":7,"business_id":1}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, ".", env, program, "import", records)
	return env, dsn
}

// From an empty list to a full one, by the command.
func TestSyncOnceFillsTheListAndStatusSaysSo(t *testing.T) {
	t.Parallel()
	program := build(t)
	_, settings := standIn(t, wecomtest.Options{Members: 5, Follows: 120, Seed: 3})
	env, _ := prepared(t, program, settings...)
	if out := run(t, ".", append(env, "WECOM_SYNC=0"), program, "sync", "--status"); out != "enterprise 1: never synchronised\n" {
		t.Errorf("status before: %s", out)
	}
	if out := run(t, ".", env, program, "sync", "--once"); !strings.Contains(out, "5 of 5 members, 120 customers read, ") {
		t.Errorf("sync: %s", out)
	}
	if out := run(t, ".", env, program, "sync", "--status", "--crop-id", "1"); !strings.Contains(out, "last complete sync at ") {
		t.Errorf("status: %s", out)
	}
	if out := run(t, ".", env, program, "check"); out != "all that is derived is right\n" {
		t.Errorf("check: %s", out)
	}
	for _, c := range []struct{ args, says string }{
		{"--once --crop-id 9", "enterprise 9 is not in the file"}, {"--once --retry", "only one of"}, {"--every 0s", "WECOM_SYNC"},
	} {
		p := pipe(t, env, program, append([]string{"sync"}, strings.Fields(c.args)...)...)
		if code, out, errs := p.end(t); code != 1 || !strings.Contains(out+errs, c.says) {
			t.Errorf("sync %s: %d\n%s%s", c.args, code, out, errs)
		}
	}
}

func TestSyncSaysWhatAPersonHasToSetAndExits1(t *testing.T) {
	t.Parallel()
	program := build(t)
	_, settings := standIn(t, wecomtest.Options{Members: 2, Follows: 5, Fault: func(call string) wecomtest.Fault {
		if call == "externalcontact/batch/get_by_user" {
			return wecomtest.Fault{Code: 60020}
		}
		return wecomtest.Fault{}
	}})
	env, _ := prepared(t, program, settings...)
	p := pipe(t, env, program, "sync", "--once")
	code, out, errs := p.end(t)
	if code != 1 || !strings.Contains(out, "企业可信IP") || !strings.Contains(out, "errcode 60020") {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
	if strings.Contains(out+errs, "contact-secret") || strings.Contains(out+errs, "token-1") {
		t.Errorf("a secret is said:\n%s%s", out, errs)
	}
}

func TestSyncGoesOnUntilItIsToldToEnd(t *testing.T) {
	t.Parallel()
	program := build(t)
	theirs, settings := standIn(t, wecomtest.Options{Members: 3, Follows: 40})
	env, dsn := prepared(t, program, settings...)
	p := pipe(t, env, program, "sync", "--every", "1s")
	db := open(t, dsn)
	awaitCount(t, db, 40, "SELECT COUNT(*) FROM follows")
	pair := theirs.Pairs()[0]
	theirs.Edit(pair.Userid, pair.ExternalUserid, "没有通知") // of which no event tells
	awaitCount(t, db, 1, "SELECT COUNT(*) FROM follows WHERE remark = '没有通知'")
	p.signal(t, syscall.SIGTERM)
	if code, out, errs := p.end(t); code != 0 {
		t.Errorf("%d\n%s%s", code, out, errs)
	}
}

func TestEventsThatFailedAreTriedAgainWhenAskedTo(t *testing.T) {
	t.Parallel()
	program := build(t)
	theirs, settings := standIn(t, wecomtest.Options{Members: 3, Follows: 40})
	env, dsn := prepared(t, program, settings...)
	run(t, ".", env, program, "sync", "--once")
	db, pair := open(t, dsn), theirs.Pairs()[5]
	theirs.DeleteMember(pair.Userid, pair.ExternalUserid)
	if _, err := db.Exec("INSERT INTO wecom_inbox (crop_id, received_at, event, change_type, created, userid, external_userid, message, state, attempts, due_at, error)"+
		" SELECT 1, UNIX_TIMESTAMP() * 1000, 'change_external_contact', 'del_follow_user', UNIX_TIMESTAMP(), LOWER(?), ?, '', 2, 12, 0, 'errcode 40058'", pair.Userid, pair.ExternalUserid); err != nil {
		t.Fatal(err)
	}
	if out := run(t, ".", env, program, "sync", "--status"); !strings.Contains(out, "events failed: 1\n") || !strings.Contains(out, "errcode 40058") {
		t.Error(out)
	}
	if out := run(t, ".", env, program, "sync", "--retry"); out != "enterprise 1: 1 events wait again\n" {
		t.Error(out)
	}
	if out := run(t, ".", env, program, "sync", "--once"); !strings.Contains(out, "events worked off: 1\n") {
		t.Error(out)
	}
	if n := one(t, db, "SELECT COUNT(*) FROM follows WHERE status = -1"); n != 1 {
		t.Errorf("%d follows are lost", n)
	}
}

// From an empty list to a full one by the schedule, and on by callbacks; and nothing by what is not
// WeCom's.
func TestServeKeepsTheListUpToDateAndBelievesNobodyElse(t *testing.T) {
	t.Parallel()
	program := build(t)
	theirs, settings := standIn(t, wecomtest.Options{Members: 4, Follows: 60})
	env, dsn := prepared(t, program, append(settings, "LISTEN_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "RATE_FAILURES=0")...)
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
	p := pipe(t, env, program, "serve")
	at := regexp.MustCompile(`address=(\S+)`)
	admin := "http://" + at.FindStringSubmatch(p.await(t, "msg=metrics"))[1]
	api := "http://" + at.FindStringSubmatch(p.await(t, "msg=listening"))[1]
	db := open(t, dsn)
	awaitCount(t, db, 1, "SELECT COUNT(*) FROM wecom_syncs WHERE succeeded_at > 0")
	total := func(query string) (n int) {
		t.Helper()
		status, body := get(t, api+"/business/2/plugin/WechatCustomers/getList"+query, token)
		var answer struct{ Data struct{ Total int } }
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s %v", status, body, err)
		}
		return answer.Data.Total
	}
	if n := total(""); n != 60 {
		t.Errorf("%d rows", n)
	}

	callback := api + wecom.CallbackPath
	ask := func(r *http.Request, err error) (int, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	r, want, err := theirs.Verification(t.Context(), callback+"1")
	if status, body := ask(r, err); status != http.StatusOK || body != want {
		t.Errorf("the check of the address: %d %s, want %s", status, body, want)
	}
	pair := theirs.Pairs()[9]
	edit := theirs.Edit(pair.Userid, pair.ExternalUserid, "回调")
	other := wecomtest.New(wecomtest.Options{CorpID: "wwOther"})
	stranger := wecomtest.New(wecomtest.Options{CallbackToken: "another"})
	post := func(path, body string) (*http.Request, error) {
		return http.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	}
	signed := func(s *wecomtest.Server, crop string) (*http.Request, error) {
		return s.Request(context.WithoutCancel(t.Context()), callback+crop, edit)
	}
	for name, c := range map[string]struct {
		request func() (*http.Request, error)
		status  int
	}{
		"an enterprise that is not in the file": {func() (*http.Request, error) { return signed(theirs, "2") }, http.StatusNotFound},
		"no enterprise":                         {func() (*http.Request, error) { return signed(theirs, "x") }, http.StatusNotFound},
		"another enterprise's message":          {func() (*http.Request, error) { return signed(other, "1") }, http.StatusForbidden},
		"another token":                         {func() (*http.Request, error) { return signed(stranger, "1") }, http.StatusForbidden},
		"no message":                            {func() (*http.Request, error) { return post(callback+"1", "") }, http.StatusBadRequest},
		"no XML":                                {func() (*http.Request, error) { return post(callback+"1", "{}") }, http.StatusBadRequest},
		"no signature":                          {func() (*http.Request, error) { return post(callback+"1", "<xml><Encrypt>x</Encrypt></xml>") }, http.StatusForbidden},
		"entities": {func() (*http.Request, error) {
			return post(callback+"1", `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>`)
		}, http.StatusBadRequest},
		"a huge message": {func() (*http.Request, error) {
			return post(callback+"1", "<xml><Encrypt>"+strings.Repeat("A", 5<<20)+"</Encrypt></xml>")
		}, http.StatusRequestEntityTooLarge},
		"deep XML": {func() (*http.Request, error) { return post(callback+"1", strings.Repeat("<a>", 80_000)) }, http.StatusBadRequest},
	} {
		if status, body := ask(c.request()); status != c.status || strings.Contains(body, "callback-token") {
			t.Errorf("%s: %d %.300s, want %d", name, status, body, c.status)
		}
	}
	if n := one(t, db, "SELECT COUNT(*) FROM wecom_inbox"); n != 0 {
		t.Errorf("%d of them are stored", n)
	}
	for range 3 { // and again
		if status, body := ask(signed(theirs, "1")); status != http.StatusOK || body != "success" {
			t.Errorf("an event: %d %s", status, body)
		}
	}
	awaitCount(t, db, 3, "SELECT COUNT(*) FROM wecom_inbox WHERE state = 1")
	if n := total("?search[remark]=回调"); n != 1 {
		t.Errorf("%d rows have changed", n)
	}

	_, metrics := get(t, admin+"/metrics", "")
	for _, want := range []string{
		`wechat_wecom_sync_success_timestamp_seconds{crop_id="1"} 1.`, `wechat_wecom_sync_failures{crop_id="1"} 0`, `wechat_wecom_events{crop_id="1",state="waiting"} 0`,
		`wechat_wecom_events{crop_id="1",state="failed"} 0`, `wechat_wecom_event_lag_seconds{crop_id="1"} 0`,
		`wechat_wecom_call_duration_seconds_count{call="externalcontact/batch/get_by_user",errcode="0"} 1`,
	} {
		if !strings.Contains(string(metrics), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	p.signal(t, syscall.SIGTERM)
	code, out, errs := p.end(t)
	if code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	o := theirs.Options()
	for _, hidden := range []string{o.ContactSecret, o.DirectorySecret, o.CallbackToken, o.EncodingAESKey, "token-"} {
		if strings.Contains(out+errs, hidden) {
			t.Errorf("the log has a secret in it: %s\n%s", hidden, fmt.Sprint(out, errs))
		}
	}
}
