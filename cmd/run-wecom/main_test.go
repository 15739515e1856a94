package main_test

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// What make run-wecom shows, as it shows it, on a database of its own.
func TestItShowsTheListEmptyThenFullAndThenChangedByAnEvent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, pkg := range []string{"../wechat-customers", "."} {
		if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", dir+"/", pkg).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "run-wecom"), "-program", filepath.Join(dir, "wechat-customers"), "-once", "-members", "4", "-follows", "150")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, &errs)
	}
	for _, want := range []string{
		`serve at http://\S+: 0 rows\.`, `4 of 4 members, 150 customers read, `, `The list after \S+: 150 rows\.`, `curl -s -H 'Authorization: Bearer \S+' 'http`,
		`http://\S+/console#token=`, `acknowledged after \S+, and in the list after `,
	} {
		if !regexp.MustCompile(want).Match(out) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
}
