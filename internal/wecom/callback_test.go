package wecom_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/wecomtest"
)

func TestTheCallbackAnswersTheCheckOfItsAddressAndRefusesWhatIsNotSigned(t *testing.T) {
	t.Parallel()
	h := setup(t, wecomtest.Options{Members: 2, Follows: 5, Seed: 2})
	address := h.callbacks(h.service())
	r, want, err := h.theirs.Verification(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); err != nil || string(got) != want || res.StatusCode != http.StatusOK {
		t.Errorf("%d %q %v, want %q", res.StatusCode, got, err, want)
	}
	forged, err := h.theirs.Request(t.Context(), address, h.theirs.Add("Member0001", "wmNew", false))
	if err != nil {
		t.Fatal(err)
	}
	forged.URL.RawQuery = strings.Replace(forged.URL.RawQuery, "msg_signature=", "msg_signature=0", 1)
	res, err = http.DefaultClient.Do(forged)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n := h.count("SELECT COUNT(*) FROM wecom_inbox"); res.StatusCode == http.StatusOK || n != 0 {
		t.Errorf("a forged event: %d, %d in the inbox", res.StatusCode, n)
	}
}

func TestEventsChangeTheirRowsAlsoTwiceAndInAnyOrder(t *testing.T) {
	t.Parallel()
	h := setup(t, wecomtest.Options{Members: 6, Follows: 60, Seed: 4})
	h.sync()
	s := h.service()
	address := h.callbacks(s)
	pairs := h.theirs.Pairs()
	edit := h.theirs.Edit(pairs[0].Userid, pairs[0].ExternalUserid, "新", "etFict001")
	lost := h.theirs.DeleteMember(pairs[1].Userid, pairs[1].ExternalUserid)
	gone := h.theirs.DeleteCustomer(pairs[2].Userid, pairs[2].ExternalUserid)
	again := h.theirs.Add(pairs[2].Userid, pairs[2].ExternalUserid, false)
	added := h.theirs.Add("Member0001", "wmNew", true)
	tag, user := h.theirs.RenameTag("etFict002", "换"), h.theirs.RenameUser("Member0003", "换")
	h.send(address, again, added, user, gone, edit, edit, tag, lost, h.theirs.Other("change_external_chat", "create"))
	if err := s.Once(t.Context(), crop); err != nil {
		t.Fatal(err)
	}
	h.equal()
	if n := h.count("SELECT COUNT(*) FROM follows WHERE status = -1"); n != 1 {
		t.Errorf("%d follows are lost, want 1", n)
	}
	h.sync() // what a customer has deleted is still listed, and stays lost
	h.equal()
	if s := h.status(); !strings.Contains(s, "events worked off: 8") || !strings.Contains(s, "events of no concern: 1") {
		t.Errorf("status: %s", s)
	}
}
