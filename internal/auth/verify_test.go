package auth_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/auth"
)

func TestTokensOfTheSecretHoldWhenTheirClaimsDo(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.Config{Secret: secret})
	exp := fmt.Sprintf(`"exp":%d`, start.Add(time.Hour).Unix())
	for name, c := range map[string]struct {
		claims string
		want   auth.Member
	}{
		"plain":                      {body(""), member7},
		"sub as a number":            {`{"sub":7,"uniacid":2,` + exp + `}`, member7},
		"uniacid as a string":        {`{"sub":"7","uniacid":"2",` + exp + `}`, member7},
		"crop_id":                    {body(`,"crop_id":9`), auth.Member{UID: 7, Uniacid: 2, CropID: 9}},
		"crop_id as a string":        {body(`,"crop_id":"9"`), auth.Member{UID: 7, Uniacid: 2, CropID: 9}},
		"crop_id null is none":       {body(`,"crop_id":null`), member7},
		"crop_id 0 is none":          {body(`,"crop_id":0`), member7},
		"crop_id empty is none":      {body(`,"crop_id":""`), member7},
		"the greatest ids":           {`{"sub":"4294967295","uniacid":4294967295,"crop_id":4294967295,` + exp + `}`, auth.Member{UID: 1<<32 - 1, Uniacid: 1<<32 - 1, CropID: 1<<32 - 1}},
		"a fraction in a date":       {`{"sub":"7","uniacid":2,"exp":1714521600.5}`, member7},
		"unknown claims":             {body(`,"name":"张三","roles":["a"],"nested":{"sub":"8"}`), member7},
		"a claim of another case":    {body(`,"Sub":"8","UNIACID":3,"Crop_Id":9`), member7},
		"issuer and audience unread": {body(`,"iss":"anybody","aud":["a","b"]`), member7},
		"nbf and iat now":            {body(`,"nbf":1714521600,"iat":1714521600`), member7},
		"exp written as a float":     {`{"sub":"7","uniacid":2,"exp":1.7145252e9}`, member7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantMember(t, v, sign("HS256", secret, header("HS256", ""), c.claims), c.want)
		})
	}
}

func TestSignedClaimsThatNameNoMemberAreRejected(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.Config{Secret: secret})
	exp := fmt.Sprintf(`,"exp":%d}`, start.Add(time.Hour).Unix())
	bad := map[string]string{
		"no claims": `{}`, "null": `null`, "an array": `[]`, "a string": `"7"`, "a number": `7`, "nothing": ``, "two objects": body("") + body(""),
		"trailing garbage": body("") + "x", "no exp": `{"sub":"7","uniacid":2}`, "no sub": `{"uniacid":2` + exp, "no uniacid": `{"sub":"7"` + exp,
		"exp null": `{"sub":"7","uniacid":2,"exp":null}`, "not UTF-8": `{"sub":"` + "\xff" + `","uniacid":2` + exp,
		"aud of numbers": body(`,"aud":[1]`), "aud an object": body(`,"aud":{}`), "iss a number": body(`,"iss":1`),
	}
	for _, wrong := range []string{
		`0`, `-1`, `-0`, `1.0`, `1.5`, `1e1`, `4294967296`, `18446744073709551617`, `99999999999999999999999999`, `true`, `{}`, `[7]`,
		`""`, `"0x7"`, `"07"`, `" 7"`, `"7 "`, `"+7"`, `"-7"`, `"7a"`, `"７"`, `"1_0"`, `"\u0037"`, `"4294967296"`, `"0"`,
	} {
		bad["sub "+wrong] = `{"uniacid":2,"sub":` + wrong + exp
		bad["uniacid "+wrong] = `{"sub":"7","uniacid":` + wrong + exp
		if wrong != `0` && wrong != `"0"` && wrong != `""` {
			bad["crop_id "+wrong] = body(`,"crop_id":` + wrong)
		}
	}
	for _, wrong := range []string{`"1714525200"`, `true`, `[]`, `{}`, `-1`, `1e300`, `253402300800`, `"tomorrow"`, `1e-400000`} {
		if wrong != `1e-400000` { // 0: 1970, no time from which a token could not hold yet
			bad["nbf "+wrong] = body(`,"nbf":` + wrong)
			bad["iat "+wrong] = body(`,"iat":` + wrong)
		}
		bad["exp "+wrong] = `{"sub":"7","uniacid":2,"exp":` + wrong + `}`
	}
	for name, claims := range bad {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRejected(t, v, sign("HS256", secret, header("HS256", ""), claims))
		})
	}
}

