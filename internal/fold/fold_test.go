package fold

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// codePoints calls f with every code point that UTF-8 can carry, and its fold by the rule without
// the fast path.
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
		"emoji":                        {"王姐🌸", "王姐🌸"},
		"emoji joined to a family":     {"王姐👨\u200d👩\u200d👧", "王姐👨👩👧"},
		"emoji in colour":              {"❤\ufe0f", "❤"},
		"emoji of a key":               {"1\ufe0f\u20e3", "1\u20e3"},
		"flag made of tags":            {"🏴\U000e0067\U000e0062\U000e007f", "🏴"},
		"variant of an ideograph":      {"葛\U000e0100", "葛"},
		"joiner within a name":         {"王\u200d五", "王五"},
		"byte order mark":              {"赵\ufeff六", "赵六"},
		"zero width first":             {"\u200b零宽", "零宽"},
		"direction marks":              {"\u202a13800138000\u202c\u200f", "13800138000"},
		"soft hyphen":                  {"Wein\u00adgut", "weingut"},
		"Hangul fillers, both widths":  {"a\u3164\uffa0\u115f\u1160b", "ab"},
		"mark beyond what is dropped":  {"e\u200d\u0301", "é"},
		"jamo beyond what is dropped":  {"\u1100\u200b\u1161", "가"},
		"nothing that is seen":         {"\u200b\ufeff\u3164", ""},
		"bytes beside what is dropped": {"\xe4\u200b\xbd\xa0", "\ufffd\ufffd\ufffd"},
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
		"white space of Latin-1":    {"\u0085\u00a0", ""},
		"every other white space":   {"\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000", ""},
		"around text":               {"\u3000 李 一天\u00a0", "李 一天"},
		"white space made by folds": {"\u00a8", "\u0308"},
		"zero width alone":          {"\u200b", ""},
		"white space in zero width": {"\u200b 王五\u3000\u200b\ufeff", "王五"},
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

func TestTrimDropsWhatIsNotSeenAndChangesNothingElse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ in, want string }{
		"nothing":                       {"", ""},
		"an id":                         {"woAJ2GCAAAXtWyuja", "woAJ2GCAAAXtWyuja"},
		"zero width after":              {"ZhangSan\u200b", "ZhangSan"},
		"byte order mark before":        {"\ufeffZhangSan", "ZhangSan"},
		"zero width within":             {"Zhang\u200bSan", "ZhangSan"},
		"white space around":            {"\u3000\t ZhangSan\u00a0\n", "ZhangSan"},
		"white space under zero width":  {"\u200b ZhangSan \u200b", "ZhangSan"},
		"white space within":            {"Zhang San", "Zhang San"},
		"width and case":                {"ＺｈａｎｇSAN", "ＺｈａｎｇSAN"},
		"no composing":                  {"e\u0301\uf900", "e\u0301\uf900"},
		"a joiner that norm would keep": {"a\u034fb", "ab"},
		"nothing that is seen":          {" \u200b\ufeff ", ""},
		"bytes of no code point":        {"a\xffb", "a\ufffdb"},
		"bytes beside what is dropped":  {"\xe4\u200b\xbd\xa0", "\ufffd\ufffd\ufffd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := Trim(test.in); got != test.want {
				t.Errorf("Trim(%+q) = %+q, want %+q", test.in, got, test.want)
			}
		})
	}
}

// The whole class as DerivedCoreProperties.txt lists it, code points that are yet to be assigned
// included; ignorable follows the derivation that this list is made by.
func TestIgnorableIsThePublishedClass(t *testing.T) {
	t.Parallel()
	published := [][2]rune{
		{0xad, 0xad},
		{0x34f, 0x34f},
		{0x61c, 0x61c},
		{0x115f, 0x1160},
		{0x17b4, 0x17b5},
		{0x180b, 0x180f},
		{0x200b, 0x200f},
		{0x202a, 0x202e},
		{0x2060, 0x206f},
		{0x3164, 0x3164},
		{0xfe00, 0xfe0f},
		{0xfeff, 0xfeff},
		{0xffa0, 0xffa0},
		{0xfff0, 0xfff8},
		{0x1bca0, 0x1bca3},
		{0x1d173, 0x1d17a},
		{0xe0000, 0xe0fff},
	}
	in := func(r rune) bool {
		return slices.ContainsFunc(published, func(span [2]rune) bool {
			return span[0] <= r && r <= span[1]
		})
	}
	codePoints(func(r rune, s, slow string) {
		if got, want := ignorable(r), in(r); got != want {
			t.Errorf("ignorable(%U) = %t, want %t", r, got, want)
		}
		if in(r) && (slow != "" || Trim(s) != "") {
			t.Errorf("%U is left by String as %+q, by Trim as %+q", r, slow, Trim(s))
		}
		// That String need not drop again what folding makes.
		if strings.ContainsFunc(slow, in) {
			t.Errorf("%U folds to %+q, some of which is not seen", r, slow)
		}
	})
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
			t.Errorf("%U and %U are one letter, folded to %+q and %+q",
				r, other, slow, String(string(other)))
		}
		longest = max(longest, utf8.RuneCountInString(slow))
	})
	if longest != MaxGrowth {
		t.Errorf("the longest fold of one code point has %d, MaxGrowth is %d", longest, MaxGrowth)
	}
}

