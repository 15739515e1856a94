package original

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"

	"example.com/wechatcustomers/internal/writer"
)

// Decision is what was decided on rows that could not be taken as they are.
type Decision string

// The decisions.
const (
	StandInContact  Decision = "follow without contact: an empty contact stands in"
	AccountZero     Decision = "account 0: that of the enterprise is taken"
	OtherAccount    Decision = "account of another than the enterprise: left out"
	NoEnterprise    Decision = "no enterprise, or one whose account is not known: left out"
	NoName          Decision = "enterprise without a name: --business ID=NAME gives it one"
	RowsOnly        Decision = "enterprise without managers and staff: taken from its rows"
	BadKey          Decision = "what names the row cannot be stored: left out"
	BadValue        Decision = "value that cannot be stored: the default is taken"
	NoCreatedAt     Decision = "no created_at: the row's createtime is taken, else 1970-01-01 08:00:00"
	NullValue       Decision = "null where there must be a value: the default is taken"
	CutTags         Decision = "tag_id cut within its last id"
	CutMobiles      Decision = "remark_mobiles cut or no list: the whole numbers are taken"
	Repeated        Decision = "rows of one key: the better one is kept, its empty values filled from the others"
	ElsewhereStaff  Decision = "employee of another enterprise alone"
	NoCreatetime    Decision = "createtime 0"
	DeletedAtZero   Decision = "deleted_at 0: deleted, as the original shows it"
	MissingColumn   Decision = "column that the original's table does not have: the default is taken"
	NotWritten      Decision = "refused by the import"
	VanishedRow     Decision = "vanished from the original: deleted here"
	decisionsNoList          = "counted, not listed"
)

// counted are the decisions that are not listed row by row: there are as many as rows, perhaps.
var counted = map[Decision]bool{NoCreatedAt: true, NullValue: true}

// Report counts and lists what was decided.
type Report struct {
	Counts map[Decision]int64

	out *bufio.Writer // nil: nothing is listed
}

func newReport(out io.Writer) *Report {
	r := &Report{Counts: map[Decision]int64{}}
	if out != nil {
		r.out = bufio.NewWriter(out)
		_, _ = fmt.Fprint(r.out, "decision\ttable\tid\tenterprise\tdetail\n")
	}
	return r
}

// addf notes a decision on a row.
func (r *Report) addf(d Decision, kind writer.Kind, id, business int64, format string, args ...any) {
	r.Counts[d]++
	if r.out == nil || counted[d] {
		return
	}
	table := tableNames[kind]
	if table == "" {
		table = kind.String()
	}
	_, _ = fmt.Fprintf(r.out, "%s\t%s\t%d\t%d\t%s\n", d, table, id, business, fmt.Sprintf(format, args...))
}

// end writes what was only counted; the error is that of the first write that failed.
func (r *Report) end() error {
	if r.out == nil {
		return nil
	}
	for _, d := range slices.Sorted(maps.Keys(counted)) {
		if n := r.Counts[d]; n > 0 {
			_, _ = fmt.Fprintf(r.out, "%s\t\t\t\t%d rows (%s)\n", d, n, decisionsNoList)
		}
	}
	return r.out.Flush()
}

// Lines returns the counts, for people.
func (r *Report) Lines() (lines []string) {
	for _, d := range slices.Sorted(maps.Keys(r.Counts)) {
		lines = append(lines, fmt.Sprintf("%d × %s", r.Counts[d], d))
	}
	return lines
}
