package filter

import (
	"context"
	"database/sql"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/fold"
	"example.com/wechatcustomers/internal/pinyin"
)

// entry is one filter.
type entry struct {
	param  string   // the document's parameter
	fields []string // of Filter

	// counted is the kind of its sets where getFacets counts the values.
	counted kind

	// read takes the parameter into the filter; a field says what is wrong with it.
	read func(p *api.GetListParams, f *Filter) *apierr.Field
	// row names the sets that a row is in, for the filter's values.
	row func(r *Row, n *namer)
	// sets says which rows the filter asks for; false where it is not set.
	sets func(f *Filter) (Expr, bool)
	// plain fills the plain query's parameter.
	plain func(f *Filter, p *Params)
}

// table holds every filter, in the contract's order, additions last.
var table = []entry{
	{
		param: "search[customer]", fields: []string{"Customer"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.Customer = textOf(p.SearchCustomer)
			return nil
		},
		row: func(r *Row, n *namer) { n.grams(kindName, r.NameFolded) },
		sets: func(f *Filter) (Expr, bool) {
			name := containing(kindName, f.Customer.Folded, Filter{Customer: f.Customer})
			return anyOf(name, ofContact(f.Customer.ID)), f.Customer.Folded != ""
		},
		plain: func(f *Filter, p *Params) {
			p.Customer, p.ExternalUserid = text(f.Customer.Folded), pointer(f.Customer.ID)
		},
	},
	{
		param: "search[member]", fields: []string{"Member"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			if p.SearchMember != nil {
				n, err := strconv.ParseUint(*p.SearchMember, 10, 64)
				if err != nil {
					n = math.MaxUint64 // up to 20 digits, by the document
				}
				f.Member = &n
			}
			return nil
		},
		row: func(r *Row, n *namer) {
			if r.ContactUID == 0 {
				n.number(kindMember, 0)
			}
		},
		sets: func(f *Filter) (Expr, bool) {
			if f.Member == nil || *f.Member == 0 {
				return number(kindMember, 0), f.Member != nil
			}
			return Expr{Op: Rows, Source: func(ctx context.Context, q *gendb.Queries, crop uint32) ([]uint64, error) {
				if *f.Member > math.MaxUint32 {
					return nil, nil
				}
				return q.ListFollowIDsOfMember(ctx, gendb.ListFollowIDsOfMemberParams{CropID: crop, UID: uint32(*f.Member)})
			}}, true
		},
		plain: func(f *Filter, p *Params) {
			if f.Member != nil {
				p.Member = sql.NullInt64{Int64: int64(min(*f.Member, math.MaxInt64)), Valid: true}
			}
		},
	},
	{
		param: "search[add_way_type]", fields: []string{"AddWay"}, counted: kindAddWay,
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			if p.SearchAddWayType != nil {
				way := uint32(*p.SearchAddWayType) // 0 to 65535, by the document
				f.AddWay = &way
			}
			return nil
		},
		row:   func(r *Row, n *namer) { n.number(kindAddWay, int64(r.AddWay)) },
		sets:  func(f *Filter) (Expr, bool) { return equal(kindAddWay, f.AddWay) },
		plain: func(f *Filter, p *Params) { p.AddWay = f.AddWay },
	},
	{
		param: "search[tags_data]", fields: []string{"TagsAny"}, counted: kindTag,
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.TagsAny = List(p.SearchTagsData)
			return nil
		},
		row: func(r *Row, n *namer) {
			for i, id := range Split(r.TagID) {
				if i == 0 {
					n.value(kindTag, AnyTag)
				}
				n.value(kindTag, id)
			}
		},
		sets: func(f *Filter) (Expr, bool) {
			return anyOf(values(kindTag, f.TagsAny)...), f.TagsAny != nil
		},
		plain: func(f *Filter, p *Params) { p.TagsAny = array(f.TagsAny) },
	},
	{
		param: "search[tags_all]", fields: []string{"TagsAll"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.TagsAll = List(p.SearchTagsAll)
			return nil
		},
		sets: func(f *Filter) (Expr, bool) {
			return allOf(values(kindTag, f.TagsAll)...), f.TagsAll != nil
		},
		plain: func(f *Filter, p *Params) { p.TagsAll = array(f.TagsAll) },
	},
	{
		param: "search[tags_none]", fields: []string{"TagsNone"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.TagsNone = List(p.SearchTagsNone)
			return nil
		},
		sets: func(f *Filter) (Expr, bool) {
			return Expr{Op: Not, Of: values(kindTag, f.TagsNone)}, f.TagsNone != nil
		},
		plain: func(f *Filter, p *Params) { p.TagsNone = array(f.TagsNone) },
	},
	{
		param: "search[employee_member]", fields: []string{"Employees"}, counted: kindEmployee,
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			for _, userid := range List(p.SearchEmployeeMember) {
				f.Employees = append(f.Employees, lower(userid))
			}
			return nil
		},
		row: func(r *Row, n *namer) { n.value(kindEmployee, lower(r.Userid)) },
		sets: func(f *Filter) (Expr, bool) {
			return anyOf(values(kindEmployee, f.Employees)...), f.Employees != nil
		},
		plain: func(f *Filter, p *Params) {
			if f.Employees != nil {
				// WeCom's userids are ASCII, and so is the column: it cannot be compared with anything else.
				ascii := slices.DeleteFunc(slices.Clone(f.Employees), func(userid string) bool { return !isASCII(userid) })
				p.Employees = sql.NullString{String: strings.Join(ascii, ","), Valid: true}
			}
		},
	},
	{
		param: "search[type]", fields: []string{"Type"}, counted: kindType,
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.Type = (*int32)(p.SearchType)
			if p.SearchLeixing == nil {
				return nil
			}
			if f.Type != nil && *f.Type != int32(*p.SearchLeixing) {
				return &apierr.Field{
					Message: "与 search[类型] 不同,两者含义相同,请只传一个", Got: apierr.Quote(strconv.Itoa(int(*f.Type))),
				}
			}
			f.Type = (*int32)(p.SearchLeixing)
			return nil
		},
		row:   func(r *Row, n *namer) { n.number(kindType, int64(r.ExternalType)) },
		sets:  func(f *Filter) (Expr, bool) { return equal(kindType, f.Type) },
		plain: func(f *Filter, p *Params) { p.ExternalType = f.Type },
	},
	{
		param: "search[gender]", fields: []string{"Gender"}, counted: kindGender,
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.Gender = (*int32)(p.SearchGender)
			return nil
		},
		row:   func(r *Row, n *namer) { n.number(kindGender, int64(r.Gender)) },
		sets:  func(f *Filter) (Expr, bool) { return equal(kindGender, f.Gender) },
		plain: func(f *Filter, p *Params) { p.Gender = f.Gender },
	},
	{
		param: "search[status]", fields: []string{"Status"}, counted: kindStatus,
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.Status = (*int32)(p.SearchStatus)
			return nil
		},
		row:   func(r *Row, n *namer) { n.number(kindStatus, int64(r.Status)) },
		sets:  func(f *Filter) (Expr, bool) { return equal(kindStatus, f.Status) },
		plain: func(f *Filter, p *Params) { p.Status = f.Status },
	},
	{
		param: "search[time][]", fields: []string{"From", "To"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			if p.SearchTime != nil {
				f.From, f.To = seconds((*p.SearchTime)[0]), seconds((*p.SearchTime)[1])
			}
			return nil
		},
		row: func(r *Row, n *namer) {
			day := dayOf(r.Createtime)
			n.number(kindDay, day)
			n.number(kindDays, day>>monthBits)
		},
		sets:  func(f *Filter) (Expr, bool) { return within(f.From, f.To), f.From != nil || f.To != nil },
		plain: func(f *Filter, p *Params) { p.TimeFrom, p.TimeTo = f.From, f.To },
	},
	{
		param: "search[remark]", fields: []string{"Remark"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.Remark = textOf(p.SearchRemark)
			return nil
		},
		row: func(r *Row, n *namer) { n.grams(kindRemark, r.RemarkFolded) },
		sets: func(f *Filter) (Expr, bool) {
			return containing(kindRemark, f.Remark.Folded, Filter{Remark: f.Remark}), f.Remark.Folded != ""
		},
		plain: func(f *Filter, p *Params) { p.Remark = text(f.Remark.Folded) },
	},
	{
		param: "search[mobile]", fields: []string{"Mobile"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			if p.SearchMobile != nil {
				f.Mobile = Digits(*p.SearchMobile)
			}
			return nil
		},
		row: func(r *Row, n *namer) {
			// All of them at once: runs of digits may be those of two numbers, and the row is then in doubt.
			n.grams(kindMobile, strings.ReplaceAll(r.Mobiles, ",", string(separator)))
		},
		sets: func(f *Filter) (Expr, bool) {
			return containing(kindMobile, f.Mobile, Filter{Mobile: f.Mobile}), f.Mobile != ""
		},
		plain: func(f *Filter, p *Params) { p.Mobile = text(f.Mobile) },
	},
	{
		param: "search[keyword]", fields: []string{"Keyword"},
		read: func(p *api.GetListParams, f *Filter) *apierr.Field {
			f.Keyword = keywordOf(p.SearchKeyword)
			return nil
		},
		row: func(r *Row, n *namer) {
			n.grams(kindNotes, r.NotesFolded)
			pinyin.Beginnings(r.Pinyin, func(cut int, letters string) { n.value(kindPinyin, cutName[cut]+letters) })
		},
		sets: func(f *Filter) (Expr, bool) {
			return keyword(f.Keyword), f.Keyword.Folded != ""
		},
		plain: func(f *Filter, p *Params) {
			k := f.Keyword
			p.Keyword, p.KeywordDigits, p.KeywordID = text(k.Folded), text(k.Digits), pointer(k.ID)
			if k.Pinyin != "" {
				p.KeywordPinyin = text(pinyin.Pattern(k.Pinyin))
			}
			if isASCII(k.ID) {
				p.KeywordUserid = pointer(k.ID)
			}
		},
	},
}

