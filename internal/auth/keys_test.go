package auth_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
)

// issuer is a real server of a key set that changes.
type issuer struct {
	*httptest.Server
	fetched atomic.Int64
	answer  atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t testing.TB, set []byte) *issuer {
	t.Helper()
	i := &issuer{}
	i.publish(set)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.fetched.Add(1)
		(*i.answer.Load())(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) serve(h http.HandlerFunc) { i.answer.Store(&h) }
func (i *issuer) publish(set []byte) {
	i.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) })
}
func (i *issuer) fail() {
	i.serve(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
}

func (i *issuer) wantFetched(t *testing.T, want int64) {
	t.Helper()
	if got := i.fetched.Load(); got != want {
		t.Errorf("the key set was fetched %d times, want %d", got, want)
	}
}

func TestAKeySetIsFetchedOnceForManyRequests(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	v := newVerifier(t, auth.Config{JWKS: i.URL})
	var wg sync.WaitGroup
	for n := range 50 {
		wg.Go(func() {
			wantMember(t, v, sign("ES256", k.ec, header("ES256", "a"), body(fmt.Sprintf(`,"n":%d`, n%5))), member7)
		})
	}
	wg.Wait()
	i.wantFetched(t, 1)
}

func TestARotatedKeyCountsAtOnceAndARemovedOneNoMore(t *testing.T) {
	t.Parallel()
	k := keys()
	before, after := sign("ES256", k.ec, header("ES256", "a"), body("")), sign("ES256", k.otherEC, header("ES256", "b"), body(""))
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now})
	wantMember(t, v, before, member7)

	i.publish(jwks(ecJWK("a", k.ec), ecJWK("b", k.otherEC)))
	c.Add(11 * time.Second)
	wantMember(t, v, after, member7)
	wantMember(t, v, before, member7)
	i.wantFetched(t, 2)

	i.publish(jwks(ecJWK("b", k.otherEC)))
	c.Add(10 * time.Minute) // both tokens are remembered ones by now
	wantRejected(t, v, before)
	wantMember(t, v, after, member7)
	i.wantFetched(t, 3)
}

func TestAKeyReplacedUnderItsIDCountsAtOnce(t *testing.T) {
	t.Parallel()
	k := keys()
	for _, kid := range []string{"same", ""} {
		i := newIssuer(t, jwks(ecJWK(kid, k.ec)))
		c := &clock{}
		v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now})
		before := sign("ES256", k.ec, header("ES256", kid), body(""))
		wantMember(t, v, before, member7)
		i.publish(jwks(ecJWK(kid, k.otherEC)))
		c.Add(11 * time.Second)
		wantMember(t, v, sign("ES256", k.otherEC, header("ES256", kid), body("")), member7)
		wantRejected(t, v, before)
	}
}

func TestForgedTokensDoNotHammerTheIssuer(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Secret: secret, Clock: c.Now})
	forge := func() {
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", fmt.Sprint(n)), body("")))
				wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", "a"), body("")))
				wantRejected(t, v, sign("HS256", []byte("not the secret of this service!!"), header("HS256", "x"), body("")))
			})
		}
		wg.Wait()
	}
	forge()
	i.wantFetched(t, 1) // New has just fetched
	c.Add(9 * time.Second)
	forge()
	i.wantFetched(t, 1)
	c.Add(time.Second)
	forge()
	i.wantFetched(t, 2)
	forge()
	i.wantFetched(t, 2)

	c.Add(time.Minute) // what is wrong with these, no key set could mend
	wantRejected(t, v, sign("ES256", k.ec, header("ES256", "a"), `{"sub":"7","uniacid":2,"exp":1}`))
	wantRejected(t, v, sign("ES256", k.ec, header("ES256", "a"), `[`))
	wantRejected(t, v, sign("PS256", k.rsa, header("PS256", "b"), body("")))
	wantRejected(t, v, sign("HS256", []byte("not the secret of this service!!"), header("HS256", "b"), body("")))
	i.wantFetched(t, 2)
}

