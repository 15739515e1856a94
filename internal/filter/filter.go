// Package filter says what a filter of the list is: one entry of its table for each, asked by the
// reading and by the writing side. An entry reads its parameter, names the set that a row is in for
// its value, says which sets an asked value is made of (Expr), and fills the plain query's
// parameter.
//
// To add a filter: a field of Filter, an entry in table.go. The rest of the way is in the README.
package filter

import (
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/apierr"
)

// Filter is what rows must meet, all of it together; the zero Filter is every live row. Texts are
// folded (internal/fold), ids are trimmed; nil and "" are no filter.
type Filter struct {
	Customer  Text     // the contact's name contains it, or it is the contact's external_userid
	Member    *uint64  // the contact's uid; one beyond the column's range is nobody's
	AddWay    *uint32  // the row's add_way
	TagsAny   []string // the row carries any of these tags; "*" is any tag at all
	TagsAll   []string // it carries all of them
	TagsNone  []string // it carries none of them
	Employees []string // the row's userid is one of these, in small letters
	Type      *int32   // the contact's external_type
	Status    *int32   // the row's status
	From, To  *int64   // the row's createtime, both inclusive
	Remark    Text     // the row's remark contains it
	Gender    *int32   // the contact's gender
	Mobile    string   // digits that one of the row's remark_mobiles contains
	Keyword   Keyword  // one text for all that can be searched
}

// Text is what a folded text is searched for.
type Text struct {
	Folded string // "" is no filter
	ID     string // the text as it came, which an id is compared with
}

// Keyword is one text in each form that something is searched for by it.
type Keyword struct {
	Text
	Pinyin string // "" where the text cannot be pinyin
	Digits string // "" where the text is not a telephone number or a part of one
}

// Row is what a follow's sets are made from: its own columns and those derived for search.
type Row = gendb.Follow

// Params are the parameters of the plain query that counts (db/queries/follows.sql).
type Params = gendb.CountFollowsParams

// Read returns the filter that the parameters ask for. They are valid by the document; what it
// cannot say is checked here: apierr.Invalid with the fields.
func Read(p *api.GetListParams) (Filter, error) {
	var f Filter
	var wrong []apierr.Field
	for _, e := range table {
		if field := e.read(p, &f); field != nil {
			field.Field = e.param
			wrong = append(wrong, *field)
		}
	}
	if len(wrong) > 0 {
		return f, apierr.Bad(wrong...)
	}
	return f, nil
}

// Active is a filter that is set: its parameter as the document names it, and its sets.
type Active struct {
	Param string
	Expr  Expr
}

// Active returns the filters that are set, in the contract's order.
func (f *Filter) Active() (active []Active) {
	for _, e := range table {
		if expr, set := e.sets(f); set {
			active = append(active, Active{e.param, expr})
		}
	}
	return active
}

// Without returns f without the filter of this parameter.
func (f *Filter) Without(param string) Filter {
	return f.only(func(e entry) bool { return e.param != param })
}

// Only returns f with nothing but the filter of this parameter.
func (f *Filter) Only(param string) Filter {
	return f.only(func(e entry) bool { return e.param == param })
}

func (f *Filter) only(keep func(entry) bool) Filter {
	var kept Filter
	from, to := reflect.ValueOf(f).Elem(), reflect.ValueOf(&kept).Elem()
	for _, e := range table {
		if keep(e) {
			for _, field := range e.fields {
				to.FieldByName(field).Set(from.FieldByName(field))
			}
		}
	}
	return kept
}

// Params returns the parameters of the plain query for the filter, in this enterprise.
func (f *Filter) Params(crop uint32) Params {
	p := Params{CropID: crop}
	for _, e := range table {
		e.plain(f, &p)
	}
	return p
}

// Same returns a struct with the fields of another one that it has too: the parameters of an
// operation or a query that takes the same filters as another.
func Same[To any](from any) (to To) {
	source, target := reflect.ValueOf(from), reflect.ValueOf(&to).Elem()
	for i := range target.NumField() {
		if field := source.FieldByName(target.Type().Field(i).Name); field.IsValid() {
			target.Field(i).Set(field)
		}
	}
	return to
}

// ParamNames returns the names of the document's parameters that are filters, in the contract's
// order.
func ParamNames() []string {
	var names []string
	for _, e := range table {
		if !slices.Contains(names, e.param) {
			names = append(names, e.param)
		}
	}
	return names
}

// Names calls add with the name of each set that a live row is in; one may come twice. The bytes
// hold until the next call.
func Names(r *Row, add func(name []byte)) {
	n := namer{add: add, name: make([]byte, 0, MaxName)}
	n.value(kindLive, "")
	for _, e := range table {
		if e.row != nil {
			e.row(r, &n)
		}
	}
}

// Counted are the kinds of sets whose values are counted, as Status is, with the parameter that
// filters by them.
var Counted = counted()

func counted() map[byte]string {
	params := map[byte]string{}
	for _, e := range table {
		if e.counted != 0 {
			params[byte(e.counted)] = e.param
		}
	}
	return params
}

// CountedNames is Names for the kinds of Counted alone.
func CountedNames(r *Row, add func(name []byte)) {
	n := namer{add: add, name: make([]byte, 0, 128)}
	for _, e := range table {
		if e.counted != 0 {
			e.row(r, &n)
		}
	}
}

// namer makes the names of sets; it exists for its buffers.
type namer struct {
	add      func(name []byte)
	name     []byte
	starts   []int
	overlaps []string
}

func (n *namer) value(k kind, value string) {
	n.name = append(append(n.name[:0], byte(k)), value...)
	n.add(n.name)
}

func (n *namer) number(k kind, value int64) {
	n.name = appendNumber(append(n.name[:0], byte(k)), value)
	n.add(n.name)
}

// MaxName is the most bytes of a set's name, that of the column: a letter, and a tag's id of 100
// characters.
const MaxName = 1 + 100*utf8.UTFMax

// lower returns s with ASCII's capitals made small and no others: a userid as its column compares
// it.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