// equal is a filter by one number.
func equal[T int32 | uint32](k kind, n *T) (Expr, bool) {
	if n == nil {
		return Expr{}, false
	}
	return number(k, int64(*n)), true
}

// textOf returns what a parameter's text is searched for; none where only white space is left.
func textOf(query *string) Text {
	if query == nil {
		return Text{}
	}
	return Text{Folded: fold.Query(*query), ID: fold.Trim(*query)}
}

// ofContact are the rows of the contact with this external_userid.
func ofContact(id string) Expr {
	return Expr{Op: Rows, Source: func(ctx context.Context, q *gendb.Queries, crop uint32) ([]uint64, error) {
		return q.ListFollowIDsOfContact(ctx, gendb.ListFollowIDsOfContactParams{CropID: crop, ExternalUserid: id})
	}}
}

// cutName tells the kinds of pinyin's beginnings apart in the names of their sets.
var cutName = [...]string{
	pinyin.Whole3:    "a",
	pinyin.Whole6:    "b",
	pinyin.Whole10:   "c",
	pinyin.Initials3: "d",
	pinyin.Initials6: "e",
}

// keyword are the rows that a keyword finds.
func keyword(k Keyword) Expr {
	looked := Filter{Keyword: k}
	of := []Expr{
		containing(
			kindName,
			k.Folded,
			looked,
		),
		containing(kindRemark, k.Folded, looked),
		containing(kindNotes, k.Folded, looked),
		ofContact(k.ID),
		{Op: Rows, Source: func(ctx context.Context, q *gendb.Queries, crop uint32) ([]uint64, error) {
			return q.ListFollowIDsOfUnionid(ctx, gendb.ListFollowIDsOfUnionidParams{CropID: crop, Unionid: k.ID})
		}},
	}
	if k.Digits != "" {
		of = append(of, containing(kindMobile, k.Digits, looked))
	}
	for _, c := range pinyin.Candidates(k.Pinyin) {
		in := beginning(kindPinyin, cutName[c.Kind]+c.Prefix)
		if !c.Settled {
			in = Expr{Op: Match, Of: []Expr{in}, Filter: looked}
		}
		of = append(of, in)
	}
	if isASCII(k.ID) {
		of = append(of, value(kindEmployee, lower(k.ID)))
	}
	return anyOf(of...)
}

