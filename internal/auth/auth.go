// Package auth owns tokens: who is calling, proven by a JWT, and the tokens that this service mints
// itself. It answers who, never what they may see: whether the member manages an enterprise is
// asked of the database, elsewhere, on every request.
package auth

import (
	"net/http"
	"strings"
)

// Member is the caller that a verified token names.
type Member struct {
	UID     uint32 // the token's sub: the system member id, never 0
	Uniacid uint32 // the token's uniacid, never 0
	CropID  uint32 // the token's crop_id: the enterprise meant when a request names none; 0: none
}

// fromRequest returns the tokens that the request may mean: the one of `Authorization: Bearer`,
// else those of the cookies named cookieName, of which a browser sends several where an older one
// of another path is left; none without either. An empty cookieName reads no cookie. The header
// wins even when its token turns out not to hold: a caller that sends one means it.
func fromRequest(r *http.Request, cookieName string) (tokens []string) {
	for _, value := range r.Header["Authorization"] {
		scheme, token, _ := strings.Cut(value, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			continue // a proxy in front of the old pages may ask for Basic; the cookie still counts
		}
		if token = strings.Trim(token, " \t"); token != "" {
			return []string{token}
		}
	}
	if cookieName == "" {
		return nil
	}
	for _, cookie := range r.CookiesNamed(cookieName) {
		if cookie.Value != "" { // cleared
			tokens = append(tokens, cookie.Value)
		}
	}
	return tokens
}
