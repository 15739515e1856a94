package writer_test

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func setup(t testing.TB) (*writer.Writer, *sql.DB) {
	t.Helper()
	db, err := store.Open(dbtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := store.Migrate(t.Context(), db, nil); err != nil {
		t.Fatal(err)
	}
	return writer.New(db, func() time.Time { return time.Unix(1_700_000_000, 0) }), db
}

// record builds a record from pairs of a field's name and its value, nil for null.
func record(k writer.Kind, pairs ...any) writer.Record {
	r := writer.NewRecord(k)
	for i := 0; i < len(pairs); i += 2 {
		v := writer.Value{Is: writer.Null}
		switch x := pairs[i+1].(type) {
		case string:
			v = writer.Text(x)
		case int:
			v = writer.Int(int64(x))
		}
		r[k.Field(pairs[i].(string))] = v
	}
	return r
}

// write wants all records stored.
func write(t testing.TB, w *writer.Writer, k writer.Kind, records ...writer.Record) writer.Result {
	t.Helper()
	result, err := w.Write(t.Context(), k, records, false)
	if err != nil || len(result.Rejected) > 0 {
		t.Fatalf("%s: %v %v", k, err, result.Rejected)
	}
	return result
}

// Names, order, widths, defaults and nullability are written down twice, here and in the
// migrations: they must not drift apart.
func TestTheWritersColumnsAreThoseOfTheTables(t *testing.T) {
	t.Parallel()
	_, db := setup(t)
	texts := map[string]string{
		"external_profile": "mediumtext", "notes_folded": "mediumtext", "pinyin": "mediumtext", "tags": "mediumtext",
		"tag_id": "text", "mobiles": "text",
	}
	for table, columns := range writer.StoredColumns() {
		rows, err := db.QueryContext(t.Context(), `SELECT column_name, data_type, column_type, COALESCE(character_maximum_length, 0), is_nullable, COALESCE(column_default, 'NULL')
			FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?`, table)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = rows.Close() }()
		left := map[string]writer.StoredColumn{}
		for _, c := range columns {
			left[c.Name] = c
		}
		for rows.Next() {
			var name, data, full, nullable, fallback string
			var width uint64
			if err := rows.Scan(&name, &data, &full, &width, &nullable, &fallback); err != nil {
				t.Fatal(err)
			}
			c, known := left[name]
			delete(left, name)
			if !known {
				t.Errorf("%s.%s is written by nobody", table, name)
				continue
			}
			want := "varchar"
			switch c.Type {
			case writer.ID:
				want = "bigint unsigned"
			case writer.Number32, writer.Standing:
				want = "int"
			case writer.Unsigned32, writer.Source:
				want = "int unsigned"
			case writer.Number64, writer.Seconds:
				want = "bigint"
			case writer.Date:
				want = "datetime"
			default:
				if texts[name] != "" && table != "tags" {
					want = texts[name]
				}
			}
			got := data
			if strings.HasSuffix(full, "unsigned") {
				got += " unsigned"
			}
			if got != want {
				t.Errorf("%s.%s is a %s, the writer's type %d wants %s", table, name, full, c.Type, want)
			}
			// A text's width is in bytes; what is derived fits whatever it is derived from.
			if c.Max > 0 && (data == "varchar" && uint64(c.Max) != width || uint64(c.Max) > width) {
				t.Errorf("%s.%s is %d wide, the writer says %d", table, name, width, c.Max)
			}
			if c.Nullable != (nullable == "YES") {
				t.Errorf("%s.%s is nullable: %s", table, name, nullable)
			}
			fallback = strings.Trim(fallback, "'")
			switch {
			case c.Required || c.Now || c.Nullable || c.Type == writer.ID || want == "text" || want == "mediumtext":
			case c.Type.Number() && fallback != strconv.FormatInt(c.Number, 10), !c.Type.Number() && fallback != c.Text:
				t.Errorf("%s.%s defaults to %s, the writer's to %d %q", table, name, fallback, c.Number, c.Text)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for name := range left {
			t.Errorf("%s.%s is no column", table, name)
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
			var contacts, follows []writer.Record
			for j := range 40 {
				name := fmt.Sprintf("c%d", (j*7+i*11)%40)
				contacts = append(contacts, record(writer.Customer, "crop_id", 1, "external_userid", name, "name", fmt.Sprintf("N%d", i)))
				follows = append(follows, record(writer.Follow, "crop_id", 1, "external_userid", name, "userid", "u", "tag_id", fmt.Sprintf("t%d", i)))
			}
			for k, records := range map[writer.Kind][]writer.Record{writer.Business: {record(writer.Business, "id", 1, "uniacid", 2)}} {
				if _, err := w.Write(t.Context(), k, records, false); err != nil {
					t.Error(err)
				}
			}
			for range 3 {
				if _, err := w.Write(t.Context(), writer.Customer, contacts, false); err != nil {
					t.Error(err)
				}
				if result, err := w.Write(t.Context(), writer.Follow, follows, false); err != nil || len(result.Rejected) > 0 {
					t.Error(err, result.Rejected)
				}
			}
		})
	}
	// And somebody gives it an index meanwhile.
	wg.Go(func() {
		for range 3 {
			if err := w.FillIndexes(t.Context(), 0, nil); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if err := w.FillIndexes(t.Context(), 0, nil); err != nil {
		t.Error(err)
	}
	if n := one(t, db, "SELECT indexed FROM versions WHERE crop_id = 1"); n != index.Format {
		t.Errorf("the index is of format %d", n)
	}
	check(t, db)
	// Everybody's last write of the rows was one of all: they are one writer's.
	if n := one(t, db, "SELECT COUNT(*) FROM follows"); n != 40 {
		t.Errorf("%d follows", n)
	}
	if n := one(t, db, "SELECT COUNT(DISTINCT tag_id) FROM follows"); n != 1 {
		t.Errorf("the follows are of %d writers", n)
	}
	if n := one(t, db, "SELECT COUNT(DISTINCT name_folded) FROM follows"); n != 1 {
		t.Errorf("the contacts are of %d writers", n)
	}
}

// An id is one enterprise's, however close the other comes: it is never the other's row that
// changes.
func TestOfTwoEnterprisesThatTakeTheSameIdsAtOnceOneIsRejected(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	const enterprises = 4
	for i := 1; i <= enterprises; i++ {
		write(t, w, writer.Business, record(writer.Business, "id", i, "uniacid", 2))
		write(t, w, writer.Customer, record(writer.Customer, "crop_id", i, "external_userid", "c"))
	}
	if err := w.FillIndexes(t.Context(), 0, nil); err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		var wg sync.WaitGroup
		stored := make([]int, enterprises+1)
		for i := 1; i <= enterprises; i++ {
			wg.Go(func() {
				var records []writer.Record
				for id := 1; id <= 20; id++ {
					records = append(records, record(writer.Follow, "crop_id", i, "external_userid", "c", "userid", fmt.Sprintf("u%d-%d", round, id), "id", round*100+id))
				}
				result, err := w.Write(t.Context(), writer.Follow, records, true)
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
	check(t, db)
}

func TestACommittedBatchIsWholeAndARejectedOneIsNot(t *testing.T) {
	t.Parallel()
	w, db := setup(t)
	write(t, w, writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	good, bad := record(writer.Customer, "crop_id", 1, "external_userid", "a"), record(writer.Customer, "crop_id", 2, "external_userid", "b")
	count := func() (n int) {
		t.Helper()
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM contacts").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	result, err := w.Write(t.Context(), writer.Customer, []writer.Record{good, bad}, false)
	if err != nil || len(result.Rejected) != 1 || result.New != 0 || count() != 0 {
		t.Errorf("without skip: %+v %v, %d rows", result, err, count())
	}
	result, err = w.Write(t.Context(), writer.Customer, []writer.Record{good, bad}, true)
	if err != nil || len(result.Rejected) != 1 || result.Rejected[0].Record != 1 || result.New != 1 || count() != 1 {
		t.Errorf("with skip: %+v %v, %d rows", result, err, count())
	}
}
