package wecom

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"example.com/wechatcustomers/internal/apierr"
)

// CallbackPath is where WeCom tells of changes, before the enterprise's crop_id.
const CallbackPath = "/wecom/callback/"

// Routes adds the callback's two requests: the GET by which WeCom checks the address, and the POST of
// an event, which is answered well once it is stored.
func (s *Service) Routes(e *echo.Echo) {
	e.GET(CallbackPath+":crop_id", s.verify)
	e.POST(CallbackPath+":crop_id", s.receive)
}

// called returns the enterprise that a callback is for.
func (s *Service) called(c echo.Context) (*enterprise, error) {
	crop, err := strconv.ParseUint(c.Param("crop_id"), 10, 32)
	if e := s.enterprises[uint32(crop)]; err == nil && e != nil && e.e.crypt != nil {
		return e, nil
	}
	return nil, apierr.New(apierr.NotFound, fmt.Errorf("no callback is set up for enterprise %.20q", c.Param("crop_id")))
}

// open returns the message of an encrypted one.
func (e *enterprise) open(c echo.Context, encrypted string) ([]byte, error) {
	message, err := e.e.crypt.Open(c.QueryParam("msg_signature"), c.QueryParam("timestamp"), c.QueryParam("nonce"), encrypted)
	if err != nil {
		return nil, apierr.New(apierr.Forbidden, fmt.Errorf("callback of enterprise %d: %w", e.e.CropID, err))
	}
	return message, nil
}

func (s *Service) verify(c echo.Context) error {
	e, err := s.called(c)
	if err != nil {
		return err
	}
	message, err := e.open(c, c.QueryParam("echostr"))
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, echo.MIMETextPlain, message)
}

func (s *Service) receive(c echo.Context) error {
	e, err := s.called(c)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(c.Request().Body)
	if err != nil {
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return apierr.New(apierr.TooLarge, err)
		}
		return apierr.Bad(apierr.Field{Field: "body", Message: "没有完整收到"})
	}
	var envelope struct {
		XMLName xml.Name `xml:"xml"`
		Encrypt string   `xml:"Encrypt"`
	}
	if err := xml.Unmarshal(body, &envelope); err != nil {
		return apierr.Bad(apierr.Field{Field: "body", Message: "不是加密消息的 XML"})
	}
	message, err := e.open(c, envelope.Encrypt)
	if err != nil {
		return err
	}
	if err := e.store(c.Request().Context(), message); err != nil {
		return fmt.Errorf("store a callback: %w", err)
	}
	select {
	case e.wake <- struct{}{}:
	default: // it has been told
	}
	return c.String(http.StatusOK, "success")
}
