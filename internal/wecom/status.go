package wecom

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
)

// listedProblems is how many members and events Status lists of each enterprise.
const listedProblems = 50

// Status writes for people how far an enterprise is: its last sync, the running one, the members
// that it could not read, and the events that wait or have failed.
func Status(ctx context.Context, db *sql.DB, crop uint32, out io.Writer) error {
	q := gendb.New(db)
	row, err := q.GetWecomSync(ctx, crop)
	if errors.Is(err, sql.ErrNoRows) {
		_, err = fmt.Fprintf(out, "enterprise %d: never synchronised\n", crop)
		return err
	}
	if err != nil {
		return err
	}
	s := row.WecomSync
	at := func(unix int64) string { return time.Unix(unix, 0).In(china).Format(time.DateTime) }
	ago := func(unix int64) time.Duration { return time.Duration(row.Now-unix) * time.Second }
	if s.SucceededAt == 0 {
		fmt.Fprintf(out, "enterprise %d: no complete sync yet\n", crop)
	} else {
		fmt.Fprintf(out, "enterprise %d: last complete sync at %s (%v ago)\n", crop, at(s.SucceededAt), ago(s.SucceededAt))
	}
	if s.StartedAt != 0 {
		if err := statusOfRun(ctx, q, row, at, out); err != nil {
			return err
		}
	}
	if row.Held > 0 {
		fmt.Fprintf(out, "  at work: %s\n", s.Holder)
	}
	if s.DueAt > row.Now {
		fmt.Fprintf(out, "  next: %s\n", at(s.DueAt))
	}
	if s.Error != "" {
		fmt.Fprintf(out, "  not complete: %s\n", s.Error)
	}
	if s.Warning != "" {
		fmt.Fprintf(out, "  warning: %s\n", s.Warning)
	}
	problems, err := q.ListWecomProblems(ctx, crop)
	if err != nil {
		return err
	}
	for i, p := range problems {
		if i == listedProblems {
			fmt.Fprintf(out, "  and %d members more\n", len(problems)-i)
			break
		}
		fmt.Fprintf(out, "  not read: %s: %s\n", p.Userid, p.Problem)
	}
	return statusOfEvents(ctx, q, crop, out)
}

func statusOfRun(ctx context.Context, q *gendb.Queries, row gendb.GetWecomSyncRow, at func(int64) string, out io.Writer) error {
	s := row.WecomSync
	state, to := "not complete", row.Now
	switch {
	case s.FinishedAt != 0:
		state, to = "complete", s.FinishedAt
	case row.Held > 0:
		state = "running"
	}
	done, err := q.CountWecomMembers(ctx, gendb.CountWecomMembersParams{CropID: s.CropID, RunAt: s.StartedAt})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "  sync of %s, %s after %v: %d of %d members, %d customers read, %d rows new, %d changed, %d lost, %d refused\n", at(s.StartedAt), state,
		time.Duration(to-s.StartedAt)*time.Second, min(done, int64(s.Members)), s.Members, s.ReadRows, s.NewRows, s.ChangedRows, s.LostRows, s.RefusedRows)
	return err
}

func statusOfEvents(ctx context.Context, q *gendb.Queries, crop uint32, out io.Writer) error {
	counts, err := q.CountEvents(ctx, crop)
	if err != nil {
		return err
	}
	names := map[int8]string{waiting: "waiting", workedOff: "worked off", leftAlone: "failed", ofNoUse: "of no concern"}
	for _, c := range counts {
		fmt.Fprintf(out, "  events %s: %d", names[c.State], c.Events)
		if c.State == waiting {
			age, err := q.OldestWaiting(ctx, crop)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return err
			}
			fmt.Fprintf(out, ", for %v", (time.Duration(age) * time.Millisecond).Round(time.Second))
		}
		fmt.Fprintln(out)
	}
	failed, err := q.ListFailedEvents(ctx, gendb.ListFailedEventsParams{CropID: crop, Limit: listedProblems})
	if err != nil {
		return err
	}
	for _, f := range failed {
		fmt.Fprintf(out, "  failed: event %d, %s of %s %s: %s\n", f.ID, f.ChangeType, f.Userid, f.ExternalUserid, f.Error)
	}
	if len(failed) > 0 {
		fmt.Fprintf(out, "  to try them again: wechat-customers sync --retry --crop-id %d\n", crop)
	}
	return nil
}

// State is how far an enterprise is.
type State struct {
	CropID    uint32
	Succeeded time.Time // when the last complete sync was; zero: never
	Failures  int       // syncs in a row since that were not complete
	Scheduled bool      // syncs are to come by themselves

	Waiting, Failed int // events
	Lag             time.Duration
}

// State returns how far each enterprise is. Lag is for how long the first of its events has waited.
func (s *Service) State(ctx context.Context) (all []State, err error) {
	for _, crop := range slices.Sorted(maps.Keys(s.enterprises)) {
		state := State{CropID: crop, Scheduled: s.Every > 0}
		row, err := s.q.GetWecomSync(ctx, crop)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		state.Failures = int(row.WecomSync.Failures)
		if at := row.WecomSync.SucceededAt; at != 0 {
			state.Succeeded = time.Unix(at, 0)
		}
		counts, err := s.q.CountOpenEvents(ctx, crop)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			if c.State == leftAlone {
				state.Failed = int(c.Events)
				continue
			}
			state.Waiting = int(c.Events)
			age, err := s.q.OldestWaiting(ctx, crop)
			if err != nil && !errors.Is(err, sql.ErrNoRows) {
				return nil, err
			}
			state.Lag = time.Duration(age) * time.Millisecond
		}
		all = append(all, state)
	}
	return all, nil
}

// Retry makes an enterprise's events that have failed wait again, and returns how many.
func Retry(ctx context.Context, db *sql.DB, crop uint32) (int64, error) {
	return gendb.New(db).RetryEvents(ctx, crop)
}
