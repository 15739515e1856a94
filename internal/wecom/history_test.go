package wecom_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.com/wechatcustomers/internal/wecomtest"
)

// WECOM_HISTORIES is 200 in make test/wecom.
func TestRandomHistoriesOfEventsEndEqualToWecom(t *testing.T) {
	t.Parallel()
	for seed := range number(t, "WECOM_HISTORIES", 3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			history(t, uint64(seed))
		})
	}
}

// history tells a service of random changes: some never, some twice, some late, in another order than
// they happened in. In the end it reads everything, and what was never told comes after all.
func history(t *testing.T, seed uint64) {
	t.Helper()
	r := random(100 + seed)
	h := setup(t, wecomtest.Options{Members: 6, Follows: 60, Seed: seed, Fault: faults(random(200+seed), 30)})
	h.settle()
	s := h.service()
	address := h.callbacks(s)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	var late, lost []wecomtest.Event
	tags := []string{"etFict000", "etFict001", "etFict102"}
	for step := range 150 {
		pairs := h.theirs.Pairs()
		p := pairs[r.IntN(len(pairs))]
		var e wecomtest.Event
		switch r.IntN(12) {
		case 0, 1:
			e = h.theirs.Add(p.Userid, fmt.Sprint("wmNew", step), r.IntN(2) == 0)
		case 2, 3:
			e = h.theirs.Add(p.Userid, p.ExternalUserid, false)
		case 4, 5:
			e = h.theirs.DeleteCustomer(p.Userid, p.ExternalUserid)
		case 6, 7:
			e = h.theirs.DeleteMember(p.Userid, p.ExternalUserid)
		case 8:
			e = h.theirs.Edit(p.Userid, p.ExternalUserid, fmt.Sprint("注", step), tags[r.IntN(len(tags))])
		case 9:
			e = h.theirs.RenameUser(p.Userid, fmt.Sprint("名", step))
		case 10:
			e = h.theirs.RenameTag(tags[r.IntN(len(tags))], fmt.Sprint("签", step))
		default:
			e = h.theirs.CreateTag(fmt.Sprint("etNew", step), "新")
		}
		switch r.IntN(6) {
		case 0:
			lost = append(lost, e)
		case 1:
			late = append(late, e)
		case 2:
			h.send(address, e, e)
		default:
			h.send(address, e)
		}
		if len(late) > 0 && r.IntN(4) == 0 {
			i := r.IntN(len(late))
			h.send(address, late[i])
			late = append(late[:i], late[i+1:]...)
		}
	}
	h.send(address, late...)
	stop()
	running.Wait()
	h.settle()
	// No call tells whether a customer has deleted a member, nor that they have met again: only what was
	// never told may be missing, and only in the status.
	untold := map[string]bool{}
	for _, e := range lost {
		untold["pair "+strings.ToLower(e.Userid)+" "+e.ExternalUserid] = true
	}
	h.equalBut(func(difference string) bool {
		name, status, is := strings.Cut(difference, " has status ")
		return is && untold[name] && status != ""
	})
	r.Shuffle(len(lost), func(i, j int) { lost[i], lost[j] = lost[j], lost[i] })
	h.send(address, lost...)
	h.settle()
	h.equal()
}

// settle syncs until WeCom lets it, and no event waits.
func (h *house) settle() {
	h.t.Helper()
	for {
		err := h.service().Once(h.t.Context(), crop)
		h.exec("UPDATE wecom_inbox SET state = 0, attempts = 0, due_at = 0 WHERE state IN (0, 2)")
		if err == nil && h.count("SELECT COUNT(*) FROM wecom_inbox WHERE state = 0") == 0 {
			return
		}
		if h.t.Context().Err() != nil {
			h.t.Fatal(err)
		}
	}
}