func TestWhatIsNotExactlyASignedTokenIsRejected(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.Config{Secret: secret})
	good := sign("HS256", secret, header("HS256", ""), body(""))
	wantMember(t, v, good, member7)
	head, rest, _ := strings.Cut(good, ".")
	claims, sig, _ := strings.Cut(rest, ".")

	// The last character of 32 bytes in base64 has two bits to spare: a decoder that does not look
	// lets four signatures in for one.
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	spare := sig[:len(sig)-1] + string(alphabet[strings.IndexByte(alphabet, sig[len(sig)-1])|1])
	if spare == sig {
		t.Fatal("the signature ends in spare bits")
	}
	long := sign("HS256", secret, header("HS256", ""), body(`,"x":"`+strings.Repeat("x", auth.MaxToken)+`"`))
	fits := sign("HS256", secret, header("HS256", ""), body(`,"x":"`+strings.Repeat("x", 5000)+`"`))
	wantMember(t, v, fits, member7)

	for name, token := range map[string]string{
		"empty": "", "a dot": ".", "two dots": "..", "no signature": head + "." + claims, "an empty signature": head + "." + claims + ".",
		"four parts": good + ".", "five parts": good + ".a.b", "padding": good + "=", "a space behind": good + " ", "a space in front": " " + good,
		"a line break behind": good + "\n", "a line break within": good[:len(good)-4] + "\r\n" + good[len(good)-4:], "NUL": good + "\x00",
		"spare bits": head + "." + claims + "." + spare, "a signature cut short": good[:len(good)-4], "another's claims": head + "." + b64([]byte(strings.Replace(body(""), `"7"`, `"8"`, 1))) + "." + sig,
		"oversized": long, "not base64": "!!!.???.###", "a comma": good + "," + good, "percent-encoded": strings.ReplaceAll(good, ".", "%2E"),
		"Bearer left on": "Bearer " + good, "JSON serialisation": `{"payload":"` + claims + `"}`,
		"another secret": sign("HS256", []byte("another secret, also of 32 bytes!"), header("HS256", ""), body("")),
		"none":           b64([]byte(`{"alg":"none"}`)) + "." + claims + ".", "None": b64([]byte(`{"alg":"None"}`)) + "." + claims + "." + sig,
		"none, signed": sign("HS256", secret, `{"alg":"none"}`, body("")), "no alg": sign("HS256", secret, `{"typ":"JWT"}`, body("")),
		"alg null": sign("HS256", secret, `{"alg":null}`, body("")), "alg empty": sign("HS256", secret, `{"alg":""}`, body("")),
		"alg a list": sign("HS256", secret, `{"alg":["HS256"]}`, body("")), "alg in lower case": sign("HS256", secret, `{"alg":"hs256"}`, body("")),
		"ALG": sign("HS256", secret, `{"ALG":"HS256"}`, body("")), "HS384": sign("HS384", secret, header("HS384", ""), body("")),
		"HS512": sign("HS512", secret, header("HS512", ""), body("")), "RS256 without keys": sign("RS256", keys().rsa, header("RS256", ""), body("")),
		"header null": sign("HS256", secret, `null`, body("")), "header a list": sign("HS256", secret, `[]`, body("")),
		"header twice": sign("HS256", secret, header("HS256", "")+header("HS256", ""), body("")),
		"crit":         sign("HS256", secret, `{"alg":"HS256","crit":["exp"]}`, body("")), "unencoded payload": sign("HS256", secret, `{"alg":"HS256","b64":false,"crit":["b64"]}`, body("")),
		"kid a number": sign("HS256", secret, `{"alg":"HS256","kid":1}`, body("")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRejected(t, v, token)
		})
	}
}

