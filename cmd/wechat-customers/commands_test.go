package main_test

import (
	"debug/buildinfo"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/store"
)

const (
	business = `{"business":{"uniacid":2,"id":1,"name":"示例科技"}}` + "\n"
	customer = `{"customer":{"crop_id":1,"external_userid":"wmA"}}` + "\n"
)

func TestImportLoadsStandardInputAndListsBadRecordsAndExits1(t *testing.T) {
	t.Parallel()
	program, dsn, dir := build(t), dbtest.New(t), t.TempDir()
	env := []string{"DATABASE_DSN=" + dsn}
	run(t, dir, env, program, "migrate")
	const bad = business + "nonsense\n" + customer + `{"follow":{"crop_id":1,"userid":"u","external_userid":"nobody"}}` + "\n"
	const listed = "standard input:2: the line is not a JSON object\nstandard input:4: follow.external_userid is no known customer of the business\n"
	for _, x := range []struct {
		args, in  string
		code      int
		out, errs string // what is among them
	}{
		{"-", business, 0, "1 new, 0 changed, 0 as they were; 0 bad, 0 duplicates\n", ""},
		{"-", business, 0, "0 new, 0 changed, 1 as they were; 0 bad, 0 duplicates\n", ""},
		{"-", bad, 1, "standard input:2: the line is not a JSON object\nloaded 0 records", "rows/s"},
		{"-", bad, 1, "1 bad, 0 duplicates\nstopped: nothing is loaded\n", ""},
		{"--keep-going -", bad, 1, listed + "loaded 2 records", "2 bad"},
		{"--keep-going -", bad, 1, "0 new, 0 changed, 2 as they were; 2 bad, 0 duplicates\n", ""},
		{"--dry-run -", business + customer + `{"tag":{"crop_id":1,"tag_id":"t"}}`, 0, "nothing is written: would load 3 records in", ""},
		{"--dry-run -", business + `{"tag":{"crop_id":1,"tag_id":"t"}}`, 0, "1 new, 0 changed, 1 as they were; 0 bad, 0 duplicates\n", ""},
		{"--keep-going -", business + `{"tag":{"crop_id":"1","tag_id":"a b"}}`, 1, "1 as they were; 1 bad, 0 duplicates\n", ""},
		// What cannot be read is said as well.
		{"--keep-going - " + dir, bad, 1, "stopped: everything up to standard input:4 is loaded, nothing after it\n", "wechat-customers: " + dir + ":1: read " + dir},
		{"missing.ndjson", "", 1, "", "wechat-customers: open missing.ndjson"},
	} {
		p := pipe(t, env, program, append([]string{"import"}, strings.Fields(x.args)...)...)
		if _, err := io.WriteString(p.in, x.in); err != nil {
			t.Fatal(err)
		}
		_ = p.in.Close()
		code, out, errs := p.end(t)
		if code != x.code || !strings.Contains(out, x.out) || !strings.Contains(errs, x.errs) {
			t.Errorf("import %s: exit code %d\n%s%s\nwant %d, %q, %q", x.args, code, out, errs, x.code, x.out, x.errs)
		}
	}
}

func TestReadyzSaysWhetherTheTablesAreThisPrograms(t *testing.T) {
	t.Parallel()
	program, dsn := build(t), dbtest.New(t)
	env := []string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret}
	run(t, ".", env, program, "migrate")
	_, address := serve(t, env, program)
	becomes(t, "http://"+address+"/readyz", "", http.StatusOK)
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	becomes(t, "http://"+address+"/readyz", "", http.StatusServiceUnavailable) // a newer program's tables
}

func TestCommandsAtOnceShareOneEmbeddedDatabaseAndTheLastOneStopsIt(t *testing.T) {
	t.Parallel()
	program, dir := build(t), filepath.Join(t.TempDir(), "data")
	env := []string{"DATA_DIR=" + dir, "DATABASE_DSN=", "JWT_SECRET=", "LISTEN_ADDR=127.0.0.1:0"}
	first, second := pipe(t, env, program, "serve"), pipe(t, env, program, "serve")
	load := pipe(t, env, program, "import", "-")
	check := pipe(t, env, program, "check")
	if code, out, errs := check.end(t); code != 0 || !strings.Contains(out, "all that is derived is right") {
		t.Errorf("check: exit code %d\n%s%s", code, out, errs)
	}
	first.await(t, "msg=listening")
	_, address, _ := strings.Cut(strings.TrimSpace(second.await(t, "msg=listening")), "address=")
	first.signal(t, syscall.SIGTERM)
	if code, out, errs := first.end(t); code != 0 {
		t.Errorf("serve, told to stop: exit code %d\n%s%s", code, out, errs)
	}
	if _, err := io.WriteString(load.in, business+customer); err != nil {
		t.Fatal(err)
	}
	_ = load.in.Close()
	if code, out, errs := load.end(t); code != 0 || !strings.Contains(out, "2 new") {
		t.Errorf("import: exit code %d\n%s%s", code, out, errs)
	}
	becomes(t, "http://"+address+"/readyz", "", http.StatusOK) // with one command left
	if _, err := os.Stat(filepath.Join(dir, "server.pid")); err != nil {
		t.Error(err)
	}
	second.signal(t, syscall.SIGTERM)
	if code, out, errs := second.end(t); code != 0 {
		t.Errorf("the last one, told to stop: exit code %d\n%s%s", code, out, errs)
	}
	stopped(t, dir)
}

func TestTheLicencesCommandPrintsThoseOfEverythingThatIsLinkedInAndServed(t *testing.T) {
	t.Parallel()
	program := build(t)
	printed := run(t, ".", nil, program, "licences")
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	wants := []string{"MIT License", "\nGo (BSD-3-Clause)\n", "\n@vue/runtime-dom 3.", "\nelement-plus "}
	for _, m := range info.Deps {
		if m.Replace == nil {
			wants = append(wants, "\n"+m.Path+" "+m.Version+" (")
		}
	}
	for _, want := range wants {
		if !strings.Contains(printed, want) {
			t.Errorf("%q is not among the licences: make generate/licences", want)
		}
	}
}
