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
	"golang.org/x/sync/singleflight"
)

// How a Monitor looks. Two looks in a row that get no answer, each given probeTimeout, mean that the
// database is lost. While it is, a look is given up and the next one comes sooner, so that the
// database's return is seen within a second also by a look that was under way, and whose packets are
// gone. Its connection is dialled anew so often that a changed password is noticed.
const (
	probeTimeout  = 900 * time.Millisecond
	probeEvery    = 500 * time.Millisecond
	probeLost     = 250 * time.Millisecond // the wait, and
	lostTimeout   = 500 * time.Millisecond // the look
	probeFailures = 2
	probeLifetime = 5 * time.Second
	tablesEvery   = 2 * time.Second
)

// ErrLost is the error of what needs a database that does not answer. It is known without asking.
var ErrLost = errors.New("the database does not answer")

// Monitor watches a database over a connection of its own, which no request can take away. While
// the database does not answer, requests fail at once instead of waiting each for itself.
type Monitor struct {
	own    *sql.DB
	pool   *sql.DB
	log    *slog.Logger
	probes singleflight.Group

	mu       sync.Mutex
	failures int
	lost     error                   // why the database counts as lost; nil: it does not
	up       context.Context         //nolint:containedctx // its end is what tells all who work on the database
	down     context.CancelCauseFunc // ends up
	tables   error                   // of the last look at the tables
	tablesAt time.Time               // of that look; zero: there was none
	last     error                   // what Ready said
}

// NewMonitor returns a monitor of the database of dsn, for the users of pool, whose idle connections
// are given up when the database is lost. It looks while Run runs, and when Ready asks. The caller
// closes it.
func NewMonitor(dsn string, pool *sql.DB, log *slog.Logger) (*Monitor, error) {
	// One for its question, one for its look at the tables, which may have to wait for a lock.
	own, err := OpenPool(dsn, 2)
	if err != nil {
		return nil, err
	}
	own.SetConnMaxLifetime(probeLifetime)
	m := &Monitor{own: own, pool: pool, log: log}
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
		err := m.Ready(ctx)
		if ctx.Err() != nil {
			return
		}
		m.note(err)
		if m.tablesDue() {
			m.lookAtTables(ctx)
		}
		wait := probeEvery
		switch {
		case err != nil:
			wait = probeLost
			if said != err.Error() {
				m.log.ErrorContext(ctx, "the database is not ready", "error", err)
			}
			said = err.Error()
		case said != "":
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

// note draws the conclusion of one look.
func (m *Monitor) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !unanswered(err):
		m.failures = 0
		if m.lost != nil {
			m.lost = nil
			m.up, m.down = context.WithCancelCause(context.Background())
			m.pool.SetMaxIdleConns(m.pool.Stats().MaxOpenConnections)
		}
	case m.lost == nil:
		if m.failures++; m.failures < probeFailures {
			return
		}
		m.lost = err
		m.down(ErrLost)
		// They may be dead without anybody having been told: each would make a request wait.
		m.pool.SetMaxIdleConns(0)
	}
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

// Ready is Ready on the monitor's own connection, within a second; the tables are as Run has last
// seen them. A server that takes no more connections is as ready as it was.
func (m *Monitor) Ready(ctx context.Context) error {
	_, err, _ := m.probes.Do("", func() (any, error) {
		timeout := probeTimeout
		if m.isLost() {
			timeout = lostTimeout
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		err := current(ctx, m.own)
		if err == nil && m.neverLooked() {
			m.lookAtTables(ctx)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		switch {
		case full(err) && m.pool.Stats().OpenConnections > 0:
			err = m.last
		case err == nil:
			err = m.tables
		}
		m.last = err
		return nil, err
	})
	return err
}

func (m *Monitor) isLost() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost != nil
}

func (m *Monitor) neverLooked() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tablesAt.IsZero()
}

func (m *Monitor) tablesDue() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lost == nil && (m.tables != nil || time.Since(m.tablesAt) > tablesEvery)
}

// lookAtTables keeps what it finds; that a table is locked is no news.
func (m *Monitor) lookAtTables(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	err := complete(ctx, m.own)
	if unanswered(err) || errors.Is(err, context.Canceled) {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tables, m.tablesAt = err, time.Now()
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
