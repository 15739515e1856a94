package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/internal/originaltest"
)

// originalRows fill the original's tables with the big enterprise's rows of ours.
var originalRows = map[string]string{
	originaltest.Managers: `(uniacid, uid, business_id, created_at) SELECT uniacid, uid, business_id, UNIX_TIMESTAMP(created_at) FROM managers WHERE business_id = 1`,
	originaltest.Employees: `(id, uniacid, business_id, uid, user_id, name, mobile, position, gender, telephone, email, avatar, alias, status, qr_code, address,
		open_userid, main_department, created_at, updated_at, deleted_at, right_type, disabled)
		SELECT id, 2, business_id, uid, user_id, name, mobile, position, gender, telephone, email, avatar, alias, status, qr_code, address,
		open_userid, main_department, UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at), UNIX_TIMESTAMP(deleted_at), right_type, disabled FROM employees WHERE business_id = 1`,
	originaltest.Contacts: `(id, uniacid, crop_id, uid, external_userid, name, avatar, external_type, gender, unionid, position, corp_name, corp_full_name, external_profile,
		is_member, created_at, updated_at, deleted_at)
		SELECT id, 2, crop_id, uid, external_userid, name, avatar, external_type, gender, unionid, position, corp_name, corp_full_name, external_profile,
		is_member, UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at), UNIX_TIMESTAMP(deleted_at) FROM contacts WHERE crop_id = 1`,
	originaltest.Tags: "(id, uniacid, crop_id, tag_id, name, create_time, `order`, group_id, group_name, created_at, updated_at, deleted_at) " +
		"SELECT id, 2, crop_id, tag_id, name, create_time, `order`, group_id, group_name, " +
		"UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at), UNIX_TIMESTAMP(deleted_at) FROM tags WHERE crop_id = 1",
	originaltest.Follows: `(id, uniacid, crop_id, uid, userid, external_userid, remark, description, customer_create_time, remark_corp_name, remark_mobiles, oper_userid,
		tag_id, createtime, add_way, state, status, created_at, updated_at, deleted_at)
		SELECT id, 2, crop_id, uid, userid, external_userid, remark, description, customer_create_time, remark_corp_name, remark_mobiles, oper_userid,
		tag_id, createtime, add_way, state, status, UNIX_TIMESTAMP(created_at), UNIX_TIMESTAMP(updated_at), UNIX_TIMESTAMP(deleted_at) FROM follows WHERE crop_id = 1`,
}

// newOriginal returns the original's shape with its tables, on a database that also has ours.
func newOriginal(ctx context.Context, db *sql.DB) (http.Handler, error) {
	errs := []error{originaltest.Create(ctx, db)}
	for name, as := range originalRows {
		errs = append(errs, execute(ctx, db, "INSERT INTO "+name+" "+as, "ANALYZE TABLE "+name))
	}
	return originaltest.Server{
			DB:      db,
			Uniacid: uniacid,
			CropID:  bigCrop,
			UID:     managerUID,
			Per:     perPage,
		}, errors.Join(
			errs...)
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
			return originaltest.Filters[f.param] == "" || r.name == "three employees"
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
