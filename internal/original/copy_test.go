package original_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/original"
)

// Every row that cannot be taken as it is, with what it becomes.
func TestEveryOddRowIsDecidedAndReported(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(2)
	cut := strings.Repeat("etA,", 122) // 488 characters: twelve are left for the last id
	h.do(
		// A follow without contact; of an employee of another enterprise alone; with no createtime.
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (11, 2, 1, 'wmNone', 'Other', 0, 0)",
		"INSERT INTO STAFF (id, uniacid, business_id, user_id, created_at) VALUES (8, 2, 4, 'Other', 1632277573)",
		// Account 0, add_way no number, created_at 0 and so on.
		"INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, external_profile, created_at) VALUES (20, 0, 1, 'wm20', NULL, 0)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, add_way, status, remark, uid) VALUES (20, 0, 1, 'wm20', 'Emp1', 1632277573, 'abc', -7, NULL, -4)",
		// Another account, no enterprise, an enterprise that rows alone tell of.
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid) VALUES (30, 9, 1, 'wm1', 'x'), (31, 2, 0, 'wm1', 'x'), (32, 0, 77, 'wm1', 'x')",
		"INSERT INTO TAGS (id, uniacid, crop_id, tag_id, created_at) VALUES (40, 2, 6, 'etSix', 1632277573)",
		// Tags cut within the last id: one that begins so, none, and a whole one.
		"INSERT INTO TAGS (id, uniacid, crop_id, tag_id, name, created_at) VALUES (41, 2, 1, 'etabcdefabcd-whole', '长', 1632277573), (42, 2, 1, 'etabcdefghij', '满', 1632277573)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, tag_id, createtime, created_at) VALUES (50, 2, 1, 'wm1', 'cut', '"+cut+"etabcdefabcd', 5, 5), "+
			"(51, 2, 1, 'wm1', 'none', '"+cut+"etabcdefabxx', 5, 5), (52, 2, 1, 'wm1', 'full', '"+cut+"etabcdefghij', 5, 5), (53, 2, 1, 'wm1', 'two', '"+cut+"etabcdef', 5, 5)",
		// Telephones cut within their JSON, or none at all.
		`INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, remark_mobiles, createtime, created_at) VALUES
			(60, 2, 1, 'wm1', 'm1', '["13800000001","13800000002","13800000003","138000', 5, 5), (61, 2, 1, 'wm1', 'm2', '13800000001', 5, 5), (62, 2, 1, 'wm1', 'm3', '', 5, 5), (63, 2, 1, 'wm1', 'm4', '["138",13]', 5, 5)`,
		// What cannot name a row.
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid) VALUES (70, 2, 1, 'wm1', '李'), (71, 2, 1, 'wm 1', 'Emp1'), (72, 2, 1, '', 'Emp1')",
		// Deleted at 0, as nobody but a program does it, and deleted as usual.
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, deleted_at, createtime, created_at) VALUES (80, 2, 1, 'wm1', 'd1', 0, 5, 5), (81, 2, 1, 'wm1', 'd2', 1632277573, 5, 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (82, 2, 1, 'wm1', 'neg', -5, 5)",
		"UPDATE FOLLOWS SET created_at = 1632277573 WHERE id IN (70, 71, 72)",
	)
	result, lines := h.copy(h.database())
	want := []string{
		"account 0: that of the enterprise is taken|yz_work_wechat_customer|20|1|2",
		"account 0: that of the enterprise is taken|yz_work_wechat_customer_follow_user|20|1|2",
		"account of another than the enterprise: left out|yz_work_wechat_customer_follow_user|30|1|9, not 2",
		"createtime 0|yz_work_wechat_customer_follow_user|11|1|",
		"createtime 0|yz_work_wechat_customer_follow_user|70|1|",
		"createtime 0|yz_work_wechat_customer_follow_user|71|1|",
		"createtime 0|yz_work_wechat_customer_follow_user|72|1|",
		"deleted_at 0: deleted, as the original shows it|yz_work_wechat_customer_follow_user|80|1|",
		"employee of another enterprise alone|yz_work_wechat_customer_follow_user|11|1|Other is of enterprise [4]",
		"enterprise without a name: --business ID=NAME gives it one|business|4|4|",
		"enterprise without a name: --business ID=NAME gives it one|business|6|6|",
		"enterprise without managers and staff: taken from its rows|business|6|6|",
		"follow without contact: an empty contact stands in|yz_work_wechat_customer_follow_user|11|1|wmNone",
		"no created_at: the row's createtime is taken, else 1970-01-01 08:00:00||||3 rows (counted, not listed)",
		"no enterprise, or one whose account is not known: left out|yz_work_wechat_customer_follow_user|31|0|uniacid 2",
		"no enterprise, or one whose account is not known: left out|yz_work_wechat_customer_follow_user|32|77|uniacid 0",
		"null where there must be a value: the default is taken||||1 rows (counted, not listed)",
		`remark_mobiles cut or no list: the whole numbers are taken|yz_work_wechat_customer_follow_user|60|1|"[\"13800000001\",\"13800000002\",\"13800000003\",\"138000": ["13800000001","13800000002","13800000003"]`,
		`remark_mobiles cut or no list: the whole numbers are taken|yz_work_wechat_customer_follow_user|61|1|"13800000001": []`,
		`tag_id cut within its last id|yz_work_wechat_customer_follow_user|50|1|"etabcdefabcd" is "etabcdefabcd-whole"`,
		`tag_id cut within its last id|yz_work_wechat_customer_follow_user|51|1|"etabcdefabxx" is left out: 0 live tags begin so`,
		`value that cannot be stored: the default is taken|yz_work_wechat_customer_follow_user|20|1|add_way "abc" is no number: 0`,
		`value that cannot be stored: the default is taken|yz_work_wechat_customer_follow_user|20|1|status -7 is neither 1 nor -1: -1`,
		`value that cannot be stored: the default is taken|yz_work_wechat_customer_follow_user|20|1|uid "-4" must be 0 to 4294967295`,
		`value that cannot be stored: the default is taken|yz_work_wechat_customer_follow_user|82|1|createtime -5: 0`,
		`what names the row cannot be stored: left out|yz_work_wechat_customer_follow_user|70|1|userid "李" must be printable ASCII without spaces`,
		`what names the row cannot be stored: left out|yz_work_wechat_customer_follow_user|71|1|external_userid "wm 1" must not contain white space or commas`,
		`what names the row cannot be stored: left out|yz_work_wechat_customer_follow_user|72|1|external_userid "" must not be empty`,
	}
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\t", "|")
	}
	slices.Sort(lines)
	slices.Sort(want)
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	if result.Decisions.Counts[original.NoCreatedAt] != 3 || len(result.Decisions.Lines()) != 15 {
		t.Errorf("counts %q", result.Decisions.Lines())
	}
	h.want("SELECT id, uniacid, name FROM businesses", "1|2|一", "4|2|", "6|2|")
	h.want("SELECT * FROM managers", "2|7|1|2021-09-22 10:26:13|NULL|NULL")
	h.want("SELECT id, created_at FROM follows WHERE userid = 'Other'", "11|1970-01-01 08:00:00")
	h.want("SELECT name, external_profile, id > 1000 FROM contacts WHERE external_userid = 'wmNone'", "|null|1")
	h.want("SELECT f.add_way, f.status, f.remark, f.uid, f.created_at, c.external_profile, c.created_at FROM follows f JOIN contacts c USING (crop_id, external_userid) WHERE f.id = 20",
		"0|-1||0|2021-09-22 10:26:13|null|1970-01-01 08:00:00")
	h.want("SELECT userid, SUBSTR(tag_id, 489) FROM follows WHERE id BETWEEN 50 AND 53 ORDER BY id", "cut|etabcdefabcd-whole", "none|", "full|etabcdefghij", "two|etabcdef")
	h.want("SELECT remark_mobiles FROM follows WHERE id BETWEEN 60 AND 63 ORDER BY id", `["13800000001","13800000002","13800000003"]`, "[]", "[]", `["138",13]`)
	h.want("SELECT id, deleted_at FROM follows WHERE deleted_at IS NOT NULL ORDER BY id", "80|1970-01-01 08:00:00", "81|2021-09-22 10:26:13")
	h.want("SELECT COUNT(*) FROM follows WHERE id IN (30, 31, 32, 70, 71, 72)", "0")
}

