package writer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
)

func TestWhatIsReadByPositionIsThere(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		k    Kind
		at   int
		name string
	}{
		{Customer, contactID, "id"}, {Customer, contactUID, "uid"}, {Customer, contactName, "name"},
		{Customer, contactType, "external_type"}, {Customer, contactCorpName, "corp_name"},
		{Customer, contactCorpFullName, "corp_full_name"},
		{Follow, followID, "id"}, {Follow, followCrop, "crop_id"}, {Follow, followUserid, "userid"},
		{Follow, followContact, "external_userid"}, {Follow, followRemark, "remark"},
		{Follow, followDescription, "description"}, {Follow, followRemarkCorpName, "remark_corp_name"},
		{Follow, followRemarkMobiles, "remark_mobiles"}, {Follow, followTagID, "tag_id"},
		{Follow, followCreatetime, "createtime"}, {Follow, followAddWay, "add_way"},
		{Follow, followStatus, "status"}, {Follow, followDeleted, "deleted_at"},
		{Follow, followRemarkFolded, "remark_folded"}, {Follow, followType, "external_type"},
		{Follow, followNameFolded, "name_folded"}, {Follow, followContactUID, "contact_uid"},
		{Follow, followContactID, "contact_id"}, {Follow, followNotesFolded, "notes_folded"},
		{Follow, followPinyin, "pinyin"}, {Follow, followMobiles, "mobiles"}, {Follow, followTags, "tags"},
	} {
		if got := tables[x.k].columns[x.at].Name; got != x.name {
			t.Errorf("column %d of a %s is %s, not %s", x.at, x.k, got, x.name)
		}
	}
}

func TestRetryingHasAnEnd(t *testing.T) {
	t.Parallel()
	deadlocked := &mysql.MySQLError{Number: deadlock}
	synctest.Test(t, func(t *testing.T) {
		start, n := time.Now(), 0
		err := retry(t.Context(), func() error { n++; return fmt.Errorf("wrapped: %w", deadlocked) })
		if !errors.Is(err, deadlocked) || n != attempts || time.Since(start) > attempts*2*longWait {
			t.Errorf("%v after %d attempts in %v", err, n, time.Since(start))
		}
		n = 0
		other := errors.New("other")
		if err := retry(t.Context(), func() error { n++; return other }); !errors.Is(err, other) || n != 1 {
			t.Errorf("%v after %d attempts", err, n)
		}
		for _, then := range []error{deadlocked, sql.ErrTxDone} {
			ctx, cancel := context.WithCancel(t.Context())
			err := retry(ctx, func() error { cancel(); return then })
			if !errors.Is(err, context.Canceled) || !errors.Is(err, then) {
				t.Errorf("cancelled: %v", err)
			}
		}
	})
}

func FuzzCheckedDatesAreThoseOfTheCalendar(f *testing.F) {
	f.Add("2021-09-28 09:21:46")
	f.Add("2021-02-29 00:00:00")
	f.Add("0001-01-01 00:00:00")
	f.Fuzz(func(t *testing.T, s string) {
		at, err := time.Parse("2006-01-02 15:04:05", s)
		want := err == nil && at.Format("2006-01-02 15:04:05") == s && at.Year() >= 1000
		if got := isDate(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	})
}

func FuzzDigitsAreThoseOfStrconv(f *testing.F) {
	for _, s := range []string{"", "0", "007", "4294967295", "4294967296", "-1", "+1", "１", "99999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := strconv.ParseUint(s, 10, 64)
		ok := err == nil && want <= math.MaxUint32 && len(s) <= 10
		if got, taken := digits(s); taken != ok || ok && got != int64(want) {
			t.Errorf("%q: %d %v", s, got, taken)
		}
	})
}