func TestAnOldSetIsReadAgainBehindTheRequest(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now})
	token := sign("ES256", k.ec, header("ES256", "a"), body(""))
	wantMember(t, v, token, member7)

	release := make(chan struct{})
	i.serve(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = w.Write(jwks(ecJWK("b", k.otherEC)))
	})
	c.Add(5*time.Minute - time.Second)
	wantMember(t, v, token, member7)
	i.wantFetched(t, 1)
	c.Add(time.Second)
	wantMember(t, v, token, member7) // although the issuer has not answered
	wantMember(t, v, token, member7)
	close(release)
	v.Settle()
	wantRejected(t, v, token)
	i.wantFetched(t, 2)
}

func TestAnUnchangedSetKeepsWhatItRemembers(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now, Secret: secret})
	wantMember(t, v, sign("ES256", k.ec, header("ES256", "a"), body("")), member7)
	wantMember(t, v, sign("HS256", secret, header("HS256", ""), body("")), member7)
	wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", "a"), body("")))
	c.Add(10 * time.Minute)
	wantMember(t, v, sign("HS256", secret, header("HS256", ""), body("")), member7)
	wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", "a"), body("")))
	i.wantFetched(t, 2)
	if ofSecret, ofSet := v.Recalled(); ofSecret != 1 || ofSet != 1 {
		t.Errorf("%d and %d tokens are remembered, want the one that the secret and the one that a key of the set verified", ofSecret, ofSet)
	}
	i.publish(jwks(ecJWK("a", k.ec), ecJWK("b", k.otherEC)))
	c.Add(10 * time.Minute)
	wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", "a"), body("")))
	if ofSecret, ofSet := v.Recalled(); ofSecret != 1 || ofSet != 0 {
		t.Errorf("%d and %d tokens are remembered, want the one of the secret and none of a set that has verified none", ofSecret, ofSet)
	}
}

func TestARememberedTokenExpiresInTime(t *testing.T) {
	t.Parallel()
	k := keys()
	for alg, key := range map[string]any{"HS256": secret, "ES256": k.ec} {
		c := &clock{}
		v := newVerifier(t, auth.Config{Secret: secret, JWKS: writeJWKS(t, jwks(ecJWK("a", k.ec))), Clock: c.Now, Leeway: 30 * time.Second})
		token := sign(alg, key, header(alg, "a"), body(`,"nbf":1714521600`))
		wantMember(t, v, token, member7)
		c.Add(time.Hour + 29*time.Second)
		wantMember(t, v, token, member7)
		if ofSecret, ofSet := v.Recalled(); ofSecret+ofSet != 1 {
			t.Error(alg, "the token is not a remembered one")
		}
		c.Add(time.Second)
		wantRejected(t, v, token)
		c.Add(-time.Hour - 61*time.Second) // a clock that is set back
		wantRejected(t, v, token)
	}
}

func TestNoRefusedTokenIsRemembered(t *testing.T) {
	t.Parallel()
	k := keys()
	v := newVerifier(t, auth.Config{Secret: secret, JWKS: writeJWKS(t, jwks(ecJWK("a", k.ec)))})
	for range 2 {
		wantRejected(t, v, sign("HS256", []byte("not the secret of this service!!"), header("HS256", ""), body("")))
		wantRejected(t, v, sign("HS256", secret, header("HS256", ""), body(`,"nbf":1714521601`)))
		wantRejected(t, v, sign("ES256", k.ec, header("ES256", "a"), body(`,"nbf":1714521601`)))
		wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", "a"), body("")))
	}
	if ofSecret, ofSet := v.Recalled(); ofSecret+ofSet != 0 {
		t.Errorf("%d and %d are remembered", ofSecret, ofSet)
	}
}

func TestTheMemoryOfVerifiedTokensIsBounded(t *testing.T) {
	t.Parallel()
	v := newVerifier(t, auth.Config{Secret: secret})
	for n := range 4096 + 10 {
		wantMember(t, v, sign("HS256", secret, header("HS256", ""), body(fmt.Sprintf(`,"n":%d`, n))), member7)
	}
	if got, _ := v.Recalled(); got != 10 {
		t.Errorf("%d tokens are remembered, want the 10 since the memory was full", got)
	}
}

