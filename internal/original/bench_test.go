package original_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/original"
	"example.com/wechatcustomers/internal/originaltest"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

// BenchmarkCopy copies follows and as many contacts between two databases of one server that keeps
// what it promised, beside an import of the same rows; BENCH_ROWS is how many. Its figures are
// ratios: the first copy to the import, and a copy without changes to the first.
func BenchmarkCopy(b *testing.B) {
	n := 20_000
	if rows := os.Getenv("BENCH_ROWS"); rows != "" {
		var err error
		if n, err = strconv.Atoi(rows); err != nil {
			b.Fatal(err)
		}
	}
	server, err := embedded.Start(b.Context(), embedded.Options{Dir: filepath.Join(b.TempDir(), "db"), Engine: embedded.Engine(os.Getenv("TEST_ENGINE"))})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	h := house{t: b, theirsDSN: server.DSN()}
	if h.theirs, err = store.Open(h.theirsDSN); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = h.theirs.Close() }()
	h.ours = h.theirs // the names of the tables are others
	if err := originaltest.Create(b.Context(), h.theirs); err != nil {
		b.Fatal(err)
	}
	if err := store.Migrate(b.Context(), h.ours, nil); err != nil {
		b.Fatal(err)
	}
	h.w = writer.New(h.ours, time.Now)
	h.ordinary(n)
	var lines bytes.Buffer
	lines.WriteString(`{"business":{"uniacid":2,"id":1}}` + "\n")
	for i := range n {
		fmt.Fprintf(&lines, `{"customer":{"id":%d,"uniacid":2,"crop_id":1,"uid":0,"external_userid":"wm%[1]d","name":"客%[1]d","avatar":"","external_type":1,"gender":0,"unionid":"","position":"","corp_name":"","corp_full_name":"","external_profile":"null","is_member":0,"created_at":"2021-09-22 10:26:13","updated_at":null,"deleted_at":null}}`+"\n", i+1)
	}
	for i := range n {
		fmt.Fprintf(&lines, `{"follow":{"id":%d,"uniacid":2,"crop_id":1,"uid":0,"userid":"Emp%d","external_userid":"wm%[1]d","remark":"备%[1]d","description":"","customer_create_time":0,"remark_corp_name":"","remark_mobiles":"[]","oper_userid":"","tag_id":"etA","createtime":%d,"add_way":"%d","state":"","status":1,"created_at":"2021-09-22 10:26:13","updated_at":null,"deleted_at":null,"tag_name":"甲"}}`+"\n", i+1, 1+(i+1)%2, base+i+1, (i+1)%16)
	}
	empty := func() {
		for _, table := range []string{"follow_sets", "follow_changes", "copied_ranges", "follows", "contacts", "tags", "employees", "managers", "versions", "businesses"} {
			if _, err := h.ours.ExecContext(b.Context(), "DELETE FROM "+table); err != nil {
				b.Fatal(err)
			}
		}
	}
	took := func(f func() error) float64 {
		begun := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		return time.Since(begun).Seconds()
	}
	copied := func() error {
		_, err := original.Copy(b.Context(), h.ours, h.w, h.database(), original.Options{})
		return err
	}
	for b.Loop() {
		empty()
		imported := took(func() error {
			_, err := importer.Import(b.Context(), h.w, []importer.Source{{Name: "b", Reader: bytes.NewReader(lines.Bytes())}}, importer.Options{})
			return err
		})
		empty()
		first := took(copied)
		again := took(copied)
		b.ReportMetric(imported, "s-import")
		b.ReportMetric(first, "s-copy")
		b.ReportMetric(again, "s-again")
		b.ReportMetric(first/imported, "copy/import")
		b.ReportMetric(again/first, "again/copy")
	}
}
