package wecom

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	gendb "example.com/wechatcustomers/gen/db"
	gen "example.com/wechatcustomers/gen/wecom"
	"example.com/wechatcustomers/internal/writer"
)

const (
	groupMembers   = 10             // are read by one chain of pages
	groupsAtOnce   = 4              // are read at a time
	groupRestarts  = 5              // where the cursor runs out
	failedGroups   = 5              // are enough to put the rest off
	resumeFor      = 24 * time.Hour // a sync that was cut off is gone on with
	personRetry    = 10 * time.Minute
	firstRetry     = time.Minute
	keepEvents     = 7 * 24 * time.Hour
	pairsPerSelect = 1000
)

// sync reads everything of the enterprise, or what the one before it has left.
func (e *enterprise) sync(ctx context.Context) (err error) {
	begin := time.Now()
	ctx, ended := e.s.Observer.WecomWork(ctx, "sync", e.e.CropID)
	defer func() { ended(err) }()
	e.track(true)
	defer e.track(false)
	run, err := e.begin(ctx)
	if err == nil {
		err = e.everything(ctx, run)
	}
	q, crop := e.s.q, e.e.CropID
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx) // cut off: it is due at once
		}
		retry := e.retryIn(ctx, err)
		e.log.Warn("wecom sync is not complete", "error", err, "again_in", retry, "took", time.Since(begin).Round(time.Millisecond))
		if noting := q.FailWecomSync(ctx, gendb.FailWecomSyncParams{CropID: crop, Error: clip(err.Error(), 1000), Seconds: int64(retry / time.Second)}); noting != nil {
			return errors.Join(err, noting)
		}
		return incompleteError{err}
	}
	every := max(int64(e.s.Every/time.Second), 1)
	if err := q.EndWecomSync(ctx, gendb.EndWecomSyncParams{CropID: crop, DueAt: run + every}); err != nil {
		return err
	}
	if row, err := q.GetWecomSync(ctx, crop); err == nil {
		s := row.WecomSync
		e.log.Info("wecom sync is complete", "took", time.Since(begin).Round(time.Millisecond), "members", s.Members, "read", s.ReadRows,
			"new", s.NewRows, "changed", s.ChangedRows, "lost", s.LostRows, "refused", s.RefusedRows)
	}
	return nil
}

// begin returns the time that names the sync: that of the one that was cut off, or a new one.
func (e *enterprise) begin(ctx context.Context) (run int64, err error) {
	q, crop := e.s.q, e.e.CropID
	known, err := q.HasBusiness(ctx, crop)
	if err != nil {
		return 0, err
	}
	if !known {
		return 0, fmt.Errorf("enterprise %d is not known here: import or copy its business record, and its managers, first", crop)
	}
	row, err := q.GetWecomSync(ctx, crop)
	if err != nil {
		return 0, err
	}
	s := row.WecomSync
	if s.StartedAt != 0 && s.FinishedAt == 0 && row.Now-s.StartedAt < int64(resumeFor/time.Second) {
		return s.StartedAt, nil
	}
	run = max(row.Now, s.StartedAt+1)
	return run, q.BeginWecomSync(ctx, gendb.BeginWecomSyncParams{CropID: crop, StartedAt: run})
}

// retryIn returns when a sync that is not complete is to go on.
func (e *enterprise) retryIn(ctx context.Context, err error) time.Duration {
	if _, ok := errors.AsType[*PersonError](err); ok {
		return personRetry
	}
	wait := firstRetry
	if row, err := e.s.q.GetWecomSync(ctx, e.e.CropID); err == nil {
		wait <<= min(row.WecomSync.Failures, 10)
	}
	return min(wait, max(e.s.Every, firstRetry))
}

func (e *enterprise) everything(ctx context.Context, run int64) error {
	if err := e.readTags(ctx); err != nil {
		return err
	}
	members, err := e.followUsers(ctx)
	if err != nil {
		return err
	}
	warning, err := e.readMembers(ctx, members)
	if err != nil {
		return err
	}
	if err := e.s.q.SetWecomMembers(ctx, gendb.SetWecomMembersParams{CropID: e.e.CropID, Members: int32(len(members)), Warning: clip(warning, 1000)}); err != nil {
		return err
	}
	return e.readCustomers(ctx, run, members)
}

// write writes records of one kind. What the tables refuse is counted, and logged by its field.
func (e *enterprise) write(ctx context.Context, kind writer.Kind, records []writer.Record) (writer.Result, error) {
	if len(records) == 0 {
		return writer.Result{}, nil
	}
	result, err := e.s.writer.Write(ctx, kind, records, true)
	for _, r := range result.Rejected {
		e.log.Warn("wecom: a record is refused", "kind", kind, "field", r.Field, "why", r.Message)
	}
	return result, err
}

