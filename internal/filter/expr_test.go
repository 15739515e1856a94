package filter_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/internal/filter"
)

// row is what one row is in.
type row struct {
	names []string
	meets func(f *filter.Filter) bool // what the texts say, which are looked at where sets do not settle it
}

func rowOf(r *filter.Row, meets func(f *filter.Filter) bool) row {
	of := row{meets: meets}
	filter.Names(r, func(name []byte) { of.names = append(of.names, string(name)) })
	slices.Sort(of.names)
	return of
}

// in says whether the row is among an expression's. What is found by an index of the base tables is
// none.
func (r row) in(e filter.Expr) bool {
	switch e.Op {
	case filter.Value:
		_, found := slices.BinarySearch(r.names, e.First)
		return found
	case filter.Between:
		i, _ := slices.BinarySearch(r.names, e.First)
		return i < len(r.names) && r.names[i] <= e.Last
	case filter.Any:
		return slices.ContainsFunc(e.Of, r.in)
	case filter.Not:
		return !slices.ContainsFunc(e.Of, r.in)
	case filter.All, filter.Match:
		if slices.ContainsFunc(e.Of, func(of filter.Expr) bool { return !r.in(of) }) {
			return false
		}
		return e.Op == filter.All || e.Doubt != nil && !r.in(*e.Doubt) || r.meets(&e.Filter)
	default:
		return false
	}
}

// The runs of letters that sets tell of are all in a text that holds what is searched for, and they
// may be in others too: those must be in doubt, and be looked at.
func TestSetsFindTheTextsThatHoldWhatIsSearchedForAndNoOthers(t *testing.T) {
	t.Parallel()
	d := rand.New(rand.NewPCG(1, 2))
	random := func(letters string, most int) string {
		var b strings.Builder
		for range d.IntN(most + 1) {
			b.WriteByte(letters[d.IntN(len(letters))])
		}
		return b.String()
	}
	// part returns what may be searched for in a text: a part of it, or nearly one.
	part := func(text, letters string) string {
		if text == "" || d.IntN(3) == 0 {
			return random(letters, 9)
		}
		from := d.IntN(len(text))
		cut := text[from : from+1+d.IntN(len(text)-from)]
		if d.IntN(3) == 0 {
			cut += random(letters, 1)
		}
		return cut
	}
	found := map[string]int{}
	for range 20_000 {
		letters := []string{"ab", "abc", "abcdef"}[d.IntN(3)]
		digits := []string{"12", "123", "123456789"}[d.IntN(3)]
		var notes, mobiles []string
		for range d.IntN(4) {
			notes, mobiles = append(notes, random(letters, 9)), append(mobiles, random(digits, 11))
		}
		r := &filter.Row{
			NameFolded: random(letters, 12), RemarkFolded: random(letters, 12), NotesFolded: filter.Notes(notes...),
			Mobiles: filter.Mobiles(`["` + strings.Join(mobiles, `","`) + `"]`), Userid: "-",
		}
		holds := func(text string, in ...string) bool {
			return text != "" && slices.ContainsFunc(in, func(s string) bool { return strings.Contains(s, text) })
		}
		meets := func(f *filter.Filter) bool {
			switch {
			case f.Customer.Folded != "":
				return holds(f.Customer.Folded, r.NameFolded)
			case f.Remark.Folded != "":
				return holds(f.Remark.Folded, r.RemarkFolded)
			case f.Mobile != "":
				return holds(f.Mobile, mobiles...)
			default:
				return holds(f.Keyword.Folded, append(notes, r.NameFolded, r.RemarkFolded)...) ||
					holds(f.Keyword.Digits, mobiles...)
			}
		}
		of := rowOf(r, meets)
		name, remark, mobile := part(
			r.NameFolded,
			letters,
		), part(
			r.RemarkFolded,
			letters,
		), part(
			strings.Join(mobiles, ""),
			digits,
		)
		keyword := part(strings.Join(append(notes, mobiles...), ""), letters+digits)
		for param, p := range map[string]struct {
			api.GetListParams
			text string
		}{
			"search[customer]": {api.GetListParams{SearchCustomer: &name}, name},
			"search[remark]":   {api.GetListParams{SearchRemark: &remark}, remark},
			"search[mobile]":   {api.GetListParams{SearchMobile: &mobile}, mobile},
			"search[keyword]":  {api.GetListParams{SearchKeyword: &keyword}, keyword},
		} {
			text := p.text
			if text == "" {
				continue
			}
			f, err := filter.Read(&p.GetListParams)
			if err != nil {
				t.Fatal(err)
			}
			want := meets(&f)
			if got := of.in(f.Active()[0].Expr); got != want {
				t.Fatalf(
					"%s=%s in name %q, remark %q, notes %q, mobiles %q: %t, want %t",
					param,
					text,
					r.NameFolded,
					r.RemarkFolded,
					notes,
					mobiles,
					got,
					want,
				)
			}
			if want && len(text) > 4 {
				found[param]++
			}
		}
	}
	for _, param := range []string{"search[customer]", "search[remark]", "search[mobile]", "search[keyword]"} {
		if found[param] < 500 {
			t.Errorf("%s found only %d long texts", param, found[param])
		}
	}
}
