package auth_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
)

// start is when the tests' clocks begin: 2024-05-01T00:00:00Z.
var start = time.Unix(1714521600, 0)

var secret = []byte("Zm7Qx0vLr2Tn8KdWc5HyUe1BsJ4aGpXo")

// clock is a time that the test sets.
type clock struct{ seconds atomic.Int64 }

func (c *clock) Now() time.Time           { return start.Add(time.Duration(c.seconds.Load()) * time.Second) }
func (c *clock) Add(d time.Duration)      { c.seconds.Add(int64(d / time.Second)) }
func at(d time.Duration) func() time.Time { return func() time.Time { return start.Add(d) } }

// keys are made once: RSA is slow.
var keys = sync.OnceValue(func() (k struct {
	rsa, otherRSA *rsa.PrivateKey
	ec, otherEC   *ecdsa.PrivateKey
	p384          *ecdsa.PrivateKey
	ed            ed25519.PrivateKey
	smallRSA      *rsa.PrivateKey
}) {
	k.rsa = must(rsa.GenerateKey(rand.Reader, 2048))
	k.otherRSA = must(rsa.GenerateKey(rand.Reader, 2048))
	k.smallRSA = must(rsa.GenerateKey(rand.Reader, 1024))
	k.ec = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	k.otherEC = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	k.p384 = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign writes a token by hand, with the standard library alone, so that what verifies it is not
// what made it.
func sign(alg string, key any, header, claims string) string {
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	return text + "." + b64(signature(alg, key, text))
}

func signature(alg string, key any, text string) []byte {
	var newHash func() hash.Hash
	var id crypto.Hash
	switch alg[max(0, len(alg)-3):] {
	case "256":
		newHash, id = sha256.New, crypto.SHA256
	case "384":
		newHash, id = sha512.New384, crypto.SHA384
	default:
		newHash, id = sha512.New, crypto.SHA512
	}
	h := newHash()
	h.Write([]byte(text))
	digest := h.Sum(nil)
	switch alg[:2] {
	case "HS":
		mac := hmac.New(newHash, key.([]byte))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	case "RS":
		return must(rsa.SignPKCS1v15(rand.Reader, key.(*rsa.PrivateKey), id, digest))
	case "PS":
		return must(rsa.SignPSS(rand.Reader, key.(*rsa.PrivateKey), id, digest, nil))
	case "ES":
		k := key.(*ecdsa.PrivateKey)
		r, s, err := ecdsa.Sign(rand.Reader, k, digest)
		if err != nil {
			panic(err)
		}
		size := (k.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	case "Ed":
		return ed25519.Sign(key.(ed25519.PrivateKey), []byte(text))
	}
	panic("no such algorithm: " + alg)
}

func header(alg, kid string) string {
	if kid == "" {
		return fmt.Sprintf(`{"alg":%q,"typ":"JWT"}`, alg)
	}
	return fmt.Sprintf(`{"alg":%q,"typ":"JWT","kid":%q}`, alg, kid)
}

// body is a token's claims: member 7 of uniacid 2, holding for an hour from start, and more, which
// is JSON with a comma in front.
func body(more string) string {
	return fmt.Sprintf(`{"sub":"7","uniacid":2,"exp":%d%s}`, start.Add(time.Hour).Unix(), more)
}

var member7 = auth.Member{UID: 7, Uniacid: 2}

type jwk map[string]any

func rsaJWK(kid string, key *rsa.PrivateKey) jwk {
	return jwk{"kty": "RSA", "kid": kid, "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes())}
}

func ecJWK(kid string, key *ecdsa.PrivateKey) jwk {
	point := must(key.PublicKey.Bytes())[1:]
	return jwk{"kty": "EC", "kid": kid, "crv": key.Params().Name, "x": b64(point[:len(point)/2]), "y": b64(point[len(point)/2:])}
}

func edJWK(kid string, key ed25519.PrivateKey) jwk {
	return jwk{"kty": "OKP", "kid": kid, "crv": "Ed25519", "x": b64(key.Public().(ed25519.PublicKey))}
}

func (k jwk) with(name string, value any) jwk {
	k[name] = value
	return k
}

func jwks(keys ...jwk) []byte {
	return must(json.Marshal(map[string]any{"keys": append([]jwk{}, keys...)}))
}

func newVerifier(t testing.TB, cfg auth.Config) *auth.Verifier {
	t.Helper()
	if cfg.Clock == nil {
		cfg.Clock = at(0)
	}
	v, err := auth.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func wantMember(t *testing.T, v *auth.Verifier, token string, want auth.Member) {
	t.Helper()
	got, err := v.Verify(t.Context(), token)
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func wantRejected(t *testing.T, v *auth.Verifier, token string) {
	t.Helper()
	wantFault(t, v, token, apierr.Unauthenticated)
}

func wantFault(t *testing.T, v *auth.Verifier, token string, code apierr.Code) {
	t.Helper()
	got, err := v.Verify(context.Background(), token)
	var f *apierr.Error
	switch {
	case err == nil:
		t.Errorf("accepted as %+v", got)
	case !errors.As(err, &f) || f.Code != code || f.Cause == nil:
		t.Errorf("got %#v, want fault %d with a cause", err, code)
	case got != auth.Member{}:
		t.Errorf("a member beside an error: %+v", got)
	}
}
