// Package clienttest calls the server through the Go client, which is a module of its own and cannot
// have the server in its tests.
package clienttest

import (
	"database/sql"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/wechatcustomers/api"
	"example.com/wechatcustomers/api/client"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/getlist"
	"example.com/wechatcustomers/internal/httpapi"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var secret = []byte("Zm7Qx0vLr2Tn8KdWc5HyUe1BsJ4aGpXo")

// mall is a server on a database of its own.
type mall struct {
	url   string
	token string // of member 7, who manages enterprise 1 of account 2
	db    *sql.DB
	t     testing.TB
}

// records are enterprise 1 with five follows and enterprise 3, which member 7 does not manage.
const records = `{"business":{"uniacid":2,"id":1,"name":"芸众"}}
{"business":{"uniacid":2,"id":3,"name":"别家"}}
{"manager":{"uniacid":2,"uid":7,"business_id":1}}
{"manager":{"uniacid":2,"uid":8,"business_id":1}}
{"manager":{"uniacid":2,"uid":8,"business_id":3}}
{"employee":{"uniacid":2,"business_id":1,"id":1,"user_id":"XiaoLiangZi","name":"李健平"}}
{"employee":{"uniacid":2,"business_id":1,"id":2,"user_id":"WeiPing","name":"韦平"}}
{"customer":{"uniacid":2,"crop_id":1,"id":1,"external_userid":"wm1","name":"李一天","external_type":2,"uid":3061,"gender":1}}
{"customer":{"uniacid":2,"crop_id":1,"id":2,"external_userid":"wm2","name":"Abe","gender":2}}
{"customer":{"uniacid":2,"crop_id":1,"id":3,"external_userid":"wm3","name":"李想"}}
{"customer":{"uniacid":2,"crop_id":1,"id":4,"external_userid":"wm4","name":"孙新建"}}
{"tag":{"uniacid":2,"crop_id":1,"id":1,"tag_id":"etVIP","name":"贵宾"}}
{"tag":{"uniacid":2,"crop_id":1,"id":2,"tag_id":"etNew","name":"新客"}}
{"follow":{"uniacid":2,"crop_id":1,"id":1,"userid":"XiaoLiangZi","external_userid":"wm1","remark":"老客户","createtime":1631950639,"add_way":"1","tag_id":"etVIP","remark_mobiles":"[\"13547567468\"]"}}
{"follow":{"uniacid":2,"crop_id":1,"id":2,"userid":"XiaoLiangZi","external_userid":"wm2","remark":"Abe","createtime":1632277573,"add_way":"0","tag_id":"etNew"}}
{"follow":{"uniacid":2,"crop_id":1,"id":3,"userid":"WeiPing","external_userid":"wm3","remark":"","createtime":1632300000,"add_way":"1","status":-1}}
{"follow":{"uniacid":2,"crop_id":1,"id":4,"userid":"WeiPing","external_userid":"wm4","remark":"新","createtime":1632400000,"add_way":"202","tag_id":"etNew,etVIP"}}
{"follow":{"uniacid":2,"crop_id":1,"id":5,"userid":"WeiPing","external_userid":"wm1","remark":"","createtime":1632500000,"add_way":"3"}}
`

// open returns a new mall with records; edit changes the server's configuration.
func open(t testing.TB, edit func(*httpapi.Config)) *mall {
	t.Helper()
	db, err := store.Open(dbtest.New(t))
	must(t, err)
	t.Cleanup(func() { db.Close() })
	must(t, store.Migrate(t.Context(), db, slog.New(slog.DiscardHandler)))
	verifier, err := auth.New(t.Context(), auth.Config{Secret: secret})
	must(t, err)
	cfg := httpapi.Config{
		Document: api.Document, Operations: getlist.New(getlist.Config{DB: db}), Verifier: verifier, Limits: httpapi.DefaultLimits, Log: slog.New(slog.DiscardHandler),
	}
	if edit != nil {
		edit(&cfg)
	}
	handler, err := httpapi.New(cfg)
	must(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	m := &mall{url: server.URL, db: db, t: t}
	m.token = m.of(7)
	m.load(records)
	return m
}

// load imports records.
func (m *mall) load(records string) {
	m.t.Helper()
	report, err := importer.Import(m.t.Context(), writer.New(m.db, time.Now), []importer.Source{{Name: "records", Reader: strings.NewReader(records)}}, importer.Options{})
	if err != nil {
		m.t.Fatalf("import: %v %v", err, report.Bad)
	}
}

// of returns a token of a member of account 2.
func (m *mall) of(uid uint32) string {
	m.t.Helper()
	signed, err := auth.Mint(secret, auth.Member{UID: uid, Uniacid: 2}, time.Hour, time.Now(), "", "")
	must(m.t, err)
	return signed
}

// client returns a client of member 7.
func (m *mall) client(options ...client.Option) *client.Client {
	m.t.Helper()
	c, err := client.New(m.url, append([]client.Option{client.WithToken(m.token)}, options...)...)
	must(m.t, err)
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
