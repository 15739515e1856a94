package wecomtest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Truth is what the list of the enterprise has to say: by a name of each row, its values.
type Truth map[string]Row

// Row is a row's values in a fixed order, and what a sync need not know of it.
type Row struct {
	Values string
	Status int  // of a pair: 1, or -1 where either has deleted the other
	Listed bool // get_by_user lists the pair
}

// Truth returns what the tables must hold: pairs, employees and live tags.
func (s *Server) Truth() Truth {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := Truth{}
	for _, m := range s.members {
		u := m.User
		t["employee "+strings.ToLower(*u.Userid)] = Row{Status: int(*u.Status), Values: values(*u.Userid, value(u.Name), value(u.Mobile), value(u.Position),
			number(u.Gender, "0"), value(u.Alias), decimal(u.MainDepartment, ""))}
		for external, f := range m.follows {
			row := Row{Status: 1, Listed: f.listed, Values: s.pair(external, f)}
			if f.lost {
				row.Status = -1
			}
			t["pair "+strings.ToLower(*u.Userid)+" "+external] = row
		}
	}
	for _, g := range s.groups {
		for _, tag := range *g.Tag {
			t["tag "+*tag.ID] = Row{Values: values(*tag.Name, decimal(tag.CreateTime, "0"), decimal(tag.Order, "0"), *g.GroupID, *g.GroupName)}
		}
	}
	return t
}

func (s *Server) pair(external string, f *follow) string {
	c := s.customers[external]
	profile := "null"
	if c.ExternalProfile != nil {
		var b bytes.Buffer
		_ = json.Compact(&b, *c.ExternalProfile)
		profile = b.String()
	}
	mobiles := "[]"
	if f.RemarkMobiles != nil {
		text, _ := json.Marshal(*f.RemarkMobiles) //nolint:errchkjson // texts always can be
		mobiles = string(text)
	}
	tags := slices.Clone(*f.TagID)
	slices.Sort(tags)
	return values(*f.Userid, value(f.Remark), value(f.Description), decimal(f.Createtime, "0"), value(f.RemarkCorpName), mobiles, value(f.OperUserid),
		strings.Join(tags, ","), decimal(f.AddWay, "0"), value(f.State),
		value(c.Name), value(c.Avatar), decimal(c.Type, "1"), decimal(c.Gender, "0"), value(c.Unionid), value(c.Position), value(c.CorpName), value(c.CorpFullName), profile)
}

func values(of ...string) string { return strings.Join(of, "|") }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(s *string, otherwise string) string {
	if s == nil || *s == "" {
		return otherwise
	}
	return *s
}

func decimal(n *int64, otherwise string) string {
	if n == nil {
		return otherwise
	}
	return strconv.FormatInt(*n, 10)
}

// Stored returns what the tables hold of an enterprise, in the form of Truth.
func Stored(ctx context.Context, db *sql.DB, crop uint32) (Truth, error) {
	t := Truth{}
	for _, query := range []string{
		`SELECT CONCAT('pair ', LOWER(f.userid), ' ', f.external_userid), f.status, f.userid, f.remark, f.description, f.createtime, f.remark_corp_name, f.remark_mobiles,
			f.oper_userid, f.tag_id, f.add_way, f.state, c.name, c.avatar, c.external_type, c.gender, c.unionid, c.position, c.corp_name, c.corp_full_name, c.external_profile
			FROM follows f JOIN contacts c ON c.crop_id = f.crop_id AND c.external_userid = f.external_userid WHERE f.crop_id = ? AND f.createtime = f.customer_create_time`,
		`SELECT CONCAT('employee ', LOWER(user_id)), status, user_id, name, mobile, position, gender, alias, main_department FROM employees WHERE business_id = ? AND deleted_at IS NULL`,
		"SELECT CONCAT('tag ', tag_id), 0, name, create_time, `order`, group_id, group_name FROM tags WHERE crop_id = ? AND deleted_at IS NULL",
	} {
		if err := t.read(ctx, db, query, crop); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t Truth) read(ctx context.Context, db *sql.DB, query string, crop uint32) error {
	rows, err := db.QueryContext(ctx, query, crop)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	texts := make([]string, len(columns))
	into := make([]any, len(columns))
	for i := range texts {
		into[i] = &texts[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		status, err := strconv.Atoi(texts[1])
		if err != nil {
			return err
		}
		row := texts[2:]
		if tags := slices.Index(columns, "tag_id"); tags > 0 && row[tags-2] != "" {
			sorted := strings.Split(row[tags-2], ",")
			slices.Sort(sorted)
			row[tags-2] = strings.Join(sorted, ",")
		}
		t[texts[0]] = Row{Values: values(row...), Status: status, Listed: true}
	}
	return rows.Err()
}

// Differences says where the stored rows are not the truth: a row that is missing, has other values
// or another status, or that nobody knows. Of a pair that get_by_user does not list only the status
// is compared, and only where it is stored; members that have left are stored as such.
func (t Truth) Differences(stored Truth) (all []string) {
	for name, row := range t {
		is, there := stored[name]
		pair := strings.HasPrefix(name, "pair ")
		switch {
		case !there && pair && !row.Listed:
		case !there:
			all = append(all, name+" is missing")
		case is.Status != row.Status:
			all = append(all, fmt.Sprintf("%s has status %d, want %d", name, is.Status, row.Status))
		case is.Values != row.Values && (!pair || row.Listed):
			all = append(all, fmt.Sprintf("%s is\n  %s, want\n  %s", name, is.Values, row.Values))
		}
	}
	for name, row := range stored {
		_, known := t[name]
		member, _, _ := strings.Cut(strings.TrimPrefix(name, "pair "), " ")
		_, employed := t["employee "+member]
		switch {
		case known, strings.HasPrefix(name, "employee ") && row.Status == 5, strings.HasPrefix(name, "pair ") && !employed:
		default:
			all = append(all, name+" is nobody's")
		}
	}
	slices.Sort(all)
	return all
}
