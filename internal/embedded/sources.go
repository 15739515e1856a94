package embedded

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// source is one line of a .list, or one stanza of a .sources file.
type source struct {
	uris, suites []string
}

// Debian's mirrors are told from others by the suites they are read for.
var debianSuites = []string{
	"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid", "experimental",
	"buster", "bullseye", "bookworm", "trixie", "forky", "duke",
}

// debianSources returns a deb822 source for the suite, from the first Debian mirror, and the first
// mirror of Debian's security updates, that the machine itself uses: aptDir is its /etc/apt.
func debianSources(aptDir, suite string) (string, error) {
	var mirror, security string
	for _, s := range readSources(aptDir) {
		for _, uri := range s.uris {
			if strings.HasPrefix(uri, "cdrom:") {
				continue
			}
			for _, name := range s.suites {
				base, isSecurity := strings.CutSuffix(name, "-security")
				if !slices.Contains(debianSuites, base) {
					continue
				}
				if isSecurity && security == "" {
					security = uri
				}
				if !isSecurity && mirror == "" {
					mirror = uri
				}
			}
		}
	}
	if mirror == "" {
		return "", fmt.Errorf("no Debian mirror in %s to fetch from", aptDir)
	}
	stanzas := stanza(mirror, suite)
	if security != "" && suite != "sid" { // unstable has no security suite
		stanzas += stanza(security, suite+"-security")
	}
	return stanzas, nil
}

func stanza(uri, suite string) string {
	var text strings.Builder
	text.WriteString("Types: deb\nURIs: " + uri + "\nSuites: " + suite + "\nComponents: main\n")
	// Debian's archive keys, old and coming ones, are in one keyring (under either name, by release).
	// Where it is missing apt falls back on the keys that the machine trusts for everything; it never
	// goes unchecked.
	for _, keyring := range []string{"/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"} {
		if _, err := os.Stat(keyring); err == nil {
			text.WriteString("Signed-By: " + keyring + "\n")
			break
		}
	}
	return text.String() + "\n"
}

// readSources returns the machine's package sources in apt's order; what it cannot read it leaves
// out, for apt would complain about it in better words.
func readSources(aptDir string) []source {
	var all []source
	files := []string{filepath.Join(aptDir, "sources.list")}
	// A bad pattern is the only error.
	parts, _ := filepath.Glob(filepath.Join(globQuote(aptDir), "sources.list.d", "*"))
	for _, path := range append(files, parts...) {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		switch filepath.Ext(path) {
		case ".list":
			all = append(all, parseList(string(text))...)
		case ".sources":
			all = append(all, parseDeb822(string(text))...)
		}
	}
	return all
}

// parseList reads the one-line format: deb [options] uri suite components.
func parseList(text string) []source {
	var all []source
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		kind, rest, _ := strings.Cut(strings.TrimSpace(strings.ReplaceAll(line, "\t", " ")), " ")
		if kind != "deb" {
			continue
		}
		if rest = strings.TrimSpace(rest); strings.HasPrefix(rest, "[") {
			_, rest, _ = strings.Cut(rest, "]")
		}
		if fields := strings.Fields(rest); len(fields) >= 2 {
			all = append(all, source{fields[:1], fields[1:2]})
		}
	}
	return all
}

// parseDeb822 reads stanzas of fields, which may go on in indented lines.
func parseDeb822(text string) []source {
	var all []source
	fields := make(map[string]string)
	last := ""
	end := func() {
		if slices.Contains(strings.Fields(fields["types"]), "deb") && !strings.EqualFold(strings.TrimSpace(fields["enabled"]), "no") {
			all = append(all, source{strings.Fields(fields["uris"]), strings.Fields(fields["suites"])})
		}
		clear(fields)
		last = ""
	}
	for line := range strings.Lines(text) {
		switch name, value, found := strings.Cut(line, ":"); {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			end()
		case line[0] == ' ' || line[0] == '\t':
			fields[last] += " " + line
		case found:
			last = strings.ToLower(strings.TrimSpace(name))
			fields[last] = value
		}
	}
	end()
	return all
}

// osRelease returns a distribution's id and the code name of its release.
func osRelease(path string) (id, codename string) {
	id, codename = "unknown", "unknown"
	text, err := os.ReadFile(path)
	if err != nil {
		return id, codename // then apt's own sources decide, or there is no apt
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		value = strings.Trim(value, `"'`)
		switch name {
		case "ID":
			id = value
		case "VERSION_CODENAME":
			codename = value
		}
	}
	return id, codename
}
