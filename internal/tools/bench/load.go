package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"example.com/wechatcustomers/db"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/index"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

// loaded is a database with a plan's data.
type loaded struct {
	plan    *plan
	db      *sql.DB
	network string  // how the server is reached
	rate    float64 // records a second of the import, the filling of the index included
}

// alone returns a connection to the server for one benchmark, or says that another runs on it. The
// lock ends with the connection, however this program ends.
func alone(ctx context.Context, dsn string) (*sql.DB, error) {
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	server.SetMaxOpenConns(1)
	var got int
	err = server.QueryRowContext(ctx, "SELECT GET_LOCK('wechat-customers-bench', 0)").Scan(&got)
	if err == nil && got != 1 {
		err = errors.New("another benchmark runs on this server: wait for its end")
	}
	if err != nil {
		return nil, errors.Join(err, server.Close())
	}
	return server, nil
}

// fingerprint tells the tables and the data that a kept database must have been made with.
func fingerprint() (string, error) {
	h := sha256.New()
	files, err := fs.Glob(db.Migrations, "migrations/*.sql")
	for _, name := range files {
		text, cannot := fs.ReadFile(db.Migrations, name)
		h.Write(text)
		err = errors.Join(err, cannot)
	}
	_, _ = fmt.Fprint(h, generation, " ", index.Format)
	return fmt.Sprintf("%x", h.Sum(nil)[:16]), err
}

// keep returns the database of this plan on a server: the kept one where it was made with these
// tables, else, and with fresh, a new one.
func keep(
	ctx context.Context, server *sql.DB, dsn string, p *plan, fresh bool,
	show func(importer.Progress),
) (*loaded, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	made, err := fingerprint()
	if err != nil {
		return nil, err
	}
	cfg.DBName = "bench_" + strings.ReplaceAll(p.String(), "-", "_")
	network := map[string]string{"unix": "a unix socket", "tcp": "TCP"}[cfg.Net]
	l := &loaded{plan: p, network: network}
	query := "SELECT rate FROM " + cfg.DBName + ".bench_made WHERE fingerprint = ?"
	kept := !fresh && server.QueryRowContext(ctx, query, made).Scan(&l.rate) == nil
	if l.db, err = store.Open(cfg.FormatDSN()); err != nil || kept {
		return l, err
	}
	err = execute(ctx, server, "DROP DATABASE IF EXISTS "+cfg.DBName,
		"CREATE DATABASE "+cfg.DBName+" CHARACTER SET utf8mb4")
	if err == nil {
		err = l.load(ctx, made, show)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load: %w", err), l.db.Close())
	}
	return l, nil
}

func execute(ctx context.Context, db *sql.DB, statements ...string) error {
	for _, s := range statements {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.40s: %w", s, err)
		}
	}
	return nil
}

// load fills the empty database by an import, and leaves a note that it is whole.
func (l *loaded) load(ctx context.Context, made string, show func(importer.Progress)) error {
	if err := store.Migrate(ctx, l.db, nil); err != nil {
		return err
	}
	lines, out := io.Pipe()
	go func() { out.CloseWithError(l.plan.write(out)) }()
	defer lines.Close()
	w := writer.New(l.db, time.Now)
	var report importer.Report
	begin := time.Now()
	err := w.FillAfter(ctx, l.plan.indexFrom(), func() (err error) {
		report, err = importer.Import(ctx, w, []importer.Source{{Name: "data", Reader: lines}},
			importer.Options{Progress: show})
		return err
	}, nil)
	if err != nil {
		return fmt.Errorf("%w: %v", err, report.Bad)
	}
	if n := int64(l.plan.records()); report.New != n {
		return fmt.Errorf("of %d records %d are new", n, report.New)
	}
	l.rate = float64(report.New) / time.Since(begin).Seconds()
	return execute(ctx, l.db,
		// What the optimizers know of the data should not depend on when the server last looked.
		"ANALYZE TABLE follows, contacts, employees, tags, follow_sets",
		"CREATE TABLE bench_made (fingerprint VARCHAR(64) PRIMARY KEY, rate DOUBLE NOT NULL)",
		fmt.Sprintf("INSERT INTO bench_made VALUES ('%s', %f)", made, l.rate))
}

// onDisk returns what the tables take, in megabytes.
func (l *loaded) onDisk(ctx context.Context) (text string, err error) {
	err = l.db.QueryRowContext(ctx, `
		SELECT COALESCE(CONCAT(SUM(mb), ' MB: ',
			GROUP_CONCAT(name, ' ', mb ORDER BY mb DESC SEPARATOR ', ')), 'hardly any')
		FROM (SELECT table_name AS name, (data_length + index_length) >> 20 AS mb
			FROM information_schema.tables WHERE table_schema = DATABASE()
			AND table_type = 'BASE TABLE' AND table_name NOT LIKE 'original%') AS tables
		WHERE mb > 0`).Scan(&text)
	return text, err
}

// put writes one follow in a transaction of its own. It must be as new, or changed, as is said.
func (m *meter) put(ctx context.Context, r record, isNew int) error {
	given := writer.NewRecord(writer.Follow)
	for _, f := range r {
		value := writer.Value{Is: writer.Null}
		switch v := f.value.(type) {
		case int:
			value = writer.Int(int64(v))
		case string:
			value = writer.Text(v)
		}
		given[writer.Follow.Field(f.name)] = value
	}
	w := writer.New(m.db, time.Now)
	result, err := w.Write(ctx, writer.Follow, []writer.Record{given}, false)
	if err == nil && (result.New != isNew || result.Changed != 1-isNew) {
		err = fmt.Errorf("a write did not do what it should: %+v", result)
	}
	return err
}

// forget makes the server forget what it remembers of an enterprise, as any caller would: by a
// write to it, of another state of its oldest follow, which no filter reads.
func (m *meter) forget(ctx context.Context, e *enterprise) error {
	return m.put(ctx, e.follow(0).with(field{"state", time.Now().Format(time.RFC3339Nano)}), 0)
}

// newFollow is the write of a follow that was not there.
const newFollow = "new"

// change returns one of the writes that are measured, and what takes it back.
func (m *meter) change(name string, turn int) (do, undo func(context.Context) error) {
	e := m.plan.big()
	i := turn * 1583 % e.raw
	if e.deleted(i) {
		i--
	}
	f, old := e.facts(i), e.follow(i)
	if name == newFollow {
		old[0].value, old[3].value = e.followID(e.raw+turn%1000), "NewEmployee"
		return func(ctx context.Context) error { return m.put(ctx, old, 1) },
			func(ctx context.Context) error {
				return errors.Join(m.put(ctx, old.with(field{"deleted_at", at(f.createtime)}), 0),
					execute(ctx, m.db, fmt.Sprint("DELETE FROM follows WHERE id = ", old[0].value)))
			}
	}
	before := old[slices.IndexFunc(old, func(f field) bool { return f.name == name })]
	after := before
	switch name {
	case "status":
		after.value = -f.status
	case "remark":
		after.value = f.remark + "，改了"
	case "tag_id":
		rank := 0
		for slices.Contains(f.tags, e.tagOdds.at(rank)) {
			rank++
		}
		after.value = strings.Trim(fmt.Sprint(before.value, ",", e.tagIDs[e.tagOdds.at(rank)]), ",")
	}
	return func(ctx context.Context) error { return m.put(ctx, old.with(after), 0) },
		func(ctx context.Context) error { return m.put(ctx, old.with(before), 0) }
}
