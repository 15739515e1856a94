package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/wecomtest"
)

func deployed(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEachAlertComesWhenItShouldAndTheDocumentSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for _, alert := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(deployed(t, "alerts.yaml"), -1) {
		if !strings.Contains(operate(t), "\n### "+alert[1]+"\n") {
			t.Errorf("docs/operate.md has nothing on %s", alert[1])
		}
	}
	promtool := needs(t, "promtool", "prometheus")
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts.test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = "../../deploy"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", args, err, out)
		}
	}
}

// expressions are the dashboard's queries, as Prometheus would get them.
func expressions(t *testing.T) (all []string) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(deployed(t, "dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			all = append(all, strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*").Replace(target.Expr))
		}
	}
	return all
}

func TestTheDashboardAndTheAlertsAskForMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "INDEX_FROM=0"}
	_, wecom := standIn(t, wecomtest.Options{Members: 1, Follows: 3})
	env = append(env, wecom...)
	run(t, ".", env, program, "migrate")
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
	p := pipe(t, env, program, "serve", "--demo")
	at := regexp.MustCompile(`address=(\S+)`)
	admin := at.FindStringSubmatch(p.await(t, "msg=metrics"))[1]
	api := at.FindStringSubmatch(p.await(t, "msg=listening"))[1]
	if status, body := get(t, "http://"+api+"/business/2/plugin/WechatCustomers/getList", token); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	awaitCount(t, open(t, strings.TrimPrefix(env[0], "DATABASE_DSN=")), 1, "SELECT COUNT(*) FROM wecom_syncs WHERE succeeded_at > 0")
	_, metrics := get(t, "http://"+admin+"/metrics", "")
	var rules strings.Builder
	rules.WriteString("groups: [{name: dashboard, rules: [\n")
	asked := expressions(t)
	for i, e := range asked {
		fmt.Fprintf(&rules, "{record: 'r%d', expr: '%s'},\n", i, strings.ReplaceAll(e, "'", "''"))
	}
	rules.WriteString("]}]\n")
	for _, m := range regexp.MustCompile(`(?m)(?:expr:|^ {12,}) *(.*)$`).FindAllStringSubmatch(deployed(t, "alerts.yaml"), -1) {
		asked = append(asked, m[1])
	}
	metric := regexp.MustCompile(`\b(?:wechat|http|sql|go|process)_\w+\b`)
	seen := 0
	for _, e := range asked {
		for _, name := range metric.FindAllString(e, -1) {
			seen++
			if !regexp.MustCompile(`(?m)^` + name + `[{ ]`).Match(metrics) {
				t.Errorf("%s, which %q asks for, is no metric", name, e)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d metrics are asked for", seen)
	}
	promtool, file := needs(t, "promtool", "prometheus"), filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("the dashboard's queries: %v\n%s", err, out)
	}
}
