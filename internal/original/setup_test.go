package original_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/internal/dbtest"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/original"
	"example.com/wechatcustomers/internal/originaltest"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// clock is what a copy sees.
func clock() time.Time { return time.Date(2024, 5, 6, 23, 30, 0, 0, time.UTC) }

const copied = "2024-05-07 07:30:00"

// house is an installation of the original, and a database of ours.
type house struct {
	t         testing.TB
	theirs    *sql.DB
	theirsDSN string
	ours      *sql.DB
	w         *writer.Writer
}

func setup(t testing.TB) house {
	t.Helper()
	h := house{t: t, theirsDSN: dbtest.New(t)}
	open := func(dsn string) *sql.DB {
		db, err := store.Open(dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	h.theirs, h.ours = open(h.theirsDSN), open(dbtest.New(t))
	if err := originaltest.Create(t.Context(), h.theirs); err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(t.Context(), h.ours, nil); err != nil {
		t.Fatal(err)
	}
	h.w = writer.New(h.ours, clock)
	return h
}

// do changes the original's tables.
func (h house) do(statements ...string) {
	h.t.Helper()
	for _, s := range statements {
		s = strings.NewReplacer("MANAGERS", originaltest.Managers, "STAFF", originaltest.Employees, "CONTACTS", originaltest.Contacts,
			"TAGS", originaltest.Tags, "FOLLOWS", originaltest.Follows).Replace(s)
		if _, err := h.theirs.ExecContext(h.t.Context(), s); err != nil {
			h.t.Fatalf("%s: %v", s, err)
		}
	}
}

func (h house) database() original.Database {
	return original.Database{DSN: h.theirsDSN, Prefix: originaltest.Prefix}
}

// serve returns the original behind HTTP.
func (h house) serve(s originaltest.Server) string {
	h.t.Helper()
	if s.Per == 0 {
		s.Per = 2
	}
	s.DB = h.theirs
	server := httptest.NewServer(s)
	h.t.Cleanup(server.Close)
	return server.URL + "/business/2/plugin/WechatCustomers/getList"
}

// try copies, and returns the report's lines.
func (h house) try(ctx context.Context, from original.Source, o original.Options) (original.Result, []string, error) {
	h.t.Helper()
	var report bytes.Buffer
	o.Report, o.Now = &report, clock
	result, err := original.Copy(ctx, h.ours, h.w, from, o)
	return result, strings.Split(strings.TrimSpace(report.String()), "\n")[1:], err
}

// copy copies everything, and wants nothing to be refused.
func (h house) copy(from original.Source) (original.Result, []string) {
	h.t.Helper()
	result, lines, err := h.try(h.t.Context(), from, original.Options{Names: map[int64]string{1: "一"}})
	if err != nil {
		h.t.Fatalf("copy: %v\n%s", err, strings.Join(lines, "\n"))
	}
	if found, err := writer.Check(h.t.Context(), h.ours, nil); err != nil || len(found) > 0 {
		h.t.Errorf("check: %v %v", found, err)
	}
	return result, lines
}

// want compares the rows of a query on our tables.
func (h house) want(statement string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, query(h.t, h.ours, statement)); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", statement, diff)
	}
}

// query returns the rows of a query, each as one text with | between its values.
func query(t testing.TB, db *sql.DB, statement string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, v := range values {
			if !v.Valid {
				v.String = "NULL"
			}
			parts = append(parts, v.String)
		}
		all = append(all, strings.Join(parts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// dump returns everything that a copy brings.
func (h house) dump() (all []string) {
	h.t.Helper()
	for _, table := range []string{"businesses", "managers", "employees", "contacts", "tags", "follows"} {
		for _, row := range query(h.t, h.ours, "SELECT * FROM "+table) {
			all = append(all, table+": "+row)
		}
	}
	return all
}

const base = 1632277573 // 2021-09-22 10:26:13 in China

// ordinary fills the original with an enterprise of n follows of as many contacts.
func (h house) ordinary(n int) {
	h.t.Helper()
	h.do(fmt.Sprintf("INSERT INTO MANAGERS (uniacid, uid, business_id, created_at) VALUES (2, 7, 1, %d)", base),
		fmt.Sprintf("INSERT INTO STAFF (id, uniacid, business_id, user_id, name, created_at) VALUES (5, 2, 1, 'Emp1', '员一', %d), (6, 2, 1, 'Emp2', '员二', %[1]d)", base),
		fmt.Sprintf("INSERT INTO TAGS (id, uniacid, crop_id, tag_id, name, created_at) VALUES (3, 2, 1, 'etA', '甲', %d), (4, 2, 1, 'etB', '乙', %[1]d)", base))
	for begin := 1; begin <= n; begin += 1000 {
		var contacts, follows []string
		for i := begin; i < begin+1000 && i <= n; i++ {
			contacts = append(contacts, fmt.Sprintf("(%d, 2, 1, 'wm%d', '客%d', 'null', %d)", i, i, i, base))
			follows = append(follows, fmt.Sprintf("(%d, 2, 1, 'wm%d', 'Emp%d', '备%d', 'etA', %d, '%d', %d)", i, i, 1+i%2, i, base+i, i%16, base))
		}
		h.do("INSERT INTO CONTACTS (id, uniacid, crop_id, external_userid, name, external_profile, created_at) VALUES "+strings.Join(contacts, ","),
			"INSERT INTO FOLLOWS (id, uniacid, crop_id, external_userid, userid, remark, tag_id, createtime, add_way, created_at) VALUES "+strings.Join(follows, ","))
	}
}

func isBad(err error) bool { return errors.Is(err, importer.ErrBadRecords) }

func serveHTTP(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/getList"
}
