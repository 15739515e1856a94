package httpapi_test

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// Search by pinyin, written again for the characters that the tests' names and remarks have.

// readings are those of each character, without tones, the initial being the first letter of one. ü
// is v.
var readings = map[rune]string{
	'李': "li", '一': "yi", '天': "tian", '宝': "bao", '佳': "jia", '孙': "sun", '新': "xin", '建': "jian", '广': "guang,yan,an", '州': "zhou",
	'路': "lu,luo", '径': "jing", '折': "zhe,she,ti", '笑': "xiao", '家': "jia,jie,gu", '公': "gong", '司': "si,ci", '前': "qian,jian",
	'后': "hou", '全': "quan", '角': "jiao,jue,lu,gu", '引': "yin", '号': "hao,xiao", '马': "ma", '馬': "ma", '曾': "ceng,zeng",
	'单': "dan,chan,shan", '重': "zhong,chong,tong", '行': "xing,hang,heng", '乐': "le,yue", '王': "wang,yu", '小': "xiao",
	'明': "ming,meng", '吕': "lv", '绿': "lv,lu", '西': "xi", '安': "an", '哈': "ha,he,ta,sha",
	'客': "ke,qia", '户': "hu", '备': "bei", '注': "zhu,zhou",
}

// chinese returns the readings of the first 32 Chinese characters of a text; all else in it is
// skipped.
func chinese(text string) (list [][]string) {
	for _, r := range folded(text) {
		if !unicode.Is(unicode.Han, r) {
			continue
		}
		known, ok := readings[r]
		if !ok {
			panic("internal/httpapi/list_pinyin_test.go: readings has no " + string(r))
		}
		if list = append(list, strings.Split(known, ",")); len(list) == 32 {
			break
		}
	}
	return list
}

// letters returns the letters that a search text spells, "" where it is no pinyin.
func letters(text string) string {
	var b strings.Builder
	for _, r := range query(&text) {
		switch {
		case r == 'ü':
			b.WriteByte('v')
		case 'a' <= r && r <= 'z':
			b.WriteRune(r)
		case !unicode.IsSpace(r) && !strings.ContainsRune("'’-‐", r):
			return ""
		}
	}
	if b.Len() > 40 {
		return ""
	}
	return b.String()
}

// spells says whether letters spell a text from one of its characters on: whole, the last syllable
// cut short or not, or by initials.
func spells(letters, text string) bool {
	if letters == "" {
		return false
	}
	list := chinese(text)
	for i := range list {
		if spellsWhole(letters, list[i:]) || spellsInitials(letters, list[i:]) {
			return true
		}
	}
	return false
}

func spellsWhole(letters string, list [][]string) bool {
	if len(list) == 0 {
		return false
	}
	for _, reading := range list[0] {
		if strings.HasPrefix(reading, letters) {
			return true
		}
		if rest, ok := strings.CutPrefix(letters, reading); ok && spellsWhole(rest, list[1:]) {
			return true
		}
	}
	return false
}

func spellsInitials(letters string, list [][]string) bool {
	if letters == "" {
		return true
	}
	if len(list) == 0 {
		return false
	}
	for _, reading := range list[0] {
		if reading[0] == letters[0] && spellsInitials(letters[1:], list[1:]) {
			return true
		}
	}
	return false
}

// spelling returns how a text may be typed in pinyin: by all or some of its characters, well or
// nearly so.
func spelling(d *rand.Rand, text string) string {
	list := chinese(text)
	if len(list) == 0 {
		return "pinyin"
	}
	list = list[d.IntN(len(list)):]
	list = list[:1+d.IntN(min(len(list), 6))]
	initials, b := d.IntN(3) == 0, strings.Builder{}
	for _, ways := range list {
		reading := pick(d, ways)
		if initials != (d.IntN(20) == 0) { // now and then a mixture of both, which finds nothing
			reading = reading[:1]
		}
		b.WriteString(reading)
		if d.IntN(8) == 0 {
			b.WriteString(pick(d, []string{" ", "'", "-"}))
		}
	}
	typed := b.String()
	switch d.IntN(5) {
	case 0:
		typed = typed[:1+d.IntN(len(typed))]
	case 1:
		typed = strings.ToUpper(typed)
	case 2:
		typed = strings.ReplaceAll(typed, "v", "ü")
	}
	return typed
}
