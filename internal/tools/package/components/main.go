// Command components says what the built program consists of: Go itself, the Go modules that are
// linked into it, and the npm packages in the pages that it serves.
//
//	components licences          the licences of Go and its modules, with their texts
//	components sbom PROGRAM      a bill of materials (CycloneDX, JSON) of a built program
//
// It runs in the repository's root and writes to standard output.
package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/CycloneDX/cyclonedx-go"
	"github.com/google/licensecheck"
)

const (
	module  = "example.com/wechatcustomers"
	goTexts = "gen/licences/go.txt"
	webText = "gen/web/assets/licences.txt"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "components:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	switch {
	case len(args) == 1 && args[0] == "licences":
		return licences(out)
	case len(args) == 2 && args[0] == "sbom":
		return sbom(args[1], out)
	default:
		return errors.New("want: licences, or sbom PROGRAM")
	}
}

// accepted are the licences under which the program may be passed on with no more than their texts.
var accepted = []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "Unlicense"}

// found is a module that is linked in, and the files that say under which terms.
type found struct {
	name, root string
	files      []string
}

// licences writes the licences of Go and of the modules that the program is made of on Linux, each
// in the form of the pages' own list: its name and version, its licences, and their texts.
func licences(out io.Writer) error {
	goroot, err := goCommand("env", "GOROOT")
	if err != nil {
		return err
	}
	listed, err := goCommand("list", "-deps", "-json=Dir,Standard,Module", "./cmd/wechat-customers")
	if err != nil {
		return err
	}
	all := []*found{{name: "Go", root: strings.TrimSpace(goroot), files: []string{filepath.Join(strings.TrimSpace(goroot), "LICENSE")}}}
	for d := json.NewDecoder(strings.NewReader(listed)); ; {
		var p struct {
			Dir      string `json:"Dir"`
			Standard bool   `json:"Standard"`
			Module   *struct {
				Path    string `json:"Path"`
				Version string `json:"Version"`
				Dir     string `json:"Dir"`
			} `json:"Module"`
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if p.Standard || p.Module.Path == module || strings.HasPrefix(p.Module.Path, module+"/") {
			continue
		}
		name := p.Module.Path + " " + p.Module.Version
		i := slices.IndexFunc(all, func(f *found) bool { return f.name == name })
		if i < 0 {
			i = len(all)
			all = append(all, &found{name: name, root: p.Module.Dir})
		}
		if err := all[i].add(p.Dir); err != nil {
			return err
		}
	}
	slices.SortFunc(all[1:], func(a, b *found) int { return strings.Compare(a.name, b.name) })
	for i, f := range all {
		if i > 0 {
			fmt.Fprintf(out, "\n%s\n\n", strings.Repeat("-", 80))
		}
		if err := f.write(out); err != nil {
			return err
		}
	}
	return nil
}

var named = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)([-.].*)?$`)

// add takes the files of a package's folder and of those above it, to the module's root.
func (f *found) add(dir string) error {
	for {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			path := filepath.Join(dir, e.Name())
			if e.Type().IsRegular() && named.MatchString(e.Name()) && !strings.HasSuffix(e.Name(), ".go") && !slices.Contains(f.files, path) {
				f.files = append(f.files, path)
			}
		}
		if dir == f.root {
			return nil
		}
		dir = filepath.Dir(dir)
	}
}

func (f *found) write(out io.Writer) error {
	slices.Sort(f.files)
	var ids, texts []string
	for _, file := range f.files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, match := range licensecheck.Scan(text).Match {
			if !slices.Contains(ids, match.ID) && !match.IsURL {
				ids = append(ids, match.ID)
			}
		}
		texts = append(texts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	slices.Sort(ids)
	// A grant of patents comes on top of the licence beside it.
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "GooglePatentClause" || id == "GooglePatentsFile" })
	if len(ids) == 0 {
		return fmt.Errorf("%s: no licence is found in %q", f.name, f.files)
	}
	for _, id := range ids {
		if !slices.Contains(accepted, id) {
			return fmt.Errorf("%s: the licence %s is not among those that are accepted", f.name, id)
		}
	}
	_, err := fmt.Fprintf(out, "%s (%s)\n\n%s\n", f.name, strings.Join(ids, " AND "), strings.Join(texts, "\n\n"))
	return err
}

func goCommand(args ...string) (string, error) {
	// What is linked in differs with the system.
	cmd := exec.CommandContext(context.Background(), "env", append([]string{"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "go"}, args...)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", strings.Join(args, " "), err, errs.Bytes())
	}
	return string(out), nil
}

// headings are the lines of both lists that begin a component: name, version (Go has none), licences.
var headings = regexp.MustCompile(`(?m)(?:\A|^-{80}\n\n)(\S+)(?: (\S+))? \((.+)\)$`)

type component struct{ name, version, licence string }

func read(file string) ([]component, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []component
	for _, h := range headings.FindAllStringSubmatch(string(text), -1) {
		all = append(all, component{h[1], h[2], h[3]})
	}
	return all, nil
}

// sbom writes the bill of materials of a built program. Its Go modules are those that the program
// says it is made of; one whose licence is not listed is an error.
func sbom(program string, out io.Writer) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	known, err := read(goTexts)
	if err != nil {
		return err
	}
	pages, err := read(webText)
	if err != nil {
		return err
	}
	main := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, Name: "wechat-customers", Version: info.Main.Version, BOMRef: "wechat-customers",
		Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "MIT"}}},
	}
	all := []cyclonedx.Component{library(component{"std", strings.TrimPrefix(info.GoVersion, "go"), known[0].licence}, "golang")}
	for _, dep := range info.Deps {
		if strings.HasPrefix(dep.Path, module+"/") {
			continue // ours
		}
		i := slices.IndexFunc(known, func(c component) bool { return c.name == dep.Path && c.version == dep.Version })
		if i < 0 {
			return fmt.Errorf("%s %s is in the program and not in %s: make generate/licences", dep.Path, dep.Version, goTexts)
		}
		all = append(all, library(known[i], "golang"))
	}
	for _, p := range pages {
		all = append(all, library(p, "npm"))
	}
	refs := make([]string, 0, len(all))
	for _, c := range all {
		refs = append(refs, c.BOMRef)
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Component: &main}
	bom.Components = &all
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: main.BOMRef, Dependencies: &refs}}
	return cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

func library(c component, kind string) cyclonedx.Component {
	url := "pkg:" + kind + "/" + strings.Replace(c.name, "@", "%40", 1) + "@" + c.version
	choice := cyclonedx.LicenseChoice{License: &cyclonedx.License{ID: c.licence}}
	if strings.Contains(c.licence, " ") {
		choice = cyclonedx.LicenseChoice{Expression: c.licence}
	}
	return cyclonedx.Component{
		Type: cyclonedx.ComponentTypeLibrary, Name: c.name, Version: c.version, PackageURL: url, BOMRef: url, Licenses: &cyclonedx.Licenses{choice},
	}
}
