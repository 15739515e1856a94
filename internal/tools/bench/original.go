package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"example.com/wechatcustomers/internal/auth"
)

// The original's shape, to compare with: its tables and indexes, and the queries that its page sends, in Go over the same driver. COUNT(*) and OFFSET on every
// page, FIND_IN_SET for tags, EXISTS over the contacts for name and type, two eager loads, and all tags and employees each time.

var originalTables = []string{
	`ims_yz_business_manager_list (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, uniacid INT NOT NULL, uid INT NOT NULL, business_id INT NOT NULL,
		updated_at INT NULL, created_at INT NULL, deleted_at INT NULL)`,
	`ims_yz_business_staff (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, uniacid INT NOT NULL, business_id INT NOT NULL, uid INT NOT NULL DEFAULT 0,
		user_id VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL, mobile VARCHAR(255) NOT NULL DEFAULT '', position VARCHAR(255) NOT NULL DEFAULT '',
		gender INT NOT NULL DEFAULT 0, telephone VARCHAR(255) NOT NULL DEFAULT '', email VARCHAR(255) NOT NULL DEFAULT '', avatar VARCHAR(255) NOT NULL DEFAULT '',
		alias VARCHAR(255) NOT NULL DEFAULT '', status INT NOT NULL DEFAULT 1, qr_code VARCHAR(255) NOT NULL DEFAULT '', address VARCHAR(255) NOT NULL DEFAULT '',
		open_userid VARCHAR(255) NOT NULL DEFAULT '', main_department VARCHAR(255) NOT NULL DEFAULT '', updated_at INT NULL, created_at INT NULL, deleted_at INT NULL,
		right_type INT NOT NULL DEFAULT 0, disabled INT NOT NULL DEFAULT 0, KEY business_id (business_id))`,
	`ims_yz_work_wechat_customer (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, uniacid INT NOT NULL, crop_id INT NOT NULL, uid INT NOT NULL DEFAULT 0,
		external_userid VARCHAR(100) NOT NULL, name VARCHAR(200) NOT NULL, avatar VARCHAR(255) NOT NULL DEFAULT '', external_type INT NOT NULL,
		gender INT NOT NULL DEFAULT 0, unionid VARCHAR(50) NOT NULL DEFAULT '', position VARCHAR(200) NOT NULL DEFAULT '', corp_name VARCHAR(50) NOT NULL DEFAULT '',
		corp_full_name VARCHAR(200) NOT NULL DEFAULT '', external_profile TEXT NOT NULL, is_member INT NOT NULL DEFAULT 0,
		created_at INT NULL, updated_at INT NULL, deleted_at INT NULL)`,
	`ims_yz_work_wechat_customer_follow_user_tag (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, uniacid INT NOT NULL, crop_id INT NOT NULL, tag_id VARCHAR(100) NOT NULL,
		name VARCHAR(255) NOT NULL, create_time INT NOT NULL DEFAULT 0, ` + "`order`" + ` INT NOT NULL DEFAULT 0, group_id VARCHAR(100) NOT NULL, group_name VARCHAR(100) NOT NULL,
		created_at INT NULL, updated_at INT NULL, deleted_at INT NULL)`,
	`ims_yz_work_wechat_customer_follow_user (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, uniacid INT NOT NULL, crop_id INT NOT NULL, uid INT NOT NULL DEFAULT 0,
		userid VARCHAR(100) NOT NULL, external_userid VARCHAR(100) NOT NULL, remark VARCHAR(200) NOT NULL, description VARCHAR(500) NOT NULL,
		customer_create_time INT NOT NULL, remark_corp_name VARCHAR(200) NOT NULL DEFAULT '', remark_mobiles VARCHAR(50) NOT NULL, oper_userid VARCHAR(255) NOT NULL,
		tag_id VARCHAR(500) NOT NULL, createtime INT NOT NULL, add_way VARCHAR(30) NOT NULL, state VARCHAR(255) NOT NULL DEFAULT '', status INT NOT NULL,
		created_at INT NULL, updated_at INT NULL, deleted_at INT NULL, KEY external_userid (external_userid), KEY uid (uid))`,
}

// original is the original's shape on a database that also has ours.
type original struct {
	db       *sql.DB
	verifier *auth.Verifier
}

