package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"
)

// How a Monitor looks. Two looks in a row that get no answer, each given probeTimeout, mean that the
// database is lost. While it is, a look is given up and the next one comes sooner, so that the
// database's return is seen within a second also by a look that was under way, and whose packets are
// gone. Its connection is dialled anew so often that a changed password is noticed.
const (
	probeTimeout  = 900 * time.Millisecond
	probeEvery    = 500 * time.Millisecond
	lostTimeout   = 500 * time.Millisecond
	lostEvery     = 250 * time.Millisecond
	probeFailures = 2
	probeLifetime = 5 * time.Second
	tablesTimeout = 2 * time.Second
	tablesEvery   = 2 * time.Second
)

// ErrLost is the error of what needs a database that does not answer. It is known without asking.
var ErrLost = errors.New("the database does not answer")

var errNotLooked = errors.New("the database has not answered yet")

// Monitor watches a database over a connection of its own, which no request can take away. While
// the database does not answer, requests fail at once instead of waiting each for itself.
type Monitor struct {
	own  *sql.DB
	pool *sql.DB
	log  *slog.Logger

	// Run's own.
	failures int       // looks in a row without an answer
	tables   error     // of the last look at the tables
	tablesAt time.Time // of that look

	mu    sync.Mutex
	ready error                   // what Ready says
	lost  error                   // why the database counts as lost; nil: it does not
	up    context.Context         //nolint:containedctx // its end is what tells all who work on the database
	down  context.CancelCauseFunc // ends up
}

// NewMonitor returns a monitor of the database of dsn, for the users of pool, whose idle connections
// are given up when the database is lost. It looks while Run runs. The caller closes it.
func NewMonitor(dsn string, pool *sql.DB, log *slog.Logger) (*Monitor, error) {
	own, err := OpenPool(dsn, 1)
	if err != nil {
		return nil, err
	}
	own.SetConnMaxLifetime(probeLifetime)
	m := &Monitor{own: own, pool: pool, log: log, ready: errNotLooked}
	m.up, m.down = context.WithCancelCause(context.Background())
	return m, nil
}

// Close gives up the monitor's own connection.
func (m *Monitor) Close() error { return m.own.Close() }

// Run looks at the database until ctx is done, and logs when it is lost or not ready, and when it is
// again.
func (m *Monitor) Run(ctx context.Context) {
	said := ""
	for {
		err := m.look(ctx)
		if ctx.Err() != nil {
			return
		}
		m.note(err)
		wait := probeEvery
		if err != nil {
			wait = lostEvery
		}
		switch state := m.Ready(ctx); {
		case state != nil && said != state.Error():
			m.log.ErrorContext(ctx, "the database is not ready", "error", state)
			said = state.Error()
		case state == nil && said != "":
			m.log.InfoContext(ctx, "the database is ready again")
			said = ""
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// look returns what Ready would, asked on the monitor's own connection. A server that takes no more
// connections is as ready as it was.
func (m *Monitor) look(ctx context.Context) error {
	m.mu.Lock()
	lost, before := m.lost, m.ready
	m.mu.Unlock()
	timeout := probeTimeout
	if lost != nil {
		timeout = lostTimeout
	}
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := current(asking, m.own)
	switch {
	case full(err) && m.pool.Stats().OpenConnections > 0:
		return before
	case err != nil:
		return err
	}
	if m.tables != nil || time.Since(m.tablesAt) > tablesEvery {
		m.lookAtTables(ctx)
	}
	return m.tables
}

// lookAtTables keeps what it finds; that a table is locked, as while an operator alters it, is no
// news.
func (m *Monitor) lookAtTables(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	c, err := m.own.Conn(ctx)
	if err != nil {
		return // the next look says so
	}
	defer func() { _ = c.Close() }()
	// The server gives up before this does: it would go on waiting for somebody who has hung up, and a
	// look after a look would take all its connections.
	if _, err = c.ExecContext(ctx, "SET SESSION lock_wait_timeout = 1"); err == nil {
		err = complete(ctx, c)
	}
	var refused *mysql.MySQLError
	if unanswered(err) || errors.Is(err, context.Canceled) || errors.As(err, &refused) && refused.Number == lockWaitTimeout {
		return
	}
	m.tables, m.tablesAt = err, time.Now()
}

// lockWaitTimeout is the servers' error of a lock that others have kept for too long.
const lockWaitTimeout = 1205

// note draws the conclusion of one look.
func (m *Monitor) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !unanswered(err) {
		m.failures, m.ready = 0, err
		if m.lost != nil {
			m.lost = nil
			m.up, m.down = context.WithCancelCause(context.Background())
			m.pool.SetMaxIdleConns(m.pool.Stats().MaxOpenConnections)
		}
		return
	}
	if m.failures++; m.failures < probeFailures {
		return
	}
	m.ready = err
	if m.lost == nil {
		m.lost = err
		m.down(ErrLost)
		// They may be dead without anybody having been told: each would make a request wait.
		m.pool.SetMaxIdleConns(0)
	}
}

// Ready returns nil where the database answers and has this program's tables, as Run has last seen
// it; it waits for nobody.
func (m *Monitor) Ready(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ready
}

// unanswered says whether err means that the database gave no answer; a refusal is one.
func unanswered(err error) bool {
	var network net.Error
	var refused *mysql.MySQLError
	switch {
	case err == nil, errors.As(err, &refused):
		return false
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return true
	}
	return false
}

// While returns a context for work on the database, done as soon as the database is lost, and its
// cancel function; ErrLost where it is lost already.
func (m *Monitor) While(ctx context.Context) (context.Context, context.CancelFunc, error) {
	m.mu.Lock()
	lost, up := m.lost, m.up
	m.mu.Unlock()
	if lost != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrLost, lost)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(up, func() { cancel(ErrLost) })
	return ctx, func() { stop(); cancel(nil) }, nil
}
