// Command run-wecom shows the filling from WeCom on one machine: it plays WeCom, with a made-up
// enterprise, and runs the program against it, on an embedded database of its own that is gone in the
// end. `make run-wecom` runs it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"example.com/wechatcustomers/internal/wecom"
	"example.com/wechatcustomers/internal/wecomtest"
)

func main() {
	program := flag.String("program", "bin/wechat-customers", "the program")
	once := flag.Bool("once", false, "end after the first event")
	members := flag.Int("members", 20, "members of the enterprise")
	follows := flag.Int("follows", 2000, "their customers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *program, wecomtest.Options{Members: *members, Follows: *follows, Seed: 1}, *once)
	stopped := ctx.Err() != nil
	stop()
	if err != nil && !stopped {
		fmt.Fprintln(os.Stderr, "run-wecom: "+err.Error())
		os.Exit(1)
	}
}

// show is what is shown, and where.
type show struct {
	program string
	env     []string
	theirs  *wecomtest.Server
	token   string
	address string // of the program
}

func sayf(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func run(ctx context.Context, program string, o wecomtest.Options, once bool) (err error) {
	if program, err = filepath.Abs(program); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "run-wecom-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &show{program: program, theirs: wecomtest.New(o)}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: s.theirs, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() { _ = server.Serve(listener) }()
	defer func() { _ = server.Close() }()
	config, records := filepath.Join(dir, "wecom.json"), filepath.Join(dir, "business.ndjson")
	for path, text := range map[string]string{
		config:  string(s.theirs.Config(1)),
		records: `{"business":{"uniacid":2,"id":1,"name":"示例科技"}}` + "\n" + `{"manager":{"uniacid":2,"uid":7,"business_id":1}}` + "\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	s.env = environment(map[string]string{
		"DATABASE_DSN": "", "DATA_DIR": filepath.Join(dir, "data"), "JWT_SECRET": "", "LISTEN_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0",
		"WECOM_CONFIG": config, "WECOM_URL": "http://" + listener.Addr().String(), "WECOM_SYNC": "0", "LOG_LEVEL": "info", "LOG_FORMAT": "text", "TLS_CERT": "", "TLS_KEY": "",
	})
	sayf("WeCom is played at http://%s: %d members with %d customers.\n", listener.Addr(), o.Members, o.Follows)
	sayf("1. An embedded database, and in it an enterprise and its manager alone (wechat-customers import).")
	if err := s.command(ctx, nil, "import", records); err != nil {
		return err
	}
	var token bytes.Buffer
	if err := s.command(ctx, &token, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"); err != nil {
		return err
	}
	s.token = strings.TrimSpace(token.String())
	stop, err := s.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return s.steps(ctx, once)
}

// environment returns this process's, with other values of these.
func environment(set map[string]string) (env []string) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if _, ours := set[name]; !ours && !strings.HasPrefix(name, "JWT_") {
			env = append(env, variable)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return env
}

// command runs one of the program's commands; its output goes to out, to the terminal where that is nil.
func (s *show) command(ctx context.Context, out io.Writer, args ...string) error {
	cmd := exec.CommandContext(ctx, s.program, args...)
	var errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = s.env, out, &errs
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if out == nil {
		cmd.Stdout = indented{}
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("wechat-customers %s: %w\n%s", strings.Join(args, " "), err, &errs)
	}
	return nil
}

// indented writes lines a little to the right.
type indented struct{}

func (indented) Write(p []byte) (int, error) {
	for line := range strings.SplitSeq(strings.TrimRight(string(p), "\n"), "\n") {
		sayf("     %s", line)
	}
	return len(p), nil
}

var listening = regexp.MustCompile(`msg=listening address=(\S+)`)

// serve starts the program; the returned function ends it.
func (s *show) serve(ctx context.Context) (stop func() error, err error) {
	cmd := exec.CommandContext(ctx, s.program, "serve")
	cmd.Env = s.env
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(log)
	var said []string
	for s.address == "" && lines.Scan() {
		said = append(said, lines.Text())
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			s.address = "http://" + m[1]
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, log)
	}()
	stop = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		return cmd.Wait()
	}
	if s.address == "" {
		return nil, errors.Join(errors.New("serve has ended:\n"+strings.Join(said, "\n")), stop())
	}
	return stop, nil
}

const path = "/business/2/plugin/WechatCustomers/getList"

// list returns the list's total, and the remark of its first row.
func (s *show) list(ctx context.Context, query string) (total int, remark string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+path+query, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	var answer struct {
		Msg  string `json:"msg"`
		Data struct {
			Total int `json:"total"`
			Data  []struct {
				Remark string `json:"remark"`
			} `json:"data"`
		} `json:"data"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		return 0, "", fmt.Errorf("getList: %d %s %w", res.StatusCode, answer.Msg, err)
	}
	if len(answer.Data.Data) > 0 {
		remark = answer.Data.Data[0].Remark
	}
	return answer.Data.Total, remark, nil
}

func (s *show) steps(ctx context.Context, once bool) error {
	total, _, err := s.list(ctx, "")
	if err != nil {
		return err
	}
	sayf("\n2. The list, from wechat-customers serve at %s: %d rows.", s.address, total)
	sayf("\n3. wechat-customers sync --once:")
	begin := time.Now()
	if err := s.command(ctx, nil, "sync", "--once"); err != nil {
		return err
	}
	took := time.Since(begin).Round(time.Millisecond)
	if total, _, err = s.list(ctx, ""); err != nil {
		return err
	}
	sayf("   The list after %v: %d rows. Try it:\n\ncurl -s -H 'Authorization: Bearer %s' '%s%s?per_page=2'\n\n"+
		"   The customer page, signed in:\n\n%[4]s/console#token=%[3]s\n", took, total, s.token, s.address, path)
	in := bufio.NewScanner(os.Stdin)
	for n := 1; ; n++ {
		if err := s.event(ctx, n); err != nil || once {
			return err
		}
		sayf("\nEnter for another event, Ctrl-C to end.")
		more := make(chan bool, 1)
		go func() { more <- in.Scan() }()
		select {
		case <-ctx.Done():
			return nil
		case again := <-more:
			if !again {
				<-ctx.Done() // no terminal: it goes on serving
				return nil
			}
		}
	}
}

// event makes a member change its remark, and waits until the list has it.
func (s *show) event(ctx context.Context, n int) error {
	pairs := s.theirs.Pairs()
	pair, remark := pairs[n%len(pairs)], fmt.Sprintf("新备注%d", n)
	query := "?search[employee_member]=" + pair.Userid + "&search[customer]=" + pair.ExternalUserid
	_, before, err := s.list(ctx, query)
	if err != nil {
		return err
	}
	event := s.theirs.Edit(pair.Userid, pair.ExternalUserid, remark, "etFict001")
	sayf("4. %s changes the remark of %s from 「%s」 to 「%s」. WeCom tells %s%s1 (edit_external_contact, encrypted and signed).",
		pair.Userid, pair.ExternalUserid, before, remark, s.address, wecom.CallbackPath)
	begin := time.Now()
	if err := s.theirs.Send(ctx, s.address+wecom.CallbackPath+"1", event); err != nil {
		return err
	}
	answered := time.Since(begin)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		_, now, err := s.list(ctx, query)
		if err != nil {
			return err
		}
		if now == remark {
			break
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	sayf("   It is stored and acknowledged after %v, and in the list after %v:\n\ncurl -s -g -H 'Authorization: Bearer %s' '%s%s%s'",
		answered.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), s.token, s.address, path, query)
	return nil
}
