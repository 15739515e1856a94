// Package canonical turns a request as real clients spell it (query, form, multipart or JSON; any
// way of writing arrays and unset filters) into the one literal query that the document declares.
// It judges shapes and spellings only: what a value may be is the document's to say, except where
// no schema can (the time's two sides, a page past every list).
package canonical

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/wechatcustomers/internal/apierr"
)

// MaxPage is the page that any larger one becomes: past the end of every list, and small enough
// that no offset overflows.
const MaxPage = 1_000_000_000

// maxWrong is how many wrong parameters are named at most.
const maxWrong = 20

// group is the key that holds the filters in every spelling: search[status], search.status,
// {"search":{"status":1}}, search={"status":1}.
const group = "search"

// Kind says how a parameter's values are written in the literal query.
type Kind int

// The kinds of parameters.
const (
	Single Kind = iota // one value; the last one given counts
	Number             // a Single of digits, of which a sign + is not written
	Word               // a Single of a closed list, with nothing around it
	List               // any number of values, joined with commas
	Range              // start and end in unix seconds, written as two items of which an empty one is open
	Page               // a page number; the first page is not written
)

// maxNumber is how many characters a Number or an end of a Range has with what stands around it.
const maxNumber = 40

// Param is one query parameter of the document, by its literal name there.
type Param struct {
	Name   string
	Kind   Kind
	Length uint64 // of a Single: the most characters of the document; 0 is any number
}

// Params returns the query parameters of an item's GET in the document's order: those that the item
// has for all its methods, then the operation's own, of which one takes the place of the item's of
// the same name. An array named with [] is a Range, any other array and what is marked x-comma-list
// a List, the parameter named page a Page.
func Params(item *openapi3.PathItem) []Param {
	var params []Param
	for _, ref := range declared(item) {
		p := ref.Value
		if p.In != openapi3.ParameterInQuery {
			continue
		}
		param := Param{Name: p.Name}
		schema := p.Schema.Value
		switch array := schema.Type.Is(openapi3.TypeArray); {
		case array && strings.HasSuffix(p.Name, "[]"):
			param.Kind = Range
		case array || schema.Extensions["x-comma-list"] == true:
			param.Kind = List
		case p.Name == "page":
			param.Kind = Page
		case schema.Type.Is(openapi3.TypeInteger):
			param.Kind = Number
		case len(schema.Enum) > 0:
			param.Kind = Word
		case schema.MaxLength != nil:
			param.Length = *schema.MaxLength
		}
		params = append(params, param)
	}
	return params
}

func declared(item *openapi3.PathItem) openapi3.Parameters {
	var all openapi3.Parameters
	for _, ref := range item.Parameters {
		if item.Get.Parameters.GetByInAndName(ref.Value.In, ref.Value.Name) == nil {
			all = append(all, ref)
		}
	}
	return append(all, item.Get.Parameters...)
}

// Normaliser rewrites requests for one operation. It is safe for concurrent use.
type Normaliser struct {
	params   []param
	names    []name // all that says one of params
	filters  bool   // params has filters
	maxPairs int
	legacy   bool
}

type param struct {
	Param
	base    string // the name without the [] of a Range
	escaped string // the name as the literal query has it
}

// New returns a Normaliser for these parameters that takes at most maxPairs pairs from the query
// and as many from the body; all items of a List are one. With legacy a page that is none is the
// first, as the original has it.
func New(params []Param, maxPairs int, legacy bool) *Normaliser {
	n := &Normaliser{maxPairs: maxPairs, legacy: legacy}
	for _, p := range params {
		n.params = append(
			n.params,
			param{Param: p, base: strings.TrimSuffix(p.Name, "[]"), escaped: url.QueryEscape(p.Name) + "="},
		)
		n.filters = n.filters || strings.HasPrefix(p.Name, group+"[")
	}
	n.names = names(n.params)
	return n
}

// Normalise returns the literal query, in the document's order, that means what the request means.
// Where query and body both have a parameter, the body's counts, even if it is empty. Unset
// parameters and keys that are none of the document's are left out; of these one that misspells one
// of the document's (names.go) is wrong where it has a value.
//
// Errors are *apierr.Error: Invalid with each wrong parameter, beside which the query of the others
// is returned, MediaType for a body of another type, TooLong or TooLarge for more pairs than
// allowed in the query or the body.
func (n *Normaliser) Normalise(rawQuery, contentType string, body []byte) (string, error) {
	r := &reading{n: n, given: make([]given, len(n.params)), left: n.maxPairs, tooMany: apierr.TooLong}
	if err := r.form(rawQuery); err != nil {
		return "", err
	}
	if err := r.body(contentType, body); err != nil {
		return "", err
	}
	var b strings.Builder
	for i := range n.params {
		p := &n.params[i]
		values, problem := r.given[i].literal(p.Param)
		if problem != "" {
			r.reject(p.Name, problem, apierr.Quote(strings.Trim(strings.Join(r.given[i].values, ","), ",")))
			continue
		}
		for _, v := range values {
			if b.Len() > 0 {
				b.WriteByte('&')
			}
			b.WriteString(p.escaped)
			b.WriteString(url.QueryEscape(v))
		}
	}
	if len(r.wrong) > 0 {
		return b.String(), apierr.Bad(r.wrong...)
	}
	return b.String(), nil
}

