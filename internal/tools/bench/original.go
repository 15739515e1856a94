package bench

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
)

// The original's shape, to compare with: its tables and indexes, made of the big enterprise's rows
// in ours, and the queries that its page sends, in Go over the same driver. COUNT(*) and OFFSET on
// every page, FIND_IN_SET for tags, EXISTS over the contacts for name and type, two eager loads,
// and all tags and employees each time.

var originalTables = map[string]string{
	"managers": `(KEY uid (uid)) SELECT * FROM managers WHERE business_id = 1`,
	"employees": `(PRIMARY KEY (id), KEY business_id (business_id))
		SELECT 2 AS uniacid, e.* FROM employees e WHERE business_id = 1`,
	"contacts": `(PRIMARY KEY (id)) SELECT 2 AS uniacid, c.* FROM contacts c WHERE crop_id = 1`,
	"tags":     `(PRIMARY KEY (id)) SELECT 2 AS uniacid, t.* FROM tags t WHERE crop_id = 1`,
	"follows": `(PRIMARY KEY (id), KEY external_userid (external_userid), KEY uid (uid))
		SELECT id, 2 AS uniacid, crop_id, uid, userid, external_userid, remark, description,
		customer_create_time, remark_corp_name, remark_mobiles, oper_userid,
		CAST(tag_id AS CHAR(500)) AS tag_id, createtime, CAST(add_way AS CHAR(30)) AS add_way,
		state, status, created_at, updated_at, deleted_at FROM follows WHERE crop_id = 1`,
}

const (
	ofCrop     = " WHERE uniacid = 2 AND crop_id = 1 AND deleted_at IS NULL"
	ofBusiness = " WHERE uniacid = 2 AND business_id = 1 AND deleted_at IS NULL"
	hasContact = "EXISTS (SELECT * FROM original_contacts c WHERE " +
		"f.external_userid = c.external_userid AND c.deleted_at IS NULL AND "
)

// originalFilters are its conditions.
var originalFilters = map[string]string{
	"search[customer]":        hasContact + "c.name LIKE CONCAT('%', ?, '%'))",
	"search[member]":          hasContact + "c.uid = ?)",
	"search[type]":            hasContact + "c.external_type = ?)",
	"search[status]":          "f.status = ?",
	"search[add_way_type]":    "f.add_way = ?",
	"search[employee_member]": "f.userid = ?",
	"search[remark]":          "f.remark LIKE CONCAT('%', ?, '%')",
	"search[time][]":          "f.createtime BETWEEN ? AND ?",
	"search[tags_data]":       "FIND_IN_SET(?, f.tag_id)",
}

// original answers as the original does, on a database that also has our tables.
type original struct{ db *sql.DB }

// newOriginal makes the original's tables.
func newOriginal(ctx context.Context, db *sql.DB) (original, error) {
	var errs []error
	for name, as := range originalTables {
		name = "original_" + name
		errs = append(errs, execute(ctx, db, "DROP TABLE IF EXISTS "+name, "CREATE TABLE "+name+as,
			"ALTER TABLE "+name+" CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"))
	}
	return original{db}, errors.Join(errs...)
}

