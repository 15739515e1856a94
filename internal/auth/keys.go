package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

const (
	maxKeySet   = 1 << 20          // bytes of a key set's document
	maxKeys     = 64               // keys of a set: a token without kid is tried against each of its algorithm
	fetchTime   = 5 * time.Second  // for one reading of the source
	staleLimit  = 24 * time.Hour   // how long the last keys serve while the source fails
	urlInterval = 5 * time.Minute  // a key withdrawn at a URL counts for at most twice this, if requests are rare
	urlRetry    = 10 * time.Second // between two fetches, whatever the reason
	fileEvery   = time.Second      // between two readings of a file: a few KB, compared as bytes, so that no clock of a file system counts
)

// keySet is one state of the source, with the tokens that it has verified. It is replaced as a
// whole, so that they go with their keys.
type keySet struct {
	keys map[string][]publicKey // by the algorithm of the token's header
	memory
}

type publicKey struct {
	kid string
	key jwt.VerificationKey
}

// candidates returns the keys that may verify a token of this header. A key without an id stands
// for any.
func (s *keySet) candidates(alg, kid string) jwt.VerificationKeySet {
	var found jwt.VerificationKeySet
	for _, k := range s.keys[alg] {
		if kid == "" || k.kid == "" || k.kid == kid {
			found.Keys = append(found.Keys, k.key)
		}
	}
	return found
}

// parseKeySet returns the usable keys of a JSON Web Key Set, how many there are, and why each other
// key was left out (RFC 7517 wants them ignored).
func parseKeySet(raw []byte) (set *keySet, usable int, skipped []error, err error) {
	var doc struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return nil, 0, nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	switch {
	case doc.Keys == nil:
		return nil, 0, nil, errors.New(`not a JSON Web Key Set: no "keys"`)
	case len(doc.Keys) > maxKeys:
		return nil, 0, nil, fmt.Errorf("%d keys, more than %d", len(doc.Keys), maxKeys)
	}
	set = &keySet{keys: map[string][]publicKey{}}
	for i, rawKey := range doc.Keys {
		var jwk jwkset.JWKMarshal
		err := json.Unmarshal(rawKey, &jwk)
		if err == nil {
			var alg string
			var key jwt.VerificationKey
			if alg, key, err = verificationKey(jwk); err == nil {
				set.keys[alg] = append(set.keys[alg], publicKey{jwk.KID, key})
				usable++
			}
		}
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d %q: %w", i, jwk.KID, err))
		}
	}
	return set, usable, skipped, nil
}

// verificationKey returns the public key of jwk and the one algorithm that it verifies. An error
// says why it verifies none.
func verificationKey(jwk jwkset.JWKMarshal) (alg string, key jwt.VerificationKey, err error) {
	switch {
	case jwk.KTY == jwkset.KtyOct || jwk.K != "":
		return "", nil, errors.New("a symmetric key: it would let every reader of the set sign")
	case jwk.D != "" || jwk.P != "":
		return "", nil, errors.New("a private key: publish its public half")
	case jwk.USE != "" && jwk.USE != jwkset.UseSig:
		return "", nil, fmt.Errorf("for use %q", jwk.USE)
	case len(jwk.KEYOPS) > 0 && !slices.Contains(jwk.KEYOPS, jwkset.KeyOpsVerify):
		return "", nil, fmt.Errorf("for operations %q", jwk.KEYOPS)
	}
	// The key's own parameters alone: a certificate's (x5c, x5u) are not looked at, and x5u would be
	// fetched.
	parsed, err := jwkset.NewJWKFromMarshal(jwkset.JWKMarshal{KTY: jwk.KTY, CRV: jwk.CRV, X: jwk.X, Y: jwk.Y, N: jwk.N, E: jwk.E},
		jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return "", nil, err
	}
	switch k := parsed.Key().(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < 2048 || bits > 8192 {
			return "", nil, fmt.Errorf("RSA of %d bits, not 2048 to 8192", bits)
		}
		alg, key = jwt.SigningMethodRS256.Alg(), k
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return "", nil, fmt.Errorf("curve %s, not P-256", jwk.CRV)
		}
		alg, key = jwt.SigningMethodES256.Alg(), k
	case ed25519.PublicKey:
		if jwk.ALG == "Ed25519" { // RFC 9864's name of the same thing
			jwk.ALG = ""
		}
		alg, key = jwt.SigningMethodEdDSA.Alg(), k
	default:
		return "", nil, fmt.Errorf("a key of type %s, curve %q, verifies no token", jwk.KTY, jwk.CRV)
	}
	if jwk.ALG != "" && jwk.ALG.String() != alg {
		return "", nil, fmt.Errorf("for algorithm %s, not %s", jwk.ALG, alg)
	}
	return alg, key, nil
}

// sourceError says that there is no key set to verify with.
type sourceError struct{ cause error }

func (e *sourceError) Error() string { return "no key set: " + e.cause.Error() }
func (e *sourceError) Unwrap() error { return e.cause }

// keySource keeps the key set of a file or a URL: read when a token needs it, one reading at a
// time, never one per request. While the source fails, the last set serves, for staleLimit. What
// follows a failed reading is waited for: the source may have withdrawn a key meanwhile.
type keySource struct {
	name     string
	read     func(context.Context) ([]byte, error)
	interval time.Duration // after this, a set is read again
	patience time.Duration // after this, a token waits for that reading; before, it runs behind its back
	retry    time.Duration // between two readings, whatever asks for them
	again    time.Duration // between a failed reading and the next
	clock    func() time.Time
	log      *slog.Logger

	mu      sync.Mutex
	set     *keySet // nil: there has been none
	raw     []byte  // what set was read from
	loaded  time.Time
	tried   time.Time     // the end of the last reading, or the beginning of the one under way
	failure error         // of the last reading
	running chan struct{} // closed when the reading under way is done; nil: none is
}

