package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
)

func TestAServerCanBeWatchedAndItsAuditTrailSaysWhoReadWhat(t *testing.T) {
	t.Parallel()
	program, trail := build(t), filepath.Join(t.TempDir(), "audit.log")
	env := []string{
		"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret, "INDEX_FROM=20", "LISTEN_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "AUDIT_LOG=" + trail,
	}
	run(t, ".", env, program, "migrate")
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
	p := pipe(t, env, program, "serve", "--demo")
	address := func(what string) string {
		t.Helper()
		line := p.await(t, what)
		return "http://" + regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(line)[1]
	}
	if first := p.await(t, "msg="); !strings.Contains(first, "msg=starting version=") || !strings.Contains(first, "go=go1.") {
		t.Errorf("the first line does not say what runs: %s", first)
	}
	admin := address("msg=metrics")
	api := address("msg=listening")
	for _, query := range []string{"?per_page=2", "?per_page=2&page=2", "?search[customer]=x"} {
		if status, body := get(t, api+"/business/2/plugin/WechatCustomers/getList"+query, token); status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
	}
	for path, wants := range map[string][]string{
		"/metrics": {
			`http_request_duration_seconds_count{operation="getList",status="200"} 3`, `sql_query_duration_seconds_count{query="GetAccess"} 3`,
			`go_sql_open_connections{db_name="database"}`, "go_goroutines", "wechat_build_info",
			"wechat_database_up 1", `wechat_index_enterprises{state="complete"} 1`, `wechat_index_enterprises{state="missing"} 0`, "wechat_data_changed_timestamp_seconds 1.",
		},
		"/version":              {`"go":"go1.`},
		"/debug/pprof/cmdline":  {"serve"},
		"/debug/pprof/symbol":   {"num_symbols"},
		"/debug/pprof/?debug=1": {"goroutine"},
	} {
		status, body := get(t, admin+path, "")
		for _, want := range wants {
			if status != http.StatusOK || !strings.Contains(string(body), want) {
				t.Errorf("%s: %d, without %s:\n%.3000s", path, status, want, body)
			}
		}
		if status, _ := get(t, api+path, token); status != http.StatusNotFound {
			t.Errorf("%s is at the API's address too: %d", path, status)
		}
	}
	p.signal(t, syscall.SIGTERM)
	if code, out, errs := p.end(t); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	lines, err := os.ReadFile(trail)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(lines), "\n"); n != 1 || !strings.Contains(string(lines), `"member":7,"uniacid":2,"crop_id":1,`) || !strings.Contains(string(lines), `"pages":2,"rows":4,`) {
		t.Errorf("the audit trail:\n%s", lines)
	}
}

func TestLogsAreInTheFormAndOfTheLevelThatIsAskedFor(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t)}
	for _, c := range []struct {
		set       string
		has, lack string
	}{
		{"LOG_FORMAT=json", `"msg":"migrated"`, "msg=migrated"},
		{"LOG_LEVEL=warn", "", "migrated"},
	} {
		p := pipe(t, append(env, c.set), program, "migrate")
		code, out, errs := p.end(t)
		if code != 0 || !strings.Contains(errs, c.has) || strings.Contains(errs, c.lack) {
			t.Errorf("%s: exit code %d\n%s%s", c.set, code, out, errs)
		}
		env = []string{"DATABASE_DSN=" + dbtest.New(t)}
	}
	p := pipe(t, append(env, "LOG_LEVEL=loud"), program, "migrate")
	if code, _, errs := p.end(t); code != 1 || !strings.Contains(errs, "LOG_LEVEL") && !strings.Contains(errs, "--log-level") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}
