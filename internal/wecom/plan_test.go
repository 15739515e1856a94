package wecom_test

import (
	"database/sql"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/wecomtest"
)

// reads are the indexes by which the queries of db/queries/wecom.sql read, in each the fewest bytes
// that are looked up.
var reads = map[string]struct {
	key    string
	length int
}{
	"TakeLease":         {"PRIMARY", 4},
	"EndLease":          {"PRIMARY", 4},
	"GetWecomSync":      {"PRIMARY", 4},
	"BeginWecomSync":    {"PRIMARY", 4},
	"AddToWecomSync":    {"PRIMARY", 4},
	"SetWecomMembers":   {"PRIMARY", 4},
	"EndWecomSync":      {"PRIMARY", 4},
	"FailWecomSync":     {"PRIMARY", 4},
	"ListWecomMembers":  {"PRIMARY", 4},
	"ListWecomProblems": {"PRIMARY", 4},
	"CountWecomMembers": {"PRIMARY", 4},
	"ListCurrentPairs":  {"PRIMARY", 12},
	"GetCurrentPairs":   {"PRIMARY", 12},
	"HasBusiness":       {"PRIMARY", 4},
	"HasPair":           {"follows_contact", 508},
	"ListDueEvents":     {"wecom_inbox_due", 13},
	"HasDueEvents":      {"wecom_inbox_due", 13},
	"LastEventOfPair":   {"wecom_inbox_pair", 808},
	"EndEvents":         {"PRIMARY", 12},
	"PutOffEvents":      {"PRIMARY", 12},
	"RetryEvents":       {"wecom_inbox_due", 5},
	"CountEvents":       {"wecom_inbox_due", 4},
	"CountOpenEvents":   {"wecom_inbox_due", 5},
	"OldestWaiting":     {"wecom_inbox_due", 5},
	"ListFailedEvents":  {"wecom_inbox_due", 5},
	"ListOldEvents":     {"wecom_inbox_due", 13},
	"ForgetEvents":      {"PRIMARY", 12},
}

// sorting are the queries that sort what they read, which is little: a pair's events; or gather the ids
// of what they change, since they change the index by which they read.
var sorting = []string{"LastEventOfPair", "RetryEvents"}

