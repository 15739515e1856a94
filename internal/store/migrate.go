package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"

	"example.com/wechatcustomers/db"
	"example.com/wechatcustomers/internal/writer"
)

// Migrate brings the tables up to this program's version. Several programs may do so at once: they
// take turns, and the later ones find nothing to do. Log hears each migration applied; nil is
// silent. Data definition cannot be rolled back: a migration that failed half-way, or whose program
// was killed, is run again by the next Migrate. When ctx is done the running migration is let to
// end, but for the filling in of columns, which goes on where it was. Tables of a newer program are
// an error.
func Migrate(ctx context.Context, pool *sql.DB, log *slog.Logger) (err error) {
	p, err := provider(ctx, pool)
	if err != nil {
		return err
	}
	if n := pool.Stats().MaxOpenConnections; 0 < n && n < connections {
		return fmt.Errorf("migrate: the pool must allow %d connections", connections)
	}
	// goose has locks of its own, but looks at its table before it takes one: of two programs on an
	// empty database one would fail. The lock belongs to its connection: it ends with it, however this
	// program ends.
	c, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := lock(ctx, c); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() {
		_, unlock := c.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK("+lockName+")")
		err = errors.Join(err, unlock)
	}()

	if err := begun(ctx, c); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	running := context.WithValue(context.WithoutCancel(ctx), rerunnable{}, true)
	for ctx.Err() == nil {
		r, err := p.UpByOne(running)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if log != nil {
			log.InfoContext(ctx, "migrated", "migration", r.Source.Path, "took", r.Duration)
		}
	}
	return fmt.Errorf("migrate: %w", context.Cause(ctx))
}

// begun sees that goose can go on from the version in the database. An error says that a newer
// program made it.
func begun(ctx context.Context, c *sql.Conn) error {
	want, err := version()
	if err != nil {
		return err
	}
	var have sql.NullInt64
	err = c.QueryRowContext(ctx, versionQuery).Scan(&have)
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused) && refused.Number == noSuchTable:
		return nil
	case err != nil:
		return err
	case have.Int64 > want:
		return newerError(have.Int64, want)
	}
	// goose makes its table and the first row in it one after the other, and gives up where it finds the
	// one without the other.
	_, err = c.ExecContext(ctx, insertFirstVersion)
	return err
}

const insertFirstVersion = "INSERT INTO " + goose.DefaultTablename + " (version_id, is_applied) SELECT 0, 1 FROM (SELECT COUNT(*) AS n FROM " +
	goose.DefaultTablename + ") present WHERE n = 0"

const versionQuery = "SELECT MAX(version_id) FROM " + goose.DefaultTablename + " WHERE is_applied"

func newerError(have, want int64) error {
	return fmt.Errorf("the database's tables are of version %d, this program knows only %d: run the newer program, or restore the backup from before it",
		have, want)
}

// deriveVersions are the migrations that fill in the derived columns of follows which the one
// before each has made, in transactions of their own: they can be interrupted, and go on where they
// were. Only the last does anything, since the columns that the program derives are those after the
// last migration.
var deriveVersions = []int64{4}

// derivations returns these migrations; they end when ctx is done.
func derivations(ctx context.Context) (list []*goose.Migration) {
	for i, version := range deriveVersions {
		derive := func(_ context.Context, pool *sql.DB) error {
			if i+1 < len(deriveVersions) {
				return nil
			}
			return writer.Derive(ctx, pool, nil)
		}
		list = append(list, goose.NewGoMigration(version, &goose.GoFunc{RunDB: derive}, nil))
	}
	return list
}

// connections is how many Migrate uses at once: one holds its lock, one is goose's, and a
// derivation reads by one and writes by another.
const connections = 4

// provider returns the migrations.
func provider(ctx context.Context, pool *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(db.Migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectMySQL, pool, files, goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)),
		goose.WithGoMigrations(derivations(ctx)...))
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	return p, nil
}

// A lock's name may have 64 characters and is one for the whole server, hence the digest of the
// database's name.
const lockName = "CONCAT('migrate-', SHA2(DATABASE(), 224))"

func lock(ctx context.Context, c *sql.Conn) error {
	for {
		// Waiting is cut in pieces: a waiter whose program is gone leaves the server's queue within
		// seconds.
		var got sql.NullInt64
		if err := c.QueryRowContext(ctx, "SELECT GET_LOCK("+lockName+", 5)").Scan(&got); err != nil {
			return fmt.Errorf("waiting for another migration: %w", err)
		}
		if got.Int64 == 1 {
			return nil
		}
		if !got.Valid {
			return errors.New("the server could not take the lock of migrations")
		}
	}
}

// noSuchTable is the servers' error for a table that is not there.
const noSuchTable = 1146

// ErrMigrate says that the tables are missing or older than this program: Migrate makes them what
// they should be.
var ErrMigrate = errors.New("run migrate")

// Ready returns nil when the database answers and its tables are of this program's version;
// otherwise an error for the operator that says which of the two it is and what to do, ErrMigrate
// where it is that.
func Ready(ctx context.Context, pool *sql.DB) error {
	if err := current(ctx, pool); err != nil {
		return err
	}
	return complete(ctx, pool)
}

// current returns an error where the database does not answer, or its tables are of another version
// than this program.
func current(ctx context.Context, pool *sql.DB) error {
	var have sql.NullInt64
	err := pool.QueryRowContext(ctx, versionQuery).Scan(&have)
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused) && refused.Number == noSuchTable, err == nil && have.Int64 == 0:
		return fmt.Errorf("the database has no tables yet: %w", ErrMigrate)
	case err != nil:
		return fmt.Errorf("the database cannot be reached: %w", err)
	}
	want, err := version()
	if err != nil {
		return err
	}
	switch {
	case have.Int64 < want:
		return fmt.Errorf("the database's tables are of version %d, this program needs %d: %w", have.Int64, want, ErrMigrate)
	case have.Int64 > want:
		return newerError(have.Int64, want)
	}
	return nil
}

// version returns the number of the newest migration that this program carries.
func version() (int64, error) {
	files, err := fs.Glob(db.Migrations, "migrations/*.sql")
	if err != nil || len(files) == 0 {
		return 0, errors.Join(errors.New("the program carries no migrations"), err)
	}
	return goose.NumericComponent(files[len(files)-1])
}