// MaxGrowth holds for strings since NFKC works code point by code point and then only composes.
// What is left to show is that decomposing first and last, where nothing composes, gains nothing
// over the whole rule.
func TestGrowthOfAStringIsThatOfItsCodePoints(t *testing.T) {
	t.Parallel()
	codePoints(func(r rune, s, slow string) {
		decomposed := norm.NFKD.String(s)
		if decomposed == s && slow == s {
			return
		}
		if n := utf8.RuneCountInString(norm.NFKD.String(full(decomposed))); n > MaxGrowth {
			t.Errorf("%U has up to %d code points in a string, MaxGrowth is %d", r, n, MaxGrowth)
		}
	})
}

// Combining marks are where composing, reordering and folding could disagree, also in runs longer
// than the 30 that package norm breaks up, and with what is dropped between them.
func TestRunsOfMarksFoldOnce(t *testing.T) {
	t.Parallel()
	var letters, marks, dropped []rune
	codePoints(func(r rune, s, slow string) {
		switch {
		case ignorable(r):
			dropped = append(dropped, r)
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
			switch random.IntN(40) {
			case 0:
				from = letters
			case 1, 2, 3:
				from = dropped
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

// Folded text is stored, so a change of the rule is a change of the stored columns. If this fails
// after an upgrade of Go or of golang.org/x/text, stored text must be folded again; then add the
// new release of Unicode here.
func TestTheRuleIsThatOfAKnownReleaseOfUnicode(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"15.0.0": "5ca2f17073e69ca5bccc706c82abaa908b387972b883f70e74c6fd452cbcc14c",
	}
	sum := sha256.New()
	w := bufio.NewWriter(sum)
	codePoints(func(_ rune, _, slow string) { w.WriteString(slow + "\n") })
	w.Flush()
	if got := hex.EncodeToString(sum.Sum(nil)); got != known[Unicode] {
		t.Errorf("the folds of Unicode %s have the sum %s, known is %q",
			Unicode, got, known[Unicode])
	}
}

//nolint:paralleltest // AllocsPerRun counts what other tests allocate too
func TestPlainTextFoldsWithoutAllocation(t *testing.T) {
	const s = "广州市芸众信息科技有限公司 abc-123"
	if n := testing.AllocsPerRun(100, func() { _, _, _ = String(s), Query(s), Trim(s) }); n != 0 {
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
	if strings.ContainsFunc(folded, ignorable) {
		t.Fatalf("String(%+q) = %+q holds what is not seen", s, folded)
	}
	// Not of runs so long that package norm breaks them up, which it does elsewhere where a mark
	// is decomposed.
	decomposed := norm.NFD.String(strings.Map(seen, s))
	if utf8.ValidString(s) && !strings.ContainsRune(decomposed, joiner) {
		if got := String(decomposed); got != folded {
			t.Fatalf("%+q folds to %+q, its decomposition to %+q", s, folded, got)
		}
	}
	trimmed := Trim(s)
	if again := Trim(trimmed); again != trimmed {
		t.Fatalf("Trim(%+q) = %+q, then %+q", s, trimmed, again)
	}
	if got := Query(trimmed); got != Query(s) {
		t.Fatalf("Query(%+q) = %+q, once trimmed %+q", s, Query(s), got)
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
	for _, s := range []string{
		"", "李宝佳", " Abe\u3000", "ＡＢｃ０１２", "E\u0301\u0323", "α\u0345\u0308", "\ufdfa", "\xff",
		"\u00a8", "王\u200d五", "\u200b a", "❤\ufe0f", "\xe4\u200b\xbd\xa0", "e\u034f\u0301",
	} {
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