// newOriginal returns the original's shape with the data of the big enterprise; it makes its tables where they are not there yet.
func newOriginal(ctx context.Context, l *loaded) (*original, error) {
	verifier, err := auth.New(ctx, auth.Config{Secret: secret})
	if err != nil {
		return nil, err
	}
	o := &original{db: l.db, verifier: verifier}
	var made int
	err = l.db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'original_made'").Scan(&made)
	if err != nil || made == 1 {
		return o, err
	}
	for _, t := range originalTables {
		name, _, _ := strings.Cut(t, " ")
		for _, s := range []string{"DROP TABLE IF EXISTS " + name, "CREATE TABLE " + t + " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"} {
			if _, err := l.db.ExecContext(ctx, s); err != nil {
				return nil, err
			}
		}
	}
	if err := o.fill(ctx, l.plan.big()); err != nil {
		return nil, err
	}
	_, err = l.db.ExecContext(ctx, "CREATE TABLE original_made (id INT NOT NULL PRIMARY KEY)")
	return o, err
}

func unix(text string) int64 {
	t, err := time.ParseInLocation(time.DateTime, text, china)
	if err != nil {
		panic(err) // the generator has written it
	}
	return t.Unix()
}

func (o *original) fill(ctx context.Context, e *enterprise) error {
	if err := o.insert(ctx, "ims_yz_business_manager_list (uniacid, uid, business_id)", 1, func(int) []any { return []any{uniacid, managerUID, e.crop} }); err != nil {
		return err
	}
	if err := o.insert(ctx, "ims_yz_business_staff (id, uniacid, business_id, user_id, name, mobile, position, gender, avatar, qr_code, open_userid, main_department, "+
		"created_at, updated_at)", e.employees, func(i int) []any {
		r := e.employeeRecord(i)
		return []any{r.ID, r.Uniacid, r.BusinessID, r.UserID, r.Name, r.Mobile, r.Position, r.Gender, r.Avatar, r.QRCode, r.OpenUserid, r.MainDepartment,
			unix(r.CreatedAt), unix(r.UpdatedAt)}
	}); err != nil {
		return err
	}
	if err := o.insert(ctx, "ims_yz_work_wechat_customer (id, uniacid, crop_id, uid, external_userid, name, avatar, external_type, gender, unionid, corp_name, "+
		"corp_full_name, external_profile, is_member, created_at)", e.contacts(), func(i int) []any {
		r := e.contactRecord(i)
		return []any{r.ID, r.Uniacid, r.CropID, r.UID, r.ExternalUserid, r.Name, r.Avatar, r.ExternalType, r.Gender, r.Unionid, r.CorpName, r.CorpFullName,
			r.ExternalProfile, r.IsMember, unix(r.CreatedAt)}
	}); err != nil {
		return err
	}
	if err := o.insert(ctx, "ims_yz_work_wechat_customer_follow_user_tag (id, uniacid, crop_id, tag_id, name, create_time, group_id, group_name, created_at)",
		e.tags, func(i int) []any {
			r := e.tagRecord(i)
			return []any{r.ID, r.Uniacid, r.CropID, r.TagID, r.Name, r.CreateTime, r.GroupID, r.GroupName, unix(r.CreatedAt)}
		}); err != nil {
		return err
	}
	return o.insert(ctx, "ims_yz_work_wechat_customer_follow_user (id, uniacid, crop_id, userid, external_userid, remark, description, customer_create_time, "+
		"remark_mobiles, oper_userid, tag_id, createtime, add_way, status, created_at, deleted_at)", e.raw, func(i int) []any {
		r := e.followRecord(i)
		var deleted any
		if r.DeletedAt != nil {
			deleted = unix(*r.DeletedAt)
		}
		return []any{r.ID, r.Uniacid, r.CropID, r.Userid, r.ExternalUserid, r.Remark, r.Description, r.CustomerCreateTime, r.RemarkMobiles, r.OperUserid, r.TagID,
			r.Createtime, r.AddWay, r.Status, unix(r.CreatedAt), deleted}
	})
}

