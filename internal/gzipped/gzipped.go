// Package gzipped owns the compression of answers: who takes it, and the bytes.
package gzipped

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"sync"
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
func Bytes(level int, text []byte) []byte {
	part := NewPart(level, text)
	return bytes.Join(Join(SumOf(part), part), nil)
}

// writers are for Fast: each has a megabyte of tables.
var writers sync.Pool

// Part is a piece of an answer that is compressed by itself, once, and can be joined with other
// pieces again and again.
type Part struct {
	text, deflated []byte
}

// NewPart compresses text. It keeps text, which must not change.
func NewPart(level int, text []byte) Part {
	var b bytes.Buffer
	var w *flate.Writer
	if level == Fast {
		w, _ = writers.Get().(*flate.Writer)
	}
	if w == nil {
		var err error
		if w, err = flate.NewWriter(&b, level); err != nil {
			panic(err) // the levels are the constants of this package
		}
	} else {
		w.Reset(&b)
	}
	// A buffer takes everything. Flushed and not closed, the stream ends on a whole byte and may go
	// on.
	_, _ = w.Write(text)
	_ = w.Flush()
	if level == Fast {
		w.Reset(io.Discard)
		writers.Put(w)
	}
	return Part{text, bytes.Clone(b.Bytes())}
}

// What a gzip member (RFC 1952) begins with: deflate, no name, no time; and the empty last block of
// a deflate stream (RFC 1951).
var (
	header = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255}
	last   = []byte{1, 0, 0, 255, 255}
)

// Sum is what a gzip member ends with: the checksum and the length of its text.
type Sum [8]byte

// SumOf returns the sum of these parts one after the other. It reads all of their text: keep it
// where they are joined often.
func SumOf(parts ...Part) (s Sum) {
	size, sum := uint32(0), uint32(0)
	for _, p := range parts {
		size += uint32(len(p.text)) // the format counts modulo 2^32
		sum = crc32.Update(sum, crc32.IEEETable, p.text)
	}
	binary.LittleEndian.PutUint32(s[:4], sum)
	binary.LittleEndian.PutUint32(s[4:], size)
	return s
}

// Join returns the bytes, in pieces, of one gzip member that holds the parts one after the other:
// browsers read no second member. sum is theirs.
func Join(sum Sum, parts ...Part) [][]byte {
	all := append(make([][]byte, 0, len(parts)+2), header)
	for _, p := range parts {
		all = append(all, p.deflated)
	}
	return append(all, append(slices.Clip(last), sum[:]...))
}
