package client

import (
	"strconv"
	"strings"
)

// Error is a refusal by the server.
type Error struct {
	Status    int          // of HTTP; 200 where the server runs with LEGACY_STATUS
	Msg       string       // the envelope's msg: the reason in Chinese, for people
	Fields    []FieldError // each wrong parameter, where parameters are what is wrong
	RequestID string       // by which the server's log has the request; "" where the answer did not say
}

// Error returns the status and the reason, with the request's id where it helps: where the server
// itself failed.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(e.Status))
	b.WriteString(" ")
	b.WriteString(e.Msg)
	if e.Status >= 500 && e.RequestID != "" && !strings.Contains(e.Msg, e.RequestID) {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	return b.String()
}