// insert writes n rows, a thousand to a statement.
func (o *original) insert(ctx context.Context, into string, n int, row func(i int) []any) error {
	for from := 0; from < n; from += 1000 {
		var args []any
		var values []string
		for i := from; i < min(from+1000, n); i++ {
			cells := row(i)
			args = append(args, cells...)
			values = append(values, "(?"+strings.Repeat(", ?", len(cells)-1)+")")
		}
		if _, err := o.db.ExecContext(ctx, "INSERT INTO "+into+" VALUES "+strings.Join(values, ", "), args...); err != nil {
			return err
		}
	}
	return nil
}

// originalFollow is a row of the original's data[].
type originalFollow struct {
	ID                 int               `json:"id"`
	Uniacid            int               `json:"uniacid"`
	CropID             int               `json:"crop_id"`
	UID                int               `json:"uid"`
	Userid             string            `json:"userid"`
	ExternalUserid     string            `json:"external_userid"`
	Remark             string            `json:"remark"`
	Description        string            `json:"description"`
	CustomerCreateTime int64             `json:"customer_create_time"`
	RemarkCorpName     string            `json:"remark_corp_name"`
	RemarkMobiles      string            `json:"remark_mobiles"`
	OperUserid         string            `json:"oper_userid"`
	TagID              string            `json:"tag_id"`
	Createtime         int64             `json:"createtime"`
	AddWay             string            `json:"add_way"`
	State              string            `json:"state"`
	Status             int               `json:"status"`
	CreatedAt          *moment           `json:"created_at"`
	UpdatedAt          *moment           `json:"updated_at"`
	DeletedAt          *moment           `json:"deleted_at"`
	TagName            string            `json:"tag_name"`
	HasOneCustomer     *originalContact  `json:"has_one_customer"`
	HasOneEmployee     *originalEmployee `json:"has_one_employee"`
}

type originalContact struct {
	ID              int     `json:"id"`
	Uniacid         int     `json:"uniacid"`
	CropID          int     `json:"crop_id"`
	UID             int     `json:"uid"`
	ExternalUserid  string  `json:"external_userid"`
	Name            string  `json:"name"`
	Avatar          string  `json:"avatar"`
	ExternalType    int     `json:"external_type"`
	Gender          int     `json:"gender"`
	Unionid         string  `json:"unionid"`
	Position        string  `json:"position"`
	CorpName        string  `json:"corp_name"`
	CorpFullName    string  `json:"corp_full_name"`
	ExternalProfile string  `json:"external_profile"`
	IsMember        int     `json:"is_member"`
	CreatedAt       *moment `json:"created_at"`
	UpdatedAt       *moment `json:"updated_at"`
	DeletedAt       *moment `json:"deleted_at"`
}

type originalEmployee struct {
	ID             int     `json:"id"`
	Uniacid        int     `json:"uniacid"`
	BusinessID     int     `json:"business_id"`
	UID            int     `json:"uid"`
	UserID         string  `json:"user_id"`
	Name           string  `json:"name"`
	Mobile         string  `json:"mobile"`
	Position       string  `json:"position"`
	Gender         int     `json:"gender"`
	Telephone      string  `json:"telephone"`
	Email          string  `json:"email"`
	Avatar         string  `json:"avatar"`
	Alias          string  `json:"alias"`
	Status         int     `json:"status"`
	QRCode         string  `json:"qr_code"`
	Address        string  `json:"address"`
	OpenUserid     string  `json:"open_userid"`
	MainDepartment string  `json:"main_department"`
	UpdatedAt      *moment `json:"updated_at"`
	CreatedAt      *moment `json:"created_at"`
	DeletedAt      *moment `json:"deleted_at"`
	RightType      int     `json:"right_type"`
	Disabled       int     `json:"disabled"`
}

type originalTag struct {
	ID         int     `json:"id"`
	Uniacid    int     `json:"uniacid"`
	CropID     int     `json:"crop_id"`
	TagID      string  `json:"tag_id"`
	Name       string  `json:"name"`
	CreateTime int64   `json:"create_time"`
	Order      int     `json:"order"`
	GroupID    string  `json:"group_id"`
	GroupName  string  `json:"group_name"`
	CreatedAt  *moment `json:"created_at"`
	UpdatedAt  *moment `json:"updated_at"`
	DeletedAt  *moment `json:"deleted_at"`
}

type originalName struct {
	UserID string `json:"user_id"`
	Name   string `json:"name"`
}

