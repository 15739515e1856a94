package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/store"
)

// databaseFlags say which database a command uses; they are the same for every command.
type databaseFlags struct {
	DatabaseDSN string `name:"database-dsn" env:"DATABASE_DSN" secret:"" placeholder:"DSN" help:"A go-sql-driver DSN, such as user:password@tcp(host:3306)/name. Default: the embedded database."`
	DataDir     string `env:"DATA_DIR" default:"${data_dir}" placeholder:"DIR" help:"Folder of the embedded database (${default})."`
}

// open returns the configured database. The caller calls closeAll, which gives back the connections
// and its share in the embedded server.
func (f databaseFlags) open(ctx context.Context, s streams, observe ...store.Observe) (db *sql.DB, closeAll func() error, err error) {
	if f.DatabaseDSN != "" {
		if db, err = store.Open(f.DatabaseDSN, observe...); err != nil {
			return nil, nil, err
		}
		return db, db.Close, nil
	}
	server, err := embedded.Start(ctx, embedded.Options{Dir: f.DataDir, Log: s.log})
	if err != nil {
		return nil, nil, err
	}
	if db, err = store.Open(server.DSN(), observe...); err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	return db, func() error { return errors.Join(db.Close(), server.Close()) }, nil
}

// ready sees that the database's tables are this program's; an embedded database's are brought up
// to date first, any other's are the migrate command's business.
func (f databaseFlags) ready(ctx context.Context, s streams, db *sql.DB) error {
	if f.DatabaseDSN == "" {
		if err := store.Migrate(ctx, db, s.log); err != nil {
			return err
		}
	}
	err := store.Ready(ctx, db)
	if errors.Is(err, store.ErrMigrate) {
		return fmt.Errorf("%w (the tables are made by: wechat-customers migrate)", err)
	}
	return err
}

// with opens the database, sees that its tables are this program's, and runs use on it.
func (f databaseFlags) with(ctx context.Context, s streams, use func(*sql.DB) error) (err error) {
	db, closeAll, err := f.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if err := f.ready(ctx, s, db); err != nil {
		return err
	}
	return use(db)
}

type migrateCommand struct {
	databaseFlags
}

// Run brings the tables up to date.
func (c migrateCommand) Run(ctx context.Context, s streams) (err error) {
	db, closeAll, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll()) }()
	if err := store.Migrate(ctx, db, s.log); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "the tables are up to date")
	return nil
}
