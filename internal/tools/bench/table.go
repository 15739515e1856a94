package bench

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// missed says whether a figure is over its limit.
func (f *figures) missed(at limit) bool {
	return at.pk > 0 && f.pk > at.pk || at.above > 0 && f.above > at.above ||
		at.statements > 0 && f.statements > at.statements
}

// limits returns a limit as the table shows it, with the figure for it that has no column.
func (f *figures) limits(at limit) string {
	var parts []string
	if at.pk > 0 {
		parts = append(parts, number(at.pk)+" pk")
	}
	if at.above > 0 {
		parts = append(parts, fmt.Sprintf("%.0f pk above stored bytes (%.1f)", at.above, f.above))
	}
	if at.statements > 0 {
		parts = append(parts, strconv.Itoa(at.statements)+" SQL")
	}
	return strings.Join(parts, ", ")
}

var columns = []string{
	"request", "time:", "pk:", "at most", "", "SQL:", "1 conn.:", "8:", "32:", "before:",
}

// cells returns a row of the table; before is the figure of the last release, 0 where it is not
// known.
func (f *figures) cells(name string, at limit, before float64) []string {
	verdict := ""
	switch {
	case f.missed(at):
		verdict = "over"
	case at != limit{}:
		verdict = "ok"
	}
	was := ""
	if before > 0 {
		was = number(before)
	}
	rates := make([]string, len(connections))
	for i, rate := range f.rates {
		rates[i] = number(rate)
	}
	return slices.Concat([]string{name, short(f.took), number(f.pk), f.limits(at), verdict,
		strconv.Itoa(f.statements)}, rates, []string{was})
}

// number prints a figure with the digits that mean something.
func number(n float64) string {
	if n >= 10 || n == float64(int(n)) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

func short(d time.Duration) string {
	if d >= 10*time.Millisecond {
		return number(float64(d)/1e6) + " ms"
	}
	return number(float64(d)/1e3) + " µs"
}

// printTable writes a Markdown table; a head that ends in a colon is of a column of numbers.
func printTable(out io.Writer, head []string, rows [][]string) error {
	names, marks := make([]string, len(head)), make([]string, len(head))
	for i, h := range head {
		name, right := strings.CutSuffix(h, ":")
		names[i], marks[i] = name, "---"
		if right {
			marks[i] = "--:"
		}
	}
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	for _, row := range append([][]string{names, marks}, rows...) {
		_, _ = fmt.Fprintf(w, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	return w.Flush()
}