func TestTimesHoldToTheSecondOfTheirLeeway(t *testing.T) {
	t.Parallel()
	const leeway = 30 * time.Second
	for name, c := range map[string]struct {
		claims string // 0 stands for start
		leeway time.Duration
		first  time.Duration // the first second from start that is accepted
		last   time.Duration
	}{
		"exp and nbf": {`,"nbf":1714521600`, 0, 0, time.Hour - time.Second},
		"with leeway": {`,"nbf":1714521600`, leeway, -leeway, time.Hour + leeway - time.Second},
		"nbf later":   {`,"nbf":1714521700,"iat":1714521600`, leeway, 100*time.Second - leeway, time.Hour + leeway - time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token := sign("HS256", secret, header("HS256", ""), body(c.claims))
			verifier := func(now time.Duration) *auth.Verifier {
				return newVerifier(t, auth.Config{Secret: secret, Leeway: c.leeway, Clock: at(now)})
			}
			wantRejected(t, verifier(c.first-1), token)
			wantMember(t, verifier(c.first), token, member7)
			wantMember(t, verifier(c.last), token, member7)
			wantMember(t, verifier(c.last+time.Second-1), token, member7)
			wantRejected(t, verifier(c.last+time.Second), token)
		})
	}
}

func TestATokenThatWasIssuedInTheFutureHolds(t *testing.T) {
	t.Parallel()
	for _, iat := range []string{"1714521601", "1714525199.5", "1914521600", "0"} {
		v := newVerifier(t, auth.Config{Secret: secret})
		for range 2 { // the second time it is a remembered one
			wantMember(t, v, sign("HS256", secret, header("HS256", ""), body(`,"iat":`+iat)), member7)
		}
	}
}

func TestARefusalSaysWhyAndWhomTheTokenNames(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.Config{Secret: secret, Issuer: "mall"})
	const at, late = `{"sub":"7","uniacid":2,"iss":"mall"`, "token is expired"
	good := sign("HS256", secret, header("HS256", ""), body(`,"iss":"mall"`))
	wantMember(t, v, good, member7)
	soon := start
	remembered := newVerifier(t, auth.Config{Secret: secret, Issuer: "mall", Clock: func() time.Time { return soon }})
	wantMember(t, remembered, good, member7)
	soon = start.Add(time.Hour)
	for name, c := range map[string]struct {
		v      *auth.Verifier
		token  string
		reason string
		member auth.Member
		signed bool
	}{
		"expired":              {v, sign("HS256", secret, header("HS256", ""), at+`,"exp":1714521600}`), late, member7, true},
		"expired meanwhile":    {remembered, good, late, member7, true},
		"not yet":              {v, sign("HS256", secret, header("HS256", ""), body(`,"iss":"mall","nbf":1714521601`)), "not valid yet", member7, true},
		"of another issuer":    {v, sign("HS256", secret, header("HS256", ""), body(`,"iss":"x"`)), "issuer", member7, true},
		"no sub":               {v, sign("HS256", secret, header("HS256", ""), `{"uniacid":2,"iss":"mall","exp":1914521600}`), "sub is required", auth.Member{Uniacid: 2}, true},
		"of another secret":    {v, sign("HS256", []byte("another secret, also of 32 bytes!"), header("HS256", ""), body("")), "signature is invalid", member7, false},
		"of another algorithm": {v, sign("HS512", secret, header("HS512", ""), body("")), "signing method HS512", member7, false},
		"of a wrong claim":     {v, sign("HS256", secret, header("HS256", ""), `{"aud":5,"exp":"x","sub":"7","uniacid":2}`), "claim exp", member7, false},
		"none":                 {v, "", "no token", auth.Member{}, false},
		"no token at all":      {v, "x.y.z", "malformed", auth.Member{}, false},
	} {
		_, err := c.v.Verify(t.Context(), c.token)
		var refused *auth.Refusal
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), c.reason) || refused.Member != c.member || refused.Signed != c.signed {
			t.Errorf("%s: got %v, %+v", name, err, refused)
		}
	}
}

