package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/gen/client"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/writer"
)

// Every import below is one transaction that gives all rows a new remark and lets two thirds of
// them come or go: an answer that mixes two of them shows it.
func TestTotalAndRowsAreOfOneSnapshotWhileAnotherConnectionWrites(t *testing.T) {
	t.Parallel()
	const rows = 60
	w := crowd(rows)
	w.tags = []client.Tag{newTag(1, "etA", "甲")}
	generation := func(n int) string {
		for i := range w.follows {
			f := &w.follows[i]
			f.Remark, f.TagID, f.DeletedAt = fmt.Sprintf("第%d代", n), "etA", nil
			if n%2 > 0 && i%3 > 0 {
				f.DeletedAt = new(day)
			}
		}
		return records(nil, nil, nil, w.follows)
	}
	totals := map[bool]int64{true: rows, false: rows / 3} // by whether the generation is even
	b := setup(t, manager+w.records()+generation(0))

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		var err error
		for n := 1; err == nil; n++ {
			_, err = importer.Import(ctx, writer.New(b.DB, time.Now), []importer.Source{{Name: "records", Reader: strings.NewReader(generation(n))}}, importer.Options{})
		}
		ended <- err
	}()
	defer func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("import: %v", err)
		}
	}()

	filters := []client.GetListParams{
		{}, {SearchTagsData: new("etA")}, {SearchEmployeeMember: new("ZhangSan")}, {SearchTime: &client.TimeRange{"1", ""}}, {SearchRemark: new("代")}, {SearchStatus: new(client.StatusFollowing)},
	}
	seen := map[string]bool{}
	for i := 0; i < 120 || len(seen) < 5; i++ {
		if len(ended) > 0 {
			t.Fatal("the writer has ended")
		}
		p := filters[i%len(filters)]
		const size = 16
		p.PerPage, p.Page = new(int32(size)), new(int64(1+i%4))
		if i%3 == 0 {
			p.PerPage, p.Page = new(int32(100)), nil
		}
		got := b.get(t, p)
		var number int
		for _, row := range got.Data {
			seen[row.Remark] = true
			if row.Remark != got.Data[0].Remark {
				t.Fatalf("%s: rows of two moments: %q and %q", marshal(p), got.Data[0].Remark, row.Remark)
			}
			fmt.Sscanf(row.Remark, "第%d代", &number)
		}
		if len(got.Data) > 0 && got.Total != totals[number%2 == 0] {
			t.Fatalf("%s: total %d beside rows of generation %d", marshal(p), got.Total, number)
		}
		shown := max(0, min(int64(*p.PerPage), got.Total-(got.CurrentPage-1)*int64(*p.PerPage)))
		if int64(len(got.Data)) != shown {
			t.Fatalf("%s: %d rows on page %d of a total of %d", marshal(p), len(got.Data), got.CurrentPage, got.Total)
		}
	}
}
