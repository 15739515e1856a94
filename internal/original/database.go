package original

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

// Database is the original's own database.
type Database struct {
	DSN     string // go-sql-driver's; a user who may SELECT is enough
	Prefix  string // of the tables
	Uniacid int64  // only this account's rows; 0: every account's
}

// chunkRows is how many rows one statement reads.
const chunkRows = 5000

// snapshot is one consistent state of the original's tables.
type snapshot struct {
	Database
	conn    *sql.Conn
	source  string
	columns map[writer.Kind][]string // of the kind's columns as they are selected
}

var prefixes = regexp.MustCompile(`^[A-Za-z0-9_]*$`)

// open begins a snapshot; end gives everything back.
func (d Database) open(ctx context.Context, _ *sql.DB, report *Report) (_ rows, end func() error, err error) {
	if !prefixes.MatchString(d.Prefix) {
		return nil, nil, fmt.Errorf("--prefix %q: letters, digits and _", d.Prefix)
	}
	db, err := store.Open(d.DSN)
	if err != nil {
		return nil, nil, fmt.Errorf("the original's %w", err)
	}
	s := &snapshot{Database: d, columns: map[writer.Kind][]string{}}
	cfg, err := mysql.ParseDSN(d.DSN)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close()) // store.Open has read it
	}
	s.source = cfg.Addr + "/" + cfg.DBName + " " + d.Prefix
	if d.Uniacid != 0 {
		s.source += " " + strconv.FormatInt(d.Uniacid, 10)
	}
	if s.conn, err = db.Conn(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the original's database: %w", err), db.Close())
	}
	end = func() error {
		_, err := s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		if ctx.Err() != nil {
			err = nil
		}
		return errors.Join(err, s.conn.Close(), db.Close())
	}
	if _, err = s.conn.ExecContext(ctx, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"); err == nil {
		err = s.look(ctx, report)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("the original's database: %w", err), end())
	}
	return s, end, nil
}

// look learns which columns the tables have.
func (s *snapshot) look(ctx context.Context, report *Report) error {
	for _, kind := range kinds {
		there, err := s.have(ctx, kind)
		if err != nil {
			return err
		}
		for _, c := range kind.Columns() {
			name := "`" + c.Name + "`"
			if !there[c.Name] {
				report.addf(MissingColumn, kind, 0, 0, "%s", c.Name)
				name = "NULL"
			}
			s.columns[kind] = append(s.columns[kind], name)
		}
	}
	return nil
}

func (s *snapshot) have(ctx context.Context, kind writer.Kind) (map[string]bool, error) {
	list, err := s.conn.QueryContext(ctx, "SELECT * FROM "+s.table(kind)+" LIMIT 0") //nolint:gosec,unqueryvet // which columns there are is asked; the prefix is letters, digits and _
	if err != nil {
		return nil, err
	}
	defer func() { _ = list.Close() }()
	names, err := list.Columns()
	there := map[string]bool{}
	for _, name := range names {
		there[name] = true
	}
	return there, errors.Join(err, list.Err())
}

func (s *snapshot) name() string { return s.source }

func (*snapshot) has(writer.Kind) bool { return true }

func (s *snapshot) table(kind writer.Kind) string {
	return "`" + s.Prefix + tableNames[kind] + "`"
}

// each reads a table by ranges of ids.
func (s *snapshot) each(ctx context.Context, kind writer.Kind, keys bool, f func(row) error) error {
	columns := s.columns[kind]
	if keys {
		columns = make([]string, len(columns))
		p := places[kind]
		for i := range columns {
			columns[i] = "NULL"
		}
		for _, i := range append([]int{p.uniacid, p.business, p.deleted}, keyColumns[kind]...) {
			columns[i] = s.columns[kind][i]
		}
		if kind == writer.Employee {
			columns[employeeName] = "NULL"
		}
	}
	query := "SELECT id, " + strings.Join(columns, ", ") + " FROM " + s.table(kind) + " WHERE id > ?"
	if s.Uniacid != 0 {
		query += " AND uniacid IN (0, " + strconv.FormatInt(s.Uniacid, 10) + ")"
	}
	query += " ORDER BY id LIMIT " + strconv.Itoa(chunkRows)
	for last, more := int64(0), true; more; {
		chunk, err := s.chunk(ctx, query, last, len(columns))
		if err != nil {
			return fmt.Errorf("the original's database: %w", err)
		}
		for _, r := range chunk {
			if err := f(r); err != nil {
				return err
			}
			last = r.id
		}
		more = len(chunk) == chunkRows
	}
	return nil
}

// chunk returns the rows of one statement, all of them: the server does not wait for what becomes
// of each.
func (s *snapshot) chunk(ctx context.Context, query string, after int64, columns int) (chunk []row, err error) {
	list, err := s.conn.QueryContext(ctx, query, after)
	if err != nil {
		return nil, err
	}
	defer func() { _ = list.Close() }()
	raw := make([]sql.RawBytes, columns)
	var id int64
	into := []any{&id}
	for i := range raw {
		into = append(into, &raw[i])
	}
	for list.Next() {
		if err := list.Scan(into...); err != nil {
			return nil, err
		}
		r := row{id: id, values: make([]text, columns)}
		for i, v := range raw {
			r.values[i] = text{string(v), v != nil}
		}
		chunk = append(chunk, r)
	}
	return chunk, list.Err()
}

// account returns the account that rows of none are taken to be of; 0: it is not known.
func (s *snapshot) account() int64 { return s.Uniacid }
