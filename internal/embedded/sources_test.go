package embedded

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheMachinesOwnDebianMirrorServesOtherSuites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files            map[string]string
		mirror, security string // empty mirror: an error
	}{
		"one-line": {map[string]string{"sources.list": `
# deb http://commented.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
deb [arch=amd64 signed-by=/k.gpg]	http://one.example/debian	bookworm main contrib # ours
deb http://sec.example/debian-security bookworm-security main
deb http://two.example/debian bookworm-updates main
`}, "http://one.example/debian", "http://sec.example/debian-security"},
		"deb822": {map[string]string{"sources.list.d/debian.sources": `Types: deb deb-src
# a comment
URIs: http://one.example/debian
  http://two.example/debian
Suites: trixie
 trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 URIs: http://not.example/a-field

Types: deb
URIs: http://sec.example/debian-security
Suites: trixie-security
`}, "http://one.example/debian", "http://sec.example/debian-security"},
		"other vendors come first": {map[string]string{
			"sources.list.d/a.list":    "deb https://vendor.example/apt nodistro main\n",
			"sources.list.d/b.sources": "Types: deb\nURIs: http://off.example/debian\nSuites: sid\nEnabled: no\n\nTypes: deb\nURIs: http://on.example/debian\nSuites: sid\n",
			"sources.list.d/c.bak":     "deb http://backup.example/debian sid main\n",
		}, "http://on.example/debian", ""},
		"Ubuntu":  {map[string]string{"sources.list": "deb http://ubuntu.example/ubuntu noble main universe\n"}, "", ""},
		"nothing": {nil, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "sources.list.d"), 0o700); err != nil {
				t.Fatal(err)
			}
			for name, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := debianSources(dir, "bookworm")
			if c.mirror == "" {
				if err == nil {
					t.Errorf("no error, but\n%s", got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var uris []string
			for _, s := range parseDeb822(got) {
				uris = append(uris, s.uris...)
			}
			want := []string{c.mirror}
			if c.security != "" {
				want = append(want, c.security)
			}
			if strings.Join(uris, " ") != strings.Join(want, " ") {
				t.Errorf("got %q, want %q", uris, want)
			}
		})
	}
}

// What goes into our own sources file must not break out of its field.
func FuzzSourcesAreWordsOnly(f *testing.F) {
	f.Add("deb [a=b] http://a.example/debian sid main\n", "Types: deb\nURIs: http://a.example/debian\n http://b.example\nSuites: sid\n\n")
	f.Add("deb [", " \n:\nTypes:deb")
	f.Fuzz(func(t *testing.T, list, deb822 string) {
		for _, s := range append(parseList(list), parseDeb822(deb822)...) {
			for _, word := range append(s.uris, s.suites...) {
				if word == "" || len(strings.Fields(word)) != 1 {
					t.Errorf("%q", word)
				}
			}
		}
	})
}

func TestAVersionOpensItsOwnAndOlderData(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		server, data string
		opens        bool
	}{
		{"mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu", "mysqld  Ver 10.11.18-MariaDB", true},
		{"x Ver 10.11.18-MariaDB", "x Ver 10.11.19-MariaDB", true}, // patch levels go both ways
		{"x Ver 11.8.6-MariaDB", "x Ver 10.11.19-MariaDB", true},
		{"x Ver 10.11.19-MariaDB", "x Ver 11.8.6-MariaDB", false},
		{"x Ver 10.6.1-MariaDB", "x Ver 10.11.19-MariaDB", false},
		{"mysqld  Ver 9.7.4 for Linux on x86_64 (Debian)", "x Ver 8.4.0 for Linux", true},
		{"x Ver 9.7.4 for Linux", "x Ver 10.11.19-MariaDB", false},
		{"x Ver 11.8.6-MariaDB", "x Ver 8.4.0 for Linux", false},
	} {
		server, err := parseVersion(c.server)
		if err != nil {
			t.Fatal(err)
		}
		data, err := parseVersion(c.data)
		if err != nil {
			t.Fatal(err)
		}
		if got := server.opens(data); got != c.opens {
			t.Errorf("%s opens data of %s: %v", server, data, got)
		}
	}
	if v, err := parseVersion("sh: not found"); err == nil {
		t.Errorf("read %v from nonsense", v)
	}
}

func TestASocketsFolderThatOthersCanEnterIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "shared")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(dir); err != nil {
		t.Errorf("a private folder was refused: %v", err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // that is the case
		t.Fatal(err)
	}
	if err := PrivateDir(dir); err == nil {
		t.Error("a folder that others can enter was accepted")
	}
	link := filepath.Join(filepath.Dir(dir), "link")
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(link); err == nil {
		t.Error("a link, which others may point elsewhere, was accepted")
	}
}
