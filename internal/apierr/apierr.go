// Package apierr owns the one error type that handlers return: what went wrong in the caller's
// terms, and the cause for the log. It knows no HTTP status and no wording; internal/httpapi turns
// a fault into the contract's error envelope.
package apierr

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code says what kind of failure an Error is.
type Code int

// The kinds of failure. Any error that is no *Error counts as Internal.
const (
	Internal        Code = iota // the service's own failure; the cause is logged and never shown
	Invalid                     // one or more parameters are wrong; Fields names them
	Unauthenticated             // no token, or one that does not hold
	Forbidden                   // the member may not manage the enterprise, or it does not exist
	ChooseBusiness              // the member manages several enterprises and named none
	NotFound                    // no such route
	Method                      // the route exists, not for this method
	TooLarge                    // the body is over its limit
	MediaType                   // a body of a type that the route does not take
	Unavailable                 // the database cannot be reached, or the request took too long
	TooLong                     // the URL is over its limit
	HeaderTooLong               // the header is over its limit
	TooMany                     // the caller sends more requests than it may
)

// Field is one wrong parameter: its literal name in the document and, in Chinese, what it may be
// and, where it helps, what it was. Unknown is a name that the document does not have.
type Field struct {
	Field   string
	Message string
	Got     string
	Unknown bool
}

// Body is Field.Field of what is wrong with a body as a whole: it cannot be read.
const Body = "body"

// Quote returns a value that a parameter had, for Field.Got: in quotes, cut to a length that a
// message bears, without what cannot be printed.
func Quote(value string) string {
	const most = 40
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return utf8.RuneError
		}
		return r
	}, value)) // an invalid byte becomes RuneError too
	if len(runes) > most {
		runes = append(runes[:most], '…')
	}
	return "「" + string(runes) + "」"
}

// Error is a failure with its kind. Fields is set for Invalid only; Cause is for the log alone.
type Error struct {
	Code   Code
	Fields []Field
	Cause  error
}

// New returns an Error of this kind with its cause, which may be nil.
func New(code Code, cause error) *Error { return &Error{Code: code, Cause: cause} }

// Bad returns an Invalid error that names each wrong parameter.
func Bad(fields ...Field) *Error { return &Error{Code: Invalid, Fields: fields} }

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Cause.Error()
	}
	if len(e.Fields) > 0 {
		return e.Fields[0].Field + " " + e.Fields[0].Message
	}
	return codeNames[e.Code]
}

func (e *Error) Unwrap() error { return e.Cause }

var codeNames = map[Code]string{
	Internal: "internal error", Invalid: "invalid parameters", Unauthenticated: "unauthenticated", Forbidden: "forbidden",
	ChooseBusiness: "no enterprise chosen", NotFound: "not found", Method: "method not allowed", TooLarge: "body too large",
	MediaType: "unsupported media type", Unavailable: "unavailable", TooLong: "URL too long",
	HeaderTooLong: "header too large", TooMany: "too many requests",
}

// Of returns the *Error in err's chain, or an Internal one with err as its cause; an empty one
// where err is nil.
func Of(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return New(Internal, err)
}
