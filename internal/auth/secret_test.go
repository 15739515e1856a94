package auth_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/auth"
)

// secretDir makes a copy of the test program print the secret of this directory and end: a process
// of its own for the race below.
const secretDir = "TEST_PRINT_SECRET_OF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(secretDir); dir != "" {
		_, _ = os.Stdout.Write(must(auth.LoadOrCreateSecret(dir)))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestTheOwnSecretIsMadeOnceAndItsOwnersAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data", "dir")
	first, err := auth.LoadOrCreateSecret(dir)
	if err != nil || len(first) != 43 {
		t.Fatalf("got %d bytes, %v", len(first), err)
	}
	again, err := auth.LoadOrCreateSecret(dir)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("the second time it is another: %v", err)
	}
	other, err := auth.LoadOrCreateSecret(t.TempDir())
	if err != nil || bytes.Equal(first, other) {
		t.Errorf("another directory has the same: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	path := filepath.Join(dir, auth.SecretFile)
	if info := must(os.Stat(path)); info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}

	token := must(auth.Mint(first, member7, time.Minute, start, "", ""))
	wantMember(t, newVerifier(t, auth.Config{Secret: again}), token, member7)
	wantRejected(t, newVerifier(t, auth.Config{Secret: other}), token)

	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreateSecret(dir); err != nil || must(os.Stat(path)).Mode() != 0o600 {
		t.Errorf("an opened file stays open: %v", err)
	}
}

func TestProcessesThatStartAtOnceGetOneSecret(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	outs := make([]bytes.Buffer, 6)
	cmds := make([]*exec.Cmd, len(outs))
	for i := range cmds {
		cmds[i] = exec.Command(os.Args[0])
		cmds[i].Env = append(os.Environ(), secretDir+"="+dir)
		cmds[i].Stdout = &outs[i]
		if err := cmds[i].Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range cmds {
		if err := cmds[i].Wait(); err != nil {
			t.Error(err)
		}
	}
	for i := range outs {
		if outs[i].String() != outs[0].String() || outs[i].Len() != 43 {
			t.Errorf("process %d has %d bytes of another secret", i, outs[i].Len())
		}
	}
}

func TestADamagedSecretIsAnErrorAndStays(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "", "short": "0123456789\n"} {
		dir := t.TempDir()
		path := filepath.Join(dir, auth.SecretFile)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := auth.LoadOrCreateSecret(dir); err == nil || got != nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if raw := must(os.ReadFile(path)); string(raw) != content {
			t.Errorf("%s: the file has become %q", name, raw)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, auth.SecretFile), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := auth.LoadOrCreateSecret(dir); err == nil {
		t.Error("a directory served as a secret")
	}
}

func TestAFileThatHoldsASecretEndsAtItsLineBreak(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, auth.SecretFile), append(secret, "\r\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := auth.LoadOrCreateSecret(dir); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("got %q, %v", got, err)
	}
}
