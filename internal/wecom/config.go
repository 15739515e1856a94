package wecom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"example.com/wechatcustomers/internal/auth"
)

// Enterprise is an enterprise that is kept up to date from WeCom, with its secrets.
type Enterprise struct {
	CropID          uint32 `json:"crop_id"`
	CorpID          string `json:"corpid"`
	ContactSecret   string `json:"contact_secret"`   // 客户联系, or of a self-built app that may use it
	DirectorySecret string `json:"directory_secret"` // 通讯录同步; "" for none
	CallbackToken   string `json:"callback_token"`   // "" for no callbacks
	EncodingAESKey  string `json:"encoding_aes_key"`

	crypt *Crypt // nil for no callbacks
}

// LoadEnterprises reads the file of enterprises: {"enterprises":[…]}. Because of the secrets it must
// be the owner's alone, who is this process's user or root; no error quotes one.
func LoadEnterprises(path string) ([]Enterprise, error) {
	text, err := auth.ReadPrivateFile(path)
	if err != nil {
		return nil, err
	}
	list, err := parseEnterprises(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func parseEnterprises(text []byte) ([]Enterprise, error) {
	var file struct {
		Enterprises []Enterprise `json:"enterprises"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&file); err != nil {
		// Some of the decoder's messages quote the text.
		if mistyped, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("%s must not be a %s", mistyped.Field, mistyped.Value)
		}
		return nil, fmt.Errorf(`is not JSON, or has other keys than {"enterprises":[{"crop_id":1,"corpid":"ww…","contact_secret":"…",`+
			`"directory_secret":"…","callback_token":"…","encoding_aes_key":"…"}]} (byte %d)`, decoder.InputOffset())
	}
	if decoder.More() {
		return nil, errors.New("has text after the JSON object")
	}
	if len(file.Enterprises) == 0 {
		return nil, errors.New("enterprises is missing or empty")
	}
	seen := map[uint32]bool{}
	for i := range file.Enterprises {
		e := &file.Enterprises[i]
		if err := e.complete(); err != nil {
			return nil, fmt.Errorf("enterprises[%d].%w", i, err)
		}
		if seen[e.CropID] {
			return nil, fmt.Errorf("enterprises[%d].crop_id: %d is there twice", i, e.CropID)
		}
		seen[e.CropID] = true
	}
	return file.Enterprises, nil
}

func (e *Enterprise) complete() error {
	switch {
	case e.CropID == 0:
		return errors.New("crop_id is missing: the id of the enterprise's business record")
	case e.CorpID == "":
		return errors.New("corpid is missing: 我的企业 → 企业信息 → 企业ID")
	case e.ContactSecret == "":
		return errors.New("contact_secret is missing: 客户与上下游 → 客户联系 → API → Secret")
	case (e.CallbackToken == "") != (e.EncodingAESKey == ""):
		return errors.New("callback_token and encoding_aes_key belong together: one is missing")
	case e.CallbackToken == "":
		return nil
	}
	var err error
	if e.crypt, err = NewCrypt(e.CallbackToken, e.EncodingAESKey, e.CorpID); err != nil {
		return fmt.Errorf("encoding_aes_key %w", err)
	}
	return nil
}

// DefaultURL is where WeCom's API is.
const DefaultURL = "https://qyapi.weixin.qq.com"

// CheckURL returns an error unless the base address is a scheme and a host.
func CheckURL(base string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
		return errors.New("must be a scheme and a host, such as " + DefaultURL)
	}
	return nil
}
