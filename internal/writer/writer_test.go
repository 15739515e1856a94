package writer

import (
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func setup(t testing.TB) (*Writer, *sql.DB) {
	t.Helper()
	db, err := store.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	return New(db, func() time.Time { return time.Unix(1_700_000_000, 0) }), db
}

// record builds a record from pairs of a field's name and its value, nil for null.
func record(k Kind, pairs ...any) Record {
	r := NewRecord(k)
	for i := 0; i < len(pairs); i += 2 {
		v := Value{Is: Null}
		switch x := pairs[i+1].(type) {
		case string:
			v = Text(x)
		case int:
			v = Int(int64(x))
		}
		r[k.Field(pairs[i].(string))] = v
	}
	return r
}

// write wants all records stored.
func write(t testing.TB, w *Writer, k Kind, records ...Record) Result {
	t.Helper()
	result, err := w.Write(t.Context(), k, records, false)
	if err != nil || len(result.Rejected) > 0 {
		t.Fatalf("%s: %v %v", k, err, result.Rejected)
	}
	return result
}

// Names, order, widths, defaults and nullability are written down twice, here and in the migrations: they must not drift apart.
func TestTheWritersColumnsAreThoseOfTheTables(t *testing.T) {
	t.Parallel()
	_, db := setup(t)
	for _, table := range tables {
		rows, err := db.QueryContext(t.Context(), `SELECT column_name, data_type, column_type, COALESCE(character_maximum_length, 0), is_nullable, COALESCE(column_default, 'NULL'), extra
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?`, table.name)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		left := map[string]Column{}
		for _, c := range table.columns {
			if !c.unstored {
				left[c.Name] = c
			}
		}
		for rows.Next() {
			var name, data, full, nullable, fallback, extra string
			var width uint64
			if err := rows.Scan(&name, &data, &full, &width, &nullable, &fallback, &extra); err != nil {
				t.Fatal(err)
			}
			c, known := left[name]
			delete(left, name)
			if !known {
				t.Errorf("%s.%s is written by nobody", table.name, name)
				continue
			}
			var want string
			switch c.Type {
			case ID:
				want = "bigint unsigned"
			case Number32:
				want = "int"
			case Unsigned32, Source:
				want = "int unsigned"
			case Number64:
				want = "bigint"
			case Date:
				want = "datetime"
			case Keys:
				want = "text"
			default:
				want = "varchar"
				if c.Name == "external_profile" {
					want = "mediumtext"
				}
			}
			if got := strings.Join(strings.Fields(data+strings.TrimPrefix(strings.TrimLeft(strings.TrimPrefix(full, data), "()0123456789"), " ")), " "); strings.ReplaceAll(got, "unsigned", " unsigned") != want && got != want {
				t.Errorf("%s.%s is a %s (%s), the writer's type %d wants %s", table.name, name, full, got, c.Type, want)
			}
			if c.Max > 0 && uint64(c.Max) != width && c.Name != "external_profile" {
				t.Errorf("%s.%s is %d wide, the writer says %d", table.name, name, width, c.Max)
			}
			if c.Nullable != (nullable == "YES") {
				t.Errorf("%s.%s is nullable: %s", table.name, name, nullable)
			}
			fallback = strings.Trim(fallback, "'")
			switch {
			case c.required || c.now || c.Nullable || c.Type == ID || data == "text" || data == "mediumtext":
			case c.Type.Number() && fallback != strconv.FormatInt(c.number, 10), !c.Type.Number() && fallback != c.text:
				t.Errorf("%s.%s defaults to %s, the writer's to %d %q", table.name, name, fallback, c.number, c.text)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for name := range left {
			t.Errorf("%s.%s is no column", table.name, name)
		}
	}
}

func TestWhatIsReadByPositionIsThere(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		k    Kind
		at   int
		name string
	}{
		{Customer, contactKey, "external_userid"}, {Customer, contactName, "name"}, {Customer, contactType, "external_type"},
		{Follow, followID, "id"}, {Follow, followCrop, "crop_id"}, {Follow, followUserid, "userid"}, {Follow, followContact, "external_userid"},
		{Follow, followRemark, "remark"}, {Follow, followTagID, "tag_id"}, {Follow, followAddWay, "add_way"}, {Follow, followStatus, "status"}, {Follow, followDeleted, "deleted_at"},
		{Follow, followRemarkFolded, "remark_folded"}, {Follow, followType, "external_type"}, {Follow, followNameFolded, "name_folded"},
	} {
		if got := tables[x.k].columns[x.at].Name; got != x.name {
			t.Errorf("column %d of a %s is %s, not %s", x.at, x.k, got, x.name)
		}
	}
}

func TestManyWritersToOneEnterpriseAllSucceed(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			// Everybody makes the enterprise and the same contacts and follows, in an order of his own.
			var contacts, follows []Record
			for j := range 40 {
				name := fmt.Sprintf("c%d", (j*7+i*11)%40)
				contacts = append(contacts, record(Customer, "crop_id", 1, "external_userid", name, "name", fmt.Sprintf("N%d", i)))
				follows = append(follows, record(Follow, "crop_id", 1, "external_userid", name, "userid", "u", "tag_id", fmt.Sprintf("t%d", i)))
			}
			for k, records := range map[Kind][]Record{Business: {record(Business, "id", 1, "uniacid", 2)}} {
				if _, err := w.Write(t.Context(), k, records, false); err != nil {
					t.Error(err)
				}
			}
			for range 3 {
				if _, err := w.Write(t.Context(), Customer, contacts, false); err != nil {
					t.Error(err)
				}
				if result, err := w.Write(t.Context(), Follow, follows, false); err != nil || len(result.Rejected) > 0 {
					t.Error(err, result.Rejected)
				}
			}
		})
	}
	wg.Wait()
	var follows, links, wrong int
	row := db.QueryRowContext(t.Context(), `SELECT (SELECT COUNT(*) FROM follows), (SELECT COUNT(*) FROM follow_tags),
		(SELECT COUNT(*) FROM follows f JOIN contacts c ON c.crop_id = f.crop_id AND c.external_userid = f.external_userid WHERE f.name_folded <> LOWER(c.name))
		+ (SELECT COUNT(*) FROM follows f LEFT JOIN follow_tags t ON t.crop_id = f.crop_id AND t.follow_id = f.id AND t.tag_id = f.tag_id WHERE t.tag_id IS NULL)`)
	if err := row.Scan(&follows, &links, &wrong); err != nil {
		t.Fatal(err)
	}
	if follows != 40 || links != 40 || wrong != 0 {
		t.Errorf("%d follows, %d links, %d wrong", follows, links, wrong)
	}
}

