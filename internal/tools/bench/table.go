package bench

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// missed says whether a figure is over its limit.
func (f *figures) missed() bool {
	return f.wrong != nil || over(f.pk, f.at.pk) || over(f.above, f.at.abovePK) || over(f.ofFirst, f.at.ofFirst) || over(f.statements, f.at.statements)
}

func over(figure, limit float64) bool { return limit > 0 && figure > limit }

// limits returns the limits as the table shows them, each with the figure it is for where that has no column of its own.
func (f *figures) limits() string {
	var parts []string
	if f.at.pk > 0 {
		parts = append(parts, number(f.at.pk)+" pk")
	}
	if f.at.abovePK > 0 {
		parts = append(parts, fmt.Sprintf("%s pk above stored bytes (%s)", number(f.at.abovePK), number(f.above)))
	}
	if f.at.ofFirst > 0 {
		parts = append(parts, fmt.Sprintf("%s × first page (%.2f)", number(f.at.ofFirst), f.ofFirst))
	}
	if f.at.statements > 0 {
		parts = append(parts, number(f.at.statements)+" SQL")
	}
	return strings.Join(parts, ", ")
}

var columns = []string{"request", "time", "pk", "at most", "", "SQL", "allocations", "KB", "1 conn.", "8", "32", "database", "scan", "encode", "rest", "write"}

// cells returns the row of the table.
func (f *figures) cells() []string {
	verdict := ""
	switch {
	case f.missed():
		verdict = "MISSED"
	case f.at != limit{}:
		verdict = "ok"
	}
	if f.wrong != nil {
		return []string{f.name, "", "", f.limits(), verdict + ": " + f.wrong.Error()}
	}
	row := []string{f.name, short(f.took), number(f.pk), f.limits(), verdict}
	if f.mode == total {
		return row
	}
	row = append(row, number(f.statements), strconv.FormatUint(f.allocs, 10), strconv.FormatUint(f.bytes>>10, 10))
	for i := range connections {
		cell := ""
		if i < len(f.rates) {
			cell = number(f.rates[i])
		}
		row = append(row, cell)
	}
	if row = append(row, short(f.database)); f.took > slow {
		return row
	}
	rest := f.took - f.database - max(f.scan, 0) - max(f.encode, 0)
	return append(row, short(f.scan), short(f.encode), short(max(rest, 0)), short(f.write))
}

// number prints a figure with the digits that mean something.
func number(n float64) string {
	if n >= 10 || n == float64(int(n)) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

// short prints a time, nothing for one that is not known.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return ""
	case d >= 10*time.Millisecond:
		return number(float64(d)/1e6) + " ms"
	default:
		return number(float64(d)/1e3) + " µs"
	}
}

// printTable writes rows as a Markdown table whose columns are aligned.
func printTable(out io.Writer, head []string, rows [][]string) error {
	widths := make([]int, len(head))
	all := append([][]string{head}, rows...)
	for _, row := range all {
		for i, cell := range row {
			if i < len(row)-1 || i == len(head)-1 || i != 4 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i := range head {
			cell := ""
			if i < len(row) {
				cell = row[i]
			}
			pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
			if i == 0 || i == 3 || i == 4 {
				b.WriteString("| " + cell + pad + " ")
			} else {
				b.WriteString("| " + pad + cell + " ")
			}
		}
		b.WriteString("|\n")
	}
	line(head)
	for i := range head {
		dashes := strings.Repeat("-", widths[i])
		if i == 0 || i == 3 || i == 4 {
			b.WriteString("|-" + dashes + "-")
		} else {
			b.WriteString("|-" + dashes + ":")
		}
	}
	b.WriteString("|\n")
	for _, row := range rows {
		line(row)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