func TestWithoutAKeySetTokensOfTheSetAreUnavailableAndThoseOfTheSecretHold(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, nil)
	i.fail()
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Secret: secret, Clock: c.Now})
	i.wantFetched(t, 1)
	token := sign("RS256", k.rsa, header("RS256", "a"), body(""))
	wantFault(t, v, token, apierr.Unavailable)
	wantMember(t, v, sign("HS256", secret, header("HS256", ""), body("")), member7)
	wantRejected(t, v, sign("PS256", k.rsa, header("PS256", "a"), body("")))
	wantRejected(t, v, "x.y.z")
	i.wantFetched(t, 1)

	for _, bad := range []string{"", "<html>", `{}`, `{"keys":null}`, `{"keys":{}}`, `{"keys":[]}x`, `{"keys":[` + strings.Repeat("{},", 64) + `{}]}`, strings.Repeat(" ", 1<<20) + `{"keys":[]}`} {
		i.publish([]byte(bad))
		c.Add(10 * time.Second)
		wantFault(t, v, token, apierr.Unavailable)
	}
	i.publish(jwks(rsaJWK("a", k.rsa)))
	c.Add(10 * time.Second)
	wantMember(t, v, token, member7)
}

func TestTheLastKeysServeForADayWhileTheIssuerFails(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now})
	token := sign("ES256", k.ec, header("ES256", "a"), `{"sub":"7","uniacid":2,"exp":2000000000}`)
	wantMember(t, v, token, member7)
	i.fail()
	c.Add(24*time.Hour - time.Second)
	for range 3 {
		wantMember(t, v, token, member7)
		v.Settle()
	}
	i.wantFetched(t, 2)
	wantRejected(t, v, sign("ES256", k.otherEC, header("ES256", "b"), body("")))
	c.Add(time.Second)
	wantFault(t, v, token, apierr.Unavailable)
	i.publish(jwks(ecJWK("a", k.ec)))
	c.Add(10 * time.Second)
	wantMember(t, v, token, member7)
}

// outages are states of a source in which no key set can be read.
var outages = map[string][]byte{"nothing": {}, "half a set": []byte(`{"keys":[{"kty":"EC","kid":"a"`), "another document": []byte(`{"error":"x"}`)}

func TestAKeyThatWasWithdrawnDuringAnOutageIsNotHonouredAgain(t *testing.T) {
	t.Parallel()
	k := keys()
	token, other := sign("ES256", k.ec, header("ES256", "a"), body("")), sign("ES256", k.otherEC, header("ES256", "b"), body(""))
	both, without := jwks(ecJWK("a", k.ec), ecJWK("b", k.otherEC)), jwks(ecJWK("b", k.otherEC))
	for name, outage := range outages {
		t.Run("file/"+name, func(t *testing.T) {
			t.Parallel()
			path := writeJWKS(t, both)
			write := func(raw []byte) {
				if err := os.WriteFile(path, raw, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c := &clock{}
			v := newVerifier(t, auth.Config{JWKS: path, Clock: c.Now})
			wantMember(t, v, token, member7)
			write(outage)
			c.Add(time.Second)
			wantMember(t, v, token, member7) // the last keys serve
			write(without)                   // within the same second
			wantRejected(t, v, token)
			wantMember(t, v, other, member7)
			write(outage)
			c.Add(time.Second)
			wantRejected(t, v, token)
			wantMember(t, v, other, member7)
		})
		for when, before := range map[string]time.Duration{"old": 10 * time.Minute, "young": 11 * time.Second} {
			t.Run("URL/"+name+"/"+when, func(t *testing.T) {
				t.Parallel()
				i := newIssuer(t, both)
				c := &clock{}
				v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now})
				wantMember(t, v, token, member7)
				i.publish(outage)
				c.Add(before)
				wantRejected(t, v, sign("ES256", k.ec, header("ES256", "unknown"), body(""))) // reads again
				wantMember(t, v, token, member7)
				i.publish(without)
				c.Add(10 * time.Second)
				wantRejected(t, v, token)
				wantMember(t, v, other, member7)
				i.publish(outage)
				c.Add(10 * time.Minute)
				wantRejected(t, v, token)
				wantMember(t, v, other, member7)
			})
		}
	}
}

