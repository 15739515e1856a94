package wecom_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/wecom"
	"example.com/wechatcustomers/internal/wecomtest"
)

// A copy of the test program that has these in its environment is a process of its own that syncs once
// and takes callbacks meanwhile: one that can be killed.
const (
	workerDSN = "TEST_WECOM_DSN"
	workerURL = "TEST_WECOM_URL"
)

func work(dsn string) {
	err := func() error {
		db, err := store.Open(dsn)
		if err != nil {
			return err
		}
		cfg := config(db, os.Getenv(workerURL), slog.New(slog.NewTextHandler(os.Stderr, nil)), wecomtest.New(wecomtest.Options{}).Options())
		cfg.Waits.Lease = 3 * time.Second // the next one waits for it when this one is killed
		s, err := wecom.New(cfg)
		if err != nil {
			return err
		}
		e := echo.New()
		s.Routes(e)
		l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() { _ = http.Serve(l, e) }() //nolint:gosec // a test's
		if _, err := fmt.Fprintln(os.Stdout, "http://"+l.Addr().String()+wecom.CallbackPath+"1"); err != nil {
			return err
		}
		return s.Once(context.Background(), crop)
	}()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

type worker struct {
	*exec.Cmd
	address string // of its callback
}

func (h *house) worker() worker {
	h.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), workerDSN+"="+h.dsn, workerURL+"="+h.url)
	cmd.Stderr = h.log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = cmd.Process.Kill() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		h.t.Fatalf("%v\n%s", err, h.log)
	}
	return worker{cmd, strings.TrimSpace(address)}
}

// number returns a number of the environment: make test/wecom asks for more.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// WECOM_FOLLOWS is 100,000 in make test/wecom.
func TestThroughFailuresChangesAndKillsTheTablesEndEqualToWecom(t *testing.T) {
	t.Parallel()
	follows := number(t, "WECOM_FOLLOWS", 4000)
	r := random(5)
	spoil := faults(random(7), 25)
	var pages, killAt atomic.Int64
	kill := make(chan struct{}, 1)
	var h *house
	// Between the pages, and while no process lives, members add, note and delete customers, of which no
	// event tells.
	var changing sync.Mutex
	changes, lot := true, random(11)
	change := func() {
		changing.Lock()
		defer changing.Unlock()
		for pairs := h.theirs.Pairs(); changes; {
			p := pairs[lot.IntN(len(pairs))]
			switch lot.IntN(4) {
			case 0:
				h.theirs.Edit(p.Userid, p.ExternalUserid, fmt.Sprint("改", lot.IntN(1000)), "etFict001")
			case 1:
				h.theirs.Add(p.Userid, fmt.Sprint("wmNew", lot.IntN(1_000_000)), false)
			case 2:
				h.theirs.DeleteCustomer(p.Userid, p.ExternalUserid)
			default:
				return
			}
		}
	}
	page := func() {
		if pages.Load()%50 == 1 {
			change()
		}
	}
	h = setup(t, wecomtest.Options{Page: page, Members: 40 + follows/250, Follows: follows, Seed: 5, Fault: func(call string) wecomtest.Fault {
		if call == "externalcontact/batch/get_by_user" && pages.Add(1) == killAt.Load() {
			kill <- struct{}{}
		}
		return spoil(call)
	}})
	const enough = 6
	kills := 0
	for done := false; !done; {
		killAt.Store(0)
		if kills < enough {
			killAt.Store(pages.Load() + 1 + int64(r.IntN(follows/80)))
		}
		w := h.worker()
		ended := make(chan error, 1)
		go func() { ended <- w.Wait() }()
		select {
		case <-kill:
			if err := w.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-ended
			kills++
			change()
		case err := <-ended:
			done = err == nil && kills == enough
		}
		if r.IntN(3) == 0 {
			h.theirs.Revoke()
			h.theirs.Expire()
		}
		select {
		case <-kill: // it came as the process ended by itself
		default:
		}
	}
	killAt.Store(0)
	changing.Lock()
	changes = false
	changing.Unlock()
	h.settle() // what has changed behind the back of the one that was killed
	h.equal()
	if _, over := h.theirs.Calls(""); over != 0 {
		t.Errorf("%d calls were over a quota", over)
	}
	before := h.count("SELECT SUM(rows_version + dict_version) FROM versions")
	h.settle()
	if after := h.count("SELECT SUM(rows_version + dict_version) FROM versions"); after != before {
		t.Error("a sync that had nothing to change has changed the versions")
	}
	if n := h.count("SELECT COUNT(*) FROM follows WHERE status = -1"); n == 0 {
		t.Error("no pair was lost")
	}
	t.Logf("%d follows, killed %d times, %d pages", follows, kills, pages.Load())
}