// reading is what has been understood of one request so far.
type reading struct {
	n       *Normaliser
	given   []given // as n.params
	wrong   []apierr.Field
	left    int // pairs that may still come
	tooMany apierr.Code
	inBody  bool
}

// given is what a request gives for one parameter.
type given struct {
	values  []string // Range: by position; List: in the order given; else at most one
	next    int      // the position of the Range's next item without a number
	bare    bool     // the values came without brackets
	inBody  bool
	counted bool // among the pairs
}

// add takes one key with its value, as a query, a form or a leaf of JSON has it.
func (r *reading) add(key, value string) error {
	i, sub := r.n.find(key)
	if i < 0 || r.n.params[i].Kind != List || !r.given[i].counted {
		if r.left--; r.left < 0 {
			return apierr.New(r.tooMany, nil)
		}
	}
	switch {
	case i >= 0:
		g := &r.given[i]
		if r.inBody && !g.inBody {
			*g = given{inBody: true}
		}
		g.counted = true
		if problem := g.put(r.n.params[i].Kind, sub, value); problem != "" {
			r.reject(r.n.params[i].Name, problem, apierr.Quote(value))
		}
	case key == group:
		return r.searchText(value)
	case value != "":
		r.unknown(key)
	}
	return nil
}

// unknown refuses a key that the document does not have where it is a key of ours, misspelt.
func (r *reading) unknown(key string) {
	ours, found := r.n.misspelt(key)
	if !found {
		return
	}
	message := "不是可用的参数"
	if ours == "" || strings.HasPrefix(ours, group+"[") {
		message = "不是可用的筛选项"
	}
	if ours != "" {
		message += ",您是否想用 " + ours + "?"
	}
	r.note(apierr.Field{Field: key, Message: message, Unknown: true})
}

// reject notes a wrong parameter once, with what it had where that helps. The list is cut short: a
// page of misspelt keys is one mistake.
func (r *reading) reject(field, message, got string) {
	if r.n.legacy && slices.ContainsFunc(r.n.params, func(p param) bool { return p.Kind == Page && p.Name == field }) {
		return // it is the first page
	}
	r.note(apierr.Field{Field: field, Message: message, Got: got})
}

func (r *reading) note(f apierr.Field) {
	if len(f.Field) > 100 {
		f.Field = f.Field[:100] + "…"
	}
	f.Field = strings.ToValidUTF8(f.Field, "\uFFFD")
	if len(r.wrong) < maxWrong && !slices.ContainsFunc(r.wrong, func(w apierr.Field) bool { return w.Field == f.Field }) {
		r.wrong = append(r.wrong, f)
	}
}

// find returns the index of the parameter that key spells, with the brackets that follow its name,
// or -1.
func (n *Normaliser) find(key string) (int, string) {
	for i := range n.params {
		if sub, ok := strings.CutPrefix(key, n.params[i].base); ok && (sub == "" || sub[0] == '[' && sub[len(sub)-1] == ']') {
			return i, sub
		}
	}
	// axios 0.27's forms, and qs with allowDots: search.time.0
	if strings.HasPrefix(key, group) && strings.Contains(key, ".") {
		segments := strings.Split(key, ".")
		for i, segment := range segments[1:] {
			end := strings.IndexByte(segment+"[", '[')
			segments[i+1] = "[" + segment[:end] + "]" + segment[end:]
		}
		return n.find(strings.Join(segments, ""))
	}
	return -1, ""
}

// ours says whether key is a parameter, or the group of the filters.
func (n *Normaliser) ours(key string) bool {
	i, _ := n.find(key)
	return i >= 0 || key == group
}

