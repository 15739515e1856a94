package original

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/wechatcustomers/internal/writer"
)

// china is the zone of every date.
var china = time.FixedZone("CST", 8*60*60)

// epoch is the date of 0, as the original prints it.
const epoch = "1970-01-01 08:00:00"

// The widths of the original's columns that cut what is longer: characters.
const tagIDWidth = 500

// record returns what is stored of a row, false where it is left out. Every decision is in the
// report.
func (c *copier) record(kind writer.Kind, r row) (writer.Record, bool) {
	business, ok := c.business(kind, r)
	if !ok {
		return nil, false
	}
	columns := kind.Columns()
	p := places[kind]
	record := writer.NewRecord(kind)
	for i, v := range r.values {
		if i == p.created || r.partial && !v.valid {
			continue
		}
		record[i] = c.value(kind, r.id, business, &columns[i], v)
	}
	record[p.uniacid] = writer.Int(c.accounts[business])
	if p.id >= 0 {
		record[p.id] = writer.Int(r.id)
	}
	switch kind {
	case writer.Employee:
		if r.partial {
			record[p.id] = writer.ForNew(record[p.id])
			break
		}
		c.created(record, p.created, r.values[p.created], 0)
	case writer.Follow:
		c.follow(r.id, business, record)
		c.created(record, p.created, r.values[p.created], record[followCreatetime].Int)
	case writer.Tag:
		c.created(record, p.created, r.values[p.created], record[tagCreateTime].Int)
	default:
		c.created(record, p.created, r.values[p.created], 0)
	}
	for _, wrong := range kind.Check(record) {
		i := kind.Field(wrong.Field)
		if i == p.business || i == p.id || slices.Contains(keyColumns[kind], i) {
			c.report.addf(BadKey, kind, r.id, business, "%s %q %s", wrong.Field, r.values[i].string, wrong.Message)
			return nil, false
		}
		c.report.addf(BadValue, kind, r.id, business, "%s %q %s", wrong.Field, r.values[i].string, wrong.Message)
		record[i] = zero(&columns[i])
	}
	return record, true
}

// zero is what stands for a value that there is none of.
func zero(column *writer.Column) writer.Value {
	switch {
	case column.Nullable:
		return writer.Value{Is: writer.Null}
	case column.Type == writer.Standing:
		return writer.Int(1)
	case column.Type == writer.Source:
		return writer.Text("0")
	case column.Type == writer.Date:
		return writer.Text(epoch)
	case column.Type.Number():
		return writer.Int(0)
	case column.Type == writer.Texts:
		return writer.Text("[]")
	case column.Name == "external_profile":
		return writer.Text("null")
	default:
		return writer.Text("")
	}
}

func (c *copier) value(kind writer.Kind, id, business int64, column *writer.Column, v text) writer.Value {
	if !v.valid {
		if !column.Nullable && column.Name != "external_profile" {
			c.report.addf(NullValue, kind, id, business, "%s", column.Name)
		}
		return zero(column)
	}
	switch t := column.Type; {
	case t == writer.Date:
		date, ok := dateOf(v.string)
		switch {
		case ok:
			return writer.Text(date)
		case !isZeroDate(v.string):
			c.report.addf(BadValue, kind, id, business, "%s %q is no date", column.Name, v.string)
		case column.Name == "deleted_at":
			c.report.addf(DeletedAtZero, kind, id, business, "")
			return writer.Text(epoch)
		}
		return zero(column)
	case t == writer.Source:
		s := strings.TrimSpace(v.string)
		if n, err := strconv.ParseUint(s, 10, 32); err == nil {
			return writer.Text(strconv.FormatUint(n, 10))
		}
		if s != "" {
			c.report.addf(BadValue, kind, id, business, "%s %q is no number: 0", column.Name, v.string)
		}
		return writer.Text("0")
	case t.Number():
		n, err := strconv.ParseInt(strings.TrimSpace(v.string), 10, 64)
		if err != nil {
			c.report.addf(BadValue, kind, id, business, "%s %q is no number", column.Name, v.string)
			return zero(column)
		}
		if t == writer.Standing && n != 1 && n != -1 {
			standing := int64(1)
			if n < 0 {
				standing = -1
			}
			c.report.addf(BadValue, kind, id, business, "%s %d is neither 1 nor -1: %d", column.Name, n, standing)
			n = standing
		}
		return writer.Int(n)
	case column.Name == "external_profile" && v.string == "":
		return writer.Text("null")
	case t == writer.Texts:
		return writer.Text(c.mobiles(kind, id, business, v.string))
	}
	s := v.string
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		c.report.addf(BadValue, kind, id, business, "%s %q: what is no text is left out", column.Name, s)
		s = strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
	}
	return writer.Text(s)
}

// dateOf returns a date of the original's, which keeps unix seconds, in the form of the tables.
func dateOf(s string) (string, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		if n >= writer.FromMillis {
			n /= 1000
		}
		if n <= 0 || n >= writer.FromMillis {
			return "", false
		}
		return time.Unix(n, 0).In(china).Format(time.DateTime), true
	}
	if _, err := time.Parse(time.DateTime, s); err != nil || len(s) != len(time.DateTime) || s < "1000" {
		return "", false
	}
	return s, true
}

