package wecom

import (
	"context"
	"database/sql"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	gendb "example.com/wechatcustomers/gen/db"
	gen "example.com/wechatcustomers/gen/wecom"
	"example.com/wechatcustomers/internal/writer"
)

// An event says what to read again, and of a pair whether it is lost: which no call tells. All else
// of it is not believed, since events come twice, late, or never.

// event is a decrypted callback message.
type event struct {
	XMLName        xml.Name `xml:"xml"`
	Event          string   `xml:"Event"`
	ChangeType     string   `xml:"ChangeType"`
	CreateTime     int64    `xml:"CreateTime"`
	UserID         string   `xml:"UserID"`
	NewUserID      string   `xml:"NewUserID"`
	ExternalUserID string   `xml:"ExternalUserID"`
}

func parseEvent(message []byte) (e event, err error) {
	if err := xml.Unmarshal(message, &e); err != nil {
		return e, fmt.Errorf("the message is not the XML of an event: %w", err)
	}
	return e, nil
}

// The states of an event in the inbox.
const (
	waiting   int8 = 0
	workedOff int8 = 1
	leftAlone int8 = 2 // failed too often
	ofNoUse   int8 = 3
)

// What changes of pairs mean for their status; 0: nothing.
var pairChanges = map[string]int64{
	"add_external_contact": 1, "add_half_external_contact": 1, "del_external_contact": -1, "del_follow_user": -1,
	"edit_external_contact": 0, "transfer_fail": 0,
}

// statusChanges are those that mean something.
var statusChanges = []string{"add_external_contact", "add_half_external_contact", "del_external_contact", "del_follow_user"}

// target returns what an event calls for reading again: the same text for the same thing, "" for
// nothing.
func target(kind, change, userid, externalUserid string) string {
	switch kind {
	case "change_external_contact":
		if _, known := pairChanges[change]; known && userid != "" && externalUserid != "" {
			return "pair " + pairKey(userid, externalUserid)
		}
	case "change_external_tag":
		switch change {
		case "create", "update", "delete", "shuffle":
			return "tags"
		}
	case "change_contact":
		switch change {
		case "create_user", "update_user", "delete_user":
			if userid != "" {
				return "user " + strings.ToLower(userid)
			}
		}
	}
	return ""
}

// store puts a message into the inbox.
func (e *enterprise) store(ctx context.Context, message []byte) error {
	ev, err := parseEvent(message)
	state, dueAt := waiting, int64(0)
	// The columns' widths are those of WeCom's ids; nothing that is longer is one.
	const most = 100
	tooLong := max(len(ev.UserID), len(ev.ExternalUserID)) > most
	if err != nil || tooLong || target(ev.Event, ev.ChangeType, ev.UserID, ev.ExternalUserID) == "" {
		state, dueAt = ofNoUse, forgetAt()
		e.log.Info("wecom: an event of no concern", "event", clip(ev.Event, most), "change_type", clip(ev.ChangeType, most), "error", err)
	}
	return e.s.q.AddEvent(ctx, gendb.AddEventParams{
		CropID: e.e.CropID, Event: clip(ev.Event, most), ChangeType: clip(ev.ChangeType, most), Created: ev.CreateTime,
		Userid: clip(strings.ToLower(ev.UserID), most), ExternalUserid: clip(ev.ExternalUserID, most), Message: strings.ToValidUTF8(string(message), "\ufffd"), State: state, DueAt: dueAt,
	})
}

const (
	eventsPerSelect = 200
	eventsAtOnce    = 4
	eventAttempts   = 12 // in a little more than an hour
	longestRetry    = time.Hour
)

// forgetAt returns when an event that is worked off now may be forgotten, in milliseconds.
func forgetAt() int64 { return time.Now().Add(keepEvents).UnixMilli() }

// forget deletes events that nobody asks for any more.
func (e *enterprise) forget(ctx context.Context) error {
	for _, state := range []int8{workedOff, ofNoUse} {
		for {
			const some = 1000
			ids, err := e.s.q.ListOldEvents(ctx, gendb.ListOldEventsParams{CropID: e.e.CropID, State: state, Before: time.Now().UnixMilli(), Limit: some})
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				break
			}
			if err := e.s.q.ForgetEvents(ctx, gendb.ForgetEventsParams{CropID: e.e.CropID, Ids: ids}); err != nil {
				return err
			}
		}
	}
	return nil
}