func TestAnotherProcessTakesOverOnceTheHolderIsDeadAndNotBefore(t *testing.T) {
	t.Parallel()
	hangs, called := atomic.Bool{}, make(chan struct{}, 100)
	hangs.Store(true)
	h := setup(t, wecomtest.Options{Members: 4, Follows: 50, Seed: 9, Fault: func(call string) wecomtest.Fault {
		if call == "externalcontact/get_follow_user_list" && hangs.Load() {
			called <- struct{}{}
			return wecomtest.Fault{Hang: true}
		}
		return wecomtest.Fault{}
	}})
	w := h.worker()
	<-called
	n, err := gendb.New(h.ours).TakeLease(t.Context(), gendb.TakeLeaseParams{CropID: crop, Holder: "another", Milliseconds: 1})
	if err != nil || n != 0 {
		t.Errorf("the lease of a living process was taken: %d, %v", n, err)
	}
	if s := h.status(); !strings.Contains(s, "running after") || !strings.Contains(s, "at work: test ") {
		t.Errorf("status: %s", s)
	}
	if err := w.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = w.Wait()
	hangs.Store(false)
	h.sync()
	h.equal()
}

func TestAnEventThatWasAcknowledgedOutlivesAKill(t *testing.T) {
	t.Parallel()
	hangs, called := atomic.Bool{}, make(chan struct{}, 100)
	hangs.Store(true)
	h := setup(t, wecomtest.Options{Members: 4, Follows: 50, Seed: 9, Fault: func(call string) wecomtest.Fault {
		// The worker stays in its sync, and in the event.
		if (call == "externalcontact/get_corp_tag_list" || call == "externalcontact/get") && hangs.Load() {
			called <- struct{}{}
			return wecomtest.Fault{Hang: true}
		}
		return wecomtest.Fault{}
	}})
	hangs.Store(false)
	h.sync()
	hangs.Store(true)
	pairs := h.theirs.Pairs()
	events := []wecomtest.Event{h.theirs.DeleteMember(pairs[3].Userid, pairs[3].ExternalUserid), h.theirs.DeleteMember(pairs[7].Userid, pairs[7].ExternalUserid)}
	w := h.worker()
	<-called
	h.send(w.address, events...)
	if err := w.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = w.Wait()
	hangs.Store(false)
	h.sync()
	h.equal()
	if n := h.count("SELECT COUNT(*) FROM follows WHERE status = -1"); n != 2 {
		t.Errorf("%d follows are lost, want 2", n)
	}
}

// Two processes of one enterprise, both at it: each event is worked off once, whoever gets it.
func TestTwoProcessesShareTheEventsOfAnEnterprise(t *testing.T) {
	t.Parallel()
	h := setup(t, wecomtest.Options{Members: 6, Follows: 200, Seed: 13})
	h.sync()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	var addresses []string
	for range 2 {
		s := h.service()
		addresses = append(addresses, h.callbacks(s))
		running.Go(func() { s.Run(ctx) })
	}
	r := rand.New(rand.NewPCG(3, 3))
	for i, p := range h.theirs.Pairs() {
		if i%4 == 0 {
			h.send(addresses[r.IntN(2)], h.theirs.Edit(p.Userid, p.ExternalUserid, fmt.Sprint(i)))
		}
	}
	h.await("SELECT COUNT(*) FROM wecom_inbox WHERE state <> 1", 0)
	stop()
	running.Wait()
	h.equal()
	if n := h.count("SELECT SUM(attempts) FROM wecom_inbox"); n != 0 {
		t.Errorf("%d events failed", n)
	}
}
