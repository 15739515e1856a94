package main_test

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
)

// piped is a running program whose standard streams are pipes.
type piped struct {
	*exec.Cmd
	in       io.WriteCloser
	out, err *bufio.Reader
	close    func() // closes the reading ends
}

func pipe(t *testing.T, env []string, program string, args ...string) piped {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return piped{cmd, in, bufio.NewReader(out), bufio.NewReader(errs), func() { _ = out.Close(); _ = errs.Close() }}
}

// await reads standard error up to a line with this text, and returns that.
func (p piped) await(t *testing.T, text string) string {
	t.Helper()
	var lines []string
	for {
		line, err := p.err.ReadString('\n')
		if strings.Contains(line, text) {
			return line
		}
		if lines = append(lines, line); err != nil {
			t.Fatalf("%q was not said:\n%s", text, strings.Join(lines, ""))
		}
	}
}

// end reads what is left and returns it with the program's exit code.
func (p piped) end(t *testing.T) (code int, out, errs string) {
	t.Helper()
	all := make(chan string)
	go func() {
		text, _ := io.ReadAll(p.err)
		all <- string(text)
	}()
	text, err := io.ReadAll(p.out)
	if err != nil {
		t.Fatal(err)
	}
	errs = <-all
	_ = p.Wait() // the state says it
	return p.ProcessState.ExitCode(), string(text), errs
}

// stopped wants the database server of dir to have run, and to have ended in order: it then removes
// its pid file.
func stopped(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(dir, "server.log")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "server.pid")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the database server is left: %v", err)
	}
}

// The pipe stays open: nothing but the signal, or the bad record, ends the program.
func TestAnImportFromAnOpenPipeEndsWhenToldToAndAtABadRecordAndStopsItsDatabase(t *testing.T) {
	t.Parallel()
	program, dir := build(t), filepath.Join(t.TempDir(), "data")
	env := []string{"DATA_DIR=" + dir, "DATABASE_DSN="}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		p := pipe(t, env, program, "import", "-")
		// More than a pipe holds: the program has begun to read.
		if _, err := io.WriteString(p.in, strings.Repeat("\n", 1<<17)); err != nil {
			t.Fatal(err)
		}
		p.signal(t, sig)
		code, out, errs := p.end(t)
		if code != 1 || !strings.Contains(out, "stopped: nothing is loaded") || !strings.Contains(errs, "wechat-customers: told to end: "+sig.String()) {
			t.Errorf("%v: exit code %d\n%s%s", sig, code, out, errs)
		}
		stopped(t, dir)
	}
	p := pipe(t, env, program, "import", "-")
	if _, err := io.WriteString(p.in, "nonsense\n"); err != nil {
		t.Fatal(err)
	}
	code, out, errs := p.end(t)
	if code != 1 || !strings.Contains(out, "standard input:1: the line is not a JSON object\n") {
		t.Errorf("a bad record: exit code %d\n%s%s", code, out, errs)
	}
	stopped(t, dir)
}

// serving returns a program that serves, and a request's connection to it whose body has not come
// yet: told to end, the program waits for it.
func serving(t *testing.T, more ...string) (piped, net.Conn) {
	t.Helper()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0", "READ_TIMEOUT=1h"}
	run(t, t.TempDir(), env, program, "migrate")
	token := strings.TrimSpace(run(t, t.TempDir(), env, program, "token", "--uid", "7", "--uniacid", "2"))
	p := pipe(t, append(env, more...), program, "serve")
	_, address, _ := strings.Cut(p.await(t, "msg=listening"), "address=")
	c, err := net.Dial("tcp", strings.TrimSpace(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, "POST /business/2/plugin/WechatCustomers/getList HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+token+
		"\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := bufio.NewReader(c).ReadString('\n'); !strings.Contains(answer, " 100 ") {
		t.Fatalf("%s %v", answer, err)
	}
	return p, c
}

func (p piped) signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func TestTheSecondCtrlCKills(t *testing.T) {
	t.Parallel()
	p, _ := serving(t)
	p.signal(t, syscall.SIGINT)
	p.await(t, "running requests may end")
	p.signal(t, syscall.SIGINT)
	p.end(t)
	if status, ok := p.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended by %v", p.ProcessState)
	}
}

func TestWhenTheTerminalClosesTheServerEndsInOrder(t *testing.T) {
	t.Parallel()
	p, c := serving(t)
	p.signal(t, syscall.SIGHUP)
	p.await(t, "running requests may end")
	p.close()
	p.signal(t, syscall.SIGHUP)       // the shell says so as well as the kernel
	if err := c.Close(); err != nil { // the request ends, and has its line in the log
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil {
		t.Errorf("it ended by %v", err)
	}
}
