package main_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/wecomtest"
)

// enterprise starts a stand-in of WeCom with an enterprise of 5 members and 120 customers, and returns
// the settings that make it enterprise 1.
func enterprise(t *testing.T) []string {
	t.Helper()
	theirs := wecomtest.New(wecomtest.Options{Members: 5, Follows: 120, Seed: 3})
	server := httptest.NewServer(theirs)
	t.Cleanup(server.Close)
	o, file := theirs.Options(), filepath.Join(t.TempDir(), "wecom.json")
	text := fmt.Sprintf(`{"enterprises":[{"crop_id":1,"corpid":%q,"contact_secret":%q,"directory_secret":%q}]}`, o.CorpID, o.ContactSecret, o.DirectorySecret)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"WECOM_CONFIG=" + file, "WECOM_URL=" + server.URL}
}

// From an empty list to a full one, by the command.
func TestSyncOnceFillsTheListAndStatusSaysSo(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	records := filepath.Join(dir, "business.ndjson")
	if err := os.WriteFile(records, []byte(`{"business":{"uniacid":2,"id":1,"name":"一"}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(enterprise(t), "DATABASE_DSN="+dbtest.New(t))
	run(t, dir, env, program, "migrate")
	run(t, dir, env, program, "import", records)
	if out := run(t, dir, env, program, "sync", "--status"); out != "enterprise 1: never synchronised\n" {
		t.Errorf("status before: %s", out)
	}
	if out := run(t, dir, env, program, "sync", "--once"); !strings.Contains(out, "5 of 5 members, 120 customers read, ") {
		t.Errorf("sync: %s", out)
	}
	if out := run(t, dir, env, program, "sync", "--status", "--crop-id", "1"); !strings.Contains(out, "last complete sync at ") {
		t.Errorf("status: %s", out)
	}
	if out := run(t, dir, env, program, "check"); out != "all that is derived is right\n" {
		t.Errorf("check: %s", out)
	}
}
