package original

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// GetList asks for the original's getList over HTTP, one request at a time.
type GetList struct {
	URL    string        // of getList, whole
	Header http.Header   // what signs in: a Cookie, mostly
	Pause  time.Duration // between two requests
	Client *http.Client  // nil: http.DefaultClient

	last time.Time
}

// page is a page of the list as far as it is read.
type page struct {
	CurrentPage int64             `json:"current_page"`
	PerPage     int64             `json:"per_page"`
	LastPage    int64             `json:"last_page"`
	Total       int64             `json:"total"`
	Data        []json.RawMessage `json:"data"`
	Tag         []json.RawMessage `json:"tag,omitempty"`
	Employee    []json.RawMessage `json:"employee,omitempty"`
	End         bool              `json:"end,omitempty"` // in a spool: what comes after is another page
}

type envelope struct {
	Result int64           `json:"result"`
	Msg    string          `json:"msg"`
	Data   json.RawMessage `json:"data"`
}

// answer is an answer of getList.
type answer struct {
	Status int
	envelope
}

// How often a request is tried that the server or the network fails, and how long it waits first.
const (
	tries     = 5
	firstWait = time.Second
	longest   = 64 << 20 // bytes of an answer
)

// get returns the answer to these parameters, an error envelope too. Where the network or the server
// fails it tries again, a few times.
func (g *GetList) get(ctx context.Context, parameters url.Values) (answer, error) {
	wait := firstWait
	for try := 1; ; try++ {
		if err := g.pause(ctx); err != nil {
			return answer{}, err
		}
		a, err := g.once(ctx, parameters)
		g.last = time.Now()
		passing, isPassing := errors.AsType[*passingError](err)
		if !isPassing || try == tries || ctx.Err() != nil {
			if isPassing {
				err = passing.error
			}
			return a, err
		}
		if err := sleep(ctx, wait); err != nil {
			return answer{}, err
		}
		wait *= 2
	}
}

// passingError is one after which the same request may succeed.
type passingError struct{ error }

func (g *GetList) pause(ctx context.Context) error {
	if g.last.IsZero() {
		return nil
	}
	return sleep(ctx, g.Pause-time.Since(g.last))
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (g *GetList) once(ctx context.Context, parameters url.Values) (a answer, err error) {
	u, err := url.Parse(g.URL)
	if err != nil || u.Host == "" {
		return a, fmt.Errorf("--original: %q is no URL of getList", g.URL)
	}
	query := u.Query()
	maps.Copy(query, parameters)
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return a, err
	}
	maps.Copy(r.Header, g.Header)
	r.Header.Set("Accept", "application/json")
	client := g.Client
	if client == nil {
		client = http.DefaultClient
	}
	response, err := client.Do(r)
	if err != nil {
		return a, &passingError{err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, longest))
	if err != nil {
		return a, &passingError{fmt.Errorf("%s: %w", u.Redacted(), err)}
	}
	a.Status = response.StatusCode
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &a.envelope); err != nil {
		err = fmt.Errorf("%s: HTTP %d, and no answer of getList: %.200q", u.Redacted(), a.Status, body)
		if a.Status >= http.StatusInternalServerError || a.Status == http.StatusTooManyRequests {
			err = &passingError{err}
		}
		return a, err
	}
	if a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable {
		return a, &passingError{fmt.Errorf("%s: HTTP %d: %s", u.Redacted(), a.Status, a.Msg)}
	}
	return a, nil
}

// page returns a page of the list under these parameters.
func (a *answer) page() (p page, err error) {
	if a.Result != 1 {
		return p, fmt.Errorf("the original answers %q: is what signs in (--cookie, --header) still good, and an enterprise chosen?", a.Msg)
	}
	err = json.Unmarshal(a.Data, &p)
	if err == nil && (p.PerPage < 1 || p.CurrentPage < 1) {
		err = errors.New("no page of a list")
	}
	if err != nil {
		return p, fmt.Errorf("the original's answer: %w", err)
	}
	return p, nil
}

func pageParameters(n int64) url.Values {
	return url.Values{"page": {strconv.FormatInt(n, 10)}}
}
