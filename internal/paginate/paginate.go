// Package paginate owns the page arithmetic and the page links of a list: those of
// Laravel 6's LengthAwarePaginator, whose fields the contract's answer carries.
// It is pure: it knows neither HTTP nor the database.
package paginate

import (
	"slices"
	"strconv"
	"strings"
)

// Page is one page of a list, as the contract's page fields name it.
type Page struct {
	// CurrentPage is current_page, from 1; it may lie past LastPage.
	CurrentPage int
	// From and To are the numbers, from 1, of the first and the last row of the
	// page within the whole list. Both are nil where the page is empty.
	From, To *int
	// LastPage is last_page: at least 1, also for an empty list.
	LastPage int
	// PerPage is per_page.
	PerPage int
	// Total is total (and count): the rows of the whole list.
	Total int
	// Offset is the number of rows before the page. It is never more than Total,
	// so it is safe to hand to a database whatever page was asked for.
	Offset int
	// Rows is the number of rows the page holds, 0 to PerPage. Where it is 0 there
	// is nothing to read.
	Rows int
}

// Of returns page number current of a list of total rows, perPage to a page.
// It has no errors: as in Laravel a page below 1 is the first, and a page past
// the end (however far, also where its offset would overflow) is empty.
// A perPage below 1 counts as 1 and a total below 0 as 0.
func Of(total, perPage, current int) Page {
	total, perPage, current = max(total, 0), max(perPage, 1), max(current, 1)
	p := Page{CurrentPage: current, LastPage: 1, PerPage: perPage, Total: total, Offset: total}
	if total > 0 {
		// Not (total+perPage-1)/perPage, which overflows for the largest totals.
		p.LastPage = (total-1)/perPage + 1
	}
	if total == 0 || current > p.LastPage {
		return p
	}
	p.Offset = (current - 1) * perPage
	p.Rows = min(perPage, total-p.Offset)
	from, to := p.Offset+1, p.Offset+p.Rows
	p.From, p.To = &from, &to
	return p
}

// Pair is one query parameter, neither half of it encoded. An array is one Pair
// for each item, all with the same key.
type Pair struct{ Key, Value string }

// Links are the addresses of a page's neighbours, as the contract names them.
type Links struct {
	FirstPageURL, LastPageURL string
	// NextPageURL is nil on the last page and past it, PrevPageURL on the first.
	// Past the end PrevPageURL is the page before the one asked for, as in Laravel.
	NextPageURL, PrevPageURL *string
	// Path is the base, unchanged.
	Path string
}

// Links returns the addresses of the pages around p: base, then query in its own
// order, percent-encoded as in RFC 3986 (a space is %20), then the page's number.
// A base with a query of its own is continued with "&", and a fragment stays at
// the end. A pair whose key is "page" is left out, since the number follows.
func (p Page) Links(base string, query []Pair) Links {
	var own []Pair
	for _, pair := range query {
		if pair.Key != "page" {
			own = append(own, pair)
		}
	}
	number := func(n int) string {
		return Address(base, append(slices.Clip(own), Pair{"page", strconv.Itoa(n)}))
	}

	links := Links{
		FirstPageURL: number(1),
		LastPageURL:  number(p.LastPage),
		Path:         base,
	}
	if p.CurrentPage < p.LastPage {
		next := number(p.CurrentPage + 1)
		links.NextPageURL = &next
	}
	if p.CurrentPage > 1 {
		prev := number(p.CurrentPage - 1)
		links.PrevPageURL = &prev
	}
	return links
}

// Address returns base with query, percent-encoded as in RFC 3986, behind it. A base with a query
// of its own is continued with "&", and a fragment stays at the end.
func Address(base string, query []Pair) string {
	address, fragment := base, ""
	if i := strings.IndexByte(base, '#'); i >= 0 {
		address, fragment = base[:i], base[i:]
	}
	var b strings.Builder
	b.WriteString(address)
	separator := byte('?')
	if strings.Contains(address, "?") {
		separator = '&'
	}
	if strings.HasSuffix(address, "?") || strings.HasSuffix(address, "&") {
		separator = 0
	}
	for _, pair := range query {
		if separator != 0 {
			b.WriteByte(separator)
		}
		separator = '&'
		escape(&b, pair.Key)
		b.WriteByte('=')
		escape(&b, pair.Value)
	}
	b.WriteString(fragment)
	return b.String()
}

// escape writes s with every byte but RFC 3986's unreserved ones as %XX.
// url.QueryEscape would write a space as "+", url.PathEscape would leave "&".
func escape(b *strings.Builder, s string) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '.', c == '_', c == '~':
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
}
