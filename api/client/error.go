package client

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Code is which kind of refusal it is, for programs. A later server may know more.
type Code string

// The codes of the contract.
const (
	CodeUnauthenticated      Code = "unauthenticated"   // no token, or one that does not hold
	CodeForbidden            Code = "forbidden"         // the member does not manage the enterprise, or there is none
	CodeNoEnterprise         Code = "no_enterprise"     // the member manages several: Query.CropID
	CodeInvalidParameter     Code = "invalid_parameter" // Error.Fields says which
	CodeUnknownParameter     Code = "unknown_parameter" // a misspelt name
	CodeInvalidBody          Code = "invalid_body"
	CodeUnsupportedMediaType Code = "unsupported_media_type"
	CodeTooLarge             Code = "too_large" // the address, the header or the body
	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeTooManyRequests      Code = "too_many_requests"
	CodeUnavailable          Code = "unavailable"
	CodeInternal             Code = "internal"
)

// codes are what a status says where the answer names no code.
var codes = map[int]Code{
	http.StatusBadRequest:                  CodeInvalidParameter,
	http.StatusUnauthorized:                CodeUnauthenticated,
	http.StatusForbidden:                   CodeForbidden,
	http.StatusNotFound:                    CodeNotFound,
	http.StatusMethodNotAllowed:            CodeMethodNotAllowed,
	http.StatusRequestEntityTooLarge:       CodeTooLarge,
	http.StatusRequestURITooLong:           CodeTooLarge,
	http.StatusRequestHeaderFieldsTooLarge: CodeTooLarge,
	http.StatusUnsupportedMediaType:        CodeUnsupportedMediaType,
	http.StatusTooManyRequests:             CodeTooManyRequests,
	http.StatusServiceUnavailable:          CodeUnavailable,
	http.StatusInternalServerError:         CodeInternal,
}

// codeOfData returns the code that an envelope's data names, in itself or in its first entry.
func codeOfData(data json.RawMessage) Code {
	type coded struct {
		Code Code `json:"code"`
	}
	var one coded
	if json.Unmarshal(data, &one) == nil {
		return one.Code
	}
	var several []coded
	if json.Unmarshal(data, &several) == nil && len(several) > 0 {
		return several[0].Code
	}
	return ""
}

// Error is a refusal: by the server, or of what it would refuse, which is then not sent.
type Error struct {
	Status     int            // of HTTP; 200 where the server runs with LEGACY_STATUS; 0: not sent
	Code       Code           // which kind; "" where the answer says it nowhere
	Msg        string         // the envelope's msg: the reason in Chinese, for people
	Fields     []FieldError   // each wrong parameter, where parameters are what is wrong
	RequestID  string         // by which the server's log has the request; "" where the answer did not say
	RetryAfter *time.Duration // after which to ask again; nil where the answer did not say
}

// Error returns the status and the reason, with the request's id where it helps: where the server
// itself failed.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Status == 0 {
		b.WriteString("not sent")
	} else {
		b.WriteString(strconv.Itoa(e.Status))
	}
	b.WriteString(" ")
	b.WriteString(e.Msg)
	if e.Status >= 500 && e.RequestID != "" && !strings.Contains(e.Msg, e.RequestID) {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}

// CodeOf returns the code of the *Error in err; "" where there is none.
func CodeOf(err error) Code {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

// IsUnauthenticated tells whether signing in (again) would help.
func IsUnauthenticated(err error) bool { return CodeOf(err) == CodeUnauthenticated }

// IsForbidden tells whether the member may not manage the enterprise, or there is none.
func IsForbidden(err error) bool { return CodeOf(err) == CodeForbidden }

// refused is the error of what the server would refuse.
func refused(fields []FieldError) *Error {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Field + " " + f.Message
	}
	return &Error{Code: CodeInvalidParameter, Msg: "参数错误:" + strings.Join(texts, ";"), Fields: fields}
}
