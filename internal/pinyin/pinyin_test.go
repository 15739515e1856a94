package pinyin

import (
	"cmp"
	"database/sql"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	_ "github.com/go-sql-driver/mysql"
	pinyindict "github.com/mozillazg/go-pinyin"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/fold"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestATextIsFoundByItsPinyinFromAnyCharacterOn(t *testing.T) {
	t.Parallel()
	for text, test := range map[string]struct{ found, not []string }{
		"李一天": {
			[]string{"liyitian", "yitian", "tian", "liyi", "liyit", "lyt", "yt", "t", "ti", "ly"},
			[]string{"iyi", "iyitian", "ian", "liyt", "lyit", "lt", "liyitianx", "lytx", "v", ""},
		},
		"曾乐行": {
			[]string{
				"cenglexing", "zenglexing", "cengyuehang", "zengyueheng", "clx", "zlh", "cyx", "yh",
			},
			[]string{"cengzeng", "zengcheng", "czl", "lyx", "leyue"},
		},
		"单雄信":     {[]string{"shanxiongxin", "danxiong", "chanx", "sxx", "dxx"}, nil},
		"重庆":      {[]string{"chongqing", "zhongqing", "cq", "zq"}, []string{"hongqing"}},
		"西安":      {[]string{"xian", "xa", "xia", "an"}, []string{"xiang", "xin"}},
		"先":       {[]string{"xian", "xia"}, []string{"an", "xa"}},
		"万俟卨":     {[]string{"moqi", "mqx"}, nil},
		"尉迟恭":     {[]string{"yuchigong", "ycg", "weichi"}, nil},
		"令狐冲":     {[]string{"linghuchong", "lhc"}, nil},
		"区解仇":     {[]string{"ouxieqiu", "oxq"}, nil},
		"查朴":      {[]string{"zhapiao", "zp"}, nil},
		"盖缪种翟":    {[]string{"gemiaochongzhai", "gmcz"}, nil},
		"员折覃":     {[]string{"yunsheqin", "ysq"}, nil},
		"吕绿":      {[]string{"lvlv", "ll"}, []string{"lulu"}},
		"略女":      {[]string{"lvenv", "luenv", "ln"}, nil},
		"虐":       {[]string{"nve", "nue"}, nil},
		"嗯":       {[]string{"en", "ng", "e"}, nil},
		"王 小明":    {[]string{"wangxiaoming", "wxm", "xm"}, nil},
		"王 小A明":   {[]string{"wangxiaoming", "wxm", "xm"}, []string{"wangxiaoaming", "a"}},
		"王(小)·明🌸": {[]string{"wangxiaoming", "wxm"}, nil},
		"vip2024王五abc": {
			[]string{"wangwu", "ww"},
			[]string{"vip", "vipwang", "2024wang", "wangwua", "wwa"},
		},
		"〇":        {[]string{"ling", "l"}, nil},
		"𬭚":        {[]string{"chun", "dui"}, nil},
		"":         {nil, []string{"", "a"}},
		"abc 2024": {nil, []string{"abc", "2024", "a"}},
		"José🌸":    {nil, []string{"jos", "j"}},
		"々":        {nil, []string{"tong", "t"}},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			lattice := Lattice(fold.String(text))
			for _, q := range test.found {
				if !check(t, lattice, q) {
					t.Errorf("%q is not found by %q: %s", text, q, lattice)
				}
			}
			for _, q := range test.not {
				if check(t, lattice, q) {
					t.Errorf("%q is found by %q: %s", text, q, lattice)
				}
			}
		})
	}
}

