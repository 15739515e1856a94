package main_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
)

// needs skips the test where a program is missing; CI has them all.
func needs(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	switch {
	case err == nil:
		return path
	case os.Getenv("CI") != "":
		t.Fatalf("%s is missing: apt-get install %s", program, pkg)
	default:
		t.Skipf("NOT TESTED: %s is missing: apt-get install %s", program, pkg)
	}
	return ""
}

// certificate writes a key and its certificate for mall.example.com, and returns who trusts it.
func certificate(t *testing.T, certFile, keyFile string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mall.example.com"}, DNSNames: []string{"mall.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for file, text := range map[string][]byte{certFile: cert, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// proxy runs nginx by deploy/nginx.conf in front of address, and returns a client that reaches the mall
// through it, from 127.0.0.5.
func proxy(t *testing.T, address string) *http.Client {
	t.Helper()
	nginx, dir := needs(t, "nginx", "nginx-light"), t.TempDir()
	pool := certificate(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	site, err := os.ReadFile("../../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	plain, secured := free(t), free(t)
	replaced := strings.NewReplacer("127.0.0.1:8080", address, "listen 80;", "listen "+plain+";", "listen 443 ", "listen "+secured+" ",
		"/etc/ssl/mall.example.com.pem", filepath.Join(dir, "cert.pem"), "/etc/ssl/private/mall.example.com.key", filepath.Join(dir, "key.pem")).Replace(string(site))
	var temporary strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary.WriteString(kind + "_temp_path " + dir + "/" + kind + ";\n")
	}
	conf := "pid " + dir + "/pid;\nerror_log stderr;\ndaemon off;\nmaster_process off;\nevents {}\nhttp {\naccess_log off;\ngzip on;\ngzip_types application/json;\n" +
		temporary.String() + replaced + "}\n"
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), nginx, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 5)}}
	dial := func(ctx context.Context, _, to string) (net.Conn, error) {
		if strings.HasSuffix(to, ":80") {
			return dialer.DialContext(ctx, "tcp", plain)
		}
		return dialer.DialContext(ctx, "tcp", secured)
	}
	for { // until it listens, or has ended
		c, err := dial(t.Context(), "", "")
		if err == nil {
			_ = c.Close()
			break
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("nginx: %v\n%s", err, said.Bytes())
		default:
		}
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestBehindNginxOldPagesAreServedUnderTheMallsAddressWithItsCookie(t *testing.T) {
	t.Parallel()
	needs(t, "nginx", "nginx-light")
	program := build(t)
	env := []string{
		"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret, "LISTEN_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "TRUSTED_PROXIES=127.0.0.1", "JWT_COOKIE=mall",
		"LEGACY_STATUS=true",
	}
	run(t, ".", env, program, "migrate")
	run(t, ".", env, program, "demo")
	token := strings.TrimSpace(run(t, ".", env, program, "token", "--uid", "7", "--uniacid", "2", "--crop-id", "1"))
	p := pipe(t, env, program, "serve")
	_, address, _ := strings.Cut(p.await(t, "msg=listening"), "address=")
	mall := proxy(t, strings.TrimSpace(address))
	ask := func(url string, headers ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		res, err := mall.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
	const list = "https://mall.example.com/business/2/plugin/WechatCustomers/getList?per_page=100"
	// A caller who says that he is somebody else is not believed.
	res, body := ask(list, "Cookie", "mall="+token, "X-Forwarded-For", "203.0.113.9", "X-Forwarded-Host", "evil.example.com", "X-Forwarded-Proto", "http")
	if res.StatusCode != http.StatusOK || !strings.Contains(body, `"total":2000,`) || !strings.HasSuffix(strings.TrimSpace(body), "}") {
		t.Errorf("%d, %d bytes: %.300s", res.StatusCode, len(body), body)
	}
	if want := `"first_page_url":"https://mall.example.com/business/2/plugin/WechatCustomers/getList?`; !strings.Contains(strings.ReplaceAll(body, `\/`, "/"), want) {
		t.Errorf("page links do not begin with the mall's address: %.600s", body)
	}
	if line := p.await(t, "operation=getList"); !strings.Contains(line, "127.0.0.5") || strings.Contains(line, "203.0.113.9") {
		t.Errorf("the log does not name the caller: %s", line)
	}
	tag := res.Header.Get("ETag")
	if tag == "" || strings.HasPrefix(tag, "W/") && !strings.HasPrefix(direct(t, strings.TrimSpace(address), token), "W/") {
		t.Errorf("the ETag came as %q", tag)
	}
	if res, body := ask(list, "Cookie", "mall="+token, "If-None-Match", tag); res.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("asked with the ETag: %d", res.StatusCode)
	}
	// The original's status, also where there is no cookie.
	if res, body := ask(list); res.StatusCode != http.StatusOK || !strings.Contains(body, `"result":0`) {
		t.Errorf("without a cookie: %d %s", res.StatusCode, body)
	}
	// An address that nginx alone would refuse is the program's to answer.
	if res, body := ask(list+"&search[customer]="+strings.Repeat("a", 20000), "Cookie", "mall="+token); res.StatusCode != http.StatusOK || !strings.Contains(body, `"result":0`) {
		t.Errorf("a long address: %d %.200s", res.StatusCode, body)
	}
	if res, body := ask("https://mall.example.com/console"); res.StatusCode != http.StatusOK || !strings.Contains(body, "<!") {
		t.Errorf("the page: %d", res.StatusCode)
	}
	for _, private := range []string{"/metrics", "/healthz", "/readyz"} {
		if res, _ := ask("https://mall.example.com" + private); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s is to be had from outside: %d", private, res.StatusCode)
		}
	}
	if res, _ := ask("http://mall.example.com/console?a=b"); res.StatusCode != http.StatusMovedPermanently || res.Header.Get("Location") != "https://mall.example.com/console?a=b" {
		t.Errorf("without TLS: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// direct returns the ETag of the list as the program itself sends it.
func direct(t *testing.T, address, token string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/business/2/plugin/WechatCustomers/getList?per_page=100", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.Header.Get("ETag")
}