// moment is a column of unix seconds that the original prints as a date.
type moment int64

// MarshalText returns the date in China Standard Time.
func (m moment) MarshalText() ([]byte, error) {
	return time.Unix(int64(m), 0).In(china).AppendFormat(nil, time.DateTime), nil
}

// ServeHTTP answers a list as the original does, of the same parameters in the document's spelling.
func (o *original) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	member, err := o.verifier.VerifyRequest(r, "")
	var body []byte
	if err == nil {
		body, err = o.list(r.Context(), member, r.URL.Query())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}

func (o *original) list(ctx context.Context, member auth.Member, q url.Values) ([]byte, error) {
	crop, err := strconv.Atoi(q.Get("crop_id"))
	if err != nil {
		return nil, err
	}
	var manages int
	if err := o.db.QueryRowContext(ctx, "SELECT id FROM ims_yz_business_manager_list WHERE uniacid = ? AND uid = ? AND business_id = ? AND deleted_at IS NULL LIMIT 1",
		member.Uniacid, member.UID, crop).Scan(&manages); err != nil {
		return nil, err
	}
	where, args := originalWhere(crop, q)
	const from = " FROM ims_yz_work_wechat_customer_follow_user f WHERE "
	var total int
	if err := o.db.QueryRowContext(ctx, "SELECT COUNT(*) AS aggregate"+from+where, args...).Scan(&total); err != nil {
		return nil, err
	}
	page := max(atoi(q.Get("page")), 1)
	follows, err := rowsOf(ctx, o.db, "SELECT *"+from+where+fmt.Sprintf(" ORDER BY id DESC LIMIT %d OFFSET %d", perPage, (page-1)*perPage), args,
		func(f *originalFollow) []any {
			return []any{&f.ID, &f.Uniacid, &f.CropID, &f.UID, &f.Userid, &f.ExternalUserid, &f.Remark, &f.Description, &f.CustomerCreateTime, &f.RemarkCorpName,
				&f.RemarkMobiles, &f.OperUserid, &f.TagID, &f.Createtime, &f.AddWay, &f.State, &f.Status, &f.CreatedAt, &f.UpdatedAt, &f.DeletedAt}
		})
	if err != nil {
		return nil, err
	}
	tags, err := rowsOf(ctx, o.db, "SELECT * FROM ims_yz_work_wechat_customer_follow_user_tag WHERE uniacid = ? AND crop_id = ? AND deleted_at IS NULL ORDER BY id DESC",
		[]any{uniacid, crop}, func(t *originalTag) []any {
			return []any{&t.ID, &t.Uniacid, &t.CropID, &t.TagID, &t.Name, &t.CreateTime, &t.Order, &t.GroupID, &t.GroupName, &t.CreatedAt, &t.UpdatedAt, &t.DeletedAt}
		})
	if err != nil {
		return nil, err
	}
	if err := o.eager(ctx, crop, follows, tags); err != nil {
		return nil, err
	}
	employees, err := rowsOf(ctx, o.db, "SELECT user_id, name FROM ims_yz_business_staff WHERE uniacid = ? AND business_id = ? AND deleted_at IS NULL",
		[]any{uniacid, crop}, func(n *originalName) []any { return []any{&n.UserID, &n.Name} })
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"result": 1, "msg": "ok", "data": map[string]any{
		"current_page": page, "data": follows, "last_page": int(math.Ceil(float64(total) / perPage)), "per_page": perPage, "total": total, "count": total,
		"tag": tags, "employee": employees,
	}})
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // what is no number is 0, as in PHP
	return n
}

