package auth

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Mint returns a token for m, signed with secret (HS256), that holds from now for ttl. iss and aud
// are left out when empty. It fails when secret is shorter than MinSecret, m names no member or no
// uniacid, or ttl is under a second.
func Mint(secret []byte, m Member, ttl time.Duration, now time.Time, iss, aud string) (string, error) {
	if err := CheckSecret(secret); err != nil {
		return "", err
	}
	switch {
	case m.UID == 0 || m.Uniacid == 0:
		return "", errors.New("a token needs a member id and a uniacid, both from 1")
	case ttl < time.Second:
		return "", fmt.Errorf("a token cannot hold for %s: a second is the least", ttl)
	}
	c := jwt.MapClaims{
		"sub": strconv.FormatUint(uint64(m.UID), 10), "uniacid": m.Uniacid,
		"iat": now.Unix(), "exp": now.Add(ttl).Unix(),
	}
	if m.CropID != 0 {
		c["crop_id"] = m.CropID
	}
	if iss != "" {
		c["iss"] = iss
	}
	if aud != "" {
		c["aud"] = aud
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
}
