package index_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/writer"
)

func TestFillMakesWhatWritesWouldHaveMade(t *testing.T) {
	t.Parallel()
	h := setup(t)
	turn := h.turn()
	// One index is there before its rows, the other is made of them.
	for crop := 1; crop <= 2; crop++ {
		h.write(writer.Business, record(writer.Business, "id", crop, "uniacid", 2))
	}
	h.fill(turn, 1)
	h.enterprise(1, 700)
	h.enterprise(2, 700)
	h.fill(turn, 2)
	h.complete(1)
	// The other's rows have other ids, and the sets the same names.
	one, two := h.stored(1), h.stored(2)
	for name, ids := range one.ids {
		if len(ids) != len(two.ids[name]) {
			t.Errorf("set %q has %d ids and %d", name, len(ids), len(two.ids[name]))
		}
	}
	if len(one.ids) < 50 || len(one.ids) != len(two.ids) {
		t.Errorf("%d sets and %d", len(one.ids), len(two.ids))
	}
}

func TestFillOfNoRowsIsAnIndexToo(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.write(writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	h.fill(h.turn(), 1)
	if n := h.one("SELECT COUNT(*) FROM follow_sets"); n != 0 {
		t.Errorf("%d rows are stored of nothing", n)
	}
	h.enterprise(1, 3)
	h.complete(1)
}

// changed writes other remarks to some of the enterprise's follows, takes tags off, deletes and
// brings back.
func (h house) changed(crop, from, to int, remark string) {
	h.t.Helper()
	var follows []writer.Record
	for i := from; i < to; i++ {
		r := followOf(crop, i, fmt.Sprintf("%s%d", remark, i%9))
		switch i % 5 {
		case 0:
			r[writer.Follow.Field("tag_id")] = writer.Text("t3")
		case 1:
			r[writer.Follow.Field("deleted_at")] = writer.Text("2022-01-01 00:00:00")
		case 2:
			r[writer.Follow.Field("deleted_at")] = writer.Value{Is: writer.Null}
		}
		follows = append(follows, r)
	}
	h.write(writer.Follow, follows...)
}

// What is written while an index is being filled comes into it: before the rows are read, while
// they are, and between each round of catching up and the next, as long as there are more changes
// than one takes.
func TestWhatIsWrittenWhileAnIndexIsFilledIsInIt(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const n = index.ScanRows + 500
	h.enterprise(1, n)
	h.enterprise(2, 20)
	turn := h.turn()
	h.fill(turn, 2)
	locks, read := 0, 0
	lock := func(ctx context.Context, f func(tx *sql.Tx) error) error {
		switch locks++; locks {
		case 1: // before the index is said to be filled
			h.changed(1, 0, 50, "首")
		case 2: // all rows are read
			h.changed(1, 100, 100+index.FewChanges+300, "二")
		case 3: // the first changes are in
			h.changed(1, 50, 50+index.FewChanges+1, "三")
			h.write(writer.Customer, record(writer.Customer, "crop_id", 1, "external_userid", "c60", "name", "改名", "id", 77))
		case 4: // and the second
			h.changed(1, 0, 200, "四")
			h.write(writer.Follow, record(writer.Follow, "crop_id", 1, "external_userid", "c9", "userid", "new"))
		}
		if n := h.one("SELECT indexed FROM versions WHERE crop_id = 1"); n == index.Format {
			t.Error("the index is said to be complete before it is")
		}
		return h.lock(1)(ctx, f)
	}
	err := turn.Fill(t.Context(), h.db, 1, lock, func(p index.Progress) {
		switch read++; read {
		case 1: // the first rows are read
			h.changed(1, 0, 300, "读")
			h.changed(1, n-300, n, "读")
			h.changed(2, 0, 20, "别") // another enterprise, which has its index
		case 2:
			if p.Done != n-10 || p.Total != n-10 { // ten are deleted by now
				t.Errorf("%+v", p)
			}
		}
	})
	if err != nil || locks != 4 || read != 2 {
		t.Fatalf("%d locks, %d reads: %v", locks, read, err)
	}
	h.complete(1)
	h.complete(2)
}

// Exactly as many changes as one round takes are one round, one more is another.
func TestAsManyChangesAsOneRoundTakesAreOneRound(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ changes, locks int }{{index.FewChanges, 2}, {index.FewChanges + 1, 3}} {
		h := setup(t)
		h.enterprise(1, index.FewChanges+1)
		locks := 0
		err := h.turn().Fill(t.Context(), h.db, 1, func(ctx context.Context, f func(tx *sql.Tx) error) error {
			if locks++; locks == 2 {
				h.changed(1, 0, x.changes, "改")
			}
			return h.lock(1)(ctx, f)
		}, nil)
		if err != nil || locks != x.locks {
			t.Errorf("%d changes: %d locks, want %d: %v", x.changes, locks, x.locks, err)
		}
		h.complete(1)
	}
}

