package wecom

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	gen "example.com/wechatcustomers/gen/wecom"
	"example.com/wechatcustomers/internal/writer"
)

// What WeCom's objects are as records. What WeCom leaves out, or has as null, is left out here too:
// what is stored stays. The fields that are the mall's own (id, uid, is_member and so on) are never
// in a record.

// record is a record of one kind in the making.
type record struct {
	kind   writer.Kind
	values writer.Record
}

// newRecord returns a record of the enterprise; a row that it changes says when.
func newRecord(kind writer.Kind, crop uint32, now time.Time) record {
	r := record{kind, writer.NewRecord(kind)}
	business := "crop_id"
	if kind == writer.Employee {
		business = "business_id"
	}
	r.set(business, writer.Int(int64(crop)))
	r.set("updated_at", writer.WhereChanged(writer.Text(now.In(china).Format(time.DateTime))))
	return r
}

// china is the zone of the tables' dates.
var china = time.FixedZone("CST", 8*60*60)

func (r record) set(field string, v writer.Value) { r.values[r.kind.Field(field)] = v }

// text sets a text, cut to the column's width and without NUL, which no column takes.
func (r record) text(field string, s *string) {
	if s == nil {
		return
	}
	v, most := strings.ReplaceAll(*s, "\x00", ""), r.kind.Columns()[r.kind.Field(field)].Max
	if len(v) > most && utf8.RuneCountInString(v) > most {
		v = string([]rune(v)[:most])
	}
	r.set(field, writer.Text(v))
}

// filled is text for what an app may be told empty although it is not.
func (r record) filled(field string, s *string) {
	if text(s) != "" {
		r.text(field, s)
	}
}

func (r record) number(field string, n *int64) {
	if n != nil {
		r.set(field, writer.Int(*n))
	}
}

func customerRecord(crop uint32, now time.Time, c *gen.ExternalContact) writer.Record {
	r := newRecord(writer.Customer, crop, now)
	r.text("external_userid", c.ExternalUserid)
	r.text("name", c.Name)
	r.text("avatar", c.Avatar)
	r.number("external_type", c.Type)
	r.number("gender", c.Gender)
	r.text("unionid", c.Unionid)
	r.text("position", c.Position)
	r.text("corp_name", c.CorpName)
	r.text("corp_full_name", c.CorpFullName)
	var profile bytes.Buffer
	if c.ExternalProfile != nil && json.Compact(&profile, *c.ExternalProfile) == nil && profile.String() != "null" {
		r.set("external_profile", writer.Text(profile.String()))
	}
	return r.values
}

// followRecord returns the record of a pair; status is its 1 or -1, 0 where nothing tells.
func followRecord(crop uint32, now time.Time, externalUserid string, f *gen.FollowInfo, status int64) writer.Record {
	r := newRecord(writer.Follow, crop, now)
	r.text("userid", f.Userid)
	r.text("external_userid", &externalUserid)
	r.text("remark", f.Remark)
	r.text("description", f.Description)
	r.text("remark_corp_name", f.RemarkCorpName)
	r.text("oper_userid", f.OperUserid)
	r.text("state", f.State)
	r.number("createtime", f.Createtime)
	r.number("customer_create_time", f.Createtime)
	if f.RemarkMobiles != nil {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(*f.RemarkMobiles) //nolint:errchkjson // texts always can be
		r.set("remark_mobiles", writer.Text(strings.TrimSuffix(b.String(), "\n")))
	}
	if tags := tagsOf(f); tags != nil {
		r.set("tag_id", writer.Text(strings.Join(*tags, ",")))
	}
	if f.AddWay != nil && *f.AddWay >= 0 {
		r.set("add_way", writer.Text(strconv.FormatInt(*f.AddWay, 10)))
	}
	if status != 0 {
		r.set("status", writer.Int(status))
	}
	return r.values
}

// tagsOf returns a pair's tag ids, in either form; personal tags have none.
func tagsOf(f *gen.FollowInfo) *[]string {
	if f.TagID != nil || f.Tags == nil {
		return f.TagID
	}
	ids := []string{}
	for _, t := range *f.Tags {
		if id := text(t.TagID); id != "" {
			ids = append(ids, id)
		}
	}
	return &ids
}

// statusRecord returns a record that says nothing of a pair but whether it is lost.
func statusRecord(crop uint32, now time.Time, userid, externalUserid string, status int64) writer.Record {
	return followRecord(crop, now, externalUserid, &gen.FollowInfo{Userid: &userid}, status)
}

// The status of a member that has left.
const left int64 = 5

func employeeRecord(crop uint32, now time.Time, u *gen.User) writer.Record {
	r := newRecord(writer.Employee, crop, now)
	r.text("user_id", u.Userid)
	r.filled("name", u.Name)
	r.filled("mobile", u.Mobile)
	r.filled("position", u.Position)
	r.filled("telephone", u.Telephone)
	r.filled("email", u.Email)
	r.filled("avatar", u.Avatar)
	r.filled("alias", u.Alias)
	r.filled("qr_code", u.QrCode)
	r.filled("address", u.Address)
	r.filled("open_userid", u.OpenUserid)
	r.number("status", u.Status)
	if gender, err := strconv.ParseInt(text(u.Gender), 10, 32); err == nil && gender != 0 {
		r.number("gender", &gender)
	}
	if u.MainDepartment != nil {
		r.set("main_department", writer.Text(strconv.FormatInt(*u.MainDepartment, 10)))
	}
	return r.values
}

func tagRecord(crop uint32, now time.Time, g *gen.TagGroup, t *gen.Tag) writer.Record {
	r := newRecord(writer.Tag, crop, now)
	r.text("tag_id", t.ID)
	r.text("name", t.Name)
	r.number("create_time", t.CreateTime)
	r.number("order", t.Order)
	r.text("group_id", g.GroupID)
	r.text("group_name", g.GroupName)
	r.set("deleted_at", writer.Value{Is: writer.Null}) // what is listed is there
	return r.values
}

func deletedTag(crop uint32, now time.Time, id string) writer.Record {
	r := newRecord(writer.Tag, crop, now)
	r.text("tag_id", &id)
	r.set("deleted_at", writer.Text(now.In(china).Format(time.DateTime)))
	return r.values
}
