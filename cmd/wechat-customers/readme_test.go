package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"example.com/wechatcustomers/internal/dbtest"
)

func TestMain(m *testing.M) {
	// Under nohup the signal is ignored, which the programs that the tests start would inherit; what
	// is caught is not inherited.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	dbtest.Main(m, func() { _ = os.RemoveAll(builtDir) })
}

const secret = "a secret of the tests, 32 bytes or more"

// build returns the program, built from this tree, once for all tests.
func build(t testing.TB) string {
	t.Helper()
	program, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

var builtDir string // "": not built

var built = sync.OnceValues(func() (program string, err error) {
	if builtDir, err = os.MkdirTemp("", "wechat-customers-built-"); err != nil {
		return "", err
	}
	program = filepath.Join(builtDir, "wechat-customers")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// run returns what the program prints on standard output.
func run(t testing.TB, dir string, env []string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out)
}

// serve starts the program and returns what it has printed once it listens, and its address. It is
// stopped as a service manager does, and must end well.
func serve(t testing.TB, env []string, program string, args ...string) (printed *bufio.Reader, address string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), program, append([]string{"serve"}, args...)...)
	cmd.Env = append(os.Environ(), append(env, "LISTEN_ADDR=127.0.0.1:0")...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewScanner(stderr)
	listening := regexp.MustCompile(`msg=listening address=(\S+)`)
	var lines []string
	for address == "" && log.Scan() {
		lines = append(lines, log.Text())
		if m := listening.FindStringSubmatch(log.Text()); m != nil {
			address = m[1]
		}
	}
	if address == "" {
		t.Fatalf("the program ended without listening:\n%s", strings.Join(lines, "\n"))
	}
	rest := make(chan struct{})
	go func() {
		defer close(rest)
		_, _ = io.Copy(io.Discard, stderr)
	}()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		<-rest
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve, told to stop: %v", err)
		}
	})
	return bufio.NewReader(stdout), address
}

func get(t *testing.T, url, token string) (status int, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, body
}

