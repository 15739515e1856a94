package main_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"example.com/wechatcustomers/internal/dbtest"
)

func operate(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// grants are the privileges that docs/operate.md gives each user.
func grants(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, m := range regexp.MustCompile(`(?m)^GRANT (.*) ON wechat\.\* TO wechat_(\w+);$`).FindAllStringSubmatch(operate(t), -1) {
		all[m[2]] = strings.Split(m[1], ", ")
	}
	if len(all) != 3 {
		t.Fatalf("docs/operate.md grants %v", all)
	}
	return all
}

// as makes a user that has these privileges on the DSN's database, and returns the DSN of that user.
func as(t *testing.T, admin *sql.DB, dsn string, privileges ...string) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	// The longest name is 32 characters; databases are named uniquely, at their end.
	user := "u" + cfg.DBName[max(0, len(cfg.DBName)-20):] + fmt.Sprint(len(privileges))
	for _, statement := range []string{
		"DROP USER IF EXISTS '" + user + "'@'localhost'",
		"CREATE USER '" + user + "'@'localhost' IDENTIFIED BY 'a password of the tests'",
		"GRANT " + strings.Join(privileges, ", ") + " ON " + cfg.DBName + ".* TO '" + user + "'@'localhost'",
	} {
		if _, err := admin.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() { _, _ = admin.Exec("DROP USER '" + user + "'@'localhost'") })
	cfg.User, cfg.Passwd = user, "a password of the tests"
	return cfg.FormatDSN()
}

// Each user does its work with what it is granted, and not without any part of it.
func TestTheGrantsAreWhatEachCommandNeedsAndNoMore(t *testing.T) {
	t.Parallel()
	program, granted := build(t), grants(t)
	const records = business + `{"manager":{"uniacid":2,"uid":7,"business_id":1}}` + "\n" + customer +
		`{"follow":{"crop_id":1,"external_userid":"wmA","userid":"u","remark":"one"}}` + "\n"
	changed := strings.Replace(records, `"remark":"one"`, `"remark":"two","deleted_at":"2026-01-02 03:04:05"`, 1)
	wecom := enterprise(t)
	do := func(t *testing.T, dsn, input string, args ...string) bool {
		t.Helper()
		p := pipe(t, append(slices.Clone(wecom), "DATABASE_DSN="+dsn, "INDEX_FROM=0"), program, args...)
		if _, err := p.in.Write([]byte(input)); err != nil {
			t.Fatal(err)
		}
		_ = p.in.Close()
		code, out, errs := p.end(t)
		if code != 0 {
			t.Logf("%s: %s%s", args, out, errs)
		}
		return code == 0
	}
	works := map[string]func(t *testing.T, root, dsn string) bool{
		"migrate": func(t *testing.T, _, dsn string) bool { return do(t, dsn, "", "migrate") },
		"write": func(t *testing.T, root, dsn string) bool {
			return do(t, root, "", "migrate") && do(t, dsn, records, "import", "-") && do(t, dsn, changed, "import", "-") && do(t, dsn, "", "reindex") && do(t, dsn, "", "check") &&
				do(t, dsn, "", "sync", "--once")
		},
		"serve": func(t *testing.T, root, dsn string) bool {
			if !do(t, root, "", "migrate") || !do(t, root, records, "import", "-") {
				return false
			}
			env := []string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret, "INDEX_FROM=0"}
			token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
			_, address := serve(t, env, program)
			becomes(t, "http://"+address+"/readyz", "", http.StatusOK)
			for _, path := range []string{"/business/2/plugin/WechatCustomers/getList?search[keyword]=one", "/business/2/plugin/WechatCustomers/getFacets"} {
				if status, body := get(t, "http://"+address+path, token); status != http.StatusOK {
					t.Logf("%s: %d %s", path, status, body)
					return false
				}
			}
			return true
		},
	}
	for user, work := range works {
		for _, without := range append([]string{""}, granted[user]...) {
			if without == "SELECT" && len(granted[user]) == 1 {
				continue // a user without any privilege
			}
			if without == "REFERENCES" && !strings.HasPrefix(dbtest.Engine(), "mysql") {
				continue // MariaDB does not ask for it
			}
			t.Run(strings.TrimSpace(user+" "+without), func(t *testing.T) {
				t.Parallel()
				root := dbtest.New(t)
				privileges := slices.DeleteFunc(slices.Clone(granted[user]), func(p string) bool { return p == without })
				if worked := work(t, root, as(t, open(t, root), root, privileges...)); worked != (without == "") {
					t.Errorf("with %s: worked: %v", privileges, worked)
				}
			})
		}
	}
}