func isZeroDate(s string) bool {
	return strings.Trim(s, "0-: .") == ""
}

// created fills in created_at.
func (c *copier) created(record writer.Record, i int, v text, createtime int64) {
	if v.valid {
		if date, ok := dateOf(v.string); ok {
			record[i] = writer.Text(date)
			return
		}
	}
	c.report.Counts[NoCreatedAt]++
	record[i] = writer.Text(epoch)
	if date, ok := dateOf(strconv.FormatInt(createtime, 10)); ok {
		record[i] = writer.Text(date)
	}
}

// mobiles returns the telephone numbers of a text that should be a JSON list of them: where it is
// cut, those that are whole.
func (c *copier) mobiles(kind writer.Kind, id, business int64, s string) string {
	trimmed := strings.TrimSpace(s)
	switch {
	case trimmed == "" || trimmed == "null":
		return "[]"
	case trimmed[0] == '[' && json.Valid([]byte(trimmed)):
		return s
	}
	whole := []string{}
	if d := json.NewDecoder(strings.NewReader(trimmed)); trimmed[0] == '[' {
		for _, err := d.Token(); err == nil && d.More(); {
			var one string
			if err = d.Decode(&one); err == nil {
				whole = append(whole, one)
			}
		}
	}
	list, err := json.Marshal(whole)
	if err != nil { // cannot be
		return "[]"
	}
	c.report.addf(CutMobiles, kind, id, business, "%q: %s", s, list)
	return string(list)
}

// follow decides what is a follow's own.
func (c *copier) follow(id, business int64, record writer.Record) {
	if n := &record[followCreatetime]; n.Int <= 0 {
		if n.Int < 0 {
			c.report.addf(BadValue, writer.Follow, id, business, "createtime %d: 0", n.Int)
		} else {
			c.report.addf(NoCreatetime, writer.Follow, id, business, "")
		}
		*n = writer.Int(0)
	}
	if list := record[followTags].Text; utf8.RuneCountInString(list) >= tagIDWidth {
		record[followTags] = writer.Text(c.cutTags(id, business, list))
	}
	userid := strings.ToLower(record[followUserid].Text)
	if of := c.staff[userid]; len(of) > 0 && !slices.Contains(of, business) {
		c.report.addf(ElsewhereStaff, writer.Follow, id, business, "%s is of enterprise %v", record[followUserid].Text, of)
	}
}

// cutTags mends a list of tag ids that fills its column: its last id is cut, unless it is a tag's.
// It is then the one live tag that begins so, and nothing where there is none or are several.
func (c *copier) cutTags(id, business int64, list string) string {
	ids := strings.Split(list, ",")
	last := ids[len(ids)-1]
	tags := c.tags[business]
	if _, known := tags[last]; known {
		return list
	}
	rest := ids[:len(ids)-1]
	found, n := "", 0
	for tag, live := range tags {
		if live && strings.HasPrefix(tag, last) {
			found, n = tag, n+1
		}
	}
	if last == "" || n != 1 {
		c.report.addf(CutTags, writer.Follow, id, business, "%q is left out: %d live tags begin so", last, n)
		return strings.Join(rest, ",")
	}
	c.report.addf(CutTags, writer.Follow, id, business, "%q is %q", last, found)
	if slices.Contains(rest, found) {
		return strings.Join(rest, ",")
	}
	return strings.Join(append(rest, found), ",")
}

// merged returns of several records of one key the one that is kept, its empty values filled from
// the others.
func (c *copier) merged(kind writer.Kind, records []keyed) keyed {
	p := places[kind]
	slices.SortFunc(records, func(a, b keyed) int {
		if la, lb := a.record[p.deleted].Is != writer.Present, b.record[p.deleted].Is != writer.Present; la != lb {
			if la {
				return -1
			}
			return 1
		}
		return int(b.id - a.id)
	})
	best := records[0]
	columns := kind.Columns()
	for _, other := range records[1:] {
		var filled []string
		// What is deleted the original shows to nobody: it fills nothing in what lives.
		shown := other.record[p.deleted].Is == best.record[p.deleted].Is
		for i := range columns {
			// A number is a value also where it is 0, but for the member that a row is of.
			if t := columns[i].Type; !shown || t.Number() && columns[i].Name != "uid" || t == writer.Date {
				continue
			}
			empty := zero(&columns[i])
			if best.record[i] == empty && other.record[i] != empty {
				best.record[i] = other.record[i]
				filled = append(filled, columns[i].Name)
			}
		}
		c.report.addf(Repeated, kind, other.id, best.record[p.business].Int, "%d is kept; filled from this one: %s", best.id, strings.Join(filled, " "))
	}
	return best
}

// keyed is a record with the id of its row.
type keyed struct {
	id     int64
	record writer.Record
}
