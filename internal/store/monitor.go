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

// How a Monitor looks. A look that gets no answer within lookTimeout means that the database is lost:
// /readyz says so within lookEvery and lookTimeout, less than a second, and the return is seen in as
// much. Within one look it is asked again, over another connection, when the first is not answered
// soon: one connection that has died, or one lost packet, is no loss. Connections are dialled anew so
// often that a changed password is noticed.
const (
	lookTimeout   = 700 * time.Millisecond
	lookAgain     = 250 * time.Millisecond
	lookEvery     = 200 * time.Millisecond
	lookLifetime  = 5 * time.Second
	tablesTimeout = 2 * time.Second
	tablesEvery   = 2 * time.Second
)

// ErrLost is the error of what needs a database that does not answer. It is known without asking.
var ErrLost = errors.New("the database does not answer")

var errNotLooked = errors.New("the database has not answered yet")

// Monitor watches a database over connections of its own, which no request can take away. While
// the database does not answer, requests fail at once instead of waiting each for itself.
type Monitor struct {
	own    *sql.DB // asks whether it answers
	others *sql.DB // asks for its tables: that may take longer
	pool   *sql.DB
	log    *slog.Logger

	ask       func(context.Context) error // nil where the database answers and is of this version
	askTables func(context.Context) error // nil where its tables are this program's

	mu    sync.Mutex
	ready error                   // of the last look
	lost  error                   // why the database counts as lost; nil: it does not
	up    context.Context         //nolint:containedctx // its end is what tells all who work on the database
	down  context.CancelCauseFunc // ends up

	tables   error     // of the last look at the tables
	tablesAt time.Time // of that look
	looking  bool      // at the tables
}

// NewMonitor returns a monitor of the database of dsn, for the users of pool, whose idle connections
// are given up when the database is lost. It looks while Run runs. The caller closes it.
func NewMonitor(dsn string, pool *sql.DB, log *slog.Logger) (*Monitor, error) {
	own, err := OpenPool(dsn, 2)
	if err != nil {
		return nil, err
	}
	others, err := OpenPool(dsn, 1)
	if err != nil {
		return nil, errors.Join(err, own.Close())
	}
	for _, db := range []*sql.DB{own, others} {
		db.SetConnMaxLifetime(lookLifetime)
	}
	m := newMonitor(pool, log,
		func(ctx context.Context) error { return current(ctx, own) },
		func(ctx context.Context) error { return completeUnlocked(ctx, others) })
	m.own, m.others = own, others
	return m, nil
}

func newMonitor(pool *sql.DB, log *slog.Logger, ask, askTables func(context.Context) error) *Monitor {
	m := &Monitor{pool: pool, log: log, ask: ask, askTables: askTables, tables: errNotLooked}
	m.up, m.down = context.WithCancelCause(context.Background())
	return m
}

// Close gives up the monitor's own connections.
func (m *Monitor) Close() error { return errors.Join(m.own.Close(), m.others.Close()) }

// Run looks at the database until ctx is done, and logs when it is lost or not ready, and when it is
// again.
func (m *Monitor) Run(ctx context.Context) {
	var background sync.WaitGroup
	defer background.Wait()
	said := ""
	for {
		err := m.look(ctx)
		if ctx.Err() != nil {
			return
		}
		m.note(err)
		if err == nil && m.tablesDue() {
			background.Go(func() { m.lookAtTables(ctx) })
		}
		switch state := m.Ready(ctx); {
		case errors.Is(state, errNotLooked): // it is looked at
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
		case <-time.After(lookEvery):
		}
	}
}

// look asks the database, and once more where the first question is not answered soon, or not at
// all; the first answer counts. A server that takes no more connections is as ready as it was.
func (m *Monitor) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	answers := make(chan error, 2)
	ask := func() { answers <- m.ask(ctx) }
	go ask()
	again := time.NewTimer(lookAgain)
	defer again.Stop()
	for asked, answered := 1, 0; answered < asked; {
		var second bool
		select {
		case err = <-answers:
			answered++
			second = unanswered(err)
		case <-again.C:
			second = true
		}
		switch {
		case second && asked == 1:
			asked++
			go ask()
		case answered > 0 && !unanswered(err):
			if full(err) && m.pool.Stats().OpenConnections > 0 {
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.ready
			}
			return err
		}
	}
	return err
}

// tablesDue says whether the tables are to be looked at now, and that nobody does so yet.
func (m *Monitor) tablesDue() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	due := !m.looking && (m.tables != nil || time.Since(m.tablesAt) > tablesEvery)
	m.looking = m.looking || due
	return due
}

// lookAtTables keeps what it finds; that a table is locked, as while an operator alters it, is no
// news.
func (m *Monitor) lookAtTables(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, tablesTimeout)
	defer cancel()
	ctx, end, err := m.While(ctx) // its loss ends this too
	if err == nil {
		err = m.askTables(ctx)
		end()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.looking = false
	var refused *mysql.MySQLError
	switch {
	case errors.Is(err, ErrLost), errors.Is(err, context.Canceled), unanswered(err), full(err):
		return // the looks say it
	case errors.As(err, &refused) && refused.Number == lockWaitTimeout:
		return
	}
	m.tables, m.tablesAt = err, time.Now()
}

// completeUnlocked is complete for a database whose tables may be locked. The server gives up
// before its caller does: it would go on waiting for somebody who has hung up, and a look after a
// look would take all its connections.
func completeUnlocked(ctx context.Context, db *sql.DB) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.ExecContext(ctx, "SET SESSION lock_wait_timeout = 1"); err != nil {
		return err
	}
	return complete(ctx, c)
}

// lockWaitTimeout is the servers' error of a lock that others have kept for too long.
const lockWaitTimeout = 1205

// note draws the conclusion of one look.
func (m *Monitor) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ready = err
	switch unanswered := unanswered(err); {
	case unanswered && m.lost == nil:
		m.lost = err
		m.down(ErrLost)
		// They may be dead without anybody having been told: each would make a request wait.
		m.pool.SetMaxIdleConns(0)
	case !unanswered && m.lost != nil:
		m.lost = nil
		m.up, m.down = context.WithCancelCause(context.Background())
		m.pool.SetMaxIdleConns(m.pool.Stats().MaxOpenConnections)
	}
}

// Ready returns nil where the database answers and has this program's tables, as Run has last seen
// it; it waits for nobody.
func (m *Monitor) Ready(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ready != nil {
		return m.ready
	}
	return m.tables
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
