// Package originaltest is the original's shape, to move from and to compare with: its tables and
// indexes, and the queries that its page sends, in Go behind HTTP. COUNT(*) and OFFSET on every page,
// FIND_IN_SET for tags, EXISTS over the contacts for name and type, two eager loads, and all tags
// and employees each time.
package originaltest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Prefix is that of the tables.
const Prefix = "ims_"

// The tables.
const (
	Managers  = Prefix + "yz_business_manager_list"
	Employees = Prefix + "yz_business_staff"
	Contacts  = Prefix + "yz_work_wechat_customer"
	Tags      = Prefix + "yz_work_wechat_customer_follow_user_tag"
	Follows   = Prefix + "yz_work_wechat_customer_follow_user"
)

const times = `created_at int NOT NULL DEFAULT 0, updated_at int NULL, deleted_at int NULL`

var tables = map[string]string{
	Managers: `id int NOT NULL AUTO_INCREMENT, uniacid int NOT NULL DEFAULT 0, uid int NOT NULL DEFAULT 0, business_id int NOT NULL DEFAULT 0, ` + times + `,
		PRIMARY KEY (id), KEY uid (uid)`,
	Employees: `id int NOT NULL AUTO_INCREMENT, uniacid int NOT NULL DEFAULT 0, business_id int NOT NULL DEFAULT 0, uid int NOT NULL DEFAULT 0,
		user_id varchar(255) NOT NULL DEFAULT '', name varchar(255) NOT NULL DEFAULT '', mobile varchar(255) NOT NULL DEFAULT '', position varchar(255) NOT NULL DEFAULT '',
		gender int NOT NULL DEFAULT 0, telephone varchar(255) NOT NULL DEFAULT '', email varchar(255) NOT NULL DEFAULT '', avatar varchar(255) NOT NULL DEFAULT '',
		alias varchar(255) NOT NULL DEFAULT '', status int NOT NULL DEFAULT 1, qr_code varchar(255) NOT NULL DEFAULT '', address varchar(255) NOT NULL DEFAULT '',
		open_userid varchar(255) NOT NULL DEFAULT '', main_department varchar(255) NOT NULL DEFAULT '', updated_at int NULL, created_at int NOT NULL DEFAULT 0,
		deleted_at int NULL, right_type int NOT NULL DEFAULT 0, disabled int NOT NULL DEFAULT 0, PRIMARY KEY (id), KEY business_id (business_id)`,
	Contacts: `id int NOT NULL AUTO_INCREMENT, uniacid int NOT NULL DEFAULT 0, crop_id int NOT NULL DEFAULT 0, uid int NOT NULL DEFAULT 0,
		external_userid varchar(100) NOT NULL DEFAULT '', name varchar(200) NOT NULL DEFAULT '', avatar varchar(255) NOT NULL DEFAULT '', external_type int NOT NULL DEFAULT 1,
		gender int NOT NULL DEFAULT 0, unionid varchar(50) NOT NULL DEFAULT '', position varchar(200) NOT NULL DEFAULT '', corp_name varchar(50) NOT NULL DEFAULT '',
		corp_full_name varchar(200) NOT NULL DEFAULT '', external_profile text NULL, is_member int NOT NULL DEFAULT 0, ` + times + `, PRIMARY KEY (id)`,
	Tags: `id int NOT NULL AUTO_INCREMENT, uniacid int NOT NULL DEFAULT 0, crop_id int NOT NULL DEFAULT 0, tag_id varchar(100) NOT NULL DEFAULT '', name varchar(255) NOT NULL DEFAULT '',
		create_time int NOT NULL DEFAULT 0, ` + "`order`" + ` int NOT NULL DEFAULT 0, group_id varchar(100) NOT NULL DEFAULT '', group_name varchar(100) NOT NULL DEFAULT '', ` + times + `,
		shop_tag_id int NOT NULL DEFAULT 0, shop_tag_group_id int NOT NULL DEFAULT 0, group_order int NOT NULL DEFAULT 0, PRIMARY KEY (id)`,
	Follows: `id int NOT NULL AUTO_INCREMENT, uniacid int NOT NULL DEFAULT 0, crop_id int NOT NULL DEFAULT 0, uid int NOT NULL DEFAULT 0, userid varchar(100) NOT NULL DEFAULT '',
		external_userid varchar(100) NOT NULL DEFAULT '', remark varchar(200) NULL DEFAULT '', description varchar(500) NOT NULL DEFAULT '', customer_create_time int NOT NULL DEFAULT 0,
		remark_corp_name varchar(200) NOT NULL DEFAULT '', remark_mobiles varchar(50) NOT NULL DEFAULT '[]', oper_userid varchar(255) NOT NULL DEFAULT '', tag_id varchar(500) NOT NULL DEFAULT '',
		createtime int NOT NULL DEFAULT 0, add_way varchar(30) NOT NULL DEFAULT '0', state varchar(255) NOT NULL DEFAULT '', status int NOT NULL DEFAULT 1, ` + times + `,
		PRIMARY KEY (id), KEY external_userid (external_userid), KEY uid (uid)`,
}

