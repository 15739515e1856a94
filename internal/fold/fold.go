// Package fold owns the one rule of text search: both sides are folded here, in Go, and the
// database only compares bytes, so that every server agrees.
//
// Folded text has no default-ignorable code points, those that are not seen: zero-width spaces and
// joiners, byte order marks, direction marks, soft hyphens, variation selectors and the like. What
// remains is NFKC, then Unicode's full case folding, then NFKC again: ＡＢＣ, abc and ABC are one
// text, so are ㎏ and kg, Straße and STRASSE, ｶﾞ and ガ, and ❤ with and without U+FE0F, which asks
// for its coloured form. The order matters: what is not seen is dropped first, because its
// neighbours may compose.
//
// "Contains" means: the code points of the folded query stand, one after the other, in the folded
// text. That is not quite "contains what the user sees": a query may match within what was one
// letter (f finds ﬁ) or one emoji (👩 finds 👩‍👧, whose joiner is dropped), and an accent that
// composes with its letter hides the bare letter (e does not find é). Chinese is not translated:
// 马 does not find 馬.
//
// The libraries choose their tables by the Go release that compiles them. Text stored by another
// release of Unicode must be folded again; see Unicode.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	// Unicode is the release of Unicode whose rules String follows. Stored folded text depends on
	// it for letters that a newer release added.
	Unicode = norm.Version

	// MaxGrowth is the most code points that String makes of one (U+FDFA makes 18). For a whole
	// string too: String(s) has at most MaxGrowth times the code points of s, since composing and
	// dropping only shorten. A column for folded text is this many times as wide as the one it is
	// made from.
	MaxGrowth = 18

	// joiner is U+034F, the one default-ignorable code point that package norm itself writes: it
	// breaks up runs of more than 30 combining marks.
	joiner = '\u034f'
)

// String returns s folded. It is idempotent: String(String(s)) == String(s). It is "" where nothing
// in s is seen. It does not allocate where nothing changes, as with most Chinese text.
//
// s must be valid UTF-8, and rejecting what is not is the caller's part: here each byte that
// belongs to no code point becomes U+FFFD.
func String(s string) string {
	plain, upper := scan(s)
	switch {
	case plain && !upper:
		return s
	case plain:
		return lower(s)
	}
	return full(s)
}

// Query returns what a caller searches for: s folded, without the Unicode white space around it.
// It is "" where s is nothing but white space and what is not seen: no filter.
func Query(s string) string {
	// Trimmed last, because dropping bares white space that stood within (U+200B U+0020) and
	// folding turns some signs into a space and a mark (U+00A8 into U+0020 U+0308); such a space
	// is as little meant as any other.
	return strings.TrimSpace(String(s))
}

// Trim returns s without default-ignorable code points, wherever they stand, and then without the
// Unicode white space around it. It is for ids, which are often pasted with a zero-width space or a
// byte order mark, and where letters must stay as they are: neither case nor width is folded. It is
// idempotent, and does not allocate where there is nothing to drop.
//
// Like String it expects valid UTF-8, and makes U+FFFD of each byte that belongs to no code point.
func Trim(s string) string {
	return strings.TrimSpace(strings.Map(seen, s))
}

// scan reports whether s consists of ASCII and plain Han alone, which folding changes in nothing
// but ASCII's capitals, and whether it has such capitals.
func scan(s string) (plain, upper bool) {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			upper = upper || 'A' <= c && c <= 'Z'
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if !han(r) {
			return false, upper
		}
		i += size
	}
	return true, upper
}

// han reports whether r lies in the oldest three blocks of unified ideographs, none of which
// decomposes, composes, has a case or is ignorable. Compatibility ideographs do decompose.
func han(r rune) bool {
	return '\u4e00' <= r && r <= '\u9fff' ||
		'\u3400' <= r && r <= '\u4dbf' ||
		0x20000 <= r && r <= 0x2a6df
}

// lower is full for text of which scan says plain.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// full is the rule itself.
func full(s string) string {
	s = norm.NFKC.String(strings.Map(seen, s))
	// A Caser may not be shared between goroutines, and costs nothing to make.
	s = cases.Fold().String(s)
	// Of what is not seen, only package norm's own joiners can have appeared. They are dropped
	// each time, because the folding of a mark (U+0345 becomes a letter) may leave them between
	// two that compose.
	s = norm.NFKC.String(strings.Map(mend, s))
	return strings.ReplaceAll(s, string(joiner), "")
}

// seen is for strings.Map: it drops the default-ignorable code points.
func seen(r rune) rune {
	if ignorable(r) {
		return -1
	}
	return r
}

// ignorable reports whether r has the property Default_Ignorable_Code_Point, which package unicode
// lacks, by its derivation in Unicode's DerivedCoreProperties.txt.
func ignorable(r rune) bool {
	switch {
	case r < '\u00ad', han(r): // most text, and none of it
		return false
	case '\ufff9' <= r && r <= '\ufffb': // interlinear annotation
		return false
	case 0x13430 <= r && r <= 0x13440: // Egyptian hieroglyph format controls
		return false
	case unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark):
		return false
	}
	return unicode.In(r,
		unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector)
}

// mend is for strings.Map, between folding and composing: it drops joiners, and folds the one
// script that cases.Fold gets wrong: it exchanges Cherokee's capitals and small letters, so that
// the two never meet. Unicode folds the small letters, which came late, to the capitals.
func mend(r rune) rune {
	switch {
	case r == joiner:
		return -1
	case '\uab70' <= r && r <= '\uabbf':
		return r - '\uab70' + '\u13a0'
	case '\u13f8' <= r && r <= '\u13fd':
		return r - '\u13f8' + '\u13f0'
	}
	return r
}