// Of rows of one key the better one is kept, and nothing that another one had is lost.
func TestOfRowsOfOneKeyNothingIsLost(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(2)
	h.do(
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, remark, tag_id, createtime, created_at) VALUES (100, 2, 1, 'wm1', 'emp2', '', '', 77, 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, remark, description, createtime, created_at, deleted_at) VALUES (101, 2, 1, 'wm1', 'EMP2', 'deleted', 'said', 78, 5, 9)",
		"INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, name, uid, created_at) VALUES (102, 2, 1, 'wm1', '', 3061, 5)",
		"INSERT INTO STAFF (id, uniacid, business_id, user_id, name, mobile, created_at) VALUES (103, 2, 1, 'EMP1', '', '138', 5)",
		"INSERT INTO MANAGERS (id, uniacid, uid, business_id, created_at, deleted_at) VALUES (104, 2, 7, 1, 5, 9)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (3000, 2, 1, 'wm2', 'emp1', 79, 5)",
	)
	h.do("DELETE FROM TAGS WHERE id = 4")
	result, lines := h.copy(h.database())
	h.want("SELECT id, userid, remark, description, tag_id, createtime FROM follows ORDER BY id", "100|emp2|备1||etA|77", "3000|emp1|备2||etA|79")
	h.want("SELECT id, external_userid, name, uid FROM contacts ORDER BY id", "2|wm2|客2|0", "102|wm1|客1|3061")
	h.want("SELECT id, user_id, name, mobile FROM employees ORDER BY id", "6|Emp2|员二|", "103|EMP1|员一|138")
	h.want("SELECT uid, deleted_at FROM managers", "7|NULL")
	if n := result.Decisions.Counts[original.Repeated]; n != 6 || len(result.Duplicates) != 0 {
		t.Errorf("%d, %v\n%s", n, result.Duplicates, strings.Join(lines, "\n"))
	}
	// The better one goes: the next takes its place.
	h.do("DELETE FROM FOLLOWS WHERE id IN (100, 3000)", "DELETE FROM CONTACTS WHERE id = 102", "UPDATE MANAGERS SET deleted_at = 9")
	h.copy(h.database())
	h.want("SELECT id, userid, remark, description, deleted_at FROM follows ORDER BY id", "1|emp2|备1||NULL", "2|emp1|备2||NULL")
	h.want("SELECT id, external_userid, uid FROM contacts ORDER BY id", "1|wm1|0", "2|wm2|0")
	h.want("SELECT uid, deleted_at FROM managers", "7|1970-01-01 08:00:09")
}