func TestIssuerAndAudienceAreDemandedWhereConfigured(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.Config{Secret: secret, Issuer: "mall", Audience: "customers"})
	for claims, ok := range map[string]bool{
		`,"iss":"mall","aud":"customers"`:           true,
		`,"iss":"mall","aud":["other","customers"]`: true,
		`,"iss":"mall"`:                     false,
		`,"aud":"customers"`:                false,
		`,"iss":"Mall","aud":"customers"`:   false,
		`,"iss":"mall","aud":"customers2"`:  false,
		`,"iss":"mall","aud":[]`:            false,
		`,"iss":"mall","aud":""`:            false,
		`,"iss":"","aud":"customers"`:       false,
		`,"iss":["mall"],"aud":"customers"`: false,
		`,"Iss":"mall","Aud":"customers"`:   false,
		``:                                  false,
	} {
		t.Run(claims, func(t *testing.T) {
			t.Parallel()
			token := sign("HS256", secret, header("HS256", ""), body(claims))
			if ok {
				wantMember(t, v, token, member7)
			} else {
				wantRejected(t, v, token)
			}
		})
	}
}

func writeJWKS(t testing.TB, raw []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "jwks.json")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeysOfTheSetVerifyTheirOwnAlgorithmOnly(t *testing.T) {
	t.Parallel()
	k := keys()
	path := writeJWKS(t, jwks(rsaJWK("r", k.rsa).with("use", "sig").with("alg", "RS256"), ecJWK("e", k.ec).with("key_ops", []string{"verify"}), edJWK("d", k.ed),
		rsaJWK("other", k.otherRSA), ecJWK("e384", k.p384)))
	both := newVerifier(t, auth.Config{JWKS: path, Secret: secret})
	set := newVerifier(t, auth.Config{JWKS: path})

	for name, token := range map[string]string{
		"RS256": sign("RS256", k.rsa, header("RS256", "r"), body("")), "RS256 without kid": sign("RS256", k.otherRSA, header("RS256", ""), body("")),
		"ES256": sign("ES256", k.ec, header("ES256", "e"), body("")), "ES256 without kid": sign("ES256", k.ec, header("ES256", ""), body("")),
		"EdDSA": sign("EdDSA", k.ed, header("EdDSA", "d"), body("")), "EdDSA without kid": sign("EdDSA", k.ed, header("EdDSA", ""), body("")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 { // the second answer is a remembered one
				wantMember(t, set, token, member7)
				wantMember(t, both, token, member7)
			}
		})
	}
	t.Run("HS256", func(t *testing.T) {
		t.Parallel()
		token := sign("HS256", secret, header("HS256", ""), body(""))
		wantMember(t, both, token, member7)
		wantRejected(t, set, token)
	})

	rejected := map[string]string{
		"a key of another id":          sign("RS256", k.otherRSA, header("RS256", "r"), body("")),
		"an EC key's id for RS256":     sign("RS256", k.rsa, header("RS256", "e"), body("")),
		"ES256 under RS256's name":     sign("ES256", k.ec, header("RS256", "e"), body("")),
		"RS256 under ES256's name":     sign("RS256", k.rsa, header("ES256", "r"), body("")),
		"EdDSA under ES256's name":     sign("EdDSA", k.ed, header("ES256", "d"), body("")),
		"ES256 under EdDSA's name":     sign("ES256", k.ec, header("EdDSA", "e"), body("")),
		"a key outside the set":        sign("ES256", k.otherEC, header("ES256", ""), body("")),
		"a key outside, a known id":    sign("ES256", k.otherEC, header("ES256", "e"), body("")),
		"a key of the token's own":     sign("ES256", k.otherEC, fmt.Sprintf(`{"alg":"ES256","jwk":%s}`, jwks(ecJWK("e", k.otherEC))), body("")),
		"a set of the token's own":     sign("ES256", k.otherEC, `{"alg":"ES256","jku":"http://127.0.0.1:1/"}`, body("")),
		"PS256":                        sign("PS256", k.rsa, header("PS256", "r"), body("")),
		"PS256 under RS256's name":     sign("PS256", k.rsa, header("RS256", "r"), body("")),
		"RS384":                        sign("RS384", k.rsa, header("RS384", "r"), body("")),
		"RS512":                        sign("RS512", k.rsa, header("RS512", "r"), body("")),
		"ES384":                        sign("ES384", k.p384, header("ES384", "e384"), body("")),
		"P-384 under ES256's name":     sign("ES384", k.p384, header("ES256", "e384"), body("")),
		"HS512":                        sign("HS512", secret, header("HS512", ""), body("")),
		"none":                         sign("HS256", secret, header("none", "r"), body("")),
		"the secret under RS256's":     sign("HS256", secret, header("RS256", "r"), body("")),
		"an empty secret":              sign("HS256", []byte{}, header("HS256", ""), body("")),
		"an all-zero ES256 signature":  b64([]byte(header("ES256", "e"))) + "." + b64([]byte(body(""))) + "." + b64(make([]byte, 64)),
		"kid a list":                   sign("ES256", k.ec, `{"alg":"ES256","kid":["e"]}`, body("")),
		"kid of another case":          sign("ES256", k.ec, header("ES256", "E"), body("")),
		"crit":                         sign("ES256", k.ec, `{"alg":"ES256","kid":"e","crit":["x"],"x":1}`, body("")),
		"expired, by a key of the set": sign("ES256", k.ec, header("ES256", "e"), `{"sub":"7","uniacid":2,"exp":1714521600}`),
	}
	// Algorithm confusion: what anyone can read, used as a secret.
	der := must(x509.MarshalPKIXPublicKey(&k.rsa.PublicKey))
	for name, public := range map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "PKCS #1": x509.MarshalPKCS1PublicKey(&k.rsa.PublicKey),
		"modulus": k.rsa.N.Bytes(), "modulus in base64": []byte(b64(k.rsa.N.Bytes())), "Ed25519": k.ed.Public().(ed25519.PublicKey),
	} {
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			rejected[alg+" with the public key as "+name] = sign(alg, public, header(alg, "r"), body(""))
		}
	}
	for name, token := range rejected {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantRejected(t, set, token)
			wantRejected(t, both, token)
		})
	}
}

