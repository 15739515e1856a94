package main_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/dbtest"
)

// exchange sends bytes and returns all that comes until the server closes the connection; a server
// that never does hangs the test.
func exchange(t *testing.T, address, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func TestEachTimeLimitEndsWhatTakesLonger(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret}
	run(t, t.TempDir(), env, program, "migrate")
	token := strings.TrimSpace(run(t, t.TempDir(), env, program, "token", "--uid", "7", "--uniacid", "2"))
	_, address := serve(t, append(env, "READ_TIMEOUT=100ms", "IDLE_TIMEOUT=100ms"), program)
	const list = "/business/2/plugin/WechatCustomers/getList"

	if got := exchange(t, address, "GET "+list+" HTTP/1.1\r\nHost: x\r\n"); strings.Contains(got, " 200 ") {
		t.Errorf("half a header: %s", got)
	}
	got := exchange(t, address, "POST "+list+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+"\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") || !strings.Contains(got, `"data":[{"field":"body","message":"没有完整收到","code":"invalid_body"}]`) {
		t.Errorf("half a body: %s", got)
	}
	if got := exchange(t, address, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("a connection kept open: %s", got)
	}
	_, address = serve(t, append(env, "TIMEOUT=1ns"), program)
	if status, body := get(t, "http://"+address+list, token); status != http.StatusServiceUnavailable || !strings.Contains(string(body), "服务暂时不可用") {
		t.Errorf("no time to answer: %d %s", status, body)
	}
}

func TestTheLeewayOfTokensIsASetting(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret}
	run(t, t.TempDir(), env, program, "migrate")
	ended := func(ago time.Duration) string {
		token, err := auth.Mint([]byte(secret), auth.Member{UID: 7, Uniacid: 2}, time.Minute, time.Now().Add(-time.Minute-ago), "", "")
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	const list = "/business/2/plugin/WechatCustomers/getList"
	for leeway, statuses := range map[string][2]int{"": {403, 401}, "JWT_LEEWAY=2h": {403, 403}, "JWT_LEEWAY=0s": {401, 401}} {
		_, address := serve(t, append(env, leeway), program)
		for i, ago := range []time.Duration{20 * time.Second, time.Hour} {
			if status, body := get(t, "http://"+address+list, ended(ago)); status != statuses[i] {
				t.Errorf("%q: a token that ended %s ago: %d %s", leeway, ago, status, body)
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), program, "serve")
	cmd.Env = append(os.Environ(), append(env, "JWT_LEEWAY=-1s")...)
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "JWT_LEEWAY must be at least 0") {
		t.Errorf("a negative one: %v %s", err, out)
	}
}
