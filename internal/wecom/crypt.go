package wecom

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WeCom signs by SHA-1
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Crypt signs and encrypts the messages between WeCom and a callback address (加解密方案). It is
// safe for concurrent use.
type Crypt struct {
	token    string
	key      []byte
	receiver string
}

// The plain text is 16 random bytes, the message's length in 4 bytes, the message, and the receiver.
const (
	randomBytes = 16
	lengthBytes = 4
	padBlock    = 32
)

// The errors of a message that is not WeCom's.
var (
	ErrSignature = errors.New("the signature does not hold")
	ErrEncrypted = errors.New("the message cannot be decrypted")
	ErrReceiver  = errors.New("the message is for another enterprise")
)

// NewCrypt returns the Crypt of a callback's Token and EncodingAESKey; receiver is the enterprise's
// corpid.
func NewCrypt(token, encodingAESKey, receiver string) (*Crypt, error) {
	const keyCharacters = 43
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil || len(encodingAESKey) != keyCharacters {
		return nil, fmt.Errorf("must be %d characters of base64", keyCharacters)
	}
	return &Crypt{token: token, key: key, receiver: receiver}, nil
}

// Sign returns the signature of an encrypted message.
func (c *Crypt) Sign(timestamp, nonce, encrypted string) string {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// Open returns the message of an encrypted one: ErrSignature, ErrEncrypted or ErrReceiver where it is
// not WeCom's to this enterprise.
func (c *Crypt) Open(signature, timestamp, nonce, encrypted string) ([]byte, error) {
	if subtle.ConstantTimeCompare([]byte(c.Sign(timestamp, nonce, encrypted)), []byte(signature)) != 1 {
		return nil, ErrSignature
	}
	return c.decrypt(encrypted)
}

func (c *Crypt) decrypt(encrypted string) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, ErrEncrypted
	}
	block, err := aes.NewCipher(c.key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, c.key[:aes.BlockSize]).CryptBlocks(text, text)
	return c.message(text)
}

// message returns the message of a plain text.
func (c *Crypt) message(text []byte) ([]byte, error) {
	pad := 0
	if len(text) > 0 {
		pad = int(text[len(text)-1])
	}
	if pad < 1 || pad > padBlock || pad > len(text) {
		return nil, ErrEncrypted
	}
	for _, b := range text[len(text)-pad:] {
		if int(b) != pad {
			return nil, ErrEncrypted
		}
	}
	if text = text[:len(text)-pad]; len(text) < randomBytes+lengthBytes {
		return nil, ErrEncrypted
	}
	length, rest := uint64(binary.BigEndian.Uint32(text[randomBytes:])), text[randomBytes+lengthBytes:]
	if length > uint64(len(rest)) {
		return nil, ErrEncrypted
	}
	if string(rest[length:]) != c.receiver {
		return nil, ErrReceiver
	}
	return rest[:length], nil
}

// Seal encrypts a message: what WeCom does, and its stand-in.
func (c *Crypt) Seal(message []byte) (string, error) {
	random := make([]byte, randomBytes)
	_, _ = rand.Read(random) // it never fails
	return c.seal(random, message)
}

func (c *Crypt) seal(random, message []byte) (string, error) {
	text := slices.Concat(random, binary.BigEndian.AppendUint32(nil, uint32(len(message))), message, []byte(c.receiver))
	pad := padBlock - len(text)%padBlock
	return c.encrypt(append(text, bytes.Repeat([]byte{byte(pad)}, pad)...))
}

func (c *Crypt) encrypt(text []byte) (string, error) {
	block, err := aes.NewCipher(c.key)
	if err != nil {
		return "", err
	}
	cipher.NewCBCEncrypter(block, c.key[:aes.BlockSize]).CryptBlocks(text, text)
	return base64.StdEncoding.EncodeToString(text), nil
}
