package main_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/tools/demo"
)

func TestServeLoadsTheDemonstrationToItsEndOnlyWhenToldToAndNeverBesideAnythingElse(t *testing.T) {
	t.Parallel()
	program := build(t)
	var records bytes.Buffer
	if err := demo.Write(&records); err != nil {
		t.Fatal(err)
	}
	all := records.String()
	lines := strings.SplitAfter(all, "\n")
	const another = `{"business":{"uniacid":2,"id":3,"name":"another"}}` + "\n"
	for name, x := range map[string]struct {
		before string // what is in the database
		demo   bool
		loaded bool
	}{
		"nothing":                           {"", true, true},
		"nothing, not told to":              {"", false, false},
		"its enterprises":                   {strings.Join(lines[:2], ""), true, true},
		"all but its last follows":          {strings.Join(lines[:len(lines)-10], ""), true, true},
		"a part, not told to":               {lines[0], false, false},
		"all of it":                         {all, true, false},
		"another enterprise":                {another, true, false},
		"a part and another enterprise":     {lines[0] + another, true, false},
		"another enterprise of the same id": {strings.Replace(lines[0], "示例", "别的", 1), true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn, file := dbtest.New(t), filepath.Join(t.TempDir(), "before")
			if err := os.WriteFile(file, []byte(x.before), 0o600); err != nil {
				t.Fatal(err)
			}
			env := []string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret}
			run(t, ".", env, program, "migrate")
			run(t, ".", env, program, "import", file)
			db, err := store.Open(dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			state := func() (versions, follows int) {
				if err := db.QueryRow("SELECT COALESCE(SUM(rows_version + dict_version), 0), (SELECT COUNT(*) FROM follows) FROM versions").Scan(&versions, &follows); err != nil {
					t.Fatal(err)
				}
				return versions, follows
			}
			versions, _ := state()
			var args []string
			if x.demo {
				args = append(args, "--demo")
			}
			serve(t, env, program, args...)
			if after, follows := state(); (after != versions) != x.loaded || x.loaded && follows != strings.Count(all, `{"follow":`) {
				t.Errorf("loaded: %v; %d follows", after != versions, follows)
			}
		})
	}
}

func TestServeSaysHowTheTablesAreMadeAndIsReadyOnceTheyAre(t *testing.T) {
	t.Parallel()
	program, env := build(t), []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret}
	code, out, errs := pipe(t, env, program, "serve", "--demo").end(t)
	if code != 1 || !strings.HasSuffix(errs, "(the tables are made by: wechat-customers migrate)\n") || strings.Contains(errs, "1146") {
		t.Errorf("serve --demo: exit code %d\n%s%s", code, out, errs)
	}
	_, address := serve(t, env, program)
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		becomes(t, "http://"+address+"/readyz", "", want)
		run(t, ".", env, program, "migrate")
	}
}
