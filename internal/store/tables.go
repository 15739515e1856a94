package store

import (
	"context"
	"database/sql"
	"fmt"
)

// tables are the columns that this program reads and writes; a test compares them with those that
// the migrations make.
var tables = []struct{ name, columns string }{
	{"businesses", "id, uniacid, name, created_at, updated_at, deleted_at"},
	{"managers", "uniacid, uid, business_id, created_at, updated_at, deleted_at"},
	{"employees", "id, business_id, uid, user_id, name, mobile, position, gender, telephone, email, avatar, alias, status, qr_code, address, open_userid, " +
		"main_department, created_at, updated_at, deleted_at, right_type, disabled"},
	{"contacts", "id, crop_id, uid, external_userid, name, avatar, external_type, gender, unionid, position, corp_name, corp_full_name, " +
		"external_profile, is_member, created_at, updated_at, deleted_at"},
	{"tags", "id, crop_id, tag_id, name, create_time, `order`, created_at, updated_at, deleted_at, group_id, group_name"},
	{"follows", "id, crop_id, uid, userid, external_userid, remark, description, customer_create_time, remark_corp_name, remark_mobiles, oper_userid, " +
		"tag_id, createtime, add_way, state, status, created_at, updated_at, deleted_at, remark_folded, external_type, name_folded, contact_uid, " +
		"gender, contact_id, notes_folded, pinyin, mobiles, tags"},
	{"follow_sets", "crop_id, name, part, ids"},
	{"follow_changes", "crop_id, follow_id"},
	{"copied_ranges", "source, kind, first, ids, hash"},
	{"wecom_syncs", "crop_id, holder, held_until, due_at, started_at, finished_at, succeeded_at, failures, members, read_rows, new_rows, changed_rows, " +
		"lost_rows, refused_rows, error, warning"},
	{"wecom_members", "crop_id, userid, run_at, problem"},
	{"wecom_inbox", "id, crop_id, received_at, event, change_type, created, userid, external_userid, message, state, attempts, due_at, error"},
	{"versions", "crop_id, rows_version, dict_version, indexed"},
}

// querier is a pool of connections or one of them.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// complete returns an error where a table or a column is missing, or may not be read; it reads no
// row.
func complete(ctx context.Context, db querier) error {
	for _, t := range tables {
		if err := read(ctx, db, "SELECT "+t.columns+" FROM "+t.name+" LIMIT 0"); err != nil {
			return fmt.Errorf("the database's table %s is not as this program needs it: %w", t.name, err)
		}
	}
	return nil
}

// read returns the error of a query that has no rows.
func read(ctx context.Context, db querier, query string) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	rows.Next() // an error of a query may come with its rows
	return rows.Err()
}
