// Package auth owns tokens: who is calling, proven by a JWT, and the tokens that this service mints itself.
// It answers who, never what they may see: whether the member manages an enterprise is asked of the database, elsewhere, on every request.
package auth

import (
	"context"
	"net/http"
	"strings"
)

// Member is the caller that a verified token names.
type Member struct {
	UID     uint32 // the token's sub: the system member id, never 0
	Uniacid uint32 // the token's uniacid, never 0
	CropID  uint32 // the token's crop_id: the enterprise meant when a request names none; 0: none
}

type contextKey struct{}

// With returns a context that carries m.
func With(ctx context.Context, m Member) context.Context {
	return context.WithValue(ctx, contextKey{}, m)
}

// From returns the member that With put into ctx, and whether there is one.
func From(ctx context.Context) (Member, bool) {
	m, ok := ctx.Value(contextKey{}).(Member)
	return m, ok
}

// FromRequest returns the request's token: the one of `Authorization: Bearer`, else the one of the cookie cookieName, else "".
// An empty cookieName reads no cookie. The header wins even when its token turns out not to hold: a caller that sends one means it.
func FromRequest(r *http.Request, cookieName string) string {
	for _, value := range r.Header["Authorization"] {
		scheme, token, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue // a proxy in front of the old pages may ask for Basic; the cookie still counts
		}
		if token = strings.Trim(token, " \t"); token != "" {
			return token
		}
	}
	if cookieName == "" {
		return ""
	}
	for _, cookie := range r.CookiesNamed(cookieName) {
		if cookie.Value != "" { // a cleared cookie of another path may stand before the live one
			return cookie.Value
		}
	}
	return ""
}
