package canonical

import (
	"slices"
	"strings"
	"unicode"
)

// A key that the document does not have is one of three things: one of the keys below, which pass;
// a misspelling of a key of ours, which is refused, because the answer would be another list than
// the one that was asked for; or nothing to do with us, which passes.
//
// It is a misspelling where what it says is a name of ours (misspelt says how near), in whatever
// case and with whatever separators: the whole key, or what stands in it from one of its brackets
// or dots on (params[search][status], {"data":{"crop_id":1}}), or, for a name of several words, a
// run of its words (items_per_page).

// passing are the keys that old pages and their surroundings are known to send, each with its
// reason. They pass as they stand here, whatever they resemble.
var passing = map[string]string{ //nolint:gosec // names of keys, no credentials
	"i":       "We7's router: the account",
	"c":       "We7's router: the controller",
	"a":       "We7's router: the action",
	"m":       "We7's router: the module",
	"do":      "We7's router: the module's method",
	"op":      "We7's router: the method's operation",
	"eid":     "We7's router: the module's entry",
	"wxref":   "We7's links from WeChat",
	"uniacid": "We7's account, beside the one in the path",
	"s":       "the path, as servers without rewriting hand it on",
	"r":       "the route, in other frameworks' links",
	"route":   "the mall's router",

	"mid":           "the mall's member who shared a link",
	"uid":           "the mall's member",
	"uuid":          "the mall's visitor",
	"type":          "the mall's kind of client: 1 for WeChat to 15; search[type] stands in the group",
	"shop_id":       "the mall's shop",
	"store_id":      "the mall's store",
	"page_id":       "the mall's decorated page",
	"session_id":    "the mall's session",
	"app_type":      "the mall's kind of client",
	"ingress":       "the mall's way in",
	"scope":         "the mall's part of the page",
	"basic_info":    "the mall's page asks for its frame",
	"validate_page": "the mall's page asks for its rights",
	"is_shop_pos":   "the mall's till",
	"cache_time":    "the mall's cache",

	"_":         "jQuery's against caches",
	"_t":        "a time against caches",
	"t":         "a time against caches",
	"ts":        "a time against caches",
	"time":      "a time against caches; search[time] stands in the group",
	"timestamp": "a time against caches",
	"v":         "a version against caches",
	"rand":      "a number against caches",
	"random":    "a number against caches",

	"callback":     "JSONP",
	"_method":      "Laravel's method of a form",
	"_token":       "Laravel's token of a form",
	"token":        "a session's token",
	"access_token": "a session's token",

	"code":           "WeChat's sign-in",
	"state":          "WeChat's sign-in",
	"appid":          "WeChat's sign-in",
	"openid":         "WeChat's sign-in",
	"from":           "WeChat's mark on a shared link, and a number of the paginator",
	"isappinstalled": "WeChat's mark on a shared link",
	"nsukey":         "WeChat's mark on a shared link",
	"lang":           "the page's language",
	"utm_source":     "a campaign's mark",

	"current_page": "the paginator that was answered, sent back by a page that keeps its state in it",
	"last_page":    "the paginator",
	"to":           "the paginator",
	"total":        "the paginator",
	"count":        "the paginator",
	"path":         "the paginator",
}

// meant are words of other interfaces for a parameter of ours.
var meant = map[string]string{
	"limit": "per_page", "size": "per_page", "psize": "per_page", "page_size": "per_page", "page_limit": "per_page",
	"page_count": "per_page", "page_num": "page", "page_no": "page", "page_number": "page", "page_index": "page",
	"current_page": "page", "pindex": "page", "offset": "page",
	"corp": "crop_id", "crop": "crop_id", "corp_id": "crop_id", "business_id": "crop_id", "company_id": "crop_id",
	"enterprise_id": "crop_id", "order": "sort", "order_by": "sort", "sort_by": "sort", "before": "before_id",
}

// groups are words of other interfaces for the group of the filters.
var groups = []string{"filter", "filters"}

// name is one way to say a key of ours.
type name struct {
	key    string // the key, as the document has it
	says   []rune // the name without case and separators
	edits  int    // so many edits away it is still meant
	within bool   // it is also meant where a longer key has it among its words
}

// names returns all that says a key of ours: the parameters, the filters with and without their
// group, and other interfaces' words for parameters. The shorter a name, the more words are near
// it: four letters may be an edit off, a filter's name alone and others' words from six letters on.
func names(params []param) []name {
	var list []name
	add := func(key, says string, edits int, within bool) {
		list = append(list, name{key: key, says: []rune(squeeze(says)), edits: edits, within: within})
	}
	for _, p := range params {
		inner, filter := strings.CutPrefix(p.base, group+"[")
		inner = strings.TrimSuffix(inner, "]")
		if !filter {
			add(p.Name, p.base, min(2, len(squeeze(p.base))/4), len(words(p.base)) > 1)
			for other, key := range meant {
				if key == p.Name {
					add(key, other, min(1, len(squeeze(other))/6), false)
				}
			}
			continue
		}
		add(p.Name, group+inner, 1, true)
		add(p.Name, inner, min(1, len([]rune(squeeze(inner)))/6), len(words(inner)) > 1)
	}
	// Of two that are as near, the answer must not depend on the order of a map.
	slices.SortStableFunc(list, func(a, b name) int { return strings.Compare(string(a.says), string(b.says)) })
	return list
}