// keywordOf returns a keyword in all its forms.
func keywordOf(query *string) Keyword {
	k := Keyword{Text: textOf(query)}
	if k.Folded != "" {
		k.Pinyin = pinyin.Query(k.Folded)
		if !strings.ContainsFunc(k.Folded, func(r rune) bool { return !strings.ContainsRune("0123456789+- ", r) }) {
			k.Digits = Digits(k.Folded)
		}
	}
	return k
}

// separator stands before each of the texts of notes_folded. No search text has it.
const separator = '\x00'

// Notes returns what notes_folded holds of these texts, which search[keyword] looks at beside name
// and remark.
func Notes(texts ...string) string {
	var b strings.Builder
	for _, t := range texts {
		if t != "" {
			b.WriteRune(separator)
			b.WriteString(fold.String(t))
		}
	}
	return b.String()
}

// Spelt returns what the column pinyin holds of folded texts.
func Spelt(texts ...string) string {
	lattices := make([]string, len(texts))
	for i, t := range texts {
		lattices[i] = pinyin.Lattice(t)
	}
	return pinyin.Join(lattices...)
}

// Mobiles returns what the column mobiles holds of a row's remark_mobiles: the digits of each,
// comma-separated. What is no list in JSON, as imports once took it, is read as far as it
// goes.
func Mobiles(remarkMobiles string) string {
	if remarkMobiles == "[]" {
		return ""
	}
	var list []string
	if json.Unmarshal([]byte(remarkMobiles), &list) != nil {
		list = strings.FieldsFunc(remarkMobiles, func(r rune) bool { return strings.ContainsRune(`",[]`, r) })
	}
	var mobiles []string
	for _, m := range list {
		if digits := Digits(fold.String(m)); digits != "" {
			mobiles = append(mobiles, digits)
		}
	}
	return strings.Join(mobiles, ",")
}