func TestTheReadmesCommandsDoWhatItSays(t *testing.T) {
	t.Parallel()
	program, text, dir := build(t), readme(t), t.TempDir()
	records := regexp.MustCompile("(?s)```json\n(\\{\"business\".*?)```").FindStringSubmatch(text)
	if records == nil {
		t.Fatal("the README shows no records")
	}
	if err := os.WriteFile(filepath.Join(dir, "customers.ndjson"), []byte(records[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret}
	var ran []string
	var token string
	for line := range strings.SplitSeq(text, "\n") {
		command, _, _ := strings.Cut(line, " #")
		args := strings.Fields(command)
		if len(args) < 2 || args[0] != "wechat-customers" {
			continue
		}
		ran = append(ran, args[1])
		switch args[1] {
		case "serve":
			_, address := serve(t, env, program, args[2:]...)
			status, body := get(t, "http://"+address+"/business/2/plugin/WechatCustomers/getList", token)
			if status != http.StatusOK || !bytes.Contains(body, []byte(`"total":1,`)) || !bytes.Contains(body, []byte(`"name":"李一天"`)) {
				t.Errorf("getList answered %d: %s", status, body)
			}
		case "token":
			token = strings.TrimSpace(run(t, dir, env, program, args[1:]...))
		case "import":
			run(t, dir, env, program, args[1:]...)
			if again := run(t, dir, env, program, args[1:]...); !strings.Contains(again, "0 new, 0 changed") {
				t.Errorf("the second import: %s", again)
			}
		default:
			run(t, dir, env, program, args[1:]...)
		}
	}
	if want := "migrate import token check reindex serve"; strings.Join(ran, " ") != want {
		t.Errorf("the README shows %q, want %q", ran, want)
	}
}

func TestServeOnTheEmbeddedDatabasePrintsACurlLineThatAnswersAndALinkThatIsSignedIn(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "DATABASE_DSN=", "JWT_SECRET="}
	printed, address := serve(t, env, program, "--demo")
	curl := regexp.MustCompile(`^curl -s -H 'Authorization: Bearer ([^']+)' '([^']+)'\n$`)
	for {
		line, err := printed.ReadString('\n')
		if err != nil {
			t.Fatal("no curl line was printed")
		}
		m := curl.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		status, body := get(t, m[2], m[1])
		var answer struct {
			Result int
			Data   struct{ Total, Count int }
		}
		if err := json.Unmarshal(body, &answer); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		if answer.Result != 1 || answer.Data.Total != 2000 || answer.Data.Count != 2000 {
			t.Errorf("the README says 2000 customers, the answer %+v", answer)
		}
		// The page takes the token from its address: what the browser asks for is before the #.
		link := "http://" + address + "/console"
		for line != link+"#token="+m[1]+"\n" {
			if line, err = printed.ReadString('\n'); err != nil {
				t.Fatalf("no link %s with the same token was printed", link)
			}
		}
		if status, body := get(t, link, ""); status != http.StatusOK || !bytes.Contains(body, []byte("<!doctype html>")) {
			t.Errorf("%s: %d %.200s", link, status, body)
		}
		return
	}
}

func TestTheReadmesConfigurationTableIsTheProgramsOwn(t *testing.T) {
	t.Parallel()
	program, text := build(t), readme(t)
	help := run(t, ".", nil, program, "serve", "--help")
	help = strings.Join(strings.Fields(help), " ")
	inProgram := map[string]bool{}
	for _, m := range regexp.MustCompile(`\(\$([A-Z_]+)\)`).FindAllStringSubmatch(help, -1) {
		inProgram[m[1]] = true
	}
	inReadme := map[string]bool{}
	for line := range strings.SplitSeq(text, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(cells[1], " `") {
			continue
		}
		for _, name := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(cells[1], -1) {
			inReadme[name[1]] = true
			flag := "--" + strings.ToLower(strings.ReplaceAll(name[1], "_", "-"))
			if value := regexp.MustCompile("^ `([^`]+)` $").FindStringSubmatch(cells[2]); value != nil && value[1] != "false" {
				if !regexp.MustCompile(regexp.QuoteMeta(flag) + `=` + regexp.QuoteMeta(value[1]) + `\b|` + regexp.QuoteMeta(flag) + `=[^-]*\(` + regexp.QuoteMeta(value[1]) + `\)`).MatchString(help) {
					t.Errorf("%s: the README's default %s is not the program's", name[1], value[1])
				}
			}
		}
	}
	for name := range inProgram {
		if !inReadme[name] {
			t.Errorf("%s is not in the README's table", name)
		}
	}
	for name := range inReadme {
		if !inProgram[name] {
			t.Errorf("%s is in the README's table and no setting of serve", name)
		}
	}
}

func TestThePackagesExampleSettingsAreTheProgramsOwnWithTheirDefaults(t *testing.T) {
	t.Parallel()
	program := build(t)
	names := regexp.MustCompile(`\(\$([A-Z_]+)\)`).FindAllStringSubmatch(strings.Join(strings.Fields(run(t, ".", nil, program, "serve", "--help")), " "), -1)
	example := map[string]string{"DATA_DIR": ""} // which the unit says
	for _, m := range regexp.MustCompile(`(?m)^#?([A-Z_]+)=(.*)$`).FindAllStringSubmatch(deployed(t, "debian/settings.env"), -1) {
		example[m[1]] = m[2]
	}
	inProgram := map[string]bool{}
	for _, m := range names {
		inProgram[m[1]] = true
		if _, there := example[m[1]]; !there {
			t.Errorf("%s is not in the example", m[1])
		}
	}
	var none []string
	for name := range example {
		none = append(none, name+"=")
	}
	defaults := run(t, ".", none, program, "config")
	for name, value := range example {
		if !inProgram[name] {
			t.Errorf("%s is no setting", name)
		}
		if name == "DATA_DIR" || name == "LOG_FORMAT" || name == "LEGACY_STATUS" {
			continue // another value is meant
		}
		if m := regexp.MustCompile(`(?m)^` + name + `=(.+) \(default\)$`).FindStringSubmatch(defaults); m != nil && m[1] != value {
			t.Errorf("%s=%s: the default is %s", name, value, m[1])
		}
	}
}

func TestWhatTheReadmeNamesIsThere(t *testing.T) {
	t.Parallel()
	text := readme(t)
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	targets := regexp.MustCompile("(?m)(?:^|`|: )make ([a-z/ -]+?)(?:`|  |$)").FindAllStringSubmatch(text, -1)
	if len(targets) == 0 {
		t.Error("no make command was found in the README")
	}
	for _, m := range targets {
		for target := range strings.FieldsSeq(m[1]) {
			if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(target) + `:`).Match(makefile) {
				t.Errorf("make %s is not in the Makefile", target)
			}
		}
	}
	paths := append(regexp.MustCompile(`(?m)^([a-z]+/) {2,}`).FindAllStringSubmatch(text, -1), regexp.MustCompile(`\]\(([a-z][^):]*)\)`).FindAllStringSubmatch(text, -1)...)
	if len(paths) < 6 {
		t.Errorf("only %d paths were found in the README", len(paths))
	}
	for _, m := range paths {
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Error(err)
		}
	}
}
