package wecom_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/wecom"
	"example.com/wechatcustomers/internal/wecomtest"
	"example.com/wechatcustomers/internal/writer"
)

func TestWhatAPersonHasToSetIsSaidAtOnceAndTheNextSyncGoesOn(t *testing.T) {
	t.Parallel()
	for code, c := range map[int64]struct{ call, says string }{
		40001: {"gettoken", "contact_secret"},
		40013: {"gettoken", "corpid"},
		41004: {"gettoken", "contact_secret"},
		48002: {"externalcontact/get_follow_user_list", "可调用接口的应用"},
		60011: {"externalcontact/batch/get_by_user", "可见范围"},
		60020: {"externalcontact/get_corp_tag_list", "企业可信IP"},
		50003: {"externalcontact/batch/get_by_user", "enable"},
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			var wrong atomic.Bool
			h := setup(t, wecomtest.Options{Members: 25, Follows: 60, Seed: uint64(code), Fault: func(call string) wecomtest.Fault {
				if wrong.Load() && call == c.call {
					return wecomtest.Fault{Code: code}
				}
				return wecomtest.Fault{}
			}})
			wrong.Store(true)
			err := h.service().Once(t.Context(), crop)
			if _, person := errors.AsType[*wecom.PersonError](err); !person || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), fmt.Sprint("errcode ", code)) {
				t.Errorf("%v, want %q", err, c.says)
			}
			if n, _ := h.theirs.Calls(c.call); n == 0 || n > 4 {
				t.Errorf("%d calls of %s", n, c.call)
			}
			if s := h.status(); !strings.Contains(s, "not complete: ") || !strings.Contains(s, c.says) {
				t.Errorf("status: %s", s)
			}
			wrong.Store(false)
			h.sync()
			h.equal()
			if s := h.status(); strings.Contains(s, "not complete") {
				t.Errorf("status afterwards: %s", s)
			}
		})
	}
}

func TestMembersThatCannotBeReadAreListedAndNothingOfThemIsChanged(t *testing.T) {
	t.Parallel()
	var refused atomic.Int64
	var nothing atomic.Bool
	h := setup(t, wecomtest.Options{Members: 12, Follows: 200, Seed: 17, Fault: func(call string) wecomtest.Fault {
		if call == "externalcontact/batch/get_by_user" {
			return wecomtest.Fault{Code: refused.Load(), Null: nothing.Load()}
		}
		return wecomtest.Fault{}
	}})
	h.sync()
	pairs := h.theirs.Pairs()
	unlicensed := pairs[0].Userid
	rows := func() int64 {
		return h.count("SELECT SUM(CRC32(CONCAT_WS('|', id, userid, external_userid, remark, status, updated_at))) FROM follows WHERE userid = ? OR ? = ''", unlicensed, "")
	}
	before := rows()
	h.theirs.Unlicense(unlicensed, true)
	h.theirs.Edit(unlicensed, pairs[0].ExternalUserid, "新")
	h.theirs.DeleteCustomer(unlicensed, pairs[1].ExternalUserid)
	h.sync()
	if after := rows(); after != before {
		t.Error("an unlicensed member's rows were changed")
	}
	if s := h.status(); !strings.Contains(s, "not read: "+unlicensed+": has no licence") || strings.Count(s, "not read: ") != 1 {
		t.Errorf("status: %s", s)
	}
	h.theirs.Unlicense(unlicensed, false)
	for _, code := range []int64{84061, 40003, 60111} {
		refused.Store(code)
		h.sync()
		if s := h.status(); rows() != before || strings.Count(s, fmt.Sprintf("errcode %d", code)) != 12 {
			t.Errorf("after %d the rows are the same: %v; status: %s", code, rows() == before, s)
		}
	}
	// Any other is tried again by the next sync, and is this one's error.
	refused.Store(40096)
	if err := h.service().Once(t.Context(), crop); err == nil || rows() != before {
		t.Errorf("%v, the rows are the same: %v", err, rows() == before)
	}
	refused.Store(0)
	nothing.Store(true)
	h.sync()
	if s := h.status(); rows() != before || !strings.Contains(s, "none is taken for lost") {
		t.Errorf("after null the rows are the same: %v; status: %s", rows() == before, s)
	}
	nothing.Store(false)
	h.sync()
	h.equal()
	if s := h.status(); strings.Contains(s, "not read: ") {
		t.Errorf("status in the end: %s", s)
	}
}

func TestAnAnswerWithoutTheListOfTagsDeletesNone(t *testing.T) {
	t.Parallel()
	var nothing atomic.Bool
	h := setup(t, wecomtest.Options{Members: 3, Follows: 20, Seed: 18, Fault: func(call string) wecomtest.Fault {
		return wecomtest.Fault{Null: call == "externalcontact/get_corp_tag_list" && nothing.Load()}
	}})
	h.sync()
	nothing.Store(true)
	h.sync()
	h.equal()
	nothing.Store(false)
	h.theirs.DeleteTag("etFict000")
	h.sync()
	h.equal()
	if n := h.count("SELECT COUNT(*) FROM tags WHERE deleted_at IS NOT NULL"); n != 1 {
		t.Errorf("%d tags are deleted, want 1", n)
	}
}