// Create makes the original's tables, empty; what was there is gone.
func Create(ctx context.Context, db *sql.DB) error {
	var errs []error
	for name, columns := range tables {
		for _, statement := range []string{
			"DROP TABLE IF EXISTS " + name,
			"CREATE TABLE " + name + " (" + columns + ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci",
		} {
			_, err := db.ExecContext(ctx, statement)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

const hasContact = "EXISTS (SELECT * FROM " + Contacts + " c WHERE " +
	"f.external_userid = c.external_userid AND c.deleted_at IS NULL AND "

// Filters are its conditions, by parameter.
var Filters = map[string]string{
	"search[customer]":        hasContact + "c.name LIKE CONCAT('%', ?, '%'))",
	"search[member]":          hasContact + "c.uid = ?)",
	"search[type]":            hasContact + "c.external_type = ?)",
	"search[类型]":              hasContact + "c.external_type = ?)",
	"search[status]":          "f.status = ?",
	"search[add_way_type]":    "f.add_way = ?",
	"search[employee_member]": "f.userid = ?",
	"search[remark]":          "f.remark LIKE CONCAT('%', ?, '%')",
	"search[time][]":          "f.createtime BETWEEN ? AND ?",
	"search[tags_data]":       "FIND_IN_SET(?, f.tag_id)",
}

// Server answers getList as the original does, of one enterprise that was chosen.
type Server struct {
	DB                        *sql.DB
	Uniacid, CropID, UID, Per int
	Cookie                    string // wanted of every request; "": none
}

// ServeHTTP answers a list of the same parameters.
func (s Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	var err error
	if s.Cookie != "" && r.Header.Get("Cookie") != s.Cookie {
		body = []byte(`{"result":0,"msg":"请登录","data":[]}`)
	} else {
		var page Row
		if page, err = s.list(r.Context(), r.URL.Query(), "http://"+r.Host+r.URL.Path); err == nil {
			body, err = json.Marshal(Row{"result": 1, "msg": "ok", "data": page})
		}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

// Row is a row of a table, by its columns.
type Row map[string]any

func (s Server) list(ctx context.Context, q url.Values, path string) (Row, error) {
	page, _ := strconv.Atoi(q.Get("page"))
	page = max(page, 1)
	ofCrop := fmt.Sprintf(" WHERE uniacid = %d AND crop_id = %d AND deleted_at IS NULL", s.Uniacid, s.CropID)
	ofBusiness := fmt.Sprintf(" WHERE uniacid = %d AND business_id = %d AND deleted_at IS NULL", s.Uniacid, s.CropID)
	where, args := fmt.Sprintf(" f WHERE f.uniacid = %d AND f.crop_id = %d", s.Uniacid, s.CropID), []any{}
	for param, condition := range Filters {
		values := q[param]
		if param == "search[tags_data]" && values != nil {
			values = strings.Split(values[0], ",")
			condition = "(" + condition + strings.Repeat(" OR "+condition, len(values)-1) + ")"
		}
		for i, v := range values {
			if args = append(args, v); i == 0 {
				where += " AND " + condition
			}
		}
	}
	where += " AND f.deleted_at IS NULL"
	if _, err := s.rows(ctx, fmt.Sprintf("* FROM %s%s AND uid = %d", Managers, ofBusiness, s.UID)); err != nil {
		return nil, err
	}
	count, err := s.rows(ctx, "COUNT(*) AS total FROM "+Follows+where, args...)
	if err != nil {
		return nil, err
	}
	where += fmt.Sprintf(" ORDER BY id DESC LIMIT %d OFFSET %d", s.Per, (page-1)*s.Per)
	follows, err := s.rows(ctx, "* FROM "+Follows+where, args...)
	if err != nil {
		return nil, err
	}
	tags, err := s.rows(ctx, "* FROM "+Tags+ofCrop+" ORDER BY id DESC")
	if err != nil {
		return nil, err
	}
	employees, err := s.rows(ctx, "user_id, name FROM "+Employees+ofBusiness)
	if err != nil {
		return nil, err
	}
	for _, f := range follows {
		var names []string
		ids := strings.Split(fmt.Sprint(f["tag_id"]), ",")
		for _, t := range tags {
			if slices.Contains(ids, fmt.Sprint(t["tag_id"])) {
				names = append(names, fmt.Sprint(t["name"]))
			}
		}
		f["tag_name"] = strings.Join(names, ",")
	}
	total, _ := count[0]["total"].(int64)
	const key = "external_userid"
	return s.page(page, int(total), path, Row{"data": follows, "tag": tags, "employee": employees}), errors.Join(
		s.load(ctx, follows, Contacts, key, key, "has_one_customer"),
		s.load(ctx, follows, Employees, "user_id", "userid", "has_one_employee"))
}

// page fills in the fields of a page.
func (s Server) page(page, total int, path string, p Row) Row {
	last := max((total+s.Per-1)/s.Per, 1)
	link := func(n int) any {
		if n < 1 || n > last {
			return nil
		}
		return path + "?page=" + strconv.Itoa(n)
	}
	p["current_page"], p["per_page"], p["last_page"], p["total"], p["count"], p["path"] = page, s.Per, last, total, total, path
	p["first_page_url"], p["last_page_url"], p["next_page_url"], p["prev_page_url"] = link(1), link(last), link(page+1), link(page-1)
	p["from"], p["to"] = nil, nil
	if rows, _ := p["data"].([]Row); len(rows) > 0 {
		p["from"], p["to"] = (page-1)*s.Per+1, (page-1)*s.Per+len(rows)
	}
	return p
}

// load gives each follow its row of another table: the first one.
func (s Server) load(ctx context.Context, follows []Row, table, column, of, as string) error {
	if len(follows) == 0 {
		return nil
	}
	args := make([]any, len(follows))
	for i, f := range follows {
		args[i] = f[of]
	}
	found, err := s.rows(ctx, "* FROM "+table+" WHERE deleted_at IS NULL AND "+column+
		" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	by := map[any]Row{}
	for _, r := range slices.Backward(found) {
		by[r[column]] = r
	}
	for _, f := range follows {
		f[as] = by[f[of]]
	}
	return err
}

var china = time.FixedZone("CST", 8*60*60)

// rows returns the rows of a query, their dates as the original prints them.
func (s Server) rows(ctx context.Context, query string, args ...any) ([]Row, error) {
	rows, err := s.DB.QueryContext(ctx, "SELECT "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	list := []Row{}
	for err == nil && rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		err = rows.Scan(into...)
		r := Row{}
		for i, c := range columns {
			r[c] = values[i]
			if text, ok := values[i].([]byte); ok {
				r[c] = string(text)
			}
			if unix, ok := values[i].(int64); ok && strings.HasSuffix(c, "_at") {
				r[c] = time.Unix(unix, 0).In(china).Format(time.DateTime)
			}
		}
		list = append(list, r)
	}
	return list, errors.Join(err, rows.Err())
}