// misspelt returns the key of ours that key means, which is none itself, and whether it means one;
// "" where it is meant as a filter and resembles none.
func (n *Normaliser) misspelt(key string) (ours string, found bool) {
	if _, passes := passing[key]; passes || len(n.names) == 0 {
		return "", false
	}
	if unescaped := unescape(key); unescaped != key { // escaped twice
		key = unescaped
	}
	// No key of ours is so long, whatever it is wrapped in, and looking at one costs the square of its
	// length.
	key = key[:min(len(key), maxPath)]
	key = key[strings.LastIndexAny(key, "?&;")+1:] // behind the rest of an address: ?search, amp;search
	segments := strings.FieldsFunc(key, func(r rune) bool { return strings.ContainsRune("[].", r) })
	for i, segment := range segments {
		if n.filters && isGroup(segment) {
			if i+1 == len(segments) {
				return group, true
			}
			return n.nearest(strings.Join(segments[i+1:], "")), true
		}
		if ours := n.says(squeeze(segment)); ours != "" {
			return ours, true
		}
		if ours := n.says(squeeze(strings.Join(segments[i:], ""))); ours != "" {
			return ours, true
		}
		if parts := words(segment); n.filters && len(parts) > 1 && isGroup(parts[0]) {
			if ours := n.nearest(strings.Join(parts[1:], "_")); ours != "" {
				return ours, true
			}
		}
	}
	return n.contains(words(key))
}

// says returns the key of ours that text, squeezed, says, or "".
func (n *Normaliser) says(text string) string {
	got, best, distance := []rune(text), "", 3
	for _, name := range n.names {
		if d := len(got) - len(name.says); d > name.edits || -d > name.edits {
			continue
		}
		if d := editDistance(got, name.says); d <= name.edits && d < distance {
			best, distance = name.key, d
		}
	}
	return best
}

// contains returns the key of ours that is a run of these words.
func (n *Normaliser) contains(list []string) (string, bool) {
	for i := range list {
		run := ""
		for _, word := range list[i:] {
			if run += word; len(run) > 64 { //nolint:modernize // at most 64 bytes
				break
			}
			for _, name := range n.names {
				if name.within && string(name.says) == run {
					return name.key, true
				}
			}
		}
	}
	return "", false
}

// nearest returns the filter that is nearest to what stands behind the group, or "".
func (n *Normaliser) nearest(inner string) string {
	got := []rune(strings.ToLower(strings.TrimSpace(inner)))
	if len(got) > 64 {
		return ""
	}
	best, distance := "", max(1, len(got)/3)+1
	for _, p := range n.params {
		text, filter := strings.CutPrefix(p.base, group+"[")
		if !filter {
			continue
		}
		want := []rune(strings.TrimSuffix(text, "]"))
		d := editDistance(got, want)
		if short := min(len(got), len(want)); short > 2 && slices.Equal(got[:short], want[:short]) {
			d = min(d, 1)
		}
		if d < distance {
			best, distance = p.Name, d
		}
	}
	return best
}

// isGroup says whether name is the group, or meant to be it: in capitals, an edit off, with its
// letters in another order, or by another interface's word.
func isGroup(name string) bool {
	name = squeeze(name)
	if len(name) > len(group)+1 {
		return false
	}
	sorted := func(s string) []byte { b := []byte(s); slices.Sort(b); return b }
	return editDistance([]rune(name), []rune(group)) <= 1 || slices.Equal(sorted(name), sorted(group)) || slices.Contains(groups, name)
}

// squeeze returns text in small letters, of letters and digits alone.
func squeeze(text string) string {
	return strings.Join(words(text), "")
}

// words returns the words of text in small letters: letters and digits, parted by anything else
// and by a capital behind a small letter.
func words(text string) []string {
	var list []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			list = append(list, word.String())
			word.Reset()
		}
	}
	small := false
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		if unicode.IsUpper(r) && small {
			end()
		}
		small = unicode.IsLower(r)
		word.WriteRune(unicode.ToLower(r))
	}
	end()
	return list
}

// editDistance is the least number of runes to insert, to drop, to replace or to swap with the
// next, no rune twice (optimal string alignment).
func editDistance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i, x := range a {
		row[0] = i + 1
		for j, y := range b {
			cost := last[j]
			if x != y {
				cost++
			}
			cost = min(cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x == b[j-1] && a[i-1] == y {
				cost = min(cost, before[j-1]+1)
			}
			row[j+1] = cost
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