// eager loads the contacts and employees of a page, and names its tags.
func (o *original) eager(ctx context.Context, crop int, follows []originalFollow, tags []originalTag) error {
	if len(follows) == 0 {
		return nil
	}
	contactIDs, userids := make([]any, 0, len(follows)), make([]any, 0, len(follows)+1)
	for _, f := range follows {
		contactIDs = append(contactIDs, f.ExternalUserid)
		userids = append(userids, f.Userid)
	}
	in := "(?" + strings.Repeat(", ?", len(follows)-1) + ")"
	contacts, err := rowsOf(ctx, o.db, "SELECT * FROM ims_yz_work_wechat_customer WHERE external_userid IN "+in+" AND deleted_at IS NULL", contactIDs, func(c *originalContact) []any {
		return []any{&c.ID, &c.Uniacid, &c.CropID, &c.UID, &c.ExternalUserid, &c.Name, &c.Avatar, &c.ExternalType, &c.Gender, &c.Unionid, &c.Position, &c.CorpName,
			&c.CorpFullName, &c.ExternalProfile, &c.IsMember, &c.CreatedAt, &c.UpdatedAt, &c.DeletedAt}
	})
	if err != nil {
		return err
	}
	employees, err := rowsOf(ctx, o.db, "SELECT * FROM ims_yz_business_staff WHERE user_id IN "+in+" AND business_id = ? AND deleted_at IS NULL", append(userids, crop),
		func(e *originalEmployee) []any {
			return []any{&e.ID, &e.Uniacid, &e.BusinessID, &e.UID, &e.UserID, &e.Name, &e.Mobile, &e.Position, &e.Gender, &e.Telephone, &e.Email, &e.Avatar, &e.Alias,
				&e.Status, &e.QRCode, &e.Address, &e.OpenUserid, &e.MainDepartment, &e.UpdatedAt, &e.CreatedAt, &e.DeletedAt, &e.RightType, &e.Disabled}
		})
	if err != nil {
		return err
	}
	contactBy, employeeBy := map[string]*originalContact{}, map[string]*originalEmployee{}
	for i := range contacts {
		contactBy[contacts[i].ExternalUserid] = &contacts[i]
	}
	for i := range employees {
		employeeBy[employees[i].UserID] = &employees[i]
	}
	for i := range follows {
		f := &follows[i]
		f.HasOneCustomer, f.HasOneEmployee = contactBy[f.ExternalUserid], employeeBy[f.Userid]
		var names []string
		for _, t := range tags {
			if f.TagID != "" && strings.Contains(","+f.TagID+",", ","+t.TagID+",") {
				names = append(names, t.Name)
			}
		}
		f.TagName = strings.Join(names, ",")
	}
	return nil
}

// originalWhere returns the conditions of a list.
func originalWhere(crop int, q url.Values) (where string, args []any) {
	conditions := []string{"f.uniacid = ?", "f.crop_id = ?"}
	args = []any{uniacid, crop}
	add := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	const has = "EXISTS (SELECT * FROM ims_yz_work_wechat_customer c WHERE f.external_userid = c.external_userid AND %s AND c.deleted_at IS NULL)"
	if v := q.Get("search[customer]"); v != "" {
		add(fmt.Sprintf(has, "(c.name LIKE ? OR c.external_userid = ?)"), "%"+v+"%", v)
	}
	if v := q.Get("search[member]"); v != "" {
		add(fmt.Sprintf(has, "c.uid = ?"), v)
	}
	if v := q.Get("search[type]"); v != "" {
		add(fmt.Sprintf(has, "c.external_type = ?"), v)
	}
	if v := q.Get("search[status]"); v != "" {
		add("f.status = ?", v)
	}
	if v := q.Get("search[add_way_type]"); v != "" {
		add("f.add_way = ?", v)
	}
	if v := q.Get("search[employee_member]"); v != "" {
		add("f.userid = ?", v)
	}
	if v := q.Get("search[remark]"); v != "" {
		add("f.remark LIKE ?", "%"+v+"%")
	}
	if v := q["search[time][]"]; len(v) == 2 {
		add("f.createtime BETWEEN ? AND ?", v[0], v[1])
	}
	if v := q.Get("search[tags_data]"); v != "" {
		var anyOf []string
		for id := range strings.SplitSeq(v, ",") {
			anyOf = append(anyOf, "FIND_IN_SET(?, f.tag_id)")
			args = append(args, id)
		}
		add("(" + strings.Join(anyOf, " OR ") + ")")
	}
	return strings.Join(conditions, " AND ") + " AND f.deleted_at IS NULL", args
}

// rowsOf returns all rows of a query, each scanned into what fields names of it.
func rowsOf[T any](ctx context.Context, db *sql.DB, query string, args []any, fields func(*T) []any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []T{}
	for rows.Next() {
		var row T
		if err := rows.Scan(fields(&row)...); err != nil {
			return nil, err
		}
		list = append(list, row)
	}
	return list, rows.Err()
}
