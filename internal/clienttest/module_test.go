package clienttest

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "example.com/wechatcustomers/"

// user is a program of somebody who requires the client: it prints the ids of a list.
const user = `package main

import (
	"context"
	"fmt"
	"os"

	"example.com/wechatcustomers/api/client"
)

func main() {
	c, err := client.New(os.Args[1], client.WithToken(os.Args[2]))
	if err != nil {
		panic(err)
	}
	for row, err := range c.Rows(context.Background(), 2, client.Query{Employee: "WeiPing", PerPage: 2}) {
		if err != nil {
			panic(err)
		}
		fmt.Println(row.ID, row.HasOneCustomer.Name)
	}
}
`

// The module is fetched as it would be once it is published, from a proxy that has it and the models
// and nothing else: what it needs beside them would be missing.
func TestAProgramRequiresTheClientWithoutTheServersDependencies(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	dir, proxy := t.TempDir(), t.TempDir()
	version := required(t)
	publish(t, proxy, "api/client", version)
	publish(t, proxy, "gen/models", version)
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(user), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module user\n\ngo 1.25.0\n\nrequire "+module+"api/client "+version+"\n"), 0o600))
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOPROXY=file://"+proxy, "GOSUMDB=off", "GONOPROXY=none", "GOWORK=off",
			"GOMODCACHE="+filepath.Join(proxy, "cache"), "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local")
		var failed strings.Builder
		cmd.Stderr = &failed
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, failed.String())
		}
		return string(out)
	}
	run("go", "mod", "tidy")
	run("go", "build", "-o", "user", ".")
	if got := run("./user", m.url, m.token); got != "5 李一天\n4 孙新建\n3 李想\n" {
		t.Errorf("the program says %q", got)
	}
	graph := run("go", "mod", "graph")
	if lines := strings.Count(graph, "\n"); lines == 0 || lines >= 15 {
		t.Errorf("go mod graph has %d lines:\n%s", lines, graph)
	}
	for line := range strings.Lines(run("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".")) {
		if pkg := strings.TrimSpace(line); pkg != "user" && pkg != module+"api/client" && pkg != module+"gen/models" {
			t.Errorf("%s is needed too", pkg)
		}
	}
}

// required returns the version of the models that the client requires, which is the client's too.
func required(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../api/client/go.mod")
	must(t, err)
	_, after, ok := strings.Cut(string(text), "require "+module+"gen/models ")
	version, _, _ := strings.Cut(after, "\n")
	if !ok || !strings.HasPrefix(version, "v") {
		t.Fatalf("api/client/go.mod requires no gen/models:\n%s", text)
	}
	return version
}

// publish puts the module of a folder into a file GOPROXY.
func publish(t *testing.T, proxy, folder, version string) {
	t.Helper()
	root, path := os.DirFS(filepath.Join("../..", folder)), module+folder
	at := filepath.Join(proxy, path, "@v")
	must(t, os.MkdirAll(at, 0o700))
	gomod, err := fs.ReadFile(root, "go.mod")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(at, version+".mod"), gomod, 0o600))
	must(t, os.WriteFile(filepath.Join(at, version+".info"), fmt.Appendf(nil, `{"Version":%q}`, version), 0o600))
	file, err := os.Create(filepath.Join(at, version+".zip"))
	must(t, err)
	archive := zip.NewWriter(file)
	must(t, fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		w, err := archive.Create(path + "@" + version + "/" + name)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}))
	must(t, archive.Close())
	must(t, file.Close())
}