func newKeySource(ctx context.Context, cfg Config) (*keySource, error) {
	s := &keySource{name: cfg.JWKS, clock: cfg.Clock, log: cfg.Log}
	if !strings.Contains(cfg.JWKS, "://") {
		s.interval, s.patience, s.retry, s.again = fileEvery, fileEvery, fileEvery, 0
		s.read = func(context.Context) ([]byte, error) { return readFile(cfg.JWKS) }
		set, err := s.current(ctx)
		if err != nil {
			return nil, err
		}
		if len(set.keys) == 0 {
			return nil, fmt.Errorf("%s holds no public key for RS256, ES256 or EdDSA", cfg.JWKS)
		}
		return s, nil
	}

	u, err := url.Parse(cfg.JWKS)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s is neither a file nor an http or https URL", u.Redacted())
	}
	s.name = u.Redacted()
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		s.log.Warn("the key set comes over plain http: whoever can change it on its way can sign any token", "jwks", s.name)
	}
	client := http.Client{}
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	}
	if client.CheckRedirect == nil {
		client.CheckRedirect = stayEncrypted
	}
	s.interval, s.patience, s.retry, s.again = urlInterval, 2*urlInterval, urlRetry, urlRetry
	s.read = func(ctx context.Context) ([]byte, error) { return fetch(ctx, &client, u.String()) }
	_, _ = s.current(ctx) // the issuer may start after us; a failure is logged where it happens
	return s, nil
}

// stayEncrypted refuses a redirect from https to anything less, and more than five in a row.
func stayEncrypted(r *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return errors.New("redirected from https to " + r.URL.Scheme)
	}
	if len(via) > 5 {
		return errors.New("redirected too often")
	}
	return nil
}

// peek returns the set as it is, nil before the first.
func (s *keySource) peek() *keySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set
}

// current returns the set to verify with, and sees to it that it is read again in time. It fails
// with *sourceError.
func (s *keySource) current(ctx context.Context) (*keySet, error) {
	s.mu.Lock()
	now := s.clock()
	age := now.Sub(s.loaded)
	var wait <-chan struct{}
	if s.set == nil || age >= s.interval || s.failure != nil {
		done := s.start(ctx, now)
		if s.set == nil || age >= s.patience || s.failure != nil {
			wait = done
		}
	}
	s.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
		}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != nil && now.Sub(s.loaded) < staleLimit {
		return s.set, nil
	}
	cause := s.failure
	if cause == nil {
		if cause = ctx.Err(); cause == nil {
			cause = errors.New("not read yet")
		}
	}
	return nil, &sourceError{cause}
}

// renewed reads the source again on behalf of a token that used could not verify, if it has not
// been read a moment ago, and says whether the set is another one now.
func (s *keySource) renewed(ctx context.Context, used *keySet) bool {
	s.mu.Lock()
	if s.set != used {
		s.mu.Unlock()
		return true
	}
	wait := s.start(ctx, s.clock())
	s.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-ctx.Done():
		}
	}
	return s.peek() != used
}

// start begins a reading, joins the one under way, or returns nil when the last one is too recent.
// The caller holds s.mu.
func (s *keySource) start(ctx context.Context, now time.Time) <-chan struct{} {
	if s.running != nil {
		return s.running
	}
	pause := s.retry
	if s.failure != nil {
		pause = s.again
	}
	if !s.tried.IsZero() && now.Sub(s.tried) < pause {
		return nil
	}
	s.tried = now
	done := make(chan struct{})
	s.running = done
	// Others wait for it too: one request that is cancelled does not end it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTime)
	go func() {
		defer close(done)
		defer cancel()
		raw, err := s.read(ctx)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running, s.tried = nil, s.clock() // a source that hangs is not hung on all the time
		s.take(raw, err, now)
	}()
	return done
}

// take makes what has been read the current set. The caller holds s.mu.
func (s *keySource) take(raw []byte, err error, now time.Time) {
	var set *keySet
	var usable int
	var skipped []error
	if err == nil {
		if s.set != nil && bytes.Equal(raw, s.raw) {
			s.loaded, s.failure = now, nil
			return
		}
		set, usable, skipped, err = parseKeySet(raw)
	}
	if err != nil {
		if s.failure == nil || s.failure.Error() != err.Error() {
			s.log.Warn("the key set cannot be read", "jwks", s.name, "err", err, "last_read", s.loaded)
		}
		s.failure = err
		return
	}
	for _, why := range skipped {
		s.log.Info("a key of the key set is not used", "jwks", s.name, "why", why)
	}
	level := slog.LevelInfo
	if usable == 0 {
		level = slog.LevelWarn // taken all the same: an issuer that withdraws every key means it
	}
	s.log.Log(context.Background(), level, "key set read", "jwks", s.name, "keys", usable)
	s.set, s.raw, s.loaded, s.failure = set, raw, now, nil
}

func readFile(path string) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() { // a pipe would be waited for without end
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}

func fetch(ctx context.Context, client *http.Client, location string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", resp.Status)
	}
	return readAll(resp.Body)
}

func readAll(r io.Reader) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxKeySet+1))
	if err == nil && len(raw) > maxKeySet {
		err = fmt.Errorf("more than %d bytes", maxKeySet)
	}
	return raw, err
}
