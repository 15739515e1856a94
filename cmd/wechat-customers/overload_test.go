package main_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkOverload asks the built program over 64 and over 2,000 connections, in turns, for pages
// that nobody has asked for before. Callers wait as Retry-After says, and a caller of /readyz asks
// beside them. `make bench/overload` runs it.
func BenchmarkOverload(b *testing.B) {
	const few, many, customersThere, rounds = 64, 2000, 20_000, 4
	program, dir := build(b), b.TempDir()
	env := []string{"DATA_DIR=" + filepath.Join(dir, "data"), "DATABASE_DSN=", "JWT_SECRET=" + secret, "CACHE_MB=0", "RATE_MEMBER=0", "RATE_ADDRESS=0"}
	records := filepath.Join(dir, "records")
	if err := os.WriteFile(records, []byte(customers(1, customersThere)), 0o600); err != nil {
		b.Fatal(err)
	}
	run(b, ".", env, program, "import", records)
	token := strings.TrimSpace(run(b, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
	_, address := serve(b, env, program)
	base := "http://" + address
	load(b, base, token, few, time.Second) // connections and pages of the database are there

	for b.Loop() {
		var at [2]loaded
		for range rounds {
			for i, n := range []int{few, many} {
				at[i].add(load(b, base, token, n, 3*time.Second))
			}
		}
		for i, n := range []int{few, many} {
			b.ReportMetric(float64(len(at[i].good))/at[i].took.Seconds(), fmt.Sprintf("good/s@%d", n))
			b.ReportMetric(at[i].p99().Seconds()*1000, fmt.Sprintf("p99-ms@%d", n))
			b.ReportMetric(float64(at[i].refused)/at[i].took.Seconds(), fmt.Sprintf("503/s@%d", n))
			b.ReportMetric(slices.Max(at[i].ready).Seconds()*1000, fmt.Sprintf("readyz-max-ms@%d", n))
		}
	}
}

// loaded is what callers have seen.
type loaded struct {
	good    []time.Duration // the times of good answers
	refused int
	ready   []time.Duration // the times of /readyz
	took    time.Duration
}

func (l *loaded) add(more loaded) {
	l.good, l.ready = append(l.good, more.good...), append(l.ready, more.ready...)
	l.refused += more.refused
	l.took += more.took
}

func (l *loaded) p99() time.Duration {
	slices.Sort(l.good)
	return l.good[len(l.good)*99/100]
}

// warmUp is how long the callers connect and spread before anything is measured.
const warmUp = 3 * time.Second

// load asks over n connections for so long.
func load(b *testing.B, base, token string, n int, during time.Duration) (all loaded) {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: n + 1}}
	defer client.CloseIdleConnections()
	var mu sync.Mutex
	var callers sync.WaitGroup
	start := time.Now().Add(warmUp)
	over := start.Add(during)
	ask := func(url string) (*http.Response, time.Duration) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			b.Error(err)
			return nil, 0
		}
		r.Header.Set("Authorization", "Bearer "+token)
		sent := time.Now()
		res, err := client.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err != nil {
			b.Error(err)
			return nil, 0
		}
		return res, time.Since(sent)
	}
	callers.Go(func() {
		for time.Now().Before(over) {
			res, took := ask(base + "/readyz")
			if res == nil {
				return
			}
			if res.StatusCode != http.StatusOK {
				b.Errorf("/readyz: %d", res.StatusCode)
			}
			if time.Now().After(start) {
				all.ready = append(all.ready, took)
			}
			time.Sleep(10 * time.Millisecond) //nolint:forbidigo // a load balancer asks every so often
		}
	})
	for range n {
		callers.Go(func() {
			for time.Now().Before(over) {
				res, took := ask(fmt.Sprintf("%s%s?per_page=20&page=%d&search[status]=1", base, listRoute, 1+rand.IntN(400)))
				if res == nil {
					return
				}
				mu.Lock()
				switch {
				case time.Now().Before(start):
				case res.StatusCode == http.StatusOK:
					all.good = append(all.good, took)
				default:
					all.refused++
				}
				mu.Unlock()
				if res.StatusCode != http.StatusOK {
					wait, err := strconv.Atoi(res.Header.Get("Retry-After"))
					if err != nil || res.StatusCode != http.StatusServiceUnavailable {
						b.Errorf("%d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
						return
					}
					// Callers do not come back all at the same moment.
					again := time.Duration((float64(wait) + rand.Float64()) * float64(time.Second))
					time.Sleep(min(again, time.Until(over))) //nolint:forbidigo // as Retry-After says
				}
			}
		})
	}
	callers.Wait()
	all.took = time.Since(start)
	return all
}