// ServeHTTP answers a list of the same parameters.
func (o original) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	page, err := o.list(r.Context(), r.URL.Query())
	var body []byte
	if err == nil {
		body, err = json.Marshal(row{"result": 1, "msg": "ok", "data": page})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

// row is a row of a table, by its columns.
type row map[string]any

func (o original) list(ctx context.Context, q url.Values) (row, error) {
	page := max(atoi(q.Get("page")), 1)
	where, args := " f WHERE f.uniacid = 2 AND f.crop_id = 1", []any{}
	for param, condition := range originalFilters {
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
	if _, err := o.rows(ctx, "* FROM original_managers"+ofBusiness+" AND uid = 7"); err != nil {
		return nil, err
	}
	count, err := o.rows(ctx, "COUNT(*) AS total FROM original_follows"+where, args...)
	if err != nil {
		return nil, err
	}
	where += fmt.Sprintf(" ORDER BY id DESC LIMIT %d OFFSET %d", perPage, (page-1)*perPage)
	follows, err := o.rows(ctx, "* FROM original_follows"+where, args...)
	if err != nil {
		return nil, err
	}
	tags, err := o.rows(ctx, "* FROM original_tags"+ofCrop+" ORDER BY id DESC")
	if err != nil {
		return nil, err
	}
	employees, err := o.rows(ctx, "user_id, name FROM original_employees"+ofBusiness)
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
	const key = "external_userid"
	return row{"current_page": page, "data": follows, "total": count[0]["total"], "tag": tags,
			"employee": employees}, errors.Join(
			o.load(ctx, follows, "contacts", key, key, "has_one_customer"),
			o.load(ctx, follows, "employees", "user_id", "userid", "has_one_employee"))
}

// load gives each follow its row of another table.
func (o original) load(ctx context.Context, follows []row, table, column, of, as string) error {
	if len(follows) == 0 {
		return nil
	}
	args := make([]any, len(follows))
	for i, f := range follows {
		args[i] = f[of]
	}
	found, err := o.rows(ctx, "* FROM original_"+table+" WHERE deleted_at IS NULL AND "+column+
		" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
	by := map[any]row{}
	for _, r := range found {
		by[r[column]] = r
	}
	for _, f := range follows {
		f[as] = by[f[of]]
	}
	return err
}

// rows returns the rows of a query.
func (o original) rows(ctx context.Context, query string, args ...any) ([]row, error) {
	rows, err := o.db.QueryContext(ctx, "SELECT "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	list := []row{}
	for err == nil && rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		err = rows.Scan(into...)
		r := row{}
		for i, c := range columns {
			r[c] = values[i]
			if text, ok := values[i].([]byte); ok {
				r[c] = string(text)
			}
		}
		list = append(list, r)
	}
	return list, errors.Join(err, rows.Err())
}

const (
	peerPrefix      = "original: "
	peerConnections = 8  // both are asked over so many
	atLeast         = 20 // times the original's requests a second are wanted of the first two rows
)

var comparisons = []string{
	"pages all different", "the same page", "type=2", "an employee", "one tag", "name, 2 letters",
	"remark, 2 letters",
}

// compare checks that the original's shape gives the same answers, measures both and prints the
// table.
func (s *session) compare(ctx context.Context, m *meter) error {
	requests := slices.DeleteFunc(m.plan.requests(), func(r request) bool {
		unknown := slices.ContainsFunc(r.filters, func(f filter) bool {
			return originalFilters[f.param] == "" || r.name == "three employees"
		})
		return unknown || r.mode != first || r.facets || r.sort != "" || r.crop != bigCrop
	})
	wants := m.plan.expect(requests)
	shape, err := newOriginal(ctx, m.db)
	if err != nil {
		return err
	}
	theirs := &server{handler: shape}
	for i := range requests {
		for of, asked := range map[string]*server{"ours": m.server, "the original's": theirs} {
			if err := m.check(ctx, asked, &requests[i], &wants[i]); err != nil {
				return fmt.Errorf("%s: %w", of, err)
			}
		}
	}
	last := (m.plan.Rows + perPage - 1) / perPage
	var rows [][]string
	for i, name := range comparisons {
		if !s.selects(peerPrefix + name) {
			continue
		}
		r := requests[0]
		if n := slices.IndexFunc(requests, func(r request) bool { return r.name == name }); n > 0 {
			r = requests[n]
		}
		if err := m.forget(ctx, m.plan.big()); err != nil {
			return err
		}
		calls := func(turn int) call {
			switch r := r; name {
			case "pages all different":
				r.page = 1 + turn*7919%last
				return r.call().elsewhere(turn / last)
			case "the same page":
				return r.call()
			default:
				return r.call().elsewhere(turn)
			}
		}
		var rates [2]float64
		for of, asked := range []*server{theirs, m.server} {
			rates[of], err = asked.rate(ctx, peerConnections, s.Time, http.StatusOK, calls)
			if err != nil {
				return err
			}
		}
		times, limit, verdict := rates[1]/max(rates[0], 0.001), "", ""
		if i < 2 {
			limit, verdict = strconv.Itoa(atLeast), "ok"
			if times < atLeast {
				verdict = "over"
				s.missed++
			}
		}
		rows = append(rows, []string{
			peerPrefix + name, number(rates[0]), number(rates[1]), limit, verdict, number(times),
		})
		s.sayf("%s", strings.Join(rows[len(rows)-1], "  "))
	}
	_, _ = fmt.Fprintf(s.Out, "\nRequests a second over %d connections, %s, %d follows\n\n",
		peerConnections, s.version, m.plan.Rows)
	head := []string{"request", "original's shape:", "ours:", "at least", "", "times:"}
	return printTable(s.Out, head, rows)
}
