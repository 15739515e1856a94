// Package store owns the connection to the tables: how a DSN is hardened, how the tables are
// brought up to date, and how a request reads one snapshot. What is read and written is not its
// business: queries are in gen/db, writes in internal/writer.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// DefaultPool is how many connections a pool has at most. MySQL and MariaDB take 151 by default:
// four instances of the server fit.
const DefaultPool = 32

// Idle connections are kept up to the pool's size (the default of 2 would dial anew under load), and
// every connection is replaced in time, so that a failed-over cluster gets its share of the load
// back.
const (
	maxLifetime = 10 * time.Minute
	maxIdle     = 3 * time.Minute
)

// connectTimeout bounds the wait for a server that does not answer, its greeting included, where the
// DSN sets no timeout; queries are bounded by their context alone.
const connectTimeout = 5 * time.Second

// sqlMode is set on every connection: MariaDB's default takes zero dates and a loose GROUP BY, and
// a server's own setting may cut texts silently.
const sqlMode = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION"

// Observe is told of each statement as it is sent, and calls what it gets back with the statement's
// error, or nil, once the server has answered.
type Observe func(ctx context.Context, statement string) (ended func(error))

// Open is OpenPool with DefaultPool connections.
func Open(dsn string, observe ...Observe) (*sql.DB, error) {
	return OpenPool(dsn, DefaultPool, observe...)
}

// OpenPool returns a pool of at most size connections to the database that a go-sql-driver DSN
// names, hardened as this package needs it whatever the DSN says; it does not connect. Where the
// server allows fewer, the pool's users wait for one of those that it has. Whoever is to be told of
// its statements may be named. The error of a DSN that cannot be read never contains the DSN's
// password.
func OpenPool(dsn string, size int, observe ...Observe) (*sql.DB, error) {
	cfg, err := config(dsn)
	if err != nil {
		return nil, err
	}
	inner, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("database: the DSN is not usable: %w", err)
	}
	c := &connector{Connector: inner, timeout: cfg.Timeout, killers: make(chan struct{}, maxKillers), size: size, observe: observe}
	db := sql.OpenDB(c)
	c.pool = db
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	db.SetConnMaxLifetime(maxLifetime)
	db.SetConnMaxIdleTime(maxIdle)
	return db, nil
}

const dsnShape = `user:password@tcp(host:3306)/database or user@unix(/path/to/socket)/database`

func config(dsn string) (*mysql.Config, error) {
	if strings.TrimSpace(dsn) == "" {
		return nil, errors.New("database: the DSN is empty; it looks like " + dsnShape)
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		// Some of the driver's messages quote a part of the DSN, and in a badly written one any part can
		// be the password: its messages are told apart, not shown.
		return nil, errors.New("database: the DSN cannot be read" + reason(err) + "; it looks like " + dsnShape)
	}
	switch cfg.Net {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		return nil, errors.New("database: the DSN cannot be read: the network is not tcp or unix; it looks like " + dsnShape)
	}
	if cfg.DBName == "" {
		return nil, errors.New("database: the DSN names no database; it looks like " + dsnShape)
	}

	// Times stay text: they are then as the contract prints them, in China time, and no conversion can
	// move them. Loc is without effect.
	cfg.ParseTime = false
	// An UPDATE tells the rows it found, not those that it changed: found is what "no such row" means.
	cfg.ClientFoundRows = true
	// The driver's default prepares, executes and closes on every call: twice the round trips and
	// more. The driver escapes, and sqlMode keeps backslashes escapes.
	cfg.InterpolateParams = true
	// One statement per call, so that an injected second one could never run.
	cfg.MultiStatements = false
	// The server may not ask this process for its files.
	cfg.AllowAllFiles = false
	// A connection that the server closed while idle is noticed before it is used.
	cfg.CheckConnLiveness = true
	if cfg.Timeout == 0 {
		cfg.Timeout = connectTimeout
	}
	// Reading has no timeout of its own: a long count is ended by its context, which also ends it on
	// the server (see Snapshot).
	cfg.ReadTimeout = 0
	// What the driver would print on its own is also returned as an error, and is logged with the
	// request it belongs to.
	cfg.Logger = &mysql.NopLogger{}
	// 4-byte characters pass unharmed, and literals compare as the columns do, by code point, on both
	// servers.
	if err := cfg.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin")); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if cfg.Params == nil {
		cfg.Params = map[string]string{}
	}
	cfg.Params["sql_mode"] = "'" + sqlMode + "'"
	// What is written outside a transaction is written.
	cfg.Params["autocommit"] = "1"
	// Variables that would take rows from answers or refuse what an import writes.
	for _, name := range []string{"sql_select_limit", "sql_safe_updates", "transaction_read_only", "tx_read_only", "max_join_size", "sql_big_selects"} {
		delete(cfg.Params, name)
	}
	// NOW() and CURRENT_TIMESTAMP agree with the columns, which are in China time.
	cfg.Params["time_zone"] = "'+08:00'"
	return cfg, nil
}

// reason says what is wrong with a DSN as far as it can be said without quoting it.
func reason(err error) string {
	text := err.Error()
	for _, known := range []struct{ in, out string }{
		{"unescaped", ": a character in it must be percent-encoded"},
		{"not terminated", ": the brace of the address is not closed"},
		{"missing the slash", ": the slash before the database's name is missing"},
		{"default addr", ": the network is not tcp or unix"},
		{"invalid bool value", ": a parameter that must be true or false is neither"},
		{"time: ", ": a timeout is not a duration such as 5s"},
		{"unknown config name", ": the tls parameter names no known configuration"},
	} {
		if strings.Contains(text, known.in) {
			return known.out
		}
	}
	return ""
}