func TestAnIssuerThatWithdrawsEveryKeyIsObeyed(t *testing.T) {
	t.Parallel()
	k := keys()
	i := newIssuer(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	v := newVerifier(t, auth.Config{JWKS: i.URL, Clock: c.Now})
	token := sign("ES256", k.ec, header("ES256", "a"), body(""))
	wantMember(t, v, token, member7)
	i.publish([]byte(`{"keys":[]}`))
	c.Add(10 * time.Minute)
	wantRejected(t, v, token)
}

func TestACancelledRequestDoesNotWaitForTheIssuerNorEndItsFetch(t *testing.T) {
	t.Parallel()
	k := keys()
	release, asked := make(chan struct{}), make(chan struct{})
	i := newIssuer(t, nil)
	i.serve(func(w http.ResponseWriter, _ *http.Request) {
		close(asked)
		<-release
		_, _ = w.Write(jwks(ecJWK("a", k.ec)))
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	v, err := auth.New(ctx, auth.Config{JWKS: i.URL, Clock: at(0)}) // returns although nothing has been answered
	if err != nil {
		t.Fatal(err)
	}
	token := sign("ES256", k.ec, header("ES256", "a"), body(""))
	if _, err := v.Verify(ctx, token); apierr.Of(err).Code != apierr.Unavailable {
		t.Errorf("got %v", err)
	}
	close(release)
	wantMember(t, v, token, member7)
	i.wantFetched(t, 1)
}

func TestAChangedFileCountsAfterASecond(t *testing.T) {
	t.Parallel()
	k := keys()
	path := writeJWKS(t, jwks(ecJWK("a", k.ec)))
	c := &clock{}
	var log bytes.Buffer
	v := newVerifier(t, auth.Config{JWKS: path, Clock: c.Now, Log: slog.New(slog.NewTextHandler(&log, nil))})
	before, after := sign("ES256", k.ec, header("ES256", "a"), body("")), sign("ES256", k.otherEC, header("ES256", "a"), body(""))
	wantMember(t, v, before, member7)

	// Written in place, to the same length: neither the size nor, on a coarse file system, the time
	// tells.
	if err := os.WriteFile(path, jwks(ecJWK("a", k.otherEC)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantMember(t, v, before, member7)
	c.Add(time.Second)
	wantRejected(t, v, before)
	wantMember(t, v, after, member7)

	if err := os.WriteFile(path, jwks(ecJWK("a", k.ec))[:100], 0o600); err != nil { // half written
		t.Fatal(err)
	}
	c.Add(time.Second)
	wantMember(t, v, after, member7)
	c.Add(time.Second)
	wantMember(t, v, after, member7)
	v.Settle()
	if n := strings.Count(log.String(), "cannot be read"); n != 1 {
		t.Errorf("one failure was logged %d times:\n%s", n, log.String())
	}

	next := filepath.Join(filepath.Dir(path), "next")
	if err := os.WriteFile(next, jwks(ecJWK("a", k.ec)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
	wantMember(t, v, before, member7)
	wantRejected(t, v, after)
}

func TestARedirectToPlainHTTPIsNotFollowed(t *testing.T) {
	t.Parallel()
	k := keys()
	token := sign("ES256", k.ec, header("ES256", "a"), body(""))
	plain := newIssuer(t, jwks(ecJWK("a", k.ec)))
	secure := httptest.NewTLSServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	wantFault(t, newVerifier(t, auth.Config{JWKS: secure.URL, HTTPClient: secure.Client()}), token, apierr.Unavailable)
	plain.wantFetched(t, 0)

	// The same way round within http is followed.
	moved := httptest.NewServer(http.RedirectHandler(plain.URL, http.StatusFound))
	t.Cleanup(moved.Close)
	wantMember(t, newVerifier(t, auth.Config{JWKS: moved.URL}), token, member7)
}
