package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"example.com/wechatcustomers/internal/embedded"
	"example.com/wechatcustomers/internal/store"
	"example.com/wechatcustomers/internal/telemetry"
)

// databaseFlags say which database a command uses; they are the same for every command.
type databaseFlags struct {
	DatabaseDSN string `name:"database-dsn" env:"DATABASE_DSN" secret:"" placeholder:"DSN" help:"A go-sql-driver DSN, such as user:password@tcp(host:3306)/name. Default: the embedded database."`
	DataDir     string `env:"DATA_DIR" default:"${data_dir}" placeholder:"DIR" help:"Folder of the embedded database (${default})."`
	PoolSize    int    `env:"POOL_SIZE" default:"${pool_size}" placeholder:"N" help:"Most connections to the database, and requests that are worked on at once (${default})."`
}

// smallestPool is what Migrate needs at once; largestPool is more than a server takes.
const (
	smallestPool = 4
	largestPool  = 100_000
)

// check returns what is wrong with the flags.
func (f databaseFlags) check() error {
	var wrong []error
	if f.PoolSize < smallestPool || f.PoolSize > largestPool {
		wrong = append(wrong, fmt.Errorf("POOL_SIZE must be at least %d and at most %d", smallestPool, largestPool))
	}
	return errors.Join(append(wrong, checkDSN("DATABASE_DSN", f.DatabaseDSN))...)
}

// checkDSN returns what is wrong with a DSN, where there is one; it does not connect.
func checkDSN(name, dsn string) error {
	if dsn == "" {
		return nil
	}
	db, err := store.Open(dsn)
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// open returns the configured database and its DSN; watched, which may be nil, is told of its
// statements and restarts. The caller calls closeAll, which gives back the
// connections and its share in the embedded server.
func (f databaseFlags) open(ctx context.Context, s streams, watched *telemetry.Telemetry) (db *sql.DB, dsn string, closeAll func() error, err error) {
	if err := f.check(); err != nil {
		return nil, "", nil, err
	}
	var observe []store.Observe
	if watched != nil {
		observe = append(observe, watched.Query)
	}
	if f.DatabaseDSN != "" {
		if db, err = store.OpenPool(f.DatabaseDSN, f.PoolSize, observe...); err != nil {
			return nil, "", nil, err
		}
		return db, f.DatabaseDSN, db.Close, nil
	}
	server, err := embedded.Start(ctx, embedded.Options{Dir: f.DataDir, Log: s.log, Restarted: watched.Restarted})
	if err != nil {
		return nil, "", nil, err
	}
	if db, err = store.OpenPool(server.DSN(), f.PoolSize, observe...); err != nil {
		return nil, "", nil, errors.Join(err, server.Close())
	}
	return db, server.DSN(), func() error { return errors.Join(db.Close(), server.Close()) }, nil
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
	db, _, closeAll, err := f.open(ctx, s, nil)
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
	db, _, closeAll, err := c.open(ctx, s, nil)
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

type upgradeDatabaseCommand struct {
	DataDir  string `env:"DATA_DIR" default:"${data_dir}" placeholder:"DIR" help:"Folder of the embedded database (${default})."`
	BackedUp bool   `help:"There is a copy of the folder, made while no command was running."`
}

// Run starts the newer server on the data once, and stops it.
func (c upgradeDatabaseCommand) Run(ctx context.Context, s streams) error {
	if !c.BackedUp {
		return fmt.Errorf("back up first: stop all commands, copy %s, then run: wechat-customers upgrade-database --backed-up", c.DataDir)
	}
	server, err := embedded.Start(ctx, embedded.Options{Dir: c.DataDir, Upgrade: true, Log: s.log})
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "the embedded database is "+server.Version()+"'s")
	return server.Close()
}