// Several writers to the enterprise, and to those whose indexes lie before and behind its own, go
// on while an index is filled.
func TestWritersGoOnWhileAnIndexIsFilled(t *testing.T) {
	t.Parallel()
	h := setup(t)
	sizes := map[int]int{1: 200, 2: 2000, 3: 200}
	turn := h.turn()
	for _, crop := range []int{1, 2, 3} {
		h.enterprise(crop, sizes[crop])
		h.fill(turn, uint32(crop))
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var written atomic.Int64
	for i, crop := range []int{2, 2, 1, 3} {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 9))
			for ctx.Err() == nil {
				kind, records := someChanges(random, crop, sizes[crop])
				result, err := h.w.Write(t.Context(), kind, records, false)
				if err != nil || len(result.Rejected) > 0 {
					t.Error(err, result.Rejected)
					return
				}
				written.Add(int64(result.New + result.Changed))
			}
		})
	}
	for range 3 {
		before := written.Load()
		if err := turn.Fill(t.Context(), h.db, 2, h.lock(2), nil); err != nil {
			t.Error(err)
		}
		if indexed := h.one("SELECT indexed FROM versions WHERE crop_id = 2"); indexed != index.Format {
			t.Errorf("the index is of format %d", indexed)
		}
		// Check looks at one snapshot, in which what is written now is whole or not at all.
		found, err := writer.Check(t.Context(), h.db, nil)
		if err != nil || len(found) > 0 {
			t.Error(found, err)
		}
		t.Logf("%d rows written meanwhile", written.Load()-before)
	}
	stop()
	writers.Wait()
	for crop := range sizes {
		h.complete(uint32(crop))
	}
}

// someChanges returns new names of some contacts, or new remarks of some follows, some of them
// deleted.
func someChanges(random *rand.Rand, crop, size int) (writer.Kind, []writer.Record) {
	from := random.IntN(size)
	to := min(from+random.IntN(300), size)
	var records []writer.Record
	if random.IntN(4) == 0 {
		for i := from; i < to; i++ {
			records = append(records, record(writer.Customer, "crop_id", crop, "external_userid", fmt.Sprintf("c%d", i),
				"name", fmt.Sprintf("名%d", random.IntN(9)), "external_type", 1+random.IntN(2)))
		}
		return writer.Customer, records
	}
	for i := from; i < to; i++ {
		r := followOf(crop, i, fmt.Sprintf("注%d", random.IntN(9)))
		if random.IntN(5) == 0 {
			r[writer.Follow.Field("deleted_at")] = writer.Text("2022-01-01 00:00:00")
		} else {
			r[writer.Follow.Field("deleted_at")] = writer.Value{Is: writer.Null}
		}
		records = append(records, r)
	}
	return writer.Follow, records
}

// countdown is done after its Done and Err have been asked so many times, which whatever heeds it
// does before each step.
type countdown struct {
	context.Context //nolint:containedctx // it is one
	cancel          context.CancelFunc
	left            *atomic.Int64
}

func newCountdown(parent context.Context, n int64) countdown {
	ctx, cancel := context.WithCancel(parent)
	c := countdown{ctx, cancel, new(atomic.Int64)}
	c.left.Store(n)
	return c
}

func (c countdown) count() {
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
}

func (c countdown) Done() <-chan struct{} { c.count(); return c.Context.Done() }
func (c countdown) Err() error            { c.count(); return c.Context.Err() }

func TestAnIndexThatWasCutOffAnywhereIsFilledAnew(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const n = index.FewChanges + 50
	h.enterprise(1, n)
	turn := h.turn()
	random := rand.New(rand.NewPCG(4, 4))
	fill := func(ctx context.Context, round int) error {
		locks := 0
		return turn.Fill(ctx, h.db, 1, func(ctx context.Context, f func(tx *sql.Tx) error) error {
			if locks++; locks == 2 {
				h.changed(1, 0, n, fmt.Sprint("轮", round))
			}
			return h.lock(1)(ctx, f)
		}, nil)
	}
	whole := newCountdown(t.Context(), 1<<60)
	if err := fill(whole, 0); err != nil {
		t.Fatal(err)
	}
	h.complete(1)
	steps := 1<<60 - whole.left.Load()
	cut := 0
	for round := range 10 {
		ctx := newCountdown(t.Context(), 1+random.Int64N(steps))
		err := fill(ctx, round+1)
		ctx.cancel()
		switch indexed := h.one("SELECT indexed FROM versions WHERE crop_id = 1"); {
		case err == nil && indexed != index.Format:
			t.Errorf("round %d: filled, but of format %d", round, indexed)
		case err != nil && !errors.Is(err, context.Canceled):
			t.Errorf("round %d: %v", round, err)
		case err != nil:
			cut++
		}
		// What is cut off is no finding, and what is written to it meanwhile is not lost.
		from := random.IntN(n - 30)
		h.changed(1, from, from+30, fmt.Sprint("后", round))
		h.right()
	}
	if cut < 5 {
		t.Errorf("%d of 10 were cut off", cut)
	}
	h.fill(turn, 1)
}

