package importer_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

// follows returns an import of one enterprise with n follows of n contacts.
func follows(n int) []byte {
	var b bytes.Buffer
	random := rand.New(rand.NewPCG(1, 1))
	b.WriteString(business1 + "\n")
	name := func(n int) string {
		var runes []rune
		for range n {
			runes = append(runes, '一'+rune(random.IntN(3000)))
		}
		return string(runes)
	}
	for i := range n {
		fmt.Fprintf(&b, `{"customer":{"id":%d,"uniacid":2,"crop_id":1,"uid":%d,"external_userid":"wmDesSDgAA%022d","name":"%s","avatar":"http://wx.qlogo.cn/mmhead/ZqDaDiccbgkgPt3oAibwdVF9iayeDB61or1vTbven6xy5siatWCXH0NDJA/0","external_type":%d,"gender":2,"unionid":"","position":"","corp_name":"","corp_full_name":"","external_profile":"null","is_member":0,"created_at":"2021-08-23 18:24:42","updated_at":null,"deleted_at":null}}`+"\n",
			i+1, i%9, i, name(3), 1+i%2)
	}
	for i := range n {
		tags := ""
		for j := range random.IntN(4) {
			if j > 0 {
				tags += ","
			}
			tags += fmt.Sprintf("etDesSDgAA%022d", random.IntN(300))
		}
		fmt.Fprintf(&b, `{"follow":{"id":%d,"uniacid":2,"crop_id":1,"uid":0,"userid":"employee%d","external_userid":"wmDesSDgAA%022d","remark":"%s","description":"","customer_create_time":%d,"remark_corp_name":"","remark_mobiles":"[]","oper_userid":"XiaoLiangZi","tag_id":"%s","createtime":%d,"add_way":"%d","state":"","status":1,"created_at":"2021-09-28 09:21:46","updated_at":null,"deleted_at":null,"tag_name":""}}`+"\n",
			i+1, random.IntN(2000), i, name(6), 1600000000+i, tags, 1600000000+i, random.IntN(16))
	}
	return b.Bytes()
}

// BenchmarkImport loads follows and as many contacts into an embedded database that keeps what it
// promised, as in use; BENCH_ROWS is how many.
func BenchmarkImport(b *testing.B) {
	n := 20_000
	if rows := os.Getenv("BENCH_ROWS"); rows != "" {
		var err error
		if n, err = strconv.Atoi(rows); err != nil {
			b.Fatal(err)
		}
	}
	records := follows(n)
	server, err := embedded.Start(b.Context(), embedded.Options{Dir: filepath.Join(b.TempDir(), "db"), Engine: embedded.Engine(os.Getenv("TEST_ENGINE"))})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	db, err := store.Open(server.DSN())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := store.Migrate(b.Context(), db, nil); err != nil {
		b.Fatal(err)
	}
	load := func(b *testing.B) {
		b.Helper()
		report, err := importer.Import(b.Context(), writer.New(db, clock), []importer.Source{{Name: "b", Reader: bytes.NewReader(records)}}, importer.Options{})
		if err != nil {
			b.Fatal(err, report.Bad)
		}
		b.ReportMetric(float64(report.Loaded())/report.Elapsed.Seconds(), "rows/s")
	}
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			for _, table := range tables(b, db) {
				if _, err := db.ExecContext(b.Context(), "DELETE FROM "+table); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
			load(b)
		}
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			load(b)
		}
	})
}

// tables returns the tables in an order in which they can be emptied.
func tables(b *testing.B, db *sql.DB) (names []string) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name <> 'goose_db_version'
		ORDER BY FIELD(table_name, 'follows', 'contacts', 'businesses'), table_name`)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			b.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return names
}
