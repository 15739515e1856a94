package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"example.com/wechatcustomers/internal/apierr"
)

const (
	// MinSecret is the least length of a secret, in bytes: RFC 7518 wants a key as long as HS256's
	// hash.
	MinSecret = 32
	// MaxToken is the greatest length of a token, in bytes. Servers in front of this one rarely pass a
	// longer header.
	MaxToken = 8 << 10
	// DefaultLeeway is what two clocks may differ by.
	DefaultLeeway = time.Minute
)

// Config says which tokens hold. At least one of Secret and JWKS is needed.
type Config struct {
	// Secret verifies HS256, and nothing else does. At least MinSecret bytes, or none.
	Secret []byte
	// JWKS verifies RS256, ES256 and EdDSA (Ed25519): the path of a file, or an http or https URL, of
	// a JSON Web Key Set (RFC 7517). A file is looked at again after a second, a URL after five
	// minutes, and a URL at most every ten seconds when a token's key is unknown.
	JWKS string
	// Issuer and Audience are demanded of the claims iss and aud; empty: not looked at.
	Issuer, Audience string
	// Leeway widens exp and nbf on the side that lets a token in, for clocks that differ. Zero is
	// none; see DefaultLeeway.
	Leeway time.Duration
	// Clock is time.Now when nil.
	Clock func() time.Time
	// HTTPClient fetches the JWKS; nil is a plain one. Unless it has a rule of its own, it follows no
	// redirect from https to http.
	HTTPClient *http.Client
	// Log receives what becomes of the key set, never a token; nil logs nothing.
	Log *slog.Logger
}

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	secret    []byte
	signed    memory // what secret has signed; what a key set has, the set remembers itself
	keys      *keySource
	parser    *jwt.Parser
	validator *jwt.Validator
}

