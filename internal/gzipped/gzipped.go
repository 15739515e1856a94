// Package gzipped owns the compression of answers: who takes it, and the bytes.
package gzipped

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// The effort that is made: deflate's levels.
const (
	Fast  = flate.BestSpeed       // for what is compressed while somebody waits
	Small = flate.BestCompression // for what is compressed once
)

// Taken says whether a caller with this Accept-Encoding takes gzip.
func Taken(accepted string) bool {
	wildcard := false
	for coding := range strings.SplitSeq(accepted, ",") {
		name, weight, _ := strings.Cut(coding, ";")
		name, weight = strings.ToLower(strings.TrimSpace(name)), strings.ReplaceAll(weight, " ", "")
		refused := strings.HasPrefix(weight, "q=0") && strings.Trim(weight[len("q=0"):], ".0") == ""
		if name == "gzip" {
			return !refused
		}
		wildcard = wildcard || name == "*" && !refused
	}
	return wildcard
}

// Bytes returns text compressed.
func Bytes(level int, text []byte) []byte { return Join(NewPart(level, text)) }

// Part is a piece of an answer that is compressed by itself, once, and can be joined with other pieces again and again.
type Part struct {
	text, deflated []byte
}

// NewPart compresses text. It keeps text, which must not change.
func NewPart(level int, text []byte) Part {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		panic(err) // the levels are the constants of this package
	}
	// A buffer takes everything. Flushed and not closed, the stream ends on a whole byte and may go on.
	_, _ = w.Write(text)
	_ = w.Flush()
	return Part{text, bytes.Clone(b.Bytes())}
}

// Len returns the bytes that the compressed part takes.
func (p Part) Len() int { return len(p.deflated) }

// What a gzip member (RFC 1952) begins with: deflate, no name, no time; and the empty last block of a deflate stream (RFC 1951).
var (
	header = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	last   = []byte{1, 0, 0, 255, 255}
)

// Join returns the parts one after the other as one gzip member: browsers read no second one.
func Join(parts ...Part) []byte {
	size, text, sum := len(header)+len(last)+8, uint32(0), uint32(0)
	for _, p := range parts {
		size += len(p.deflated)
		text += uint32(len(p.text)) // the format counts modulo 2^32
		sum = crc32.Update(sum, crc32.IEEETable, p.text)
	}
	b := append(make([]byte, 0, size), header...)
	for _, p := range parts {
		b = append(b, p.deflated...)
	}
	b = append(b, last...)
	b = binary.LittleEndian.AppendUint32(b, sum)
	return binary.LittleEndian.AppendUint32(b, text)
}
