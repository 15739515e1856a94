package auth

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// What secrets must have beside their length: too few different bytes, a text over and over, or
// hardly anything but the words that guessers begin with is found from one token, without a request.
const (
	minDistinct = 8
	minUnknown  = 12 // bytes that are left without the words
)

var errWeak = errors.New("the secret can be guessed: it repeats itself or is made of common words (openssl rand -base64 32 makes one)")

// guessed are the words of secrets in examples and of lists of passwords, in small letters; longer
// ones before those that they contain.
var guessed = []string{
	"abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwerty", "abcdef", "password", "passphrase",
	"passw0rd", "passwd", "changeme", "change", "default", "example", "secret", "s3cret", "wechat", "customers", "customer", "wecom", "mysql", "mariadb",
	"database", "token", "signing", "private", "production", "development", "admin", "letmein", "welcome", "iloveyou", "dragon", "monkey", "master",
	"sunshine", "princess", "football", "please", "insecure", "secure", "supersecret", "super", "very", "long", "test", "demo", "hello", "world",
	"your", "this", "that", "must", "with", "jwt", "hs256", "key", "the", "not", "and", "for", "my", "is", "to", "me", "of", "in", "at", "a",
}

// CheckSecret returns an error where a secret is shorter than MinSecret or can be guessed.
func CheckSecret(secret []byte) error {
	if len(secret) < MinSecret {
		return fmt.Errorf("the secret has %d bytes; HS256 needs at least %d (openssl rand -base64 32 makes one)", len(secret), MinSecret)
	}
	distinct := map[byte]bool{}
	for _, b := range secret {
		distinct[b] = true
	}
	if len(distinct) < minDistinct {
		return errWeak
	}
	for n := 1; n <= len(secret)/2; n++ {
		if bytes.Equal(secret[n:], secret[:len(secret)-n]) {
			return errWeak // the first n bytes over and over
		}
	}
	// Long words are looked for anywhere; short ones, which random letters hold by chance, between signs.
	left := strings.ToLower(string(secret))
	for _, word := range guessed {
		if len(word) > 3 {
			left = strings.ReplaceAll(left, word, " ")
		}
	}
	var unknown int
	for _, word := range strings.FieldsFunc(left, func(r rune) bool { return strings.ContainsRune(" -_.,:;!?#", r) }) {
		if !common[word] && strings.Trim(word, "0123456789") != "" {
			unknown += len(word)
		}
	}
	if unknown < minUnknown {
		return errWeak
	}
	return nil
}

var common = func() map[string]bool {
	m := map[string]bool{}
	for _, word := range guessed {
		m[word] = true
	}
	return m
}()