func TestTheNextCopyWritesWhatChangedAndDeletesWhatVanished(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(5000)
	first, _ := h.copy(h.database())
	if first.New != 10006 || first.Rows != 10005 || first.Unchanged != 0 {
		t.Errorf("the first: %+v", first)
	}
	before := h.dump()
	versions := query(t, h.ours, "SELECT * FROM versions")
	second, _ := h.copy(h.database())
	if second.Unchanged != 10005 || second.Loaded() != 1 || second.Report.Unchanged != 1 {
		t.Errorf("the second: %+v", second)
	}
	if diff := cmp.Diff(append(before, versions...), append(h.dump(), query(t, h.ours, "SELECT * FROM versions")...)); diff != "" {
		t.Errorf("the second changed the tables:\n%s", diff)
	}
	h.do("UPDATE FOLLOWS SET remark = '新' WHERE id = 4000", "DELETE FROM FOLLOWS WHERE id IN (7, 3000, 5000)", "DELETE FROM CONTACTS WHERE id IN (5, 9)", "DELETE FROM TAGS WHERE id = 4",
		"DELETE FROM STAFF WHERE id = 6", "DELETE FROM MANAGERS", "INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, created_at) VALUES (6000, 2, 1, 'new', 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (6000, 2, 1, 'new', 'Emp1', 5, 5), (6001, 2, 1, 'late', 'Emp1', 5, 5)")
	third, _ := h.copy(h.database())
	if third.Vanished != 8 || third.New != 4 {
		t.Errorf("the third: %+v, vanished %d", third.Report, third.Vanished)
	}
	h.want("SELECT remark FROM follows WHERE id = 4000", "新")
	h.want("SELECT id, deleted_at FROM follows WHERE deleted_at IS NOT NULL OR id > 5000 ORDER BY id", "7|"+copied, "3000|"+copied, "5000|"+copied, "6000|NULL", "6001|NULL")
	h.want("SELECT id FROM contacts WHERE deleted_at IS NOT NULL ORDER BY id", "5", "9")
	h.want("SELECT id FROM tags WHERE deleted_at IS NOT NULL", "4")
	h.want("SELECT id FROM employees WHERE deleted_at IS NOT NULL", "6")
	h.want("SELECT uid, deleted_at FROM managers", "7|"+copied)
	// What stood in gives way to the contact itself, and what has vanished can come back.
	h.do("INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, name, created_at) VALUES (6001, 2, 1, 'late', '来了', 5), (9, 2, 1, 'wm9', '客9', 5)",
		"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, createtime, created_at) VALUES (7, 2, 1, 'wm7', 'Emp2', 5, 5)")
	fourth, _ := h.copy(h.database())
	h.want("SELECT id, name FROM contacts WHERE external_userid = 'late'", "6001|来了")
	h.want("SELECT deleted_at FROM contacts WHERE id = 9", "NULL")
	h.want("SELECT deleted_at FROM follows WHERE id = 7", "NULL")
	if fourth.Vanished != 0 || fourth.New != 0 || len(fourth.Duplicates) != 0 {
		t.Errorf("the fourth: %+v", fourth)
	}
}