// New returns a Verifier. It reads the key set once, within ctx: a file that cannot be read or
// holds no usable key is an error, a URL that does not answer is logged and tried again when a
// token needs it.
func New(ctx context.Context, cfg Config) (*Verifier, error) {
	var methods []string
	switch {
	case len(cfg.Secret) == 0 && cfg.JWKS == "":
		return nil, errors.New("no token could hold: set JWT_SECRET or JWT_JWKS")
	case cfg.Leeway < 0:
		return nil, fmt.Errorf("the leeway for clocks is negative: %s", cfg.Leeway)
	}
	if len(cfg.Secret) > 0 {
		if err := CheckSecret(cfg.Secret); err != nil {
			return nil, err
		}
		methods = append(methods, jwt.SigningMethodHS256.Alg())
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	v := &Verifier{secret: slices.Clone(cfg.Secret)}
	if cfg.JWKS != "" {
		var err error
		if v.keys, err = newKeySource(ctx, cfg); err != nil {
			return nil, fmt.Errorf("key set (JWKS): %w", err)
		}
		methods = append(methods, jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodEdDSA.Alg())
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(methods), jwt.WithStrictDecoding(), jwt.WithExpirationRequired(),
		jwt.WithLeeway(cfg.Leeway), jwt.WithTimeFunc(cfg.Clock),
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	if cfg.Audience != "" {
		options = append(options, jwt.WithAudience(cfg.Audience))
	}
	v.parser, v.validator = jwt.NewParser(options...), jwt.NewValidator(options...)
	return v, nil
}

// VerifyRequest returns the member that the request's token names: that of `Authorization: Bearer`,
// else that of the first cookie named cookieName that holds (none is looked at where cookieName is
// empty). Errors are as Verify's.
func (v *Verifier) VerifyRequest(r *http.Request, cookieName string) (Member, error) {
	tokens := fromRequest(r, cookieName)
	if len(tokens) == 0 {
		tokens = []string{""}
	}
	var failed error
	for _, token := range tokens {
		m, err := v.Verify(r.Context(), token)
		if err == nil {
			return m, nil
		}
		// Of a token that might hold the caller must not hear that it does not.
		if failed == nil || apierr.Of(err).Code == apierr.Unavailable {
			failed = err
		}
	}
	return Member{}, failed
}

// Verify returns the member that token names. Every token that does not hold is
// apierr.Unauthenticated, with a *Refusal as its cause: the reason, for the log; a token that needs
// the key set while there has never been one, or none for a day, is apierr.Unavailable. No error
// holds the token.
//
// Required are sub and uniacid (1 to 4294967295, a decimal string or a number) and exp; crop_id and
// nbf count where they are there, and iat, which says how old a token is, does not (RFC 7519,
// 4.1.6), but has to be a time.
func (v *Verifier) Verify(ctx context.Context, token string) (Member, error) {
	c, err := v.verify(ctx, token)
	if err == nil {
		return c.member, nil
	}
	if _, ok := errors.AsType[*sourceError](err); ok {
		return Member{}, apierr.New(apierr.Unavailable, err)
	}
	refused := &Refusal{Reason: err}
	if c != nil {
		refused.Member, refused.Signed = c.member, errors.Is(err, jwt.ErrTokenInvalidClaims) // looked at last
	}
	return Member{}, apierr.New(apierr.Unauthenticated, refused)
}

// Refusal is why a token does not hold.
type Refusal struct { //nolint:errname // the trade says refusal
	Reason error
	Member Member // whom it names, as far as it could be read
	Signed bool   // its signature holds: it is Member's own, out of its time or for another service
}

func (r *Refusal) Error() string { return r.Reason.Error() }
func (r *Refusal) Unwrap() error { return r.Reason }

// verify returns the claims of token, with an error what could be read of them, or nil.
func (v *Verifier) verify(ctx context.Context, token string) (*claims, error) {
	switch {
	case token == "":
		return nil, errors.New("no token")
	case len(token) > MaxToken:
		return nil, fmt.Errorf("a token of %d bytes", len(token))
	case !compact(token):
		return nil, errors.New("a character that no token has")
	}

	sum := sha256.Sum256([]byte(token))
	if c := v.signed.recall(sum); c != nil {
		return c, v.validate(c)
	}
	// Without a look at the age of the set first: a token of the secret must not wait for the source.
	if set := v.peek(); set != nil {
		if c := set.recall(sum); c != nil {
			if now, err := v.keys.current(ctx); err == nil && now == set {
				return c, v.validate(c)
			}
		}
	}

	c, used, err := v.parse(ctx, token)
	if err != nil && used != nil && !errors.Is(err, jwt.ErrTokenInvalidClaims) {
		// Either the token is forged or the keys have been rotated, under a new id or under the old one;
		// only the source can tell.
		if v.keys.renewed(ctx, used) {
			c, used, err = v.parse(ctx, token)
		}
	}
	switch {
	case err != nil:
		return c, err
	case used != nil:
		used.remember(sum, c)
	default:
		v.signed.remember(sum, c)
	}
	return c, nil
}

// validate looks at the claims of a token whose signature holds, and fails as the parser does.
func (v *Verifier) validate(c *claims) error {
	if err := v.validator.Validate(c); err != nil {
		return fmt.Errorf("%w: %w", jwt.ErrTokenInvalidClaims, err)
	}
	return nil
}

// peek returns the key set as it is, nil when there is none.
func (v *Verifier) peek() *keySet {
	if v.keys == nil {
		return nil
	}
	return v.keys.peek()
}

// parse verifies token from the start. c has what could be read of it, also where that does not
// hold; used is the key set that was asked, nil when the token never
// came so far or the secret was asked.
func (v *Verifier) parse(ctx context.Context, token string) (c *claims, used *keySet, err error) {
	c = &claims{}
	_, err = v.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		if _, ok := t.Header["crit"]; ok {
			return nil, errors.New("crit names an extension") // RFC 7515: to be refused by those who know none
		}
		kid, ok := t.Header["kid"].(string)
		if _, given := t.Header["kid"]; given && !ok {
			return nil, errors.New("kid is no string")
		}
		// The algorithm alone decides which side verifies, and is one that this side is configured for:
		// the parser has seen to that. So no public key ever serves as a secret, and no secret of a key
		// set counts.
		if t.Method == jwt.SigningMethodHS256 {
			return v.secret, nil
		}
		set, err := v.keys.current(ctx)
		if err != nil {
			return nil, err
		}
		used = set
		return set.candidates(t.Method.Alg(), kid), nil
	})
	return c, used, err
}

// compact says whether token is written in the alphabet of a compact JWS. The base64 decoder skips
// line breaks, so that one token would have many spellings.
func compact(token string) bool {
	for i := range len(token) {
		switch b := token[i]; {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '-', b == '_', b == '.':
		default:
			return false
		}
	}
	return true
}