// put takes one value, with the brackets after the parameter's name: none, [], [0]. It returns what
// is wrong, or "".
func (g *given) put(kind Kind, sub, value string) string {
	if kind != List && kind != Range {
		if sub == "" {
			g.values = append(g.values[:0], value)
		} else if value != "" {
			return "只能给一个值"
		}
		return ""
	}
	if strings.HasPrefix(sub, "[][") { // a literal search[time][] that the client numbered once more
		sub = sub[2:]
	}
	// As in PHP, x=1 after x[]=1 starts anew, and the other way round.
	if bare := sub == ""; bare != g.bare {
		g.values, g.next, g.bare = nil, 0, bare
	}
	if strings.IndexByte(sub, ']') < len(sub)-1 {
		if value == "" {
			return ""
		}
		return "格式不正确"
	}
	if kind == List {
		g.values = append(g.values, value)
		return ""
	}
	if strings.Contains(value, ",") { // what String([start, end]) gives, and qs with commas
		g.values, g.next = nil, 0
		if sub != "" {
			sub = "[]"
		}
		for v := range strings.SplitSeq(value, ",") {
			if problem := g.put(kind, sub, v); problem != "" {
				return problem
			}
		}
		return ""
	}
	at := g.next
	if len(sub) > 2 {
		var err error
		if at, err = strconv.Atoi(sub[1 : len(sub)-1]); err != nil || at < 0 {
			at = 2
		}
	}
	if g.next = at + 1; at > 1 {
		g.next = 2
		return "应为起、止两项"
	}
	if g.values == nil {
		g.values = make([]string, 2)
	}
	g.values[at] = value
	return ""
}

// literal returns the values as the literal query has them, none where the parameter is unset, and
// what is wrong, or "".
func (g *given) literal(p Param) (values []string, problem string) {
	for _, v := range g.values {
		// MySQL's collations ignore NUL, so that a filter with one would match what it should not.
		if strings.IndexByte(v, 0) >= 0 {
			return nil, "不能含有空字符"
		}
		if !utf8.ValidString(v) {
			return nil, "不是有效的 UTF-8 文本"
		}
	}
	switch p.Kind {
	case List:
		var items []string
		for _, v := range g.values {
			for item := range strings.SplitSeq(v, ",") {
				if item = strings.TrimSpace(item); item != "" {
					items = append(items, item)
				}
			}
		}
		if len(items) == 0 {
			return nil, ""
		}
		return []string{strings.Join(items, ",")}, ""
	case Range:
		return timeRange(g.values)
	case Page:
		return page(g.values)
	}
	if len(g.values) == 0 {
		return nil, ""
	}
	value := g.values[0]
	if p.Kind == Number && len(value) > maxNumber {
		return nil, fmt.Sprintf("最多 %d 个字符", maxNumber)
	}
	// The spaces around a value are not meant, as in the original; they count among its characters. A
	// + of a query is a space here.
	if p.Kind != Word && (p.Length == 0 || uint64(utf8.RuneCountInString(value)) <= p.Length) {
		value = strings.Trim(value, " ")
	}
	if p.Kind == Number {
		value = unsigned(value)
	}
	if value == "" {
		return nil, ""
	}
	return []string{value}, ""
}

// unsigned returns a number without its sign +, which PHP's filter for numbers takes.
func unsigned(text string) string {
	if number, ok := strings.CutPrefix(text, "+"); ok && digits(number) {
		return number
	}
	return text
}

// timeRange returns start and end in unix seconds.
func timeRange(values []string) ([]string, string) {
	var sides [2]int64
	for i, v := range values {
		if len(v) > maxNumber {
			return nil, fmt.Sprintf("最多 %d 个字符", maxNumber)
		}
		if v = strings.Trim(v, " "); v == "" {
			values[i] = ""
			continue
		}
		// Date.now()/1000 has a fraction. With a digit more than milliseconds have, a value would still
		// look like them once divided.
		whole, fraction, _ := strings.Cut(v, ".")
		n, err := strconv.ParseInt(whole, 10, 64)
		if !digits(whole) || !digits("0"+fraction) || err != nil || len(whole) > 13 || len(fraction) > 9 {
			return nil, "应为 unix 时间戳(秒或毫秒),不限的一侧留空"
		}
		if n >= 1e11 {
			n /= 1000
		}
		sides[i], values[i] = n, strconv.FormatInt(n, 10)
	}
	switch {
	case len(values) == 0 || values[0] == "" && values[1] == "":
		return nil, ""
	case values[0] != "" && values[1] != "" && sides[0] > sides[1]:
		return nil, "开始时间不能晚于结束时间"
	}
	return values, ""
}

func page(values []string) ([]string, string) {
	if len(values) == 0 {
		return nil, ""
	}
	text := unsigned(strings.Trim(values[0], " "))
	if text == "" {
		return nil, ""
	}
	if !digits(text) {
		return nil, "应为正整数"
	}
	n, err := strconv.ParseInt(text, 10, 64) // digits alone can only be too large
	if err != nil || n > MaxPage {
		n = MaxPage
	}
	if n <= 1 {
		return nil, ""
	}
	return []string{strconv.FormatInt(n, 10)}, ""
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
