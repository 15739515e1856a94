// Package gzipped owns the compression of answers: who takes it, and the bytes.
package gzipped

import (
	"bytes"
	"compress/gzip"
	"strings"
)

// The effort that Bytes makes: gzip's levels.
const (
	Fast  = gzip.BestSpeed       // for what is compressed while somebody waits
	Small = gzip.BestCompression // for what is compressed once
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

// Bytes returns the parts, one after the other, compressed.
func Bytes(level int, parts ...[]byte) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		panic(err) // the levels are the constants of this package
	}
	// A buffer takes everything.
	for _, part := range parts {
		_, _ = w.Write(part)
	}
	_ = w.Close()
	return b.Bytes()
}
