package main_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/store"
)

const (
	listRoute    = "/business/2/plugin/WechatCustomers/getList"
	readyTimeout = time.Minute
)

// becomes waits until the address answers with the status.
func becomes(t *testing.T, url, token string, status int) {
	t.Helper()
	until := time.Now().Add(readyTimeout)
	for {
		got, body := get(t, url, token)
		if got == status {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%s: %d %s, not %d", url, got, body, status)
		}
	}
}

func TestServeListensWhileItsDatabaseIsSilentAndIsReadyOnceItAnswers(t *testing.T) {
	t.Parallel()
	program, dsn := build(t), dbtest.New(t)
	run(t, ".", []string{"DATABASE_DSN=" + dsn}, program, "migrate")
	w := dbtest.StartWire(t, dsn, nil)
	w.Silence()
	env := []string{"DATABASE_DSN=" + w.DSN, "JWT_SECRET=" + secret}
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2"))
	_, address := serve(t, env, program)
	base := "http://" + address
	if status, body := get(t, base+"/healthz", ""); status != http.StatusOK {
		t.Errorf("/healthz: %d %s", status, body)
	}
	for range 3 {
		if status, body := get(t, base+"/readyz", ""); status != http.StatusServiceUnavailable {
			t.Errorf("/readyz: %d %s", status, body)
		}
		if status, body := get(t, base+listRoute, token); status != http.StatusServiceUnavailable {
			t.Errorf("the list: %d %s", status, body)
		}
	}
	w.Flow()
	becomes(t, base+"/readyz", "", http.StatusOK)
	becomes(t, base+listRoute, token, http.StatusForbidden) // nobody manages anything there
}

func TestToldToEndItIsFirstNotReadyAndStillServes(t *testing.T) {
	t.Parallel()
	program, dsn := build(t), dbtest.New(t)
	env := []string{"DATABASE_DSN=" + dsn, "JWT_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0", "DRAIN_TIME=1h"}
	run(t, ".", env, program, "migrate")
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2"))
	p := pipe(t, env, program, "serve")
	_, address, _ := strings.Cut(strings.TrimSpace(p.await(t, "msg=listening")), "address=")
	base := "http://" + address
	becomes(t, base+"/readyz", "", http.StatusOK)
	p.signal(t, syscall.SIGTERM)
	p.await(t, "draining")
	if status, body := get(t, base+"/readyz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, body := get(t, base+listRoute, token); status != http.StatusForbidden {
		t.Errorf("a request while it drains: %d %s", status, body)
	}
}

func TestRequestsThatTakeLongerThanTimeoutDoNotKeepTheProgram(t *testing.T) {
	t.Parallel()
	p, _ := serving(t, "TIMEOUT=100ms", "DRAIN_TIME=10ms")
	p.signal(t, syscall.SIGTERM)
	if code, out, errs := p.end(t); code != 1 || !strings.Contains(errs, "requests were still running after TIMEOUT") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestMigrateOnANewerProgramsDatabaseExits1AndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	program, dsn := build(t), dbtest.New(t)
	env := []string{"DATABASE_DSN=" + dsn}
	run(t, ".", env, program, "migrate")
	db, err := store.Open(dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)"); err != nil {
		t.Fatal(err)
	}
	code, out, errs := pipe(t, env, program, "migrate").end(t)
	if code != 1 || strings.Contains(out, "up to date") || !strings.Contains(errs, "run the newer program, or restore the backup") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestAPoolTooSmallToMigrateIsRefused(t *testing.T) {
	t.Parallel()
	program := build(t)
	code, _, errs := pipe(t, []string{"DATABASE_DSN=" + dbtest.New(t), "POOL_SIZE=3"}, program, "migrate").end(t)
	if code != 1 || !strings.Contains(errs, "POOL_SIZE must be at least 4") {
		t.Errorf("exit code %d\n%s", code, errs)
	}
}

func TestWhenTheEmbeddedDatabaseIsKilledRequestsAreRefusedUntilItRunsAgain(t *testing.T) {
	t.Parallel()
	program, dir := build(t), filepath.Join(t.TempDir(), "data")
	env := []string{"DATA_DIR=" + dir, "DATABASE_DSN=", "JWT_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "RATE_MEMBER=0", "RATE_ADDRESS=0"}
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2"))
	p := pipe(t, env, program, "serve")
	_, admin, _ := strings.Cut(strings.TrimSpace(p.await(t, "msg=metrics")), "address=")
	_, address, _ := strings.Cut(strings.TrimSpace(p.await(t, "msg=listening")), "address=")
	base := "http://" + address
	// Read on, or the program waits with a full pipe.
	log := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(p.err)
		log <- string(text)
	}()
	becomes(t, base+"/readyz", "", http.StatusOK)
	becomes(t, base+listRoute, token, http.StatusForbidden) // nobody manages anything there
	for n := range 2 {
		pid := pidOf(t, dir)
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for {
			status, retryAfter := asked(t, base+listRoute, token)
			if status == http.StatusForbidden && pidOf(t, dir) != pid {
				break
			}
			if status != http.StatusForbidden && (status != http.StatusServiceUnavailable || retryAfter == "") {
				t.Fatalf("%d, Retry-After %q", status, retryAfter)
			}
		}
		becomes(t, base+"/readyz", "", http.StatusOK)
		want := fmt.Sprintf("wechat_embedded_restarts_total %d\n", n+1)
		until := time.Now().Add(readyTimeout)
		for _, body := get(t, "http://"+admin+"/metrics", ""); !strings.Contains(string(body), want); _, body = get(t, "http://"+admin+"/metrics", "") {
			if time.Now().After(until) {
				t.Fatalf("the metrics have no %s", want)
			}
		}
	}
	p.signal(t, syscall.SIGTERM)
	errs := <-log
	if err := p.Wait(); err != nil || strings.Count(errs, "level=ERROR msg=\"the embedded database has ended: it is started again\"") != 2 {
		t.Errorf("%v\n%s", err, errs[max(0, len(errs)-5000):])
	}
	stopped(t, dir)
}

// pidOf returns the process of dir's database server; 0 while it has none.
func pidOf(t *testing.T, dir string) int {
	t.Helper()
	text, _ := os.ReadFile(filepath.Join(dir, "server.pid"))
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

// asked returns the status of an answer, and when it says that one may ask again.
func asked(t *testing.T, url, token string) (status int, retryAfter string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Header.Get("Retry-After")
}

func TestUpgradeDatabaseAsksForABackupFirst(t *testing.T) {
	t.Parallel()
	program, dir := build(t), filepath.Join(t.TempDir(), "data")
	env := []string{"DATA_DIR=" + dir, "DATABASE_DSN="}
	run(t, ".", env, program, "migrate")
	if code, _, errs := pipe(t, env, program, "upgrade-database").end(t); code != 1 || !strings.Contains(errs, "back up first") || !strings.Contains(errs, dir) {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	if out := run(t, ".", env, program, "upgrade-database", "--backed-up"); !strings.Contains(out, "the embedded database is ") {
		t.Error(out)
	}
	run(t, ".", env, program, "migrate")
	stopped(t, dir)
}