// However many events are kept, and however many wait, those that are asked for are found by their
// index, and no more of them is read.
func TestTheQueriesOfALargeInboxReadNoMoreThanTheyReturn(t *testing.T) {
	t.Parallel()
	dsn := dbtest.New(t)
	h := setupOn(t, dsn, wecomtest.Options{Members: 12, Follows: 300, Seed: 8})
	h.sync()
	h.exec("CREATE TABLE numbers (n INT PRIMARY KEY)")
	for range 100 {
		h.exec("INSERT INTO numbers SELECT COUNT(*) FROM numbers")
	}
	for _, statement := range []string{
		"INSERT INTO wecom_inbox (crop_id, received_at, event, change_type, created, userid, external_userid, message, state, due_at)" +
			" SELECT 1, 1, 'change_external_contact', 'edit_external_contact', 1, CONCAT('u', a.n), CONCAT('w', b.n), '', (a.n + b.n) % 4, a.n * 1000 + b.n FROM numbers a, numbers b",
		"INSERT INTO wecom_inbox (crop_id, received_at, event, change_type, created, userid, external_userid, message, state, due_at)" +
			" SELECT 2, 1, event, change_type, 1, userid, external_userid, '', state, due_at FROM wecom_inbox",
		"INSERT INTO wecom_members (crop_id, userid) SELECT 2, CONCAT(a.n, '-', b.n) FROM numbers a, numbers b",
		"INSERT INTO wecom_syncs (crop_id) SELECT 10 + a.n FROM numbers a",
		"INSERT INTO contacts (crop_id, external_userid, external_profile, created_at) SELECT 1, CONCAT('x', a.n, '-', b.n), '', NOW() FROM numbers a, numbers b",
		"INSERT INTO follows (crop_id, userid, external_userid, tag_id, notes_folded, pinyin, mobiles, tags, status, created_at)" +
			" SELECT 1, 'x', external_userid, '', '', '', '', '[]', -1, NOW() FROM contacts WHERE external_userid LIKE 'x%'",
		"ANALYZE TABLE wecom_inbox, wecom_members, wecom_syncs, contacts, follows, businesses",
	} {
		h.exec(statement)
	}
	db, plans := dbtest.Explain(t, dsn)
	q, ctx := gendb.New(db), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			t.Error(err)
		}
	}
	for _, n := range []int{1, 7, 700} {
		ids := make([]uint64, n)
		for i := range ids {
			ids[i] = uint64(1 + 3*i)
		}
		must(q.EndEvents(ctx, gendb.EndEventsParams{CropID: 1, DueAt: 1, Ids: ids}))
		must(q.PutOffEvents(ctx, gendb.PutOffEventsParams{CropID: 1, Ids: ids, Error: "e", Most: 3, Milliseconds: 1}))
		must(q.ForgetEvents(ctx, gendb.ForgetEventsParams{CropID: 1, Ids: ids}))
		_, err := q.GetCurrentPairs(ctx, gendb.GetCurrentPairsParams{CropID: 1, Ids: ids})
		must(err)
	}
	for _, limit := range []int32{1, 1000} {
		for _, err := range []error{
			second(q.ListDueEvents(ctx, gendb.ListDueEventsParams{CropID: 1, Limit: limit})),
			second(q.ListFailedEvents(ctx, gendb.ListFailedEventsParams{CropID: 1, Limit: limit})),
			second(q.ListOldEvents(ctx, gendb.ListOldEventsParams{CropID: 1, State: 1, Before: 50_000, Limit: limit})),
			second(q.ListCurrentPairs(ctx, gendb.ListCurrentPairsParams{CropID: 1, After: 100, Limit: limit})),
		} {
			must(err)
		}
	}
	for _, err := range []error{
		second(q.TakeLease(ctx, gendb.TakeLeaseParams{CropID: 1, Holder: "h", Milliseconds: 1})),
		q.EndLease(ctx, gendb.EndLeaseParams{CropID: 1, Holder: "h"}),
		second(q.GetWecomSync(ctx, 1)),
		q.BeginWecomSync(ctx, gendb.BeginWecomSyncParams{CropID: 1, StartedAt: 5}),
		q.AddToWecomSync(ctx, gendb.AddToWecomSyncParams{CropID: 1, ReadRows: 1}),
		q.SetWecomMembers(ctx, gendb.SetWecomMembersParams{CropID: 1, Members: 1}),
		q.EndWecomSync(ctx, gendb.EndWecomSyncParams{CropID: 1, DueAt: 1}),
		q.FailWecomSync(ctx, gendb.FailWecomSyncParams{CropID: 1, Error: "e", Seconds: 1}),
		second(q.ListWecomMembers(ctx, 1)),
		second(q.ListWecomProblems(ctx, 1)),
		second(q.CountWecomMembers(ctx, gendb.CountWecomMembersParams{CropID: 1, RunAt: 5})),
		second(q.HasBusiness(ctx, 1)),
		second(q.HasPair(ctx, gendb.HasPairParams{CropID: 1, ExternalUserid: "x1-1", Userid: "x"})),
		second(q.HasDueEvents(ctx, 1)),
		second(q.LastEventOfPair(ctx, gendb.LastEventOfPairParams{CropID: 1, ExternalUserid: "w1", Userid: "u1", Changes: []string{"add_external_contact", "edit_external_contact"}})),
		second(q.CountEvents(ctx, 1)),
		second(q.CountOpenEvents(ctx, 1)),
		second(q.OldestWaiting(ctx, 1)),
		second(q.RetryEvents(ctx, 1)),
	} {
		must(err)
	}
	seen := map[string]bool{}
	for _, step := range plans.Steps() {
		want, known := reads[step.Statement]
		seen[step.Statement] = true
		switch {
		case step.Table == "" || step.Access == "": // looked up already, and not there
		case !known:
			t.Errorf("%s: %+v", step.Statement, step)
		case step.Statement == "ListOldEvents" && step.Table == "o": // what is left of the pair
			if step.Key != "wecom_inbox_pair" || step.Length < 808 {
				t.Errorf("%+v", step)
			}
		case step.Key == "wecom_inbox_id" && want.key == "PRIMARY" && step.Length >= 8: // each by its id
		case step.Access == "ALL" || step.Access == "index" || step.Key != want.key || step.Length < want.length:
			t.Errorf("%s reads %s (%s) by %d bytes of %q, want %d of %q", step.Statement, step.Table, step.Access, step.Length, step.Key, want.length, want.key)
		case step.Sorts && !slices.Contains(sorting, step.Statement):
			t.Errorf("%s sorts what it reads of %s", step.Statement, step.Table)
		}
	}
	text, err := os.ReadFile("../../db/queries/wecom.sql")
	must(err)
	for _, query := range regexp.MustCompile(`(?m)^-- name: (\w+) .*\n(?:--.*\n)*(\w+)`).FindAllStringSubmatch(string(text), -1) {
		if name := query[1]; query[2] != "INSERT" && !seen[name] {
			t.Errorf("%s was not asked for its plan", name)
		}
	}
	if n := strings.Count(string(text), "-- name: "); n < len(reads) {
		t.Errorf("%d queries, and %d plans", n, len(reads))
	}
}

func second[T any](_ T, err error) error { return err }
