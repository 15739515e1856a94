// Package original brings over what an installation of the original holds, from its database or
// from its own getList, and compares the answers of both. It decides what becomes of each of its
// rows that cannot be taken as it is, and reports every one; what it writes goes through
// internal/importer.
package original

import (
	"context"
	"strings"

	"example.com/wechatcustomers/internal/writer"
)

// kinds are the kinds of records that the original has rows for, in the order in which they are
// written.
var kinds = []writer.Kind{writer.Manager, writer.Employee, writer.Customer, writer.Tag, writer.Follow}

// tableNames are the original's tables without their prefix.
var tableNames = map[writer.Kind]string{
	writer.Manager:  "yz_business_manager_list",
	writer.Employee: "yz_business_staff",
	writer.Customer: "yz_work_wechat_customer",
	writer.Tag:      "yz_work_wechat_customer_follow_user_tag",
	writer.Follow:   "yz_work_wechat_customer_follow_user",
}

// Text is a value of the original's; not Valid is null, or a column that it does not have.
type text struct {
	string
	valid bool
}

// row is a row of the original: its id, and its values in the order of the kind's columns.
type row struct {
	id     int64
	values []text

	// partial: what is not valid is not known, and keeps what is stored, as does the id.
	partial bool
}

// rows is where the original's rows are read from. All reads are of one state, or as near to one as
// there can be.
type rows interface {
	// name says where the rows are from, without what is secret; state is kept under it.
	name() string
	// has says whether rows of the kind can be had.
	has(kind writer.Kind) bool
	// each calls f with each row in the order of ids; keys asks for the values alone that name a row
	// and say whether it is live. The row holds until f returns.
	each(ctx context.Context, kind writer.Kind, keys bool, f func(row) error) error
}

// at is where a kind's columns are.
type at struct{ id, uniacid, business, deleted, created int }

var places = func() (places [writer.Follow + 1]at) {
	for kind := range places {
		k := writer.Kind(kind)
		business := max(k.Field("crop_id"), k.Field("business_id"))
		if k == writer.Business {
			business = k.Field("id")
		}
		places[kind] = at{k.Field("id"), k.Field("uniacid"), business, k.Field("deleted_at"), k.Field("created_at")}
	}
	return places
}()

// Where values are that are read by name.
var (
	followUserid     = writer.Follow.Field("userid")
	followContact    = writer.Follow.Field("external_userid")
	followTags       = writer.Follow.Field("tag_id")
	followCreatetime = writer.Follow.Field("createtime")
	contactKey       = writer.Customer.Field("external_userid")
	employeeUserid   = writer.Employee.Field("user_id")
	employeeName     = writer.Employee.Field("name")
	tagKey           = writer.Tag.Field("tag_id")
	tagCreateTime    = writer.Tag.Field("create_time")
	managerUID       = writer.Manager.Field("uid")
)

// keyColumns are what names a row within its enterprise.
var keyColumns = map[writer.Kind][]int{
	writer.Manager:  {managerUID},
	writer.Employee: {employeeUserid},
	writer.Customer: {contactKey},
	writer.Tag:      {tagKey},
	writer.Follow:   {followContact, followUserid},
}

// keyOf returns what names a row within its enterprise, as this service compares it: userids in
// any case, everything else exactly.
func keyOf(kind writer.Kind, values []text) string {
	var b strings.Builder
	for _, c := range keyColumns[kind] {
		s := values[c].string
		if kind.Columns()[c].Type == writer.Userid {
			s = strings.ToLower(s)
		}
		b.WriteString(s)
		b.WriteByte(0)
	}
	return b.String()
}
