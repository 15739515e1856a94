package main_test

import (
	"bufio"
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
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/internal/dbtest"
)

func TestConfigNamesEverythingThatIsWrongAndShowsNoSecret(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	file := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const strong = "Zm7Qx0vLr2Tn8KdWc5HyUe1BsJ4aGpXo9iFt3"
	good := file("good", strong+"\n", 0o400)
	file("creds/settings_JWT_SECRET", strong, 0o400)
	open := file("open/secret", strong, 0o600)
	if err := os.Chmod(filepath.Dir(open), 0o777); err != nil {
		t.Fatal(err)
	}
	foreign, missing := file("foreign", strong, 0o600), filepath.Join(dir, "missing")
	cases := []struct {
		set  string // separated by ;
		code int
		want string
	}{
		{"CACHE_MB=7", 0, "CACHE_MB=7 (environment)\n"},
		{"", 0, "TIMEOUT=30s (default)\n"},
		{"JWT_SECRET_FILE=" + good, 0, "JWT_SECRET=******** (" + good + ")\n"},
		{"CREDENTIALS_DIRECTORY=" + filepath.Join(dir, "creds"), 0, "creds/settings_JWT_SECRET)\n"},
		{"JWT_SECRET=" + strong, 0, "JWT_SECRET=******** (environment)\n"},
		{"ORIGINAL_DSN=u:" + strong + "@tcp(h)/d", 0, "ORIGINAL_DSN=******** (environment)\n"},
		{"ORIGINAL_COOKIE=" + strong, 0, "ORIGINAL_COOKIE=******** (environment)\n"},
		{"JWT_SECRET=" + strong + ";JWT_SECRET_FILE=" + good, 1, "JWT_SECRET and JWT_SECRET_FILE are both set"},
		{"JWT_SECRET_FILE=" + file("writable", strong, 0o622), 1, "may be written by others"},
		{"JWT_SECRET_FILE=" + open, 1, "may be written by others"},
		{"JWT_SECRET_FILE=" + file("empty", "\n", 0o600), 1, "is empty"},
		{"JWT_SECRET_FILE=" + missing, 1, "no such file"},
		{"JWT_SECRET=" + strings.Repeat("Zm7Qx0vLr2", 4), 1, "can be guessed"},
		{"JWT_SECRET=" + strings.Repeat("x", 40), 1, "can be guessed"},
		{"JWT_SECRET=this-is-my-very-long-secret-password-123456", 1, "can be guessed"},
		{"JWT_SECRET=short", 1, "has 5 bytes"},
		{"DATABASE_DSN=nonsense;JWT_SECRET=" + strong, 1, "DATABASE_DSN: database: the DSN cannot be read"},
		{"DATABASE_DSN=u:" + strong + "@tcp(h:1)/;JWT_SECRET=" + strong, 1, "the DSN names no database"},
		{"DATABASE_DSN=u@tcp(h:1)/d", 1, "set JWT_SECRET or JWT_JWKS"},
		{"ORIGINAL_DSN=u:" + strong + "@h/d", 1, "ORIGINAL_DSN: database: the DSN cannot be read"},
		{"POOL_SIZE=3", 1, "POOL_SIZE must be at least 4"},
		{"POOL_SIZE=x", 1, `POOL_SIZE="x"`},
		{"CACH_MB=7", 1, "CACH_MB is no setting: did you mean CACHE_MB?"},
		{"JWTSECRET=x", 1, "did you mean JWT_SECRET?"},
		{"JWT_SECRET_FLIE=x", 1, "did you mean JWT_SECRET_FILE?"},
		{"WECHAT_LISTEN_ADDR=x", 1, "did you mean LISTEN_ADDR?"},
		{"PROXIES=x", 1, "did you mean TRUSTED_PROXIES?"},
		{"HTTP_PROXY=x;DATABASE_URL=x;LOGNAME=x;LANG=x;XDG_DATA_DIRS=x;PORT=1;MAIL=x;DIR=x", 0, ""},
		{"MAX_URL=x", 1, `MAX_URL="x"`},
		{"MAX_BODY=9223372036854775807", 1, "MAX_BODY must be"},
		{"MAX_HEADER=0", 1, "MAX_HEADER must be"},
		{"CACHE_MB=17592186044416", 1, "CACHE_MB must be"},
		{"TIMEOUT=2000000h", 1, "TIMEOUT must be"},
		{"READ_TIMEOUT=-1s", 1, "READ_TIMEOUT must be"},
		{"RATE_MEMBER=NaN", 1, "RATE_MEMBER must be"},
		{"INDEX_FROM=-1", 1, "INDEX_FROM must not be negative"},
		{"PUBLIC_URL=mall.example.com", 1, "PUBLIC_URL must be"},
		{"PUBLIC_URL=https://mall.example.com/app/{uniacid}/", 0, "PUBLIC_URL=https://mall.example.com/app/{uniacid}/ (environment)"},
		{"CORS_ORIGINS=https://a.example.com,b.example.com", 1, `"b.example.com"`},
		{"TRUSTED_PROXIES=nobody", 1, "TRUSTED_PROXIES must be"},
		{"LISTEN_ADDR=8080", 1, "LISTEN_ADDR must be"},
		{"LISTEN_ADDR=unix:relative", 1, "LISTEN_ADDR must be"},
		{"ADMIN_ADDR=127.0.0.1:99999", 1, "ADMIN_ADDR must be"},
		{"TLS_CERT=x", 1, "set together with TLS_KEY"},
		{"LOG_LEVEL=loud", 1, "LOG_LEVEL must be one of"},
		{"JWT_COOKIE=a b", 1, "JWT_COOKIE must be"},
		{"JWT_JWKS=" + missing, 1, "JWT_JWKS: "},
		{"JWT_JWKS=" + good, 1, "JWT_JWKS: "},
		{"JWT_JWKS=ftp://mall.example.com", 1, "JWT_JWKS: "},
		{"JWT_JWKS=http://127.0.0.1:1/keys", 0, ""}, // the issuer may start later
		{"TLS_CERT=" + missing + ";TLS_KEY=" + good, 1, "TLS_CERT, TLS_KEY: "},
		{"TLS_CERT=" + good + ";TLS_KEY=" + good, 1, "TLS_CERT, TLS_KEY: "},
		{"AUDIT_LOG=" + filepath.Join(missing, "audit.log"), 1, "AUDIT_LOG: "},
		{"AUDIT_LOG=" + dir, 1, "AUDIT_LOG: "},
		{"AUDIT_LOG=" + missing, 0, ""}, // it is made, but not by config
		{"AUDIT_LOG=-", 0, ""},
		{"WECOM_CONFIG=" + missing, 1, "WECOM_CONFIG: "},
		{"WECOM_CONFIG=" + file("open.json", "{}", 0o604), 1, "WECOM_CONFIG: "},
		{"WECOM_CONFIG=" + file("none.json", "{}", 0o600), 1, "WECOM_CONFIG: "},
		{"WECOM_URL=qyapi", 1, "WECOM_URL must be"},
	}
	if os.Geteuid() == 0 { // else no file can be given away
		if err := os.Chown(foreign, 1, 1); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, struct {
			set  string
			code int
			want string
		}{"JWT_SECRET_FILE=" + foreign, 1, "belongs to another user"})
	}
	for _, c := range cases {
		code, out, errs := pipe(t, strings.Split(c.set, ";"), program, "config").end(t)
		if code != c.code || !strings.Contains(out, c.want) || strings.Contains(out+errs, strong) {
			t.Errorf("%s: exit code %d, want %d and %q\n%s%s", c.set, code, c.code, c.want, out, errs)
		}
		if n := strings.Count(out, "\nwrong: "); n != c.code {
			t.Errorf("%s: %d things are wrong\n%s", c.set, n, out)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("config has made a file")
	}
}