// A copy that is cut off anywhere has lost nothing: the next one does the rest, and no more.
func TestACopyThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(20000)
	cut := errors.New("cut off")
	for _, rows := range []int64{15000, 28000} {
		ctx, cancel := context.WithCancelCause(t.Context())
		result, _, err := h.try(ctx, h.database(), original.Options{Progress: func(p importer.Progress) {
			if p.Bytes > rows {
				cancel(cut)
			}
		}})
		cancel(nil)
		if !result.Stopped || !errors.Is(err, cut) && !errors.Is(err, context.Canceled) {
			t.Fatalf("%+v, %v", result, err)
		}
		// What is deleted before its range is known as written vanishes all the same.
		h.do(fmt.Sprintf("DELETE FROM CONTACTS WHERE id BETWEEN %d AND %[1]d + 20", rows/3), fmt.Sprintf("DELETE FROM FOLLOWS WHERE id BETWEEN %d AND %[1]d + 20", rows/3))
	}
	last, _ := h.copy(h.database())
	if last.Unchanged < 20000 || last.Loaded() > 16000 {
		t.Errorf("the last one: %d unchanged, %d loaded", last.Unchanged, last.Loaded())
	}
	h.want("SELECT COUNT(*) FROM contacts WHERE deleted_at IS NULL", fmt.Sprint(20000-42))
	h.want("SELECT COUNT(*) FROM follows WHERE deleted_at IS NULL", fmt.Sprint(20000-42))
	if all, _ := h.copy(h.database()); all.Unchanged != 2*(20000-42)+5 {
		t.Errorf("after it: %d unchanged", all.Unchanged)
	}
}

func TestARecordThatIsRefusedIsListedEachTimeAndTheRestIsCopied(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(3)
	if _, err := importer.Import(t.Context(), h.w, []importer.Source{{Name: "f", Reader: strings.NewReader(`{"business":{"uniacid":3,"id":9}}
{"customer":{"id":2,"crop_id":9,"external_userid":"theirs"}}`)}}, importer.Options{}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		result, lines, err := h.try(t.Context(), h.database(), original.Options{})
		if !isBad(err) || result.BadRecords() != 2 || !slices.Contains(lines, "refused by the import\tyz_work_wechat_customer\t2\t0\tid belongs to another customer") {
			t.Errorf("%+v, %v\n%s", result.Report, err, strings.Join(lines, "\n"))
		}
	}
	h.want("SELECT id FROM follows ORDER BY id", "1", "3")
}

func TestOneAccountsRowsAreCopiedAlone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(2)
	h.do("INSERT INTO MANAGERS (uniacid, uid, business_id, created_at) VALUES (3, 8, 9, 5)", "INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, created_at) VALUES (70, 3, 9, 'x', 5), (71, 0, 5, 'y', 5)")
	d := h.database()
	d.Uniacid = 2
	h.copy(d)
	h.want("SELECT id, uniacid FROM businesses", "1|2", "5|2")
	h.want("SELECT id FROM contacts ORDER BY id", "1", "2", "71")
}

func TestAUserWhoMaySelectIsEnough(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.ordinary(2)
	name := strings.ToLower(fmt.Sprintf("reader%d", len(h.theirsDSN)*7919))
	at := strings.LastIndex(h.theirsDSN, "/")
	database, _, _ := strings.Cut(h.theirsDSN[at+1:], "?")
	h.do("DROP USER IF EXISTS "+name, "CREATE USER "+name+" IDENTIFIED BY 'pass-Word1'", "GRANT SELECT ON "+database+".* TO "+name)
	t.Cleanup(func() { _, _ = h.theirs.ExecContext(context.Background(), "DROP USER IF EXISTS "+name) })
	d := h.database()
	_, address, _ := strings.Cut(h.theirsDSN, "@")
	d.DSN = name + ":pass-Word1@" + address
	h.copy(d)
	h.want("SELECT COUNT(*) FROM follows", "2")
}