func TestKeysNotMadeForVerifyingAreNeverUsed(t *testing.T) {
	t.Parallel()
	k := keys()
	oct := []byte("a secret in a key set, of 32 bytes, at least")
	path := writeJWKS(t, jwks(ecJWK("live", k.otherEC),
		jwk{"kty": "oct", "kid": "oct", "k": b64(oct), "alg": "HS256"},
		rsaJWK("enc", k.rsa).with("use", "enc"),
		rsaJWK("private", k.rsa).with("d", b64(k.rsa.D.Bytes())),
		rsaJWK("ps", k.rsa).with("alg", "PS256"),
		rsaJWK("hs", k.rsa).with("alg", "HS256"),
		rsaJWK("sign", k.rsa).with("key_ops", []string{"sign"}),
		rsaJWK("small", k.smallRSA),
		rsaJWK("even", k.rsa).with("e", "AAAA"),
		ecJWK("off", k.ec).with("y", ecJWK("", k.otherEC)["y"]),
		ecJWK("rsa", k.ec).with("kty", "RSA"),
		jwk{"kty": "EC", "kid": 5}, jwk{"kty": "XYZ"}, jwk{}))
	for _, cfg := range []auth.Config{{JWKS: path}, {JWKS: path, Secret: secret}} {
		v := newVerifier(t, cfg)
		wantMember(t, v, sign("ES256", k.otherEC, header("ES256", "live"), body("")), member7)
		for _, kid := range []string{"enc", "private", "ps", "hs", "sign", "even", ""} {
			wantRejected(t, v, sign("RS256", k.rsa, header("RS256", kid), body("")))
		}
		wantRejected(t, v, sign("RS256", k.smallRSA, header("RS256", "small"), body("")))
		for _, kid := range []string{"off", "rsa", ""} {
			wantRejected(t, v, sign("ES256", k.ec, header("ES256", kid), body("")))
		}
		for _, kid := range []string{"oct", ""} {
			wantRejected(t, v, sign("HS256", oct, header("HS256", kid), body("")))
			wantRejected(t, v, sign("HS256", oct, header("RS256", kid), body("")))
		}
	}
}

func TestAConfigurationThatCouldNotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  auth.Config
		want string
	}{
		"nothing":           {auth.Config{}, "set JWT_SECRET or JWT_JWKS"},
		"a short secret":    {auth.Config{Secret: secret[:31]}, "31 bytes"},
		"a negative leeway": {auth.Config{Secret: secret, Leeway: -1}, "leeway"},
		"no such file":      {auth.Config{JWKS: filepath.Join(t.TempDir(), "none.json")}, "no such file"},
		"a directory":       {auth.Config{JWKS: t.TempDir()}, "regular file"},
		"no JSON":           {auth.Config{JWKS: writeJWKS(t, []byte("-----BEGIN PUBLIC KEY-----"))}, "not a JSON Web Key Set"},
		"no keys":           {auth.Config{JWKS: writeJWKS(t, []byte(`{"error":"x"}`))}, "not a JSON Web Key Set"},
		"no usable key":     {auth.Config{JWKS: writeJWKS(t, jwks(ecJWK("", keys().p384)))}, "no public key"},
		"another scheme":    {auth.Config{JWKS: "ftp://user:pass@example.com/jwks"}, "neither a file nor"},
		"no host":           {auth.Config{JWKS: "https:///jwks"}, "neither a file nor"},
		"too large a file":  {auth.Config{JWKS: writeJWKS(t, []byte(strings.Repeat(" ", 1<<20)+`{"keys":[]}`))}, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.New(t.Context(), c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "pass@") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAMintedTokenIsItsMembersForItsTime(t *testing.T) {
	t.Parallel()
	m := auth.Member{UID: 7, Uniacid: 2, CropID: 9}
	token, err := auth.Mint(secret, m, time.Minute, start, "mall", "customers")
	if err != nil {
		t.Fatal(err)
	}
	cfg := auth.Config{Secret: secret, Issuer: "mall", Audience: "customers"}
	for now, ok := range map[time.Duration]bool{-time.Second: true, 0: true, 59 * time.Second: true, time.Minute: false} {
		cfg.Clock = at(now)
		if v := newVerifier(t, cfg); ok {
			wantMember(t, v, token, m)
		} else {
			wantRejected(t, v, token)
		}
	}
	plain, err := auth.Mint(secret, member7, time.Minute, start, "", "")
	if err != nil {
		t.Fatal(err)
	}
	wantMember(t, newVerifier(t, auth.Config{Secret: secret}), plain, member7)
	cfg.Clock = nil
	wantRejected(t, newVerifier(t, cfg), plain)
}

func TestMintRefusesWhatCouldNotHold(t *testing.T) {
	t.Parallel()
	for name, mint := range map[string]func() (string, error){
		"a short secret": func() (string, error) { return auth.Mint(secret[:31], member7, time.Minute, start, "", "") },
		"no secret":      func() (string, error) { return auth.Mint(nil, member7, time.Minute, start, "", "") },
		"no member":      func() (string, error) { return auth.Mint(secret, auth.Member{Uniacid: 2}, time.Minute, start, "", "") },
		"no uniacid":     func() (string, error) { return auth.Mint(secret, auth.Member{UID: 7}, time.Minute, start, "", "") },
		"no time":        func() (string, error) { return auth.Mint(secret, member7, time.Second-1, start, "", "") },
	} {
		if token, err := mint(); err == nil || token != "" {
			t.Errorf("%s: got %q, %v", name, token, err)
		}
	}
}
