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

// From an empty list to a full one, by the command.
func TestSyncOnceFillsTheListAndStatusSaysSo(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	theirs := wecomtest.New(wecomtest.Options{Members: 5, Follows: 120, Seed: 3})
	server := httptest.NewServer(theirs)
	t.Cleanup(server.Close)
	o := theirs.Options()
	file, records := filepath.Join(dir, "wecom.json"), filepath.Join(dir, "business.ndjson")
	for path, text := range map[string]string{
		file:    fmt.Sprintf(`{"enterprises":[{"crop_id":1,"corpid":%q,"contact_secret":%q,"directory_secret":%q}]}`, o.CorpID, o.ContactSecret, o.DirectorySecret),
		records: `{"business":{"uniacid":2,"id":1,"name":"一"}}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "WECOM_CONFIG=" + file, "WECOM_URL=" + server.URL}
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
