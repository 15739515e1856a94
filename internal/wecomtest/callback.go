package wecomtest

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"example.com/wechatcustomers/internal/wecom"
)

// Crypt returns what the enterprise's callbacks are signed and encrypted with.
func (s *Server) Crypt() (*wecom.Crypt, error) {
	return wecom.NewCrypt(s.o.CallbackToken, s.o.EncodingAESKey, s.o.CorpID)
}

// Request returns the signed request that tells a callback address of an event.
func (s *Server) Request(ctx context.Context, address string, e Event) (*http.Request, error) {
	c, err := s.Crypt()
	if err != nil {
		return nil, err
	}
	encrypted, err := c.Seal([]byte(e.XML))
	if err != nil {
		return nil, err
	}
	body := fmt.Sprintf("<xml><ToUserName><![CDATA[%s]]></ToUserName><Encrypt><![CDATA[%s]]></Encrypt><AgentID><![CDATA[]]></AgentID></xml>", s.o.CorpID, encrypted)
	return http.NewRequestWithContext(ctx, http.MethodPost, address+signed(c, encrypted, s.o.Now().Unix()), strings.NewReader(body))
}

// Verification returns the signed request by which an address is checked when it is set, and the
// text that it has to answer.
func (s *Server) Verification(ctx context.Context, address string) (r *http.Request, want string, err error) {
	c, err := s.Crypt()
	if err != nil {
		return nil, "", err
	}
	want = strconv.FormatUint(rand.Uint64(), 10) //nolint:gosec // a text that varies
	encrypted, err := c.Seal([]byte(want))
	if err != nil {
		return nil, "", err
	}
	r, err = http.NewRequestWithContext(ctx, http.MethodGet, address+signed(c, encrypted, s.o.Now().Unix())+"&echostr="+url.QueryEscape(encrypted), http.NoBody)
	return r, want, err
}

func signed(c *wecom.Crypt, encrypted string, at int64) string {
	timestamp, nonce := strconv.FormatInt(at, 10), strconv.FormatUint(uint64(rand.Uint32()), 10) //nolint:gosec // a text that varies
	return "?msg_signature=" + c.Sign(timestamp, nonce, encrypted) + "&timestamp=" + timestamp + "&nonce=" + nonce
}

// Send tells a callback address of an event, as often as it takes and at most four times; the error
// is that of the last time.
func (s *Server) Send(ctx context.Context, address string, e Event) (err error) {
	for range 4 {
		if err = s.send(ctx, address, e); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

func (s *Server) send(ctx context.Context, address string, e Event) error {
	r, err := s.Request(ctx, address, e)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the callback answered %d", res.StatusCode)
	}
	return nil
}

// Config returns the file of enterprises (WECOM_CONFIG) for whom the stand-in is enterprise crop.
func (s *Server) Config(crop uint32) []byte {
	return encoded(map[string]any{"enterprises": []any{map[string]any{
		"crop_id": crop, "corpid": s.o.CorpID, "contact_secret": s.o.ContactSecret, "directory_secret": s.o.DirectorySecret,
		"callback_token": s.o.CallbackToken, "encoding_aes_key": s.o.EncodingAESKey,
	}}})
}