func TestASecretOfAFileSignsAndAMisspeltVariableIsNamedAtStart(t *testing.T) {
	t.Parallel()
	program, path := build(t), filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"DATABASE_DSN=" + dbtest.New(t)}
	run(t, ".", env, program, "migrate")
	token := strings.TrimSpace(run(t, ".", append(env, "JWT_SECRET_FILE="+path), program, "token", "--uid", "7", "--uniacid", "2"))
	_, address := serve(t, append(env, "JWT_SECRET="+secret), program)
	status, _ := get(t, "http://"+address+"/business/2/plugin/WechatCustomers/getBusinessList", token)
	if status != http.StatusOK {
		t.Errorf("%d", status)
	}
	pipe(t, append(env, "CACH_MB=1"), program, "migrate").await(t, "did you mean CACHE_MB?")
	code, _, errs := pipe(t, append(env, "JWT_SECRET="+strings.Repeat("weak", 10)), program, "serve").end(t)
	if code != 1 || !strings.Contains(errs, "can be guessed") {
		t.Errorf("%d %s", code, errs)
	}
}

func TestNoTokenIsPrintedWhereNobodyLooks(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "DATABASE_DSN=", "JWT_SECRET=", "LISTEN_ADDR=127.0.0.1:0"}
	run(t, ".", env, program, "demo")
	p := pipe(t, env, program, "serve")
	p.await(t, "msg=listening")
	p.signal(t, os.Interrupt)
	if _, out, _ := p.end(t); out != "" {
		t.Errorf("printed: %s", out)
	}
}

