package main_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

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