// Digits returns the digits of a telephone number.
func Digits(s string) string {
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, s)
}

// Split returns the ids of a comma-separated list in their order, each once and trimmed; empty ones
// are skipped. It is nil where there is none. An id that a narrow column has cut short is an id
// like any other: nobody knows it.
func Split(list string) []string {
	var ids []string
	for id := range strings.SplitSeq(list, ",") {
		if id = fold.Trim(id); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// List is Split of a parameter.
func List(list *string) []string {
	if list == nil {
		return nil
	}
	return Split(*list)
}

// TagsJSON returns what the column tags holds of a row's tag_id: its ids as a JSON array, behind *
// where there are any, so that "any tag at all" is a tag like the others.
func TagsJSON(tagID string) string {
	ids := Split(tagID)
	if ids == nil {
		return "[]"
	}
	return array(append([]string{AnyTag}, ids...)).String
}

// array returns a list as a JSON array, NULL for none.
func array(list []string) sql.NullString {
	if list == nil {
		return sql.NullString{}
	}
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(list) //nolint:errchkjson // a list of texts
	return sql.NullString{String: strings.TrimSpace(b.String()), Valid: true}
}

func text(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }

func pointer(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII })
}

// Days are China's: a day of the page's time filter is one of these.
const (
	daySeconds  = 24 * 60 * 60
	zoneSeconds = 8 * 60 * 60
	monthBits   = 5 // 32 days
)

// dayOf returns the day of a second, of those too far away for anybody's calendar the first or the
// last there is: its seconds can be counted, too.
func dayOf(createtime int64) int64 {
	t := max(math.MinInt64/2, min(createtime, math.MaxInt64/2)) + zoneSeconds
	day := t / daySeconds
	if t%daySeconds < 0 {
		day--
	}
	return day
}

// seconds returns one side of the time range, nil where it is open.
func seconds(digits string) *int64 {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return nil // the document lets only the empty text through
	}
	return &n
}

// within are the rows of a time range: whole days by their sets, 32 at a time where there are as
// many, and what is left of the first and the last day by the index of times.
func within(from, to *int64) Expr {
	first, last := int64(math.MinInt64), int64(math.MaxInt64)
	if from != nil {
		first = *from
	}
	if to != nil {
		last = *to
	}
	var parts []Expr
	if first > last {
		return anyOf(parts...)
	}
	begin, end := dayOf(first), dayOf(last)
	if start, _ := SecondsOf(begin); from != nil && first != start {
		_, stop := SecondsOf(begin)
		parts = append(parts, between(first, min(stop, last)))
		begin++
	}
	if start, stop := SecondsOf(end); to != nil && last != stop && end >= begin {
		parts = append(parts, between(max(start, first), last))
		end--
	}
	days := func(k kind, from, to int64) {
		if from <= to {
			parts = append(parts, Expr{Op: Between, First: numbered(k, from), Last: numbered(k, to)})
		}
	}
	// The months that are whole, and the days before and after them.
	const month = 1 << monthBits
	firstMonth, lastMonth := (begin+month-1)>>monthBits, (end+1)>>monthBits-1
	if firstMonth > lastMonth {
		days(kindDay, begin, end)
	} else {
		days(kindDay, begin, firstMonth<<monthBits-1)
		days(kindDays, firstMonth, lastMonth)
		days(kindDay, (lastMonth+1)<<monthBits, end)
	}
	return anyOf(parts...)
}

func between(from, to int64) Expr {
	return Expr{Op: Rows, Source: func(ctx context.Context, q *gendb.Queries, crop uint32) ([]uint64, error) {
		rows, err := q.ListFollowTimes(ctx, gendb.ListFollowTimesParams{CropID: crop, TimeFrom: from, TimeTo: to})
		ids := make([]uint64, len(rows))
		for i, row := range rows {
			ids[i] = row.ID
		}
		return ids, err
	}}
}