// certify writes a certificate of this number and its key.
func certify(t *testing.T, cert, key string, number int64) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{
		SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(1e9+number, 0) // clocks of files may be coarse
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheCertificateIsReadAgainWhenItsFilesChange(t *testing.T) {
	t.Parallel()
	program, dir := build(t), t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certify(t, cert, key, 1)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret, "TLS_CERT=" + cert, "TLS_KEY=" + key}
	run(t, ".", env, program, "migrate")
	_, address := serve(t, env, program)
	for _, number := range []int64{1, 2} {
		certify(t, cert, key, number)
		wantSerial(t, address, number)
	}
	if err := os.WriteFile(cert, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantSerial(t, address, 2)
	certify(t, cert, key, 3)
	wantSerial(t, address, 3)
}

func wantSerial(t *testing.T, address string, want int64) {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != want {
		t.Errorf("certificate %d, want %d", got, want)
	}
}

func TestItListensOnAUnixSocketAlsoWhereAKilledOneWas(t *testing.T) {
	t.Parallel()
	program, socket := build(t), filepath.Join(t.TempDir(), "s")
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret, "LISTEN_ADDR=unix:" + socket}
	run(t, ".", env, program, "migrate")
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	for range 2 { // the second finds the socket that the first left
		p := pipe(t, env, program, "serve")
		p.await(t, "msg=listening")
		if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o660 {
			t.Errorf("the proxy's user, in the program's group, cannot connect: %v %v", info.Mode(), err)
		}
		res, err := client.Get("http://unix/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK || res.Header.Get("X-Content-Type-Options") != "nosniff" ||
			res.Header.Get("Content-Security-Policy") != "frame-ancestors 'none'" || res.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
			t.Errorf("%d %v", res.StatusCode, res.Header)
		}
		client.CloseIdleConnections()
		if code, _, errs := pipe(t, env, program, "serve").end(t); code != 1 || !strings.Contains(errs, "somebody listens there") {
			t.Errorf("a second one: %d %s", code, errs)
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.Wait()
	}
}

func TestListeningInTheClearForOthersIsWarnedOf(t *testing.T) {
	t.Parallel()
	program := build(t)
	env := []string{"DATABASE_DSN=" + dbtest.New(t), "JWT_SECRET=" + secret}
	run(t, ".", env, program, "migrate")
	for set, want := range map[string]bool{"LISTEN_ADDR=0.0.0.0:0": true, "LISTEN_ADDR=127.0.0.1:0": false, "LISTEN_ADDR=0.0.0.0:0;TRUSTED_PROXIES=10.0.0.1": false} {
		p := pipe(t, append(slices.Clone(env), strings.Split(set, ";")...), program, "serve")
		var log string
		for lines := bufio.NewScanner(p.err); !strings.Contains(log, "msg=listening") && lines.Scan(); {
			log += lines.Text() + "\n"
		}
		if strings.Contains(log, "in the clear") != want {
			t.Errorf("%s:\n%s", set, log)
		}
		_ = p.Process.Kill()
		_ = p.Wait()
	}
}
