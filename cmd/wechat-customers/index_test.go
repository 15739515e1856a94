package main_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/tools/demo"
	"example.com/wechatcustomers/internal/writer"
)

func open(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func one(t *testing.T, db *sql.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// indexed wants the enterprises to have an index, or none.
func indexed(t *testing.T, db *sql.DB, want map[int]bool) {
	t.Helper()
	for crop, has := range want {
		if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = ?", crop); (n == index.Format) != has || !has && n != 0 {
			t.Errorf("enterprise %d: its index is of format %d", crop, n)
		}
	}
	if found, err := writer.Check(t.Context(), db, nil); err != nil || len(found) > 0 {
		t.Errorf("check: %v %v", found, err)
	}
}

// customers are the lines of an enterprise with n customers.
func customers(crop, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"business":{"uniacid":2,"id":%d}}`+"\n", crop)
	fmt.Fprintf(&b, `{"manager":{"uniacid":2,"uid":7,"business_id":%d}}`+"\n", crop)
	for i := range n {
		fmt.Fprintf(&b, `{"customer":{"crop_id":%d,"external_userid":"c%d","name":"李%d"}}`+"\n", crop, i, i)
	}
	for i := range n {
		fmt.Fprintf(&b, `{"follow":{"crop_id":%d,"external_userid":"c%d","userid":"u","status":%d}}`+"\n", crop, i, 1-2*(i%2))
	}
	return b.String()
}

func TestIndexFromIsASettingOfEachCommandThatMakesAnIndexAndNeverNegative(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"serve"}, {"import", file}, {"demo"}, {"reindex"}} {
		for _, x := range []struct{ env, flag, want string }{
			{"", "--index-from=-1", "INDEX_FROM must not be negative"},
			{"INDEX_FROM=-5000", "", "INDEX_FROM must not be negative"},
			{"", "--index-from=many", "--index-from"},
			{"INDEX_FROM=2147483648", "", "INDEX_FROM"},
		} {
			args := command
			if x.flag != "" {
				args = append(slices.Clip(args), x.flag)
			}
			env := []string{"DATA_DIR=" + filepath.Join(dir, "data"), "DATABASE_DSN=", "INDEX_FROM="}
			if x.env != "" {
				env = append(env, x.env)
			}
			code, out, errs := pipe(t, env, program, args...).end(t)
			if code != 1 || !strings.Contains(out+errs, x.want) {
				t.Errorf("%s %s: exit code %d\n%s%s\nwant 1, %q", x.env, args, code, out, errs, x.want)
			}
		}
	}
	// No database was touched.
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a database was made")
	}
}

func TestEnterprisesOfMoreThanIndexFromCustomersHaveAnIndexWhereACommandEnds(t *testing.T) {
	t.Parallel()
	program, dsn := build(t), dbtest.New(t)
	db := open(t, dsn)
	env := []string{"DATABASE_DSN=" + dsn, "INDEX_FROM="}
	file := filepath.Join(t.TempDir(), "file")
	load := func(lines string, env []string, args ...string) piped {
		t.Helper()
		if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
			t.Fatal(err)
		}
		return pipe(t, env, program, append([]string{"import", file}, args...)...)
	}
	ends := func(p piped, code int, want string) {
		t.Helper()
		if got, out, errs := p.end(t); got != code || !strings.Contains(out+errs, want) {
			t.Errorf("exit code %d, want %d, %q\n%s%s", got, code, want, out, errs)
		}
	}
	run(t, ".", env, program, "migrate")
	run(t, ".", env, program, "demo")
	indexed(t, db, map[int]bool{demo.CropID: false, demo.OtherCropID: false})
	run(t, ".", env, program, "demo", "--index-from", "100")
	indexed(t, db, map[int]bool{demo.CropID: true, demo.OtherCropID: false})
	// By the default it takes more; by the variable, and by the flag, which counts before it.
	ends(load(customers(11, 20), env), 0, "loaded")
	indexed(t, db, map[int]bool{11: false})
	ends(load(customers(12, 20)+"nonsense\n", append(env, "INDEX_FROM=20"), "--keep-going"), 1, "is not a JSON object")
	ends(load(customers(13, 21), append(env, "INDEX_FROM=20")), 0, "enterprise 13: making the index")
	indexed(t, db, map[int]bool{11: false, 12: false, 13: true})
	ends(load(customers(12, 20), append(env, "INDEX_FROM=20"), "--index-from=19"), 0, "0 new, 0 changed")
	indexed(t, db, map[int]bool{11: true, 12: true, 13: true})
	// Also where bad records were left out, and where one ended it: what is loaded is indexed.
	ends(load(customers(14, 9)+"bad\n", append(env, "INDEX_FROM=8"), "--keep-going"), 1, "1 bad")
	indexed(t, db, map[int]bool{14: true})

	ends(pipe(t, append(env, "INDEX_FROM=0"), program, "reindex"), 0, "all that is derived is made anew")
	indexed(t, db, map[int]bool{demo.CropID: true, demo.OtherCropID: true, 11: true, 12: true, 13: true, 14: true})
	ends(pipe(t, env, program, "check"), 0, "all that is derived is right")

	// What check finds a reindex makes right, of one enterprise where it is told so.
	if _, err := db.Exec("DELETE FROM follow_sets WHERE name = 'l'"); err != nil {
		t.Fatal(err)
	}
	ends(pipe(t, env, program, "check"), 1, `enterprise 13: follow_sets l: 1 are wrong, the first is "l"`)
	ends(pipe(t, env, program, "reindex", "--crop-id=1,2,11,12,14"), 0, "")
	ends(pipe(t, env, program, "check"), 1, "to make it right: wechat-customers reindex")
	ends(pipe(t, env, program, "reindex"), 0, "")
	ends(pipe(t, env, program, "check"), 0, "all that is derived is right")
}

// cutOff returns a database as an import leaves it that was cut off before its end: all rows and no index.
func cutOff(t *testing.T) (dsn string, db *sql.DB) {
	t.Helper()
	dsn = dbtest.New(t)
	db = open(t, dsn)
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	for crop, n := range map[int]int{1: 50, 2: 5, 3: 60} {
		source := importer.Source{Name: "f", Reader: strings.NewReader(customers(crop, n))}
		report, err := importer.Import(t.Context(), writer.New(db, time.Now), []importer.Source{source}, importer.Options{})
		if err != nil {
			t.Fatal(err, report.Bad)
		}
	}
	// Of the last one while its index was being made.
	if _, err := db.ExecContext(t.Context(), "UPDATE versions SET indexed = ? WHERE crop_id = 3", -index.Format); err != nil {
		t.Fatal(err)
	}
	return dsn, db
}

// await waits until a query returns so much, for a minute.
func awaitCount(t *testing.T, db *sql.DB, want int64, query string, args ...any) {
	t.Helper()
	for until := time.Now().Add(time.Minute); one(t, db, query, args...) != want; {
		if time.Now().After(until) {
			t.Fatalf("%s: %d, want %d", query, one(t, db, query, args...), want)
		}
	}
}

func TestServeMakesTheIndexThatAnImportWasCutOffBefore(t *testing.T) {
	t.Parallel()
	program := build(t)
	dsn, db := cutOff(t)
	env := []string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret, "INDEX_FROM=20"}
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
	_, address := serve(t, env, program)
	list := "http://" + address + "/business/2/plugin/WechatCustomers/getList?search[status]=-1"
	total := func() {
		t.Helper()
		if status, body := get(t, list, token); status != http.StatusOK || !bytes.Contains(body, []byte(`"total":25,`)) {
			t.Errorf("%d %s", status, body)
		}
	}
	total() // whether there is one yet or not
	awaitCount(t, db, 2, "SELECT COUNT(*) FROM versions WHERE indexed = ?", index.Format)
	total()
	indexed(t, db, map[int]bool{1: true, 2: false, 3: true})
}

func TestServeToldToStopEndsWellWhileItMakesAnIndex(t *testing.T) {
	t.Parallel()
	program := build(t)
	dsn, db := cutOff(t)
	env := []string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0", "INDEX_FROM=20"}
	watch := open(t, dsn)
	await := func(want int, waits string) {
		t.Helper()
		for until := time.Now().Add(time.Minute); dbtest.Running(t, watch, waits) != want; {
			if time.Now().After(until) {
				t.Fatalf("%s: not %d are running", waits, want)
			}
		}
	}
	for name, x := range map[string]struct{ holds, waits string }{
		"waiting for writers":     {"SELECT id FROM businesses WHERE id = 1 FOR UPDATE", "LockBusinesses"},
		"among the former's sets": {"INSERT INTO follow_sets VALUES (1, 'l', 0, x'05')", "DeleteSets"},
	} {
		// What it needs is held, so that it is in the midst of it when it is told.
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(t.Context(), x.holds); err != nil {
			t.Fatal(err)
		}
		p := pipe(t, env, program, "serve")
		p.await(t, "msg=listening")
		await(1, x.waits)
		p.signal(t, syscall.SIGTERM)
		code, out, errs := p.end(t)
		if code != 0 || !strings.Contains(errs, "stopping") || strings.Contains(errs, "level=WARN") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, errs)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		await(0, x.waits)
		if n := one(t, db, "SELECT COUNT(*) FROM versions WHERE indexed = ?", index.Format); n != 0 {
			t.Errorf("%s: %d indexes are complete", name, n)
		}
	}
	serve(t, env, program)
	awaitCount(t, db, 2, "SELECT COUNT(*) FROM versions WHERE indexed = ?", index.Format)
	indexed(t, db, map[int]bool{1: true, 2: false, 3: true})
}
