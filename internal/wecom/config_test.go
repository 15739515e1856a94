package wecom_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/wecom"
)

const entry = `{"crop_id":1,"corpid":"wwFict","contact_secret":"hidden-one","callback_token":"hidden-two","encoding_aes_key":"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}`

func TestTheFileOfEnterprisesIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "wecom.json")
	if err := os.WriteFile(path, []byte(`{"enterprises":[`+entry+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, allowed := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o640: false, 0o604: false, 0o620: false, 0o602: false, 0o644: false} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := wecom.LoadEnterprises(path); (err == nil) != allowed {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path, 12345, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := wecom.LoadEnterprises(path); err == nil || !strings.Contains(err.Error(), "another user") {
			t.Errorf("another owner's: %v", err)
		}
	}
	if _, err := wecom.LoadEnterprises(filepath.Dir(path)); err == nil {
		t.Error("a folder served as the file")
	}
}

func TestAWrongFileOfEnterprisesIsNamedByItsFieldAndNoSecretIsQuoted(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "wecom.json")
	change := func(old, to string) string { return `{"enterprises":[` + strings.Replace(entry, old, to, 1) + `]}` }
	for text, want := range map[string]string{
		``:                                  "is not JSON",
		`{"enterprises":[`:                  "is not JSON",
		`{"enterprises":[]}`:                "enterprises is missing or empty",
		`{}`:                                "enterprises is missing or empty",
		`{"enterprises":[` + entry + `]} x`: "text after the JSON object",
		`{"enterprises":[` + entry + `,` + entry + `]}`:               "enterprises[1].crop_id: 1 is there twice",
		change(`"crop_id":1`, `"crop_id":0`):                          "enterprises[0].crop_id is missing",
		change(`"crop_id":1`, `"crop_id":"one"`):                      "crop_id must not be a string",
		change(`"crop_id":1`, `"crop_id":1,"corp_id":2`):              "other keys than",
		change(`"wwFict"`, `""`):                                      "enterprises[0].corpid is missing",
		change(`"hidden-one"`, `""`):                                  "enterprises[0].contact_secret is missing",
		change(`"hidden-one"`, `7`):                                   "contact_secret must not be a number",
		change(`"callback_token":"hidden-two",`, ``):                  "belong together",
		change(`ABCDEFG"`, `ABCDEF"`):                                 "encoding_aes_key must be 43 characters of base64",
		change(`abcdefghijk`, `!bcdefghijk`):                          "encoding_aes_key must be 43 characters of base64",
		change(`{"crop_id"`, strings.Repeat(" ", 1<<20)+`{"crop_id"`): "larger than",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := wecom.LoadEnterprises(path)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%.200s: %v, want %q", text, err, want)
		}
	}
}