func TestStoredValuesThatWecomDoesNotTellStay(t *testing.T) {
	t.Parallel()
	h := setup(t, wecomtest.Options{Members: 3, Follows: 40, Seed: 19})
	const member, external = "Member0001", "wmKept"
	h.theirs.Add(member, external, false)
	text, number := writer.Text, writer.Int
	h.write(writer.Customer, map[string]writer.Value{
		"crop_id": number(crop), "external_userid": text(external), "unionid": text("o1"), "avatar": text("a1"), "position": text("p1"), "corp_name": text("c1"),
		"corp_full_name": text("f1"), "external_profile": text(`{"kept":1}`), "is_member": number(1), "uid": number(77), "id": number(501),
	})
	h.write(writer.Employee, map[string]writer.Value{
		"business_id": number(crop), "user_id": text(strings.ToUpper(member)), "id": number(601), "mobile": text("13800000000"), "telephone": text("1"), "email": text("e"),
		"avatar": text("a"), "qr_code": text("q"), "address": text("d"), "open_userid": text("o"), "gender": number(2), "uid": number(78), "right_type": number(3), "disabled": number(1),
		"alias": text("别名"),
	})
	h.write(writer.Follow, map[string]writer.Value{
		"crop_id": number(crop), "external_userid": text(external), "userid": text(strings.ToUpper(member)), "id": number(701), "uid": number(79), "remark_corp_name": text("rc"),
		"remark_mobiles": text(`["1"]`), "state": text("st"), "deleted_at": {Is: writer.Null},
	})
	h.sync()
	for query, want := range map[string]int64{
		"SELECT COUNT(*) FROM contacts WHERE external_userid = 'wmKept' AND id = 501 AND is_member = 1 AND uid = 77": 1,
		"SELECT COUNT(*) FROM employees WHERE id = 601 AND BINARY user_id = 'MEMBER0001' AND mobile = '13800000000' AND telephone = '1' AND email = 'e' AND avatar = 'a'" +
			" AND qr_code = 'q' AND address = 'd' AND open_userid = 'o' AND gender = 2 AND uid = 78 AND right_type = 3 AND disabled = 1 AND alias = '别名' AND position = '顾问'": 1,
		"SELECT COUNT(*) FROM follows WHERE id = 701 AND BINARY userid = 'MEMBER0001' AND uid = 79 AND add_way >= 0 AND createtime > 0": 1,
	} {
		if n := h.count(query); n != want {
			t.Errorf("%s: %d", query, n)
		}
	}
	// What the stand-in happens to know of this customer is drawn by lot: what it does not know has stayed.
	told := h.theirs.Truth()["pair "+strings.ToLower(member)+" "+external].Values
	for column, kept := range map[string]string{"unionid": "o1", "avatar": "a1", "position": "p1", "corp_name": "c1", "external_profile": `{"kept":1}`} {
		n := h.count("SELECT COUNT(*) FROM contacts WHERE external_userid = 'wmKept' AND " + column + " = '" + kept + "'")
		if strings.HasSuffix(told, "||||null") && column != "unionid" && column != "avatar" && n != 1 {
			t.Errorf("%s is not %s any more; WeCom tells %s", column, kept, told)
		}
	}
}

func TestAnOldMessageAgainChangesNoStatus(t *testing.T) {
	t.Parallel()
	h := setup(t, wecomtest.Options{Members: 3, Follows: 30, Seed: 21})
	h.sync()
	address := h.callbacks(h.service())
	pair := h.theirs.Pairs()[0]
	at := time.Now().Add(-30 * 24 * time.Hour).Unix()
	old := h.theirs.Other("change_external_contact", "add_external_contact")
	old.XML = fmt.Sprintf("<xml><CreateTime>%d</CreateTime><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>"+
		"<UserID>%s</UserID><ExternalUserID>%s</ExternalUserID></xml>", at, pair.Userid, pair.ExternalUserid)
	h.send(address, old, h.theirs.DeleteMember(pair.Userid, pair.ExternalUserid))
	h.sync()
	h.equal()
	h.exec("UPDATE wecom_inbox SET due_at = 1") // a week later
	h.sync()
	if n := h.count("SELECT COUNT(*) FROM wecom_inbox"); n != 0 {
		t.Errorf("%d events are kept", n)
	}
	h.send(address, old)
	h.sync()
	h.equal()
}

func TestFailedEventsAreKeptAndListedUntilTheyAreTriedAgain(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	h := setup(t, wecomtest.Options{Members: 3, Follows: 30, Seed: 22, Fault: func(call string) wecomtest.Fault {
		if call == "externalcontact/get" && broken.Load() {
			return wecomtest.Fault{Code: 40058}
		}
		return wecomtest.Fault{}
	}})
	h.sync()
	broken.Store(true)
	s := h.service()
	pair := h.theirs.Pairs()[0]
	h.send(h.callbacks(s), h.theirs.DeleteMember(pair.Userid, pair.ExternalUserid))
	for h.count("SELECT COUNT(*) FROM wecom_inbox WHERE state = 2") == 0 {
		h.exec("UPDATE wecom_inbox SET due_at = 0 WHERE state = 0") // its time has come
		if err := s.Once(t.Context(), crop); err != nil {
			t.Fatal(err)
		}
	}
	if status := h.status(); !strings.Contains(status, "events failed: 1") || !strings.Contains(status, ", del_follow_user of "+strings.ToLower(pair.Userid)+" "+pair.ExternalUserid) ||
		!strings.Contains(status, "errcode 40058") || !strings.Contains(status, "sync --retry --crop-id 1") {
		t.Errorf("status: %s", status)
	}
	broken.Store(false)
	h.sync()
	if n := h.count("SELECT COUNT(*) FROM follows WHERE status = -1"); n != 0 {
		t.Error("a failed event was tried again unasked")
	}
	if n, err := wecom.Retry(t.Context(), h.ours, crop); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	h.sync()
	h.equal()
	if status := h.status(); strings.Contains(status, "failed") {
		t.Errorf("status: %s", status)
	}
}
