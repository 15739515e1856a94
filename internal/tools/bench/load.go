package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"

	"example.com/wechatcustomers/db"
	"example.com/wechatcustomers/internal/importer"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/writer"
)

// loaded is a database with a plan's data.
type loaded struct {
	plan *plan
	db   *sql.DB
	dsn  string
	rate float64 // records a second of the import that made it, with all derived tables
}

// fingerprint tells the tables and the data that a kept database must have been made with.
func fingerprint() (string, error) {
	h := sha256.New()
	files, err := fs.Glob(db.Migrations, "migrations/*.sql")
	if err != nil {
		return "", err
	}
	for _, name := range files {
		text, err := fs.ReadFile(db.Migrations, name)
		if err != nil {
			return "", err
		}
		h.Write(text)
	}
	_, _ = fmt.Fprint(h, generation)
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// keep returns the database of this plan on the server of dsn: the kept one where it was made with these tables, else, and with fresh, a new one.
func keep(ctx context.Context, dsn string, p *plan, fresh bool, progress func(importer.Progress)) (*loaded, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	server, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	cfg.DBName = "bench_" + strconv.Itoa(p.rows)
	made, err := fingerprint()
	if err != nil {
		return nil, err
	}
	if !fresh {
		var rate float64
		err := server.QueryRowContext(ctx, "SELECT rate FROM "+cfg.DBName+".bench_made WHERE fingerprint = ?", made).Scan(&rate)
		if err == nil {
			pool, err := store.Open(cfg.FormatDSN())
			return &loaded{plan: p, db: pool, dsn: cfg.FormatDSN(), rate: rate}, err
		}
	}
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + cfg.DBName, "CREATE DATABASE " + cfg.DBName + " CHARACTER SET utf8mb4"} {
		if _, err := server.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	return load(ctx, cfg.FormatDSN(), p, made, progress)
}

// load fills the empty database of dsn by an import, and leaves a note that it is whole.
func load(ctx context.Context, dsn string, p *plan, made string, progress func(importer.Progress)) (*loaded, error) {
	pool, err := store.Open(dsn)
	if err != nil {
		return nil, err
	}
	l := &loaded{plan: p, db: pool, dsn: dsn}
	if err := l.load(ctx, made, progress); err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return l, nil
}

func (l *loaded) load(ctx context.Context, fingerprint string, progress func(importer.Progress)) error {
	if err := store.Migrate(ctx, l.db, nil); err != nil {
		return err
	}
	made, lines := io.Pipe()
	go func() { lines.CloseWithError(l.plan.write(lines)) }()
	defer made.Close()
	report, err := importer.Import(ctx, writer.New(l.db, time.Now), []importer.Source{{Name: "data", Reader: made}}, importer.Options{Progress: progress})
	if err != nil {
		if len(report.Bad) > 0 {
			err = fmt.Errorf("%w: %s", err, report.Bad[0])
		}
		return fmt.Errorf("load: %w", err)
	}
	if n := int64(l.plan.records()); report.New != n || len(report.Duplicates) > 0 {
		return fmt.Errorf("load: of %d records %d are new, %d are duplicates", n, report.New, len(report.Duplicates))
	}
	l.rate = float64(report.New) / report.Elapsed.Seconds()
	// What the optimizers know of the data should not depend on when the server last looked.
	for _, table := range []string{"follows", "contacts", "employees", "tags", "follow_tags", "follow_grams", "follow_counts", "follow_blocks"} {
		if err := drain(ctx, l.db, "ANALYZE TABLE "+table); err != nil {
			return err
		}
	}
	if _, err := l.db.ExecContext(ctx, "CREATE TABLE bench_made (fingerprint VARCHAR(64) NOT NULL PRIMARY KEY, rate DOUBLE NOT NULL)"); err != nil {
		return err
	}
	_, err = l.db.ExecContext(ctx, "INSERT INTO bench_made VALUES (?, ?)", fingerprint, l.rate)
	return err
}

// forgetter makes the server forget what it remembers of an enterprise, as any caller would: by a write to it.
type forgetter struct {
	plan   *plan
	writer *writer.Writer
	turn   int
}

func newForgetter(l *loaded) *forgetter {
	return &forgetter{plan: l.plan, writer: writer.New(l.db, time.Now)}
}

// forget writes another description to the enterprise's oldest follow: no list's rows and no total change.
func (f *forgetter) forget(ctx context.Context, crop int) error {
	f.turn++
	r := f.plan.enterprise(crop).followRecord(0)
	record := writer.NewRecord(writer.Follow)
	for name, v := range map[string]writer.Value{
		"id": writer.Int(int64(r.ID)), "uniacid": writer.Int(uniacid), "crop_id": writer.Int(int64(r.CropID)), "userid": writer.Text(r.Userid),
		"external_userid": writer.Text(r.ExternalUserid), "description": writer.Text(fmt.Sprintf("%d %d", time.Now().UnixNano(), f.turn)),
	} {
		record[writer.Follow.Field(name)] = v
	}
	result, err := f.writer.Write(ctx, writer.Follow, []writer.Record{record}, false)
	if err == nil && result.Changed != 1 {
		err = fmt.Errorf("the write that should make the server forget changed nothing: %+v", result)
	}
	return err
}
