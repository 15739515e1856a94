package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
)

// FuzzVerify: whatever comes, there is no panic, every refusal is apierr.Unauthenticated, and what
// is accepted was signed by a key of ours under the algorithm that its header names, as the
// standard library alone finds.
func FuzzVerify(f *testing.F) {
	k := keys()
	v := newVerifier(f, auth.Config{Secret: secret, JWKS: writeJWKS(f, jwks(rsaJWK("r", k.rsa), ecJWK("e", k.ec), edJWK("d", k.ed)))})
	claims := body(`,"crop_id":"9","nbf":1714521600,"iat":1714521600.5,"aud":["a"],"iss":"b"`)
	for _, token := range []string{
		sign("HS256", secret, header("HS256", ""), claims), sign("RS256", k.rsa, header("RS256", "r"), claims),
		sign("ES256", k.ec, header("ES256", "e"), claims), sign("EdDSA", k.ed, header("EdDSA", ""), claims),
		sign("HS256", k.rsa.N.Bytes(), header("HS256", "r"), claims), sign("PS256", k.rsa, header("PS256", "r"), claims),
		b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(claims)) + ".", "", "..", "a.b.c", "\x00.\xff.\n",
	} {
		head, rest, _ := strings.Cut(token, ".")
		payload, sig, _ := strings.Cut(rest, ".")
		rawHead, _ := base64.RawURLEncoding.DecodeString(head)
		rawClaims, _ := base64.RawURLEncoding.DecodeString(payload)
		f.Add(token, rawHead, rawClaims, sig)
	}
	f.Fuzz(func(t *testing.T, token string, head, claims []byte, sig string) {
		text := b64(head) + "." + b64(claims)
		for _, token := range []string{
			token,
			text + "." + sig,
			text + "." + b64(signature("HS256", secret, text)), // signed, so that the claims are reached
		} {
			m, err := v.Verify(t.Context(), token)
			if err != nil {
				if apierr.Of(err).Code != apierr.Unauthenticated || m != (auth.Member{}) {
					t.Fatalf("%q: %+v, %v", token, m, err)
				}
				continue
			}
			if m.UID == 0 || m.Uniacid == 0 || len(token) > auth.MaxToken || !signedByUs(token) {
				t.Fatalf("%q is accepted as %+v", token, m)
			}
		}
	})
}

func signedByUs(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	rawHead, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	sig, sigErr := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	var head map[string]any
	if err != nil || sigErr != nil || json.Unmarshal(rawHead, &head) != nil {
		return false
	}
	k := keys()
	text := parts[0] + "." + parts[1]
	digest := sha256.Sum256([]byte(text))
	switch head["alg"] {
	case "HS256":
		return hmac.Equal(sig, signature("HS256", secret, text))
	case "RS256":
		return rsa.VerifyPKCS1v15(&k.rsa.PublicKey, crypto.SHA256, digest[:], sig) == nil
	case "ES256":
		return len(sig) == 64 && ecdsa.Verify(&k.ec.PublicKey, digest[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	case "EdDSA":
		return ed25519.Verify(k.ed.Public().(ed25519.PublicKey), []byte(text), sig)
	}
	return false
}

// BenchmarkVerify is the hot path. "first" is a token not seen before, "again" one that is
// remembered.
func BenchmarkVerify(b *testing.B) {
	k := keys()
	set := jwks(rsaJWK("r", k.rsa), ecJWK("e", k.ec), edJWK("d", k.ed))
	claims := body(`,"crop_id":9,"iat":1714521600`)
	run := func(name string, v *auth.Verifier, token string, before func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	v := newVerifier(b, auth.Config{Secret: secret, JWKS: writeJWKS(b, set)})
	for _, c := range []struct {
		alg string
		key any
	}{{"HS256", secret}, {"RS256", k.rsa}, {"ES256", k.ec}, {"EdDSA", k.ed}} {
		token := sign(c.alg, c.key, header(c.alg, ""), claims)
		run(c.alg+"/first", v, token, v.Forget)
		run(c.alg+"/again", v, token, func() {})
	}
}