func TestOneProcessAtATimeFillsIndexes(t *testing.T) {
	t.Parallel()
	h, other := setup(t), setup(t)
	first, err := index.TakeTurn(t.Context(), h.db)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := index.TakeTurn(t.Context(), h.db); !errors.Is(err, index.ErrBusy) {
		t.Errorf("two at once: %v", err)
	}
	// Another database on the same server is another matter.
	second, err := index.TakeTurn(t.Context(), other.db)
	if err != nil {
		t.Error(err)
	} else {
		second.End()
	}
	// Given back it is free at once, and on the same connection too.
	h.db.SetMaxOpenConns(1)
	first.End()
	again, err := index.TakeTurn(t.Context(), h.db)
	if err != nil {
		t.Fatal(err)
	}
	again.End()
}

func TestAnIndexMadeInSharesIsTheSame(t *testing.T) {
	t.Parallel()
	h := setup(t)
	const n = 1200
	h.enterprise(1, n)
	turn := h.turn()
	h.fill(turn, 1)
	whole := h.stored(1)
	for _, rows := range []int64{n / 2, n/7 + 1, 50} {
		last := index.Progress{}
		shares := int64(n)/rows + 1
		err := turn.InShares(rows).Fill(t.Context(), h.db, 1, h.lock(1), func(p index.Progress) {
			if p.Done < last.Done || p.Done > p.Total || p.Total != shares*n {
				t.Errorf("in shares of %d: %+v after %+v", rows, p, last)
			}
			last = p
		})
		if err != nil || last.Done != last.Total {
			t.Fatalf("in shares of %d: %+v %v", rows, last, err)
		}
		h.complete(1)
		whole.compare(t, h.stored(1))
		snapshot, err := index.Snapshot(t.Context(), h.db)
		if err != nil {
			t.Fatal(err)
		}
		found, err := index.CheckInShares(t.Context(), snapshot, 1, rows)
		if err != nil || len(found) > 0 {
			t.Errorf("in shares of %d: %v %v", rows, found, err)
		}
		_ = snapshot.Rollback()
		// Each wrong set is found in one of the shares, and once.
		h.exec("UPDATE follow_sets SET ids = '' WHERE crop_id = 1 AND part = 0 AND name > 'e' AND name < 'f'")
		h.exec("INSERT INTO follow_sets VALUES (1, 'enobody', 0, 0x05), (1, 'ebroken', 0, 0x80), (1, 'ebroken', 7, 0x80)")
		h.exec("DELETE FROM follow_sets WHERE crop_id = 1 AND name = 'Tt1'")
		h.exec("UPDATE follow_sets SET ids = CONCAT(ids, 0x0102) WHERE crop_id = 1 AND name = 'c' AND part % 2 = 0")
		contacts := h.one("SELECT COUNT(*) FROM follow_sets WHERE crop_id = 1 AND name = 'c' AND part % 2 = 0")
		if snapshot, err = index.Snapshot(t.Context(), h.db); err != nil {
			t.Fatal(err)
		}
		found, err = index.CheckInShares(t.Context(), snapshot, 1, rows)
		_ = snapshot.Rollback()
		want := fmt.Sprint(
			[]index.Wrong{
				{Kind: "T", Sets: 1, First: "Tt1"},
				{Kind: "c", Sets: int(contacts), First: "c"},
				{Kind: "e", Sets: 7 + 2, First: "ebroken"},
			},
		)
		if got := fmt.Sprint(found); err != nil || got != want {
			t.Errorf("in shares of %d: %v, want %v: %v", rows, got, want, err)
		}
	}
}

// The names of sets are as long as the longest values: a tag's id may have 100 letters of any
// alphabet.
func TestTheLongestValuesHaveSets(t *testing.T) {
	t.Parallel()
	h := setup(t)
	turn := h.turn()
	width := h.one(
		"SELECT character_maximum_length FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'follow_sets' AND column_name = 'name'",
	)
	if width != filter.MaxName {
		t.Errorf("a name may have %d bytes, its column has %d", filter.MaxName, width)
	}
	longest := []string{strings.Repeat("x", 100), strings.Repeat("标", 100), strings.Repeat("🌸", 100)}
	h.write(writer.Business, record(writer.Business, "id", 1, "uniacid", 2))
	h.write(
		writer.Customer,
		record(writer.Customer, "crop_id", 1, "external_userid", strings.Repeat("外", 100), "name", "🌸🌺🌻\U0010ffff"),
	)
	follow := record(
		writer.Follow,
		"crop_id",
		1,
		"external_userid",
		strings.Repeat("外", 100),
		"userid",
		strings.Repeat("u", 100),
		"tag_id",
		strings.Join(longest, ","),
	)
	h.write(writer.Follow, follow)
	h.fill(turn, 1) // made at once
	follow[writer.Follow.Field("remark")] = writer.Text("\U0010ffff\U0010fffe\U0010fffd")
	follow[writer.Follow.Field("tag_id")] = writer.Text(longest[2])
	h.write(writer.Follow, follow) // and row by row
	h.complete(1)
	if ids := h.stored(1).ids["T"+longest[2]]; len(ids) != 1 {
		t.Errorf("the longest tag is of %v", ids)
	}
}