// readTags makes the tags those of WeCom: the ones that are not listed any more are deleted.
func (e *enterprise) readTags(ctx context.Context) error {
	groups, err := e.tags(ctx)
	if err != nil || groups == nil { // an answer without the list says nothing
		return err
	}
	now, listed := time.Now(), map[string]bool{}
	var records []writer.Record
	for _, g := range groups {
		for _, t := range list(g.Tag) {
			if text(t.ID) != "" {
				listed[*t.ID] = true
				records = append(records, tagRecord(e.e.CropID, now, &g, &t))
			}
		}
	}
	stored, err := e.s.q.ListTags(ctx, e.e.CropID)
	if err != nil {
		return err
	}
	for _, t := range stored {
		if !listed[t.TagID] {
			records = append(records, deletedTag(e.e.CropID, now, t.TagID))
		}
	}
	_, err = e.write(ctx, writer.Tag, records)
	return err
}

// readMembers makes the employees those of WeCom as far as its apps may read them; the warning says
// what they may not.
func (e *enterprise) readMembers(ctx context.Context, followUsers []string) (warning string, err error) {
	users, warning, err := e.detailed(ctx)
	if err != nil {
		return "", err
	}
	known := map[string]bool{}
	for _, u := range users {
		known[strings.ToLower(text(u.Userid))] = true
	}
	all, complete := followUsers, map[string]bool{}
	if e.e.DirectorySecret != "" {
		ids, err := e.userids(ctx)
		if err != nil {
			return "", err
		}
		all = slices.Concat(all, ids)
		for _, id := range ids {
			complete[strings.ToLower(id)] = true
		}
	}
	for _, userid := range all {
		if known[strings.ToLower(userid)] {
			continue
		}
		known[strings.ToLower(userid)] = true
		u, err := e.user(ctx, userid)
		switch _, answered := errors.AsType[*Error](err); {
		case err == nil:
		case answered:
			// Without a name, then: the reason is the same for all, mostly.
			u, warning = gen.User{Userid: &userid}, "names of members are not read: "+err.Error()
		default:
			return "", err
		}
		users = append(users, u)
	}
	now := time.Now()
	var records []writer.Record
	for i := range users {
		if text(users[i].Userid) != "" {
			records = append(records, employeeRecord(e.e.CropID, now, &users[i]))
		}
	}
	if len(complete) > 0 {
		stored, err := e.s.q.ListEmployeeNames(ctx, e.e.CropID)
		if err != nil {
			return "", err
		}
		for _, s := range stored {
			if id := strings.ToLower(s.UserID); s.DeletedAt == nil && !complete[id] && !known[id] {
				records = append(records, employeeRecord(e.e.CropID, now, &gen.User{Userid: &s.UserID, Status: new(left)}))
			}
		}
	}
	for part := range slices.Chunk(records, pairsPerSelect) {
		if _, err := e.write(ctx, writer.Employee, part); err != nil {
			return "", err
		}
	}
	return warning, nil
}

// detailed returns the members of all departments that the app may read.
func (e *enterprise) detailed(ctx context.Context) (users []gen.User, warning string, err error) {
	departments, err := e.departments(ctx)
	for _, d := range departments {
		var of []gen.User
		if of, err = e.usersOf(ctx, number(d.ID)); err != nil {
			break
		}
		users = append(users, of...)
	}
	// An app for customers need not be one for the directory.
	if _, answered := errors.AsType[*Error](err); answered {
		return users, "names of members are read one by one: " + err.Error(), nil
	}
	return users, "", err
}

// progress adds up what groups have done.
type progress struct {
	failed atomic.Int32 // groups
	first  atomic.Pointer[string]
}

