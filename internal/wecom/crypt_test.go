package wecom_test

import (
	"bytes"
	"errors"
	"testing"

	"example.com/wechatcustomers/internal/wecom"
)

func FuzzOpen(f *testing.F) {
	c, err := wecom.NewCrypt("token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wwFict")
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := c.Seal([]byte("<xml></xml>"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed, []byte("a message"))
	f.Add("", []byte{})
	f.Add("AAAAAAAAAAAAAAAAAAAAAA==", []byte{0})
	f.Fuzz(func(t *testing.T, encrypted string, message []byte) {
		if _, err := c.Open("0", "1", "2", encrypted); !errors.Is(err, wecom.ErrSignature) {
			t.Errorf("a wrong signature: %v", err)
		}
		_, err := c.Open(c.Sign("1", "2", encrypted), "1", "2", encrypted)
		if err != nil && !errors.Is(err, wecom.ErrEncrypted) && !errors.Is(err, wecom.ErrReceiver) {
			t.Errorf("an error of another kind: %v", err)
		}
		sealed, err := c.Seal(message)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Open(c.Sign("1", "2", sealed), "1", "2", sealed); err != nil || !bytes.Equal(got, message) {
			t.Errorf("%q came back as %q, %v", message, got, err)
		}
	})
}

// vectors are made by Python's cryptography and hashlib from WeCom's description (加解密方案), not by
// this package: token "token", timestamp 1700000000, nonce "nonce".
var vectors = []struct {
	name, encrypted, signature, message string
	err                                 error
}{
	{"a message", "IG+0eOkLdhYW9kHtuT3HY2nLwrH4SH52vooyymS8lLdFwFTodY5piH00un440il6nrICr9+8DvfBreUEOsaf47T6Eul8QqQs0lWHHiKierJtgnc4HPfm6vsRbTMNHsM0", "ee2be307d3c5d380ba7157ed3313abf759207e1b", "<xml><UserID><![CDATA[林]]></UserID></xml>", nil},
	{"an empty message", "IG+0eOkLdhYW9kHtuT3HYwsGdlcpYkqCUgkOAUZbBzM=", "99d308789ee06d1bb816202402672c96382f6a6e", "", nil},
	{"32 bytes of padding", "IG+0eOkLdhYW9kHtuT3HYyeWkVY6JJIBhjVPv7lYDnyXEC097aiQ2k6+7T4Liot/6xf3pf63zyBz2ZemwES1/w==", "b8e94e21c43d1623fb9e00fa34a3182b21ebc7f1", "xxxxxx", nil},
	{"another receiver", "IG+0eOkLdhYW9kHtuT3HY2nLwrH4SH52vooyymS8lLdFwFTodY5piH00un440il6nrICr9+8DvfBreUEOsaf47ANXf48ueKK/Gu3IutzELVyWCYJjxxTY4x7okoZakBM", "2bac9de976d369dac9eb7e9af5820e472084f000", "", wecom.ErrReceiver},
	{"no receiver", "IG+0eOkLdhYW9kHtuT3HY2nLwrH4SH52vooyymS8lLdFwFTodY5piH00un440il6l4/VMAZmsVE9D83daMLB4Q==", "18e11c5253b43ba2eab6e60225bbcbc9089f044e", "", wecom.ErrReceiver},
	{"a length beyond the end", "IG+0eOkLdhYW9kHtuT3HY5nbAJtGXa1EBhHKyT2ixZM5d6XonSLAQ7RwJfiJ746QUwH2jcaa2Y5oM8WC8Nfay529ATfXKoK0U2vtgIPOO/QItula3ULewDQnRTXPye9Q", "703204903171697e501777a536466f34112f8faa", "", wecom.ErrEncrypted},
	{"a length of 4 GiB", "IG+0eOkLdhYW9kHtuT3HYyhg2eVDo14Ckp+9O/gMaL1tQMqGJJ2dYT146nKEmMJ4wKSyPqBd4AeI75RjhjHXaw==", "e8b72c34615e3f86860a52e7fa6b62b7b5ea1012", "", wecom.ErrEncrypted},
	{"less than a header", "bcry/Z5aIlnTmqbkMIzFDNdzmvmQrO3QChLMhCEFK3o=", "1b019062f297c1c4312a5b2c048d82890e12d682", "", wecom.ErrEncrypted},
	{"padding of 0", "sLR/n4SbHXvKAdlBki8FGKy+f9pQxsFgw9uFZqf916Q=", "f64c34baa1034dac781e1d6bba13ac2dc041bb07", "", wecom.ErrEncrypted},
	{"padding of 33", "Irx3mZb9mE3qKMauZrvyDqA3kecYz0+S6s593+l2O1VkZA8LFCjfrhTVzGNOcRbT3z5DqIflKsoHJ2H+JG+eGA==", "dc19e999fb1b3f7fc6627fdaf1c7262e526afe85", "", wecom.ErrEncrypted},
	{"padding that is not even", "IG+0eOkLdhYW9kHtuT3HY2nLwrH4SH52vooyymS8lLdFwFTodY5piH00un440il6nrICr9+8DvfBreUEOsaf47T6Eul8QqQs0lWHHiKierLW8bhcBWgxHZivkBXRhq/B", "be6d7b01b809b23dbf947581204cde69497e2cf0", "", wecom.ErrEncrypted},
	{"padding longer than the text", "mvbabGlr1RK2fbfudn9WPA==", "04d0a5db62aa545216c0376f655b42eb663fce60", "", wecom.ErrEncrypted},
	{"half a block", "IG+0eOkLdhYW9kHtuT3HY2nLwrH4SH52vooyymS8lLdFwFTodY5piH00un440il6nrICr9+8DvfBreUEOsaf47T6Eul8QqQs0lWHHiKierJtgnc4HPfm6g==", "8825395b45683b2d7d1357fd5248d1b8974b4931", "", wecom.ErrEncrypted},
	{"a wrong signature", "IG+0eOkLdhYW9kHtuT3HY2nLwrH4SH52vooyymS8lLdFwFTodY5piH00un440il6nrICr9+8DvfBreUEOsaf47T6Eul8QqQs0lWHHiKierJtgnc4HPfm6vsRbTMNHsM0", "0000000000000000000000000000000000000000", "", wecom.ErrSignature},
}

func TestMessagesOfAnotherImplementationAreOpenedAndHostileOnesRefused(t *testing.T) {
	t.Parallel()
	c, err := wecom.NewCrypt("token", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wwFict")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		got, err := c.Open(v.signature, "1700000000", "nonce", v.encrypted)
		if !errors.Is(err, v.err) || string(got) != v.message {
			t.Errorf("%s: %q, %v; want %q, %v", v.name, got, err, v.message, v.err)
		}
	}
}
