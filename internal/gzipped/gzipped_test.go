package gzipped_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"math/rand/v2"
	"testing"

	"example.com/wechatcustomers/internal/gzipped"
)

// unzip returns the text of the only gzip member that b is.
func unzip(t *testing.T, b []byte) []byte {
	t.Helper()
	in := bytes.NewReader(b)
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false)
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if in.Len() > 0 {
		t.Errorf("%d bytes follow the member", in.Len())
	}
	return text
}

func TestPartsJoinInAnyOrderToOneMember(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	texts := [][]byte{nil, []byte("[]"), bytes.Repeat([]byte("客户"), 50_000), noise, []byte(`,"employee":`)}
	for _, level := range []int{gzipped.Fast, gzipped.Small} {
		parts := make([]gzipped.Part, len(texts))
		for i, text := range texts {
			parts[i] = gzipped.NewPart(level, text)
			if got := unzip(t, gzipped.Bytes(level, text)); !bytes.Equal(got, text) {
				t.Errorf("level %d: text %d came back as %d bytes", level, i, len(got))
			}
			if n := len(gzipped.Bytes(level, text)); n > len(text)+len(text)/1000+50 {
				t.Errorf("level %d: text %d of %d bytes takes %d", level, i, len(text), n)
			}
		}
		for range 20 {
			var want []byte
			var some []gzipped.Part
			for range random.IntN(6) {
				i := random.IntN(len(texts))
				want, some = append(want, texts[i]...), append(some, parts[i])
			}
			if got := unzip(t, bytes.Join(gzipped.Join(gzipped.SumOf(some...), some...), nil)); !bytes.Equal(got, want) {
				t.Fatalf("level %d: joined %d bytes, want %d", level, len(got), len(want))
			}
		}
	}
}
