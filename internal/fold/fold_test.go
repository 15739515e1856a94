package fold

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// codePoints calls f with every code point that UTF-8 can carry, and its fold by the
// rule without the fast path.
func codePoints(f func(r rune, s, slow string)) {
	folds := slowFolds()
	for r := range rune(len(folds)) {
		if utf8.ValidRune(r) {
			f(r, string(r), folds[r])
		}
	}
}

// slowFolds are the folds of all code points, made once since it takes a second.
var slowFolds = sync.OnceValue(func() []string {
	folds := make([]string, unicode.MaxRune+1)
	for r := range folds {
		folds[r] = full(string(rune(r)))
	}
	return folds
})

func TestTextsThatReadAlikeFoldAlike(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"nothing":                      {"", ""},
		"plain Han":                    {"李宝佳", "李宝佳"},
		"capitals":                     {"Abe", "abe"},
		"capitals beside Han":          {"VIP客户Chen", "vip客户chen"},
		"full-width letters, digits":   {"ＡＢｃ０１２％", "abc012%"},
		"ideographic space":            {"李\u3000一天", "李 一天"},
		"half-width katakana":          {"ｶﾞｷﾞ", "ガギ"},
		"squared units":                {"㎏㈱", "kg(株)"},
		"ligature":                     {"ﬁ", "fi"},
		"sharp s":                      {"Straße", "strasse"},
		"capital sharp s":              {"STRAẞE", "strasse"},
		"final sigma":                  {"ΣΑΣ", "σασ"},
		"composed from two":            {"E\u0301", "é"},
		"one letter, decomposing fold": {"ǰ", "ǰ"},
		"iota below":                   {"ᾳ", "αι"},
		"dotted capital I":             {"İ", "i\u0307"},
		"dotless i stays itself":       {"ı", "ı"},
		"compatibility ideograph":      {"\uf900", "\u8c48"},
		"the longest":                  {"\ufdfa", "صلى الله عليه وسلم"},
		"Cherokee small letter":        {"\uab70\u13f8", "\u13a0\u13f0"},
		"Cherokee capital letter":      {"\u13a0\u13f0", "\u13a0\u13f0"},
		"emoji":                        {"王姐🌸👨‍👩‍👧", "王姐🌸👨‍👩‍👧"},
		"letters of LIKE":              {`100%_\`, `100%_\`},
		"white space inside and out":   {" a  b\t", " a  b\t"},
		"bytes of no code point":       {"a\xffＢ\xe4\xbd", "a\ufffdb\ufffd\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := String(test.in); got != test.want {
				t.Errorf("String(%+q) = %+q, want %+q", test.in, got, test.want)
			}
		})
	}
}

func TestQueryHasNoWhiteSpaceAroundIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"nothing":                   {"", ""},
		"ASCII white space":         {" \t\r\n\v\f", ""},
		"every other white space":   {"\u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000", ""},
		"around text":               {"\u3000 李 一天\u00a0", "李 一天"},
		"white space made by folds": {"\u00a8", "\u0308"},
		"zero width is a letter":    {"\u200b", "\u200b"},
		"folded as well":            {" ＡＢ ", "ab"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Query(test.in); got != test.want {
				t.Errorf("Query(%+q) = %+q, want %+q", test.in, got, test.want)
			}
		})
	}
}

// Everything that is promised of single code points, on all of them.
func TestEveryCodePoint(t *testing.T) {
	t.Parallel()
	var longest int
	codePoints(func(r rune, s, slow string) {
		if plain, _ := scan(s); plain && String(s) != slow {
			t.Errorf("%U: the fast path gives %+q, the rule %+q", r, String(s), slow)
		}
		// Where nothing changes, as with most, nothing changes the second time either.
		if slow != s && String(slow) != slow {
			t.Errorf("%U: not idempotent: %+q, then %+q", r, slow, String(slow))
		}
		if other := unicode.SimpleFold(r); other != r && String(string(other)) != slow {
			t.Errorf("%U and %U are one letter, folded to %+q and %+q", r, other, slow, String(string(other)))
		}
		longest = max(longest, utf8.RuneCountInString(slow))
	})
	if longest != MaxGrowth {
		t.Errorf("the longest fold of one code point has %d, MaxGrowth is %d", longest, MaxGrowth)
	}
}

// MaxGrowth holds for strings since NFKC works code point by code point and then
// only composes. What is left to show is that decomposing first and last, where
// nothing composes, gains nothing over the whole rule.
func TestGrowthOfAStringIsThatOfItsCodePoints(t *testing.T) {
	t.Parallel()
	codePoints(func(r rune, s, slow string) {
		decomposed := norm.NFKD.String(s)
		if decomposed == s && slow == s {
			return
		}
		if n := utf8.RuneCountInString(norm.NFKD.String(full(decomposed))); n > MaxGrowth {
			t.Errorf("%U has up to %d code points within a string, MaxGrowth is %d", r, n, MaxGrowth)
		}
	})
}

// Combining marks are where composing, reordering and folding could disagree, also
// in runs longer than the 30 that package norm breaks up.
func TestRunsOfMarksFoldOnce(t *testing.T) {
	t.Parallel()
	var letters, marks []rune
	codePoints(func(r rune, s, slow string) {
		switch {
		case !norm.NFKC.PropertiesString(s).BoundaryBefore():
			marks = append(marks, r)
		case !unicode.Is(unicode.Hangul, r) && (slow != s || norm.NFD.String(s) != s):
			letters = append(letters, r)
		}
	})
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		runes := []rune{letters[random.IntN(len(letters))]}
		for range 1 + random.IntN(4) + i%50/49*60 {
			from := marks
			if random.IntN(40) == 0 {
				from = letters
			}
			runes = append(runes, from[random.IntN(len(from))])
		}
		checkFold(t, string(runes))
	}
}

func TestFastPathFoldsStringsAsTheRuleDoes(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for range 5_000 {
		var b strings.Builder
		for range random.IntN(12) {
			if random.IntN(2) == 0 {
				b.WriteByte(byte(random.IntN(utf8.RuneSelf)))
			} else {
				b.WriteRune('\u4e00' + random.Int32N('\u9fff'-'\u4e00'+1))
			}
		}
		s := b.String()
		if plain, _ := scan(s); !plain {
			t.Fatalf("%+q is not taken for plain", s)
		}
		if got, want := String(s), full(s); got != want {
			t.Fatalf("%+q: String gives %+q, the rule without the fast path %+q", s, got, want)
		}
	}
}

// Folded text is stored, so a change of the rule is a change of the stored columns.
// If this fails after an upgrade of Go or of golang.org/x/text, stored text must be
// folded again; then add the new release of Unicode here.
func TestTheRuleIsThatOfAKnownReleaseOfUnicode(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"15.0.0": "c391caadbefbf941b1767ec6d59bdffae3ec30395c4296181acf142a3804b94a",
	}
	sum := sha256.New()
	w := bufio.NewWriter(sum)
	codePoints(func(_ rune, _, slow string) { w.WriteString(slow + "\n") })
	w.Flush()
	if got := hex.EncodeToString(sum.Sum(nil)); got != known[Unicode] {
		t.Errorf("the folds of Unicode %s have the sum %s, known is %q", Unicode, got, known[Unicode])
	}
}

func TestPlainTextFoldsWithoutAllocation(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts what other tests allocate too
	const s = "广州市芸众信息科技有限公司 abc-123"
	if n := testing.AllocsPerRun(100, func() { String(s) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// checkFold checks what is promised of every string.
func checkFold(t *testing.T, s string) {
	t.Helper()
	folded := String(s)
	if !utf8.ValidString(folded) {
		t.Fatalf("String(%+q) = %+q is not UTF-8", s, folded)
	}
	if again := String(folded); again != folded {
		t.Fatalf("%+q is not idempotent: %+q, then %+q", s, folded, again)
	}
	if n, from := utf8.RuneCountInString(folded), utf8.RuneCountInString(s); n > from*MaxGrowth {
		t.Fatalf("%+q grows from %d code points to %d", s, from, n)
	}
	if utf8.ValidString(s) {
		if got := String(norm.NFD.String(s)); got != folded {
			t.Fatalf("%+q folds to %+q, its decomposition to %+q", s, folded, got)
		}
	}
	query := Query(s)
	if strings.TrimSpace(query) != query {
		t.Fatalf("Query(%+q) = %+q has white space around it", s, query)
	}
	if !strings.Contains(folded, query) {
		t.Fatalf("Query(%+q) = %+q is not found in %+q", s, query, folded)
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "李宝佳", " Abe\u3000", "ＡＢｃ０１２", "E\u0301\u0323", "α\u0345\u0308", "\ufdfa", "\xff", "\u00a8"} {
		f.Add(s)
	}
	f.Fuzz(checkFold)
}

func BenchmarkString(b *testing.B) {
	for name, s := range map[string]string{
		"han":    "广州市芸众信息科技有限公司",
		"ascii":  "XiaoLiangZi 2021",
		"wide":   "ＶＩＰ客户０１２",
		"emoji":  "王姐🌸",
		"accent": "José Ñandú",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				String(s)
			}
		})
	}
}
