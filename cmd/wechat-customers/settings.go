package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"example.com/wechatcustomers/internal/auth"
)

// The table of settings is the commands' own fields: each with `env:` is a setting, by its name,
// default, help and, where its value must not be shown, `secret:""`. --help, config, the search for
// misspelt names and the files of secrets all follow it.

// settings returns every setting once, in the order of the commands.
func settings(model *kong.Node) (all []*kong.Flag) {
	seen := map[string]bool{}
	_ = kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok && len(f.Envs) > 0 && !seen[f.Envs[0]] {
			seen[f.Envs[0]] = true
			all = append(all, f)
		}
		return next(nil)
	})
	return all
}

// fromFile returns the value of a secret that is not in the environment itself: from the file that
// NAME_FILE names, or from systemd's credential NAME (settings_NAME where
// a unit loads a folder of them as settings). Both are
// empty where there is none.
func fromFile(f *kong.Flag) (value, path string, err error) {
	if !f.Tag.Has("secret") {
		return "", "", nil
	}
	name := f.Envs[0]
	path = os.Getenv(name + "_FILE")
	switch _, set := os.LookupEnv(name); {
	case set && path != "":
		return "", "", fmt.Errorf("%s and %[1]s_FILE are both set", name)
	case set:
		return "", "", nil
	case path == "":
		dir := os.Getenv("CREDENTIALS_DIRECTORY")
		if dir == "" {
			return "", "", nil
		}
		// Beside its own name a credential may have that of the folder which the unit loads it from.
		found, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			return "", "", err
		}
		at := slices.IndexFunc(found, func(path string) bool {
			base := filepath.Base(path)
			return base == name || base == "settings_"+name
		})
		if at < 0 {
			return "", "", nil
		}
		path = found[at]
	}
	text, err := auth.ReadSecretFile(path)
	if err == nil && len(text) == 0 {
		err = errors.New(path + " is empty")
	}
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", name, err)
	}
	return string(text), path, nil
}

// resolveFiles gives kong the secrets that are in files.
func resolveFiles(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	if len(f.Envs) == 0 {
		return nil, nil //nolint:nilnil // so kong wants it: there is none
	}
	value, path, err := fromFile(f)
	if err != nil || path == "" {
		return nil, err
	}
	return value, nil
}

// misspelt returns what is wrong with variables whose names are nearly those of settings.
func misspelt(all []*kong.Flag, environ []string) (found []string) {
	var names []string
	for _, f := range all {
		names = append(names, f.Envs[0])
		if f.Tag.Has("secret") {
			names = append(names, f.Envs[0]+"_FILE")
		}
	}
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(names, name) {
			continue
		}
		if i := slices.IndexFunc(names, func(ours string) bool { return nearly(name, ours) }); i >= 0 {
			found = append(found, fmt.Sprintf("%s is no setting: did you mean %s?", name, names[i]))
		}
	}
	slices.Sort(found)
	return found
}

// nearly says whether name is ours with a letter wrong (two in a long name), without its first or
// last word, or with the program's name before it. Names of few letters resemble too much.
func nearly(name, ours string) bool {
	const short, long = 6, 10
	name = strings.ToUpper(name)
	for _, prefix := range []string{"WECHAT_CUSTOMERS_", "WECHATCUSTOMERS_", "WECHAT_"} {
		if name == prefix+ours {
			return true
		}
	}
	first, rest, _ := strings.Cut(ours, "_")
	last := strings.LastIndex(ours, "_")
	switch {
	case name == ours || name == strings.ReplaceAll(ours, "_", ""):
		return true
	case len(name) < short-1:
		return false
	case name == rest || last > 0 && name == ours[:last] || name == first:
		return true
	case len(ours) < short:
		return false
	case len(ours) >= long:
		return distance(name, ours) <= 2
	}
	return distance(name, ours) <= 1
}

// distance is how many letters have to be put in, left out, replaced or exchanged with the next.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
		for j := range d[i] {
			if i == 0 {
				d[i][j] = j
				continue
			}
			if j == 0 {
				continue
			}
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

type configCommand struct{}

// Help says what is printed.
func (configCommand) Help() string {
	return "Flags of other commands are not looked at. Secrets are not shown. Exits 1 where something is wrong."
}

// printSettings prints every setting with its value and where that came from, then what is wrong;
// the error is errReported where anything is.
func printSettings(ctx context.Context, p *program, model *kong.Node, environ []string, out, errs io.Writer) error {
	all := settings(model)
	wrong := misspelt(all, environ)
	values := map[string]string{}
	unread := map[string]bool{} // settings whose values are none
	_ = kong.Visit(model, func(node kong.Visitable, next kong.Next) error {
		f, ok := node.(*kong.Flag)
		if !ok {
			return next(nil)
		}
		if len(f.Envs) == 0 {
			_ = f.Reset()
			return next(nil)
		}
		name := f.Envs[0]
		_, seen := values[name]
		value, from := f.Default, "default"
		if v, set := os.LookupEnv(name); set {
			value, from = v, "environment"
		}
		err := f.Reset()
		text, path, fileErr := fromFile(f)
		if fileErr != nil {
			err = fileErr
		} else if path != "" {
			value, from = text, path
			f.Target.SetString(text)
		}
		if err == nil && f.Enum != "" && !f.EnumMap()[value] {
			err = fmt.Errorf("%s must be one of %s", name, f.Enum)
		}
		if f.Tag.Has("secret") && value != "" {
			value = "********"
		}
		values[name] = value
		if !seen {
			fmt.Fprintf(out, "%s=%s (%s)\n", name, value, from)
			if err != nil {
				wrong = append(wrong, err.Error())
				unread[name] = true
			}
		}
		return next(nil)
	})
	if err := errors.Join(p.Serve.Validate(), p.Serve.files(ctx, p.logger(errs)), checkDSN("ORIGINAL_DSN", p.Copy.From)); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			// Of a value that could not be read its default was judged.
			if name := strings.TrimRight(strings.Fields(line)[0], ":,"); !unread[name] {
				wrong = append(wrong, line)
			}
		}
	}
	slices.Sort(wrong)
	for _, w := range slices.Compact(wrong) {
		fmt.Fprintln(out, "wrong: "+w)
	}
	if len(wrong) > 0 {
		return errReported
	}
	return nil
}
