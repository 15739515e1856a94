package httpapi_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/httpapi"
)

func FuzzEveryRequestIsAnsweredByTheDocumentOrRefusedByTheEnvelope(f *testing.F) {
	var cfg httpapi.Config
	setup(f, managers+market().records(), config(func(c *httpapi.Config) {
		c.JWTCookie, c.CORSOrigins, c.Ready = "token", []string{shop}, func(context.Context) error { return nil }
		c.Limits.URL, c.Limits.Header, c.Limits.Pairs, c.Limits.Body = 2000, 2000, 20, 2000 // within reach
		cfg = *c
	}))
	handler, err := httpapi.New(cfg)
	mustSucceed(f, err)
	signed := of(f, uid)
	document := newChecked(f, nil, false)

	seedRequests(f)
	f.Fuzz(func(t *testing.T, method, path, query, header, body string, known bool) {
		head := method + " " + path + "?" + query + " HTTP/1.1\r\nHost: localhost\r\n"
		if known {
			head += "Authorization: Bearer " + signed + "\r\n"
		}
		if header != "" {
			head += header + "\r\n"
		}
		head += fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
		// What is no HTTP never comes to the handler.
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + body)))
		if err != nil {
			return
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r.WithContext(t.Context()))
		answer := w.Result()
		sent, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		mustSucceed(t, err)
		if answer.Header.Get("Content-Encoding") == "gzip" && len(sent) > 0 {
			plain, err := gzip.NewReader(bytes.NewReader(sent))
			mustSucceed(t, err)
			sent, err = io.ReadAll(plain)
			mustSucceed(t, err)
		}
		if r.Method == http.MethodHead {
			sent = nil // net/http sends none
		}
		if answer.StatusCode >= 500 {
			t.Errorf("%d %s", answer.StatusCode, sent)
		}
		if !strings.HasPrefix(r.URL.Path, "/business/") {
			return
		}
		if err := document.check(r, answer, sent); err != nil {
			t.Errorf("%d, against the document: %v\n%.1000s", answer.StatusCode, err, sent)
		}
		if answer.StatusCode == http.StatusBadRequest && strings.Contains(string(sent), "参数错误") && strings.HasSuffix(strings.TrimSpace(string(sent)), `"data":[]}`) {
			t.Errorf("wrong parameters, none named: %s", sent)
		}
	})
}

// seedRequests adds what real clients send, and what is known to be hard.
func seedRequests(f *testing.F) {
	f.Helper()
	text, err := os.ReadFile("../canonical/testdata/vectors.json")
	mustSucceed(f, err)
	var vectors []struct{ Method, Query, ContentType, Body string }
	mustSucceed(f, json.Unmarshal(text, &vectors))
	for i, v := range vectors {
		if i%7 != 0 { // the clients differ little from one another
			continue
		}
		header := ""
		if v.ContentType != "" {
			header = "Content-Type: " + v.ContentType
		}
		f.Add(v.Method, listPath, v.Query, header, v.Body, true)
	}
	for _, query := range []string{
		"search[status]=0x1", "search[status]=+1", "search[status]= 1", "search[add_way_type]=1e2", "search[add_way_type]=1_0", "per_page=0b1", "crop_id=01", "crop_id=-0",
		"before_id=9223372036854775807", "before_id=1&page=1", "before_id=5&page=2", "page=18446744073709551616", "search[time][]=1e9", "search[time][]=&search[time][]=",
		"search[time][0][a]=1", "search[time]=,", "search[time]=,,", "search[time]=a,b", "search[time]=1,2&search[time][1]=0", "search[member]=00000000000000000000",
		"search[customer]=%00", "search[customer]=%FF", "search[customer]=%F0%9F%98%80", "search[customer]=%CC%81", "search[customer]=%EF%B7%BA", "search[customer]=\\", "search[customer]='\"`--",
		"search[tags_data]=,", "search[tags_data]=a,a,a", "search[employee_member]=%C4%B0", "search[类型]=1", "search[%E7%B1%BB%E5%9E%8B]=2&search[type]=1", "search=1", "search={", "search={\"time\":[1]}",
		"search[", "search]", "search[]", "search[][status]=1", "search.status=1", "omit=tag,tag,employee", "omit[]=tag", ";", "&&&", "=", "%", "a%zzb=%", strings.Repeat("a=&", 30), strings.Repeat("x", 3000),
	} {
		f.Add("GET", listPath, query, "", "", true)
		f.Add("POST", listPath, "", "Content-Type: application/x-www-form-urlencoded", query, true)
	}
	for _, body := range []string{
		"{", "[]", "null", "1", `"a"`, "{}{}", `{"search":{"status":true}}`, `{"search":{"time":{"0":1,"1":[2]}}}`, `{"page":1e999}`, `{"page":-0}`, `{"search":{"status":{"a":1}}}`,
		`{"search":{"customer":"\ud800"}}`, "{\"search\":{\"customer\":\"\xff\"}}", strings.Repeat("[", 100), `{"a":` + strings.Repeat("[", 900), "\ufeff{}", `{"search":"{\"status\":1}"}`, strings.Repeat(" ", 3000),
	} {
		f.Add("POST", listPath, "", "Content-Type: application/json", body, true)
	}
	f.Add("POST", listPath, "", "Content-Type: multipart/form-data", "x", true)
	f.Add("POST", listPath, "", "Content-Type: multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"search[status]\"\r\n\r\n1\r\n--b--\r\n", true)
	f.Add("POST", listPath, "", "Content-Type: multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"page\"", true)
	f.Add("POST", listPath, "", "Content-Type: text/plain", "x", true)
	f.Add("POST", listPath, "", "Transfer-Encoding: chunked", "zz", true)
	f.Add("POST", listPath, "", "Content-Encoding: gzip\r\nContent-Type: application/json", "{}", true)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "REPORT", "get", "*"} {
		for _, path := range []string{listPath, businessPath, "/business/", "/business/2/plugin/WechatCustomers/", "/", "/healthz", "//business/2"} {
			f.Add(method, path, "search[status]=1", "Origin: "+shop+"\r\nAccess-Control-Request-Method: GET", "", true)
		}
	}
	for _, account := range []string{"0", "01", "%32", "2%2F", "x", "%FF", "%00", "-2", "+2", "4294967296", "2;a", "2,3", "..", "2%20", "{uniacid}", ":uniacid"} {
		f.Add("GET", strings.Replace(listPath, "/2/", "/"+account+"/", 1), "", "", "", true)
	}
	for _, header := range []string{"Authorization: Bearer", "Authorization: Bearer x.y.z", "Cookie: token=x", "Authorization: Basic eDp5", "If-None-Match: *", "If-None-Match: \"\"", "Range: bytes=0-1",
		"Expect: 100-continue", "Upgrade: h2c", "X: " + strings.Repeat("x", 3000), "Accept-Encoding: gzip", "Accept: text/html"} {
		f.Add("GET", listPath, "", header, "", false)
		f.Add("GET", listPath, "", header, "", true)
	}
}