func TestNothingIsFoundAcrossTexts(t *testing.T) {
	t.Parallel()
	joined := Join(Lattice("李一"), Lattice(""), Lattice("天王"))
	if want := "<li,<yi,;<tian,<wang,yu,"; joined != want {
		t.Fatalf("%s, want %s", joined, want)
	}
	// A column may also be put together where one of its texts is empty.
	for _, lattice := range []string{joined, ";" + joined, joined + ";"} {
		for q, want := range map[string]bool{
			"liyi": true, "ly": true, "tianwang": true, "tw": true,
			"yitian": false, "yt": false, "liyit": false, "lyt": false,
		} {
			if got := check(t, lattice, q); got != want {
				t.Errorf("%s is found by %q: %t", lattice, q, got)
			}
		}
	}
	if Join() != "" || Join("", "") != "" || Join("", "<li,") != "<li," {
		t.Error("Join has empty texts")
	}
}

func TestALatticeHasTheReadingsMostUsualFirst(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                              "",
		"abc 1🌸":                        "",
		"李广":                            "<li,<guang,yan,an,",
		"a曾 1女\xff":                     "<ceng,zeng,<nv,ru,",
		"略":                             "<lve,lue,",
		"嗯":                             "<en,n,ng,",
		"\ue815李":                       "<li,", // private use, which the dictionary knows
		strings.Repeat("李x", 31) + "天王": strings.Repeat("<li,", 31) + "<tian,",
	} {
		if got := Lattice(text); got != want {
			t.Errorf("Lattice(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestQueryIsLettersOrNothing(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"liyitian":                "liyitian",
		"Li Yi":                   "liyi",
		"xi'an":                   "xian",
		"xi’an":                   "xian",
		"ＸＩ＇ＡＮ":                   "xian",
		"li-yi":                   "liyi",
		"li‑yi":                   "liyi", // U+2011 folds to U+2010
		"lü":                      "lv",
		"LU\u0308":                "lv",
		"lu:":                     "",
		"ü":                       "v",
		"lǐ":                      "",
		"l\u200bi":                "li",
		"a李":                      "",
		"li%":                     "",
		"li_":                     "",
		`li\`:                     "",
		"2024":                    "",
		"wang2":                   "",
		"":                        "",
		" '-":                     "",
		"l\xff":                   "",
		strings.Repeat("li ", 20): strings.Repeat("li", 20),
		strings.Repeat("a", 41):   "",
	} {
		if got := Query(fold.Query(text)); got != want {
			t.Errorf("Query(%q) = %q, want %q", text, got, want)
		}
	}
}

// dictionary returns the readings of a character by the library's table, as the rule wants them.
func dictionary(r rune) []string {
	tones, ok := pinyindict.PinyinDict[int(r)]
	if !ok || !unicode.Is(unicode.Han, r) {
		return nil
	}
	if r == '嗯' {
		tones = "ēn," + tones
	}
	var all []string
	for syllable := range strings.SplitSeq(marks.Replace(tones), ",") {
		all = append(all, syllable)
		switch syllable {
		case "lve":
			all = append(all, "lue")
		case "nve":
			all = append(all, "nue")
		}
	}
	var once []string
	for _, syllable := range all {
		if !slices.Contains(once, syllable) {
			once = append(once, syllable)
		}
	}
	return once
}

var marks = strings.NewReplacer(
	"ā", "a", "á", "a", "ǎ", "a", "à", "a",
	"ē", "e", "é", "e", "ě", "e", "è", "e", "ế", "e", "ề", "e", "ê", "e",
	"ī", "i", "í", "i", "ǐ", "i", "ì", "i",
	"ō", "o", "ó", "o", "ǒ", "o", "ò", "o",
	"ū", "u", "ú", "u", "ǔ", "u", "ù", "u",
	"ǖ", "v", "ǘ", "v", "ǚ", "v", "ǜ", "v", "ü", "v",
	"ḿ", "m", "ń", "n", "ň", "n", "ǹ", "n",
	"\u0300", "", "\u0304", "", "\u030c", "",
)

func TestEveryCharacterIsSpeltAsTheLibrarySpellsIt(t *testing.T) {
	t.Parallel()
	if n := len(characters()); n < 40_000 {
		t.Fatalf("%d characters", n)
	}
	initials := make(map[string]bool)
	most, size := 0, 0
	for code := range pinyindict.PinyinDict {
		r := rune(code)
		want := dictionary(r)
		if want == nil {
			continue
		}
		lattice := Lattice(string(r))
		if lattice != "<"+strings.Join(want, ",")+"," {
			t.Errorf("%c is %s, by the library %q", r, lattice, want)
		}
		for _, reading := range want {
			if len(reading) > longest || Query(reading) != reading {
				t.Errorf("%c is spelt %q", r, reading)
			}
			initials[reading[:1]] = true
		}
		most, size = max(most, len(want)), max(size, len(lattice))
	}
	if most != maxReadings || size*MaxCharacters != MaxLattice {
		t.Errorf("at most %d readings, %d bytes", most, size)
	}
	for letter := 'a'; letter <= 'z'; letter++ {
		if s := string(letter); initials[s] != canBeInitials(s+s) {
			t.Errorf("a reading begins with %s: %t", s, initials[s])
		}
	}
}

// found says by the definition whether q finds the text: by trying every spelling.
func found(text, q string) bool {
	var characters [][]string
	for _, r := range text {
		if readings := dictionary(r); readings != nil && len(characters) < MaxCharacters {
			characters = append(characters, readings)
		}
	}
	for i := range characters {
		if q != "" && (spelt(characters[i:], q, false) || spelt(characters[i:], q, true)) {
			return true
		}
	}
	return false
}

// spelt says whether q begins a spelling of the characters.
func spelt(characters [][]string, q string, initials bool) bool {
	return len(characters) > 0 && slices.ContainsFunc(characters[0], func(reading string) bool {
		if initials {
			reading = reading[:1]
		}
		rest, ok := strings.CutPrefix(q, reading)
		return strings.HasPrefix(reading, q) || ok && spelt(characters[1:], rest, initials)
	})
}

// check returns what Matches says, and checks that Pattern says the same and that Candidates find
// it among the Beginnings.
func check(t *testing.T, lattice, q string) bool {
	t.Helper()
	matches := Matches(lattice, q)
	pattern := Pattern(q)
	if len(pattern) >= 2<<10 {
		t.Fatalf("%q has a pattern of %d bytes", q, len(pattern))
	}
	if got := regexp.MustCompile(pattern).MatchString(lattice); got != matches {
		t.Fatalf("%s has %q: %t, by %s: %t", lattice, q, matches, pattern, got)
	}
	candidate, ranges := false, Candidates(q)
	Beginnings(lattice, func(kind int, letters string) {
		for _, r := range ranges {
			if kind != r.Kind || !strings.HasPrefix(letters, r.Prefix) {
				continue
			}
			candidate = true
			if r.Settled && !matches {
				t.Fatalf("%s is settled to have %q by %d %s", lattice, q, kind, letters)
			}
		}
	})
	if matches && !candidate {
		t.Fatalf("%s has %q, but no beginning in %v", lattice, q, ranges)
	}
	return matches
}

func TestCandidatesAreWhereABeginningOfEveryMatchIs(t *testing.T) {
	t.Parallel()
	for q, want := range map[string][]Range{
		"":             nil,
		"l":            {{Whole3, "l", true}},
		"i":            {},
		"lyt":          {{Initials3, "lyt", true}},
		"an":           {{Whole3, "an", true}, {Initials3, "an", true}},
		"wang":         {{Whole6, "wang", true}, {Initials6, "wang", true}},
		"liyit":        {{Whole6, "liyit", true}},
		"wanghe":       {{Whole6, "wanghe", true}, {Initials6, "wanghe", true}},
		"wangheng":     {{Whole10, "wangheng", true}, {Initials6, "wanghe", false}},
		"wanghengheng": {{Whole10, "wanghenghe", false}, {Initials6, "wanghe", false}},
		"liyitianwang": {{Whole10, "liyitianwa", false}},
		"lytlytlyt":    {{Initials6, "lytlyt", false}},
	} {
		if got := Candidates(q); !slices.Equal(got, want) {
			t.Errorf("Candidates(%q) = %v, want %v", q, got, want)
		}
	}
}

func TestBeginningsAreOfEachKindThatASpellingIsLongEnoughFor(t *testing.T) {
	t.Parallel()
	names := [...]string{"whole3", "whole6", "whole10", "initials3", "initials6"}
	for lattice, want := range map[string]string{
		"":              "",
		"<li,":          "whole3 li, initials3 l",
		"<li,<yi,;<yi,": "whole3 liy yi, whole6 liyi, initials3 ly y",
		"<guang,an,":    "whole3 an gua, whole6 guang, initials3 a g",
		"<lve,lue,":     "whole3 lue lve, initials3 l",
		"<wang,yu,<yi,<yi,<yi,": "whole3 wan yi yiy yuy, whole6 wangyi yiyi yiyiyi yuyiyi, " +
			"whole10 wangyiyiyi yuyiyiyi, initials3 wyy y yy yyy, initials6 wyyy yyyy",
		"<li,<yi,<er,<si,<wu,<qi,<ba,": "whole3 ba ers liy qib siw wuq yie, " +
			"whole6 ersiwu liyier qiba siwuqi wuqiba yiersi, " +
			"whole10 ersiwuqiba liyiersiwu siwuqiba yiersiwuqi, " +
			"initials3 b esw lye qb swq wqb yes, initials6 eswqb lyeswq swqb yeswqb",
	} {
		var got strings.Builder
		last := -1
		Beginnings(lattice, func(kind int, letters string) {
			if kind != last {
				if last >= 0 {
					got.WriteString(", ")
				}
				got.WriteString(names[kind])
				last = kind
			}
			got.WriteString(" " + letters)
		})
		if got.String() != want {
			t.Errorf("%s begins %s, want %s", lattice, got.String(), want)
		}
	}
}

// many are characters of several readings, and some whose readings others begin or end with.
var many = strings.Split("曾单乐行重长解区朴尉万俟吕西安先一天王阿儿略嗯唔嘎盖鹅哦昂恩那", "")

// randomPair returns one or two texts and a query that finds them more often than not, or nearly.
func randomPair(random *rand.Rand) (texts []string, q string) {
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	for range 1 + random.IntN(2) {
		var text strings.Builder
		length := random.IntN(7)
		if random.IntN(4) == 0 {
			length = random.IntN(14)
		}
		for range length {
			text.WriteString(pick(many))
			if random.IntN(4) == 0 {
				text.WriteString(pick([]string{"a", "1", " ", "·", "々", "🌸", "é"}))
			}
		}
		texts = append(texts, text.String())
	}

	var b strings.Builder
	initials, mixed := random.IntN(2) == 0, random.IntN(8) == 0
	across := strings.Join(texts, "")
	if random.IntN(8) > 0 {
		across = pick(texts)
	}
	for _, r := range across {
		if readings := dictionary(r); readings != nil {
			reading := pick(readings)
			if initials != (mixed && random.IntN(3) == 0) {
				reading = reading[:1]
			}
			b.WriteString(reading)
		}
	}
	q = b.String()
	from := 0
	for range random.IntN(4) {
		from = min(from+1+random.IntN(3), len(q))
	}
	q = q[from:]
	if random.IntN(3) == 0 {
		q = q[:random.IntN(len(q)+1)]
	}
	if random.IntN(6) == 0 {
		q += pick([]string{"a", "n", "g", "z"})
	}
	return texts, Query(q)
}

// uncut returns the lattice of the text if it kept all readings.
func uncut(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteString(Lattice(string(r)))
	}
	return b.String()
}

func TestMatchesIsTheDefinitionAndAllElseAgrees(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var hits, longHits, cut int
	for range 20_000 {
		texts, q := randomPair(random)
		var lattices []string
		want, whole := false, true
		for _, text := range texts {
			lattices = append(lattices, Lattice(text))
			want = want || found(text, q)
			whole = whole && lattices[len(lattices)-1] == uncut(text)
		}
		got := check(t, Join(lattices...), q)
		if !whole {
			cut++
			continue // the definition knows no bound
		}
		if got != want {
			t.Fatalf("%q are found by %q: %t, by the definition %t", texts, q, got, want)
		}
		if want {
			hits++
			if len(q) > kinds[Whole10].most {
				longHits++
			}
		}
	}
	if hits < 5_000 || hits > 15_000 || longHits < 500 || cut > 2_000 {
		t.Errorf("%d matches, %d of long queries, and %d texts that were cut, which means little",
			hits, longHits, cut)
	}
}

// longTexts are as long as a remark can be, and read in very many ways.
var longTexts = sync.OnceValue(func() map[string]string {
	var known []rune
	for r := range characters() {
		known = append(known, r)
	}
	texts := map[string]string{
		"one of two ways":        strings.Repeat("长", 255),
		"of one initial":         strings.Repeat("略", 255),
		"long syllables":         strings.Repeat("窗霜长装双庄霜", 37),
		"letters and characters": strings.Repeat("a重", 128),
		"divided in two ways":    strings.Repeat("𠮾鰪", 128), // n ge, ng e
		"most of it in two ways": strings.Repeat("𠮾鰪𠮾鰪抓", 51),
	}
	all := func(r rune) readings { return characters()[r].mostUsual(maxReadings) }
	two := func(r rune) readings { return characters()[r].mostUsual(2) }
	for name, value := range map[string]func(r rune) int{
		"the most readings":        func(r rune) int { return all(r).count },
		"the most initials":        func(r rune) int { return all(r).initials },
		"the most initials of two": func(r rune) int { return two(r).initials },
		"many short readings":      func(r rune) int { return all(r).count - all(r).shortest },
		"short readings":           func(r rune) int { return -two(r).size },
		"the most bytes":           func(r rune) int { return all(r).size },
	} {
		slices.SortFunc(known, func(a, b rune) int { return cmp.Or(value(b)-value(a), int(a-b)) })
		texts[name] = string(known[:255])
	}
	return texts
})

func TestTextsOfVeryManySpellingsStayWithinBounds(t *testing.T) {
	t.Parallel()
	for name, text := range longTexts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{255, 20, 6} {
				checkText(t, string([]rune(text)[:n]))
			}
		})
	}
}

// A text that keeps too few readings keeps each character's most usual.
func TestTextsOfVeryManySpellingsKeepTheMostUsual(t *testing.T) {
	t.Parallel()
	lattice := Lattice(strings.Repeat("重单阿", 16))
	for q, want := range map[string]bool{
		"zhongdan": true, "chongchane": true, "tongdan": false, "shan": false, "zda": true,
	} {
		if got := check(t, lattice, q); got != want {
			t.Errorf("%s is found by %q: %t", lattice, q, got)
		}
	}
}

// checkText checks what is promised of every text.
func checkText(t *testing.T, text string) {
	t.Helper()
	lattice := Lattice(text)
	if len(lattice) > MaxLattice {
		t.Fatalf("%q has a lattice of %d bytes", text, len(lattice))
	}
	n, lastKind, last := 0, 0, ""
	Beginnings(lattice, func(kind int, letters string) {
		n++
		if kind < lastKind || kind == lastKind && letters <= last {
			t.Fatalf("%s begins %d %q after %d %q", lattice, kind, letters, lastKind, last)
		}
		lastKind, last = kind, letters
		if letters == "" || len(letters) > kinds[kind].most || Query(letters) != letters {
			t.Fatalf("%s begins %d %q", lattice, kind, letters)
		}
		if !Matches(lattice, letters) {
			t.Fatalf("%s begins %d %q, which does not match", lattice, kind, letters)
		}
	})
	t.Logf("%d bytes, %d beginnings", len(lattice), n)
	if n > MaxBeginnings {
		t.Fatalf("%s has %d beginnings", lattice, n)
	}
}

func TestTheServerFindsByPatternWhatMatches(t *testing.T) {
	t.Parallel()
	db, err := sql.Open("mysql", dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	regexpOf, err := db.Prepare("SELECT ? REGEXP ?")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = regexpOf.Close() })
	hits := 0
	same := func(lattice, q string) {
		t.Helper()
		var got bool
		if err := regexpOf.QueryRow(lattice, Pattern(q)).Scan(&got); err != nil {
			t.Fatalf("%s, %q: %v", lattice, q, err)
		}
		if want := Matches(lattice, q); got != want {
			t.Errorf("%s has %q: %t, by the server %t: %s", lattice, q, want, got, Pattern(q))
		}
		if got {
			hits++
		}
	}

	random := rand.New(rand.NewPCG(3, 4))
	for range 600 {
		texts, q := randomPair(random)
		var lattices []string
		for _, text := range texts {
			lattices = append(lattices, Lattice(text))
		}
		same(Join(lattices...), q)
	}
	if hits < 100 || hits > 500 {
		t.Errorf("%d matches, which means little", hits)
	}

	// What engines that go back to try again could take very long for, or give up.
	for _, text := range longTexts() {
		lattice := Join(Lattice(text), Lattice(text))
		for _, unit := range []string{"nge", "l", "z", "c", "n", "ng", "e", "ngengezhua"} {
			q := strings.Repeat(unit, MaxQuery)[:MaxQuery-1]
			same(lattice, q)
			same(lattice, q[:30]+"x")
		}
	}
}

func FuzzMatches(f *testing.F) {
	for text, q := range map[string]string{
		"": "", "李一天": "liyi", "a 李b": "l", "曾单乐行重长": "zengdan", "vip2024王五": "ww", "\xff李": "i",
		"李\u200d🌸": "li", "西安,先": "xianx", "嗯;哦": "en;", "𠮾鰪𠮾鰪": "ngenge",
	} {
		f.Add(text, "李", q)
	}
	for _, text := range longTexts() {
		f.Add(text, text, "ngengengex")
	}
	f.Fuzz(func(t *testing.T, name, remark, search string) {
		checkText(t, name)
		checkText(t, fold.String(name))
		q := Query(search)
		if Query(q) != q {
			t.Fatalf("Query(%q) = %q, then %q", search, q, Query(q))
		}
		a, b := Lattice(name), Lattice(remark)
		if got, want := check(t, Join(a, b), q), check(t, a, q) || check(t, b, q); got != want {
			t.Fatalf("%s is found by %q: %t, its parts %t", Join(a, b), q, got, want)
		}
	})
}

var benchmarkTexts = []struct{ name, text string }{
	{"name", "李佳伟"},
	{"name of many readings", "曾乐行"},
	{"remark", "vip客户李晓刚 13800138000 芸众信息"},
	{"letters", "xiaoliangzi 2021"},
	{"the most readings", longTexts()["the most readings"]},
}

func BenchmarkLattice(b *testing.B) {
	for _, x := range benchmarkTexts {
		b.Run(x.name, func(b *testing.B) {
			Lattice(x.text) // the table is made at the first
			b.ReportAllocs()
			for b.Loop() {
				Lattice(x.text)
			}
		})
	}
}

func BenchmarkBeginnings(b *testing.B) {
	for _, x := range benchmarkTexts {
		b.Run(x.name, func(b *testing.B) {
			lattice := Lattice(x.text)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n = 0
				Beginnings(lattice, func(int, string) { n++ })
			}
			b.ReportMetric(float64(n), "beginnings")
			b.ReportMetric(float64(len(lattice)), "bytes")
		})
	}
}

func BenchmarkMatches(b *testing.B) {
	for _, x := range benchmarkTexts {
		b.Run(x.name, func(b *testing.B) {
			lattice := Lattice(x.text)
			b.ReportAllocs()
			for b.Loop() {
				Matches(lattice, "lixiaoming")
			}
		})
	}
}