// readCustomers reads the customers of all members that the run is not done with.
func (e *enterprise) readCustomers(ctx context.Context, run int64, members []string) error {
	stored, err := e.s.q.ListWecomMembers(ctx, e.e.CropID)
	if err != nil {
		return err
	}
	isDone, isMember := map[string]bool{}, map[string]bool{}
	for _, m := range stored {
		isDone[strings.ToLower(m.Userid)] = m.RunAt == run
	}
	var ask []string
	for _, userid := range members {
		if folded := strings.ToLower(userid); !isMember[folded] {
			isMember[folded] = true
			if !isDone[folded] {
				ask = append(ask, userid)
			}
		}
	}
	for _, m := range stored {
		if !isMember[strings.ToLower(m.Userid)] {
			if err := e.doneWith(ctx, run, m.Userid, "is no longer among the members that the app may read: left, or out of its 可见范围"); err != nil {
				return err
			}
		}
	}
	current, err := e.current(ctx)
	if err != nil {
		return err
	}
	slices.Sort(ask)
	var p progress
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(groupsAtOnce)
	for userids := range slices.Chunk(ask, groupMembers) {
		group.Go(func() error {
			if reading.Err() != nil || p.failed.Load() >= failedGroups {
				return nil //nolint:nilerr // the group that failed has the error
			}
			return e.readGroup(reading, run, userids, current, &p)
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if first := p.first.Load(); first != nil {
		return fmt.Errorf("not all members' customers could be read: %s", *first)
	}
	return nil
}

// current returns the ids of the pairs that are not lost, by the member in small letters.
func (e *enterprise) current(ctx context.Context) (map[string][]uint64, error) {
	ids := map[string][]uint64{}
	for after := uint64(0); ; {
		const some = 10_000
		rows, err := e.s.q.ListCurrentPairs(ctx, gendb.ListCurrentPairsParams{CropID: e.e.CropID, After: after, Limit: some})
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			userid := strings.ToLower(r.Userid)
			ids[userid] = append(ids[userid], r.ID)
			after = r.ID
		}
		if len(rows) < some {
			return ids, nil
		}
	}
}

func (e *enterprise) doneWith(ctx context.Context, run int64, userid, problem string) error {
	if len(userid) > 100 { // no member's of WeCom
		return nil
	}
	return e.s.q.SetWecomMember(ctx, gendb.SetWecomMemberParams{CropID: e.e.CropID, Userid: userid, RunAt: run, Problem: clip(problem, 255)})
}

// readGroup reads the customers of some members. Where WeCom refuses them together they are read one
// by one, so that one member's problem is that member's alone. The error is one that ends the run.
func (e *enterprise) readGroup(ctx context.Context, run int64, userids []string, current map[string][]uint64, p *progress) error {
	read, err := e.readPages(ctx, userids)
	_, answered := errors.AsType[*Error](err)
	_, person := errors.AsType[*PersonError](err)
	code := codeOf(err)
	switch {
	case err == nil:
		return e.complete(ctx, run, userids, read, current)
	case ctx.Err() != nil || person || databaseFault(err):
		return err
	case answered && code != systemBusy && code != tooManyAtOnce && code != overQuota:
		if len(userids) == 1 {
			e.log.Warn("wecom: a member's customers cannot be read", "userid", userids[0], "error", err)
			if code == noRelation || code == badUserid || code == noSuchUser {
				return e.doneWith(ctx, run, userids[0], err.Error()) // it stays so
			}
			break
		}
		for _, userid := range userids {
			if err := e.readGroup(ctx, run, []string{userid}, current, p); err != nil {
				return err
			}
		}
		return nil
	}
	p.failed.Add(1)
	p.first.CompareAndSwap(nil, new(err.Error()))
	for _, userid := range userids {
		if err := e.doneWith(ctx, 0, userid, err.Error()); err != nil {
			return err
		}
	}
	return nil
}

// pages is what a complete reading of a group has found.
type pages struct {
	seen       map[string]bool // pairs
	without    bool            // a page had no list of customers, not an empty one
	unlicensed map[string]bool // members in small letters
	done       gendb.AddToWecomSyncParams
}

// writeError marks what the database has refused.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

func databaseFault(err error) bool {
	_, is := errors.AsType[writeError](err)
	return is
}

func pairKey(userid, externalUserid string) string {
	return strings.ToLower(userid) + " " + externalUserid
}

// readPages reads a group from the first page to the last and writes each page. A cursor that has run
// out means that all is read again.
func (e *enterprise) readPages(ctx context.Context, userids []string) (*pages, error) {
	for restarts := 0; ; restarts++ {
		read := &pages{seen: map[string]bool{}, unlicensed: map[string]bool{}}
		var err error
		for cursor := ""; ; {
			since := e.mark()
			var page gen.Customers
			if page, err = e.customers(ctx, userids, cursor); err != nil {
				if code := codeOf(err); cursor == "" || code != badParameter {
					return nil, err
				}
				break
			}
			for _, userid := range list(failInfo(page.FailInfo).UnlicensedUseridList) {
				read.unlicensed[strings.ToLower(userid)] = true
			}
			read.without = read.without || page.ExternalContactList == nil
			if err := e.writePage(ctx, list(page.ExternalContactList), since, read); err != nil {
				return nil, writeError{err}
			}
			next := text(page.NextCursor)
			if next == "" {
				return read, nil
			}
			if next == cursor {
				return nil, errors.New("externalcontact/batch/get_by_user: the cursor does not move on")
			}
			cursor = next
		}
		if restarts == groupRestarts {
			// Not by its code: it is the cursor's, not a member's.
			return nil, fmt.Errorf("the cursor runs out each time: %s", err) //nolint:errorlint // as said
		}
	}
}

func failInfo(f *gen.FailInfo) gen.FailInfo {
	if f == nil {
		return gen.FailInfo{}
	}
	return *f
}

// writePage writes a page, but for what events have written since it was asked for.
func (e *enterprise) writePage(ctx context.Context, listed []gen.ListedCustomer, since int64, read *pages) error {
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	var contacts, follows []writer.Record
	written := map[string]bool{}
	for i := range listed {
		contact, follow := listed[i].ExternalContact, listed[i].FollowInfo
		if contact == nil || follow == nil || text(contact.ExternalUserid) == "" || text(follow.Userid) == "" {
			read.done.RefusedRows++
			continue
		}
		external := *contact.ExternalUserid
		pair := pairKey(*follow.Userid, external)
		read.seen[pair] = true
		read.done.ReadRows++
		if e.touched[external] <= since && !written[external] {
			written[external] = true
			contacts = append(contacts, customerRecord(e.e.CropID, now, contact))
		}
		if e.touched[pair] <= since {
			follows = append(follows, followRecord(e.e.CropID, now, external, follow, 0))
		}
	}
	for _, w := range []struct {
		kind    writer.Kind
		records []writer.Record
	}{{writer.Customer, contacts}, {writer.Follow, follows}} {
		result, err := e.write(ctx, w.kind, w.records)
		if err != nil {
			return err
		}
		read.done.NewRows += int64(result.New)
		read.done.ChangedRows += int64(result.Changed)
		refused := map[int]bool{} // a record for each, however many of its fields are wrong
		for _, r := range result.Rejected {
			refused[r.Record] = true
		}
		read.done.RefusedRows += int64(len(refused))
	}
	return nil
}

// complete marks the pairs of a group as lost that a complete reading has not found, and notes that
// the run is done with its members.
func (e *enterprise) complete(ctx context.Context, run int64, userids []string, read *pages, current map[string][]uint64) error {
	for _, userid := range userids {
		folded, problem := strings.ToLower(userid), ""
		switch {
		case read.unlicensed[folded]:
			problem = "has no licence (互通账号): its customers are not listed"
		case read.without && len(current[folded]) > 0:
			problem = "the answer had no list of customers: none is taken for lost"
		default:
			lost, err := e.markLost(ctx, current[folded], read.seen)
			if err != nil {
				return err
			}
			read.done.LostRows += lost
		}
		if err := e.doneWith(ctx, run, userid, problem); err != nil {
			return err
		}
	}
	read.done.CropID = e.e.CropID
	return e.s.q.AddToWecomSync(ctx, read.done)
}

func (e *enterprise) markLost(ctx context.Context, ids []uint64, seen map[string]bool) (lost int64, err error) {
	for part := range slices.Chunk(ids, pairsPerSelect) {
		n, err := e.markLostOf(ctx, part, seen)
		if err != nil {
			return lost, err
		}
		lost += n
	}
	return lost, nil
}

func (e *enterprise) markLostOf(ctx context.Context, ids []uint64, seen map[string]bool) (int64, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	rows, err := e.s.q.GetCurrentPairs(ctx, gendb.GetCurrentPairsParams{CropID: e.e.CropID, Ids: ids})
	if err != nil {
		return 0, err
	}
	now := time.Now()
	var records []writer.Record
	for _, r := range rows {
		// What an event has written while the sync ran is newer than what the sync has read.
		if pair := pairKey(r.Userid, r.ExternalUserid); !seen[pair] && e.touched[pair] == 0 {
			records = append(records, statusRecord(e.e.CropID, now, r.Userid, r.ExternalUserid, -1))
		}
	}
	_, err = e.write(ctx, writer.Follow, records)
	return int64(len(records)), err
}

// track begins and ends noting what events write, for a sync that runs meanwhile.
func (e *enterprise) track(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.touched = nil
	if on {
		e.touched = map[string]int64{}
	}
}

// mark returns a time that later writes of events come after.
func (e *enterprise) mark() int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.written
}

// touch notes that an event has written these; e.mu is held.
func (e *enterprise) touch(keys ...string) {
	e.written++
	if e.touched != nil {
		for _, key := range keys {
			e.touched[key] = e.written
		}
	}
}