// An id is one enterprise's, however close the other comes: it is never the other's row that changes.
func TestOfTwoEnterprisesThatTakeTheSameIdsAtOnceOneIsRejected(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	const enterprises = 4
	for i := 1; i <= enterprises; i++ {
		write(t, w, Business, record(Business, "id", i, "uniacid", 2))
		write(t, w, Customer, record(Customer, "crop_id", i, "external_userid", "c"))
	}
	for round := range 10 {
		var wg sync.WaitGroup
		stored := make([]int, enterprises+1)
		for i := 1; i <= enterprises; i++ {
			wg.Go(func() {
				var records []Record
				for id := 1; id <= 20; id++ {
					records = append(records, record(Follow, "crop_id", i, "external_userid", "c", "userid", fmt.Sprintf("u%d-%d", round, id), "id", round*100+id))
				}
				result, err := w.Write(t.Context(), Follow, records, true)
				if err != nil {
					t.Error(err)
				}
				stored[i] = result.New
				for _, r := range result.Rejected {
					if r.Field != "id" {
						t.Error(r)
					}
				}
			})
		}
		wg.Wait()
		var total int
		for i := 1; i <= enterprises; i++ {
			var n int
			if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM follows WHERE crop_id = ? AND id > ?", i, round*100).Scan(&n); err != nil {
				t.Fatal(err)
			}
			if n != stored[i] {
				t.Errorf("enterprise %d has %d rows, and was told %d", i, n, stored[i])
			}
			total += n
		}
		if total != 20 {
			t.Errorf("%d rows have 20 ids", total)
		}
	}
}

func TestACommittedBatchIsWholeAndARejectedOneIsNot(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	write(t, w, Business, record(Business, "id", 1, "uniacid", 2))
	good, bad := record(Customer, "crop_id", 1, "external_userid", "a"), record(Customer, "crop_id", 2, "external_userid", "b")
	count := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM contacts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	result, err := w.Write(t.Context(), Customer, []Record{good, bad}, false)
	if err != nil || len(result.Rejected) != 1 || result.New != 0 || count() != 0 {
		t.Errorf("without skip: %+v %v, %d rows", result, err, count())
	}
	result, err = w.Write(t.Context(), Customer, []Record{good, bad}, true)
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Record != 1 || result.New != 1 || count() != 1 {
		t.Errorf("with skip: %+v %v, %d rows", result, err, count())
	}
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
