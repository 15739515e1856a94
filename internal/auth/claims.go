package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// claims are the parts of a token that count here. Names are matched exactly: encoding/json into a
// struct would take "Sub" for "sub", and an issuer that reserves the one may let its users choose
// the other.
type claims struct {
	member        Member
	exp, nbf, iat *jwt.NumericDate
	iss           string
	aud           jwt.ClaimStrings
}

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.exp, nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.nbf, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.iat, nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.aud, nil }
func (c *claims) GetIssuer() (string, error)                   { return c.iss, nil }
func (c *claims) GetSubject() (string, error) {
	return strconv.FormatUint(uint64(c.member.UID), 10), nil
}

// Validate completes the library's checks of times, issuer and audience: a token without a member
// is nobody's.
func (c *claims) Validate() error {
	switch {
	case c.member.UID == 0:
		return errors.New("sub is required")
	case c.member.Uniacid == 0:
		return errors.New("uniacid is required")
	}
	return nil
}

func (c *claims) UnmarshalJSON(raw []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	var wrong []error
	for _, name := range slices.Sorted(maps.Keys(all)) { // all of them: the log names the member of a token that does not hold
		value := all[name]
		if string(value) == "null" {
			continue // the same as absent
		}
		var err error
		switch name {
		case "sub":
			c.member.UID, err = id(value)
		case "uniacid":
			c.member.Uniacid, err = id(value)
		case "crop_id":
			if s := string(value); s != "0" && s != `"0"` && s != `""` { // how malls say that none is chosen
				c.member.CropID, err = id(value)
			}
		case "exp":
			c.exp, err = date(value)
		case "nbf":
			c.nbf, err = date(value)
		case "iat":
			c.iat, err = date(value)
		case "iss":
			err = json.Unmarshal(value, &c.iss)
		case "aud":
			err = json.Unmarshal(value, &c.aud)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("claim %s: %w", name, err))
		}
	}
	return errors.Join(wrong...)
}

var errID = errors.New("not a decimal number from 1 to 4294967295")

// id reads an unsigned id, written as a JSON number or as a decimal string. One number has one
// spelling: no sign, zeros in front, fraction or exponent.
func id(raw json.RawMessage) (uint32, error) {
	if len(raw) >= 2 && raw[0] == '"' {
		raw = raw[1 : len(raw)-1]
	}
	if len(raw) == 0 || raw[0] < '1' || raw[0] > '9' {
		return 0, errID
	}
	n, err := strconv.ParseUint(string(raw), 10, 32)
	if err != nil {
		return 0, errID
	}
	return uint32(n), nil
}

// lastSecond is the end of the year 9999: later dates overflow one or another type between here and
// the comparison.
const lastSecond = 253402300799

// date reads a NumericDate of RFC 7519: seconds since 1970, a JSON number, a fraction allowed.
func date(raw json.RawMessage) (*jwt.NumericDate, error) {
	n, err := strconv.ParseFloat(string(raw), 64) // quotes, true, {…} do not parse; JSON has no Inf or NaN to let in
	if err != nil || n < 0 || n > lastSecond {
		return nil, errors.New("not a number of seconds since 1970")
	}
	seconds := int64(n)
	return &jwt.NumericDate{Time: time.Unix(seconds, int64((n-float64(seconds))*1e9))}, nil
}
