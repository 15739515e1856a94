package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Response is what the last request of a call was answered with, beside its data.
type Response struct {
	Status    int         // of HTTP; 304 where the data is what was kept
	RequestID string      // by which the server's log has the request
	ETag      string      // the data's version; "" where the answer has none
	Header    http.Header // all header fields
}

type responseKey struct{}

// WithResponse returns a context whose calls write into r what they were answered, also where that
// is an error. A walk overwrites it with every page. Calls at the same time need one each.
func WithResponse(ctx context.Context, r *Response) context.Context {
	return context.WithValue(ctx, responseKey{}, r)
}

// request is a call of one operation.
type request struct {
	operation string
	uniacid   int64
	values    url.Values
	keep      bool // the answer is looked for in the store, and kept there
}

// longestQuery is the bytes of the longest query that goes out by GET: proxies take addresses of 4
// to 8 KB. A longer one goes out as a form, by POST.
const longestQuery = 3500

// call does one call: with the token, and again where the server is busy or refuses the token.
func call[T any](ctx context.Context, c *Client, r request) (data T, err error) {
	fail := func(err error) (T, error) { return data, fmt.Errorf("%s: %w", r.operation, err) }
	if r.uniacid < 1 || r.uniacid > maxUint32 {
		return fail(refused([]FieldError{{Field: "uniacid", Message: "应为正整数"}}))
	}
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	token, err := c.ask(ctx, "")
	if err != nil {
		return fail(err)
	}
	renewed := false
	for again := 0; ; {
		body, refusal, err := c.send(ctx, r, token)
		switch {
		case err != nil:
			return fail(err)
		case refusal == nil:
			if err := json.Unmarshal(body, &data); err != nil {
				return fail(fmt.Errorf("read the answer: %w", err))
			}
			return data, nil
		case refusal.Code == CodeUnauthenticated && token != "" && !renewed:
			renewed = true
			next, err := c.ask(ctx, token)
			if err != nil {
				return fail(err)
			}
			if next == "" || next == token {
				return fail(refusal)
			}
			token = next
		case (refusal.Code == CodeTooManyRequests || refusal.Code == CodeUnavailable) && again < c.retries:
			again++
			wait := time.Second
			if refusal.RetryAfter != nil {
				wait = *refusal.RetryAfter
			}
			if end, ok := ctx.Deadline(); ok && time.Until(end) <= wait {
				return fail(refusal)
			}
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
				timer.Stop()
				return fail(ctx.Err())
			case <-timer.C:
			}
		default:
			return fail(refusal)
		}
	}
}

func (c *Client) ask(ctx context.Context, refused string) (string, error) {
	if c.token == nil {
		return "", nil
	}
	token, err := c.token(ctx, refused)
	if err != nil {
		return "", fmt.Errorf("token: %w", err)
	}
	return token, nil
}

// send sends one request and returns the data of a successful envelope as JSON, or the refusal. The
// error is what went wrong on the way.
func (c *Client) send(ctx context.Context, r request, token string) (data []byte, refusal *Error, err error) {
	address := c.base + "/business/" + strconv.FormatInt(r.uniacid, 10) + "/plugin/WechatCustomers/" + r.operation
	method, query, form := http.MethodGet, r.values.Encode(), io.Reader(nil)
	post := len(query) > longestQuery
	if post {
		method, form = http.MethodPost, strings.NewReader(query)
	} else if query != "" {
		address += "?" + query
	}
	out, err := http.NewRequestWithContext(ctx, method, address, form)
	if err != nil {
		return nil, nil, err
	}
	if c.headers != nil {
		out.Header = c.headers.Clone()
	}
	if token != "" {
		out.Header.Set("Authorization", "Bearer "+token)
	}
	if post {
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	key := token + "\n" + address // what one member may see is not another's
	var kept answer
	if r.keep && !post {
		var ok bool
		if kept, ok = c.answers.get(key); ok {
			out.Header.Set("If-None-Match", kept.etag)
		}
	}
	in, err := c.http.Do(out)
	if err != nil {
		return nil, nil, err
	}
	body, err := io.ReadAll(in.Body)
	if err := errors.Join(err, in.Body.Close()); err != nil {
		return nil, nil, err
	}
	if told, ok := ctx.Value(responseKey{}).(*Response); ok && told != nil {
		etag := in.Header.Get("ETag")
		if in.StatusCode == http.StatusNotModified && etag == "" {
			etag = kept.etag
		}
		*told = Response{Status: in.StatusCode, RequestID: in.Header.Get("X-Request-Id"), ETag: etag, Header: in.Header}
	}
	if in.StatusCode == http.StatusNotModified && kept.etag != "" {
		return kept.data, nil, nil
	}
	data, refusal = read(in, body)
	if etag := in.Header.Get("ETag"); refusal == nil && etag != "" && r.keep && !post {
		c.answers.put(key, answer{etag, data})
	}
	return data, refusal, nil
}

// read returns the data of a successful envelope, else the refusal. It looks at result before data:
// with LEGACY_STATUS failures come as 200, and their data is of another type.
func read(in *http.Response, body []byte) (json.RawMessage, *Error) {
	var envelope struct {
		Result *int            `json:"result"`
		Msg    string          `json:"msg"`
		Data   json.RawMessage `json:"data"`
	}
	err := json.Unmarshal(body, &envelope)
	known := err == nil && envelope.Result != nil
	if known && *envelope.Result == 1 && in.StatusCode == http.StatusOK {
		return bytes.Clone(envelope.Data), nil
	}
	refusal := &Error{
		Status: in.StatusCode, RequestID: in.Header.Get("X-Request-Id"),
		RetryAfter: retryAfter(in.Header.Get("Retry-After")), Code: Code(in.Header.Get("X-Error-Code")),
	}
	if known && *envelope.Result != 1 {
		refusal.Msg = envelope.Msg
		// Data that names no fields says nothing more.
		var fields []FieldError
		if json.Unmarshal(envelope.Data, &fields) == nil {
			for _, f := range fields {
				if f.Field != "" {
					refusal.Fields = append(refusal.Fields, f)
				}
			}
		}
		if refusal.Code == "" {
			refusal.Code = codeOfData(envelope.Data)
		}
	} else {
		// Not the server's own words: a proxy's page, or another address altogether.
		refusal.Msg = http.StatusText(in.StatusCode) + " (no envelope)"
	}
	if refusal.Code == "" {
		refusal.Code = codes[in.StatusCode]
	}
	return nil, refusal
}

// retryAfter returns what a Retry-After says, which is seconds or a date; nil where it says nothing.
func retryAfter(text string) *time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = max(0, time.Until(at))
	} else {
		return nil
	}
	return &wait
}