// block returns the n-th shell block of a section of docs/operate.md.
func block(t *testing.T, section string, n int) string {
	t.Helper()
	_, text, _ := strings.Cut(operate(t), "\n## "+section+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	all := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(all) <= n {
		t.Fatalf("docs/operate.md: %s has %d blocks", section, len(all))
	}
	return all[n][1]
}

// shell runs commands of the document, with what they name replaced.
func shell(t *testing.T, dir string, env []string, commands string, replace ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.NewReplacer(replace...).Replace(commands))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s\n%s", err, commands, out)
	}
}

func TestTheBackupOfADatabaseIsRestored(t *testing.T) {
	t.Parallel()
	needs(t, "mariadb-dump", "mariadb-client")
	if strings.HasPrefix(dbtest.Engine(), "mysql") {
		t.Skip("MariaDB's client is for MariaDB's server; MySQL brings mysqldump, with the same options")
	}
	program, dsn, dir := build(t), dbtest.New(t), t.TempDir()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	where := "socket=" + cfg.Addr
	if cfg.Net == "tcp" {
		host, port, _ := strings.Cut(cfg.Addr, ":")
		where = "host=" + host + "\nport=" + port + "\nprotocol=tcp"
	}
	client := fmt.Sprintf("[client]\nuser=%s\npassword=%s\n%s\n", cfg.User, cfg.Passwd, where)
	if err := os.WriteFile(filepath.Join(dir, ".my.cnf"), []byte(client), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_DSN=" + dsn, "HOME=" + dir, "PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "INDEX_FROM=0"}
	run(t, dir, env, program, "migrate")
	run(t, dir, env, program, "demo")
	count := func() int64 {
		return one(t, open(t, dsn), "SELECT COUNT(*) FROM follows") + one(t, open(t, dsn), "SELECT COUNT(*) FROM follow_sets")
	}
	before := count()
	replace := []string{"DATABASE wechat", "DATABASE " + cfg.DBName, " wechat ", " " + cfg.DBName + " "}
	shell(t, dir, env, block(t, "Backup and restore", 0), replace...)
	if _, err := open(t, dsn).ExecContext(t.Context(), "DELETE FROM follow_sets"); err != nil {
		t.Fatal(err)
	}
	shell(t, dir, env, block(t, "Backup and restore", 1), replace...)
	if after := count(); after != before || before < 2000 {
		t.Errorf("%d rows before, %d restored", before, after)
	}
}

func TestTheBackupOfTheEmbeddedDatabaseIsRestored(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	env := []string{"DATABASE_DSN=", "JWT_SECRET=", "DATA_DIR=" + filepath.Join(dir, "wechat-customers")}
	load := func() string {
		p := pipe(t, env, program, "import", "-")
		_, _ = p.in.Write([]byte(business + customer))
		_ = p.in.Close()
		code, out, errs := p.end(t)
		if code != 0 {
			t.Fatalf("%s%s", out, errs)
		}
		return out
	}
	load()
	shell(t, dir, nil, block(t, "Backup and restore", 2), "/var/lib", dir)
	shell(t, dir, nil, block(t, "Backup and restore", 3), "/var/lib", dir)
	if out := load(); !strings.Contains(out, "0 new, 0 changed, 2 as they were") {
		t.Error(out)
	}
}