// events works off the events that are due. What fails is put off, and is no error: the error is the
// database's.
func (e *enterprise) events(ctx context.Context) error {
	for {
		due, err := e.s.q.ListDueEvents(ctx, gendb.ListDueEventsParams{CropID: e.e.CropID, Limit: eventsPerSelect})
		if err != nil || len(due) == 0 {
			return err
		}
		var order []string
		byTarget := map[string][]gendb.ListDueEventsRow{}
		for _, ev := range due {
			t := target(ev.Event, ev.ChangeType, ev.Userid, ev.ExternalUserid)
			if byTarget[t] == nil {
				order = append(order, t)
			}
			byTarget[t] = append(byTarget[t], ev)
		}
		group, working := errgroup.WithContext(ctx)
		group.SetLimit(eventsAtOnce)
		for _, t := range order {
			group.Go(func() error { return e.handle(working, byTarget[t]) })
		}
		if err := group.Wait(); err != nil {
			return err
		}
	}
}

// handle works off events of one target, in one go.
func (e *enterprise) handle(ctx context.Context, events []gendb.ListDueEventsRow) error {
	ids := make([]uint64, len(events))
	attempts := int32(math.MaxInt32)
	for i, ev := range events {
		ids[i], attempts = ev.ID, min(attempts, ev.Attempts)
	}
	ctx, ended := e.s.Observer.WecomWork(ctx, events[0].Event, e.e.CropID)
	var err error
	defer func() { ended(err) }()
	switch events[0].Event {
	case "change_external_tag":
		err = e.readTags(ctx)
	case "change_contact":
		err = e.handleUser(ctx, events)
	default:
		err = e.handlePair(ctx, events[0].Userid, events[0].ExternalUserid, ids)
	}
	if err == nil {
		return e.s.q.EndEvents(ctx, gendb.EndEventsParams{CropID: e.e.CropID, DueAt: forgetAt(), Ids: ids})
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	again := min(e.waits.Retry<<min(attempts, 20), longestRetry)
	e.log.Warn("wecom: an event cannot be worked off", "change_type", events[0].ChangeType, "error", err, "again_in", again)
	return e.s.q.PutOffEvents(ctx, gendb.PutOffEventsParams{
		CropID: e.e.CropID, Ids: ids, Error: clip(err.Error(), 1000), Most: eventAttempts, Milliseconds: again.Milliseconds(),
	})
}

// handlePair reads a pair again, and applies the last of the events that tell whether it is lost,
// where that is one of these: events may have come in any order.
func (e *enterprise) handlePair(ctx context.Context, userid, external string, ids []uint64) error {
	q, crop := e.s.q, e.e.CropID
	last, err := q.LastEventOfPair(ctx, gendb.LastEventOfPairParams{CropID: crop, ExternalUserid: external, Userid: userid, Changes: statusChanges})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	status := int64(0)
	// One that comes when what has happened since may be forgotten is an old message again.
	if err == nil && slices.Contains(ids, last.ID) && last.Created*1000 > last.ReceivedAt-keepEvents.Milliseconds() {
		status = pairChanges[last.ChangeType]
	}
	contact, follow, err := e.customer(ctx, external, userid)
	switch codeOf(err) {
	case noRelation, badExternalUserid: // there is nothing to read any more
		contact, follow = nil, nil
	default:
		if err != nil {
			return err
		}
	}
	if status == -1 && follow != nil && number(follow.Createtime) > last.Created {
		status = 0 // it is about the time before the member and the customer met again
	}
	now := time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	var records []writer.Record
	switch {
	case follow != nil && contact != nil:
		contact.ExternalUserid = &external
		if _, err := e.write(ctx, writer.Customer, []writer.Record{customerRecord(crop, now, contact)}); err != nil {
			return err
		}
		records = []writer.Record{followRecord(crop, now, external, follow, status)}
	case status == -1:
		// The calls do not say so, but a row of it is out of date.
		known, err := q.HasPair(ctx, gendb.HasPairParams{CropID: crop, ExternalUserid: external, Userid: userid})
		if err != nil || !known {
			return err
		}
		records = []writer.Record{statusRecord(crop, now, userid, external, status)}
	}
	if _, err := e.write(ctx, writer.Follow, records); err != nil {
		return err
	}
	e.touch(pairKey(userid, external), external)
	return nil
}

// handleUser reads a member again.
func (e *enterprise) handleUser(ctx context.Context, events []gendb.ListDueEventsRow) error {
	now := time.Now()
	var records []writer.Record
	read := func(userid string) error {
		u, err := e.user(ctx, userid)
		switch code := codeOf(err); {
		case code == noSuchUser || code == badUserid:
			u = gen.User{Userid: &userid, Status: new(left)}
		case err != nil:
			return err
		}
		records = append(records, employeeRecord(e.e.CropID, now, &u))
		return nil
	}
	for _, ev := range events {
		message, err := parseEvent([]byte(ev.Message))
		if err != nil {
			return err
		}
		// A changed userid comes as an update with both.
		if message.NewUserID != "" {
			if err := read(message.NewUserID); err != nil {
				return err
			}
		}
		if message.NewUserID == "" || ev == events[len(events)-1] {
			if err := read(message.UserID); err != nil {
				return err
			}
		}
	}
	_, err := e.write(ctx, writer.Employee, records)
	return err
}
