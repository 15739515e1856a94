package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"
)

// maxKillers bounds the connections that are dialled only to end abandoned queries: when thousands
// of callers leave at once, they wait for one another.
const maxKillers = 4

// connector makes connections that know their own id on the server.
type connector struct {
	driver.Connector
	timeout time.Duration // to connect, the server's greeting included
	killers chan struct{}
	observe []Observe

	pool    *sql.DB
	size    int          // of the pool, where the server lets it
	open    atomic.Int64 // connections
	growing atomic.Bool  // the pool is smaller than size for a while
}

// A server that takes no more connections is asked again after so long, for the first of a pool and
// for more.
const (
	firstAgain = 100 * time.Millisecond
	moreAgain  = 5 * time.Second
)

// Connect returns a new connection. Where the server takes no more of them, the pool is as large as
// what it has for a while, and its users wait for one of those; while it has none, Connect tries
// until ctx is done.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	for {
		made, err := c.connect(ctx)
		if err == nil {
			c.open.Add(1)
			return made, nil
		}
		if !full(err) {
			return nil, err
		}
		if n := c.open.Load(); n > 0 {
			c.shrink(int(n))
			return nil, driver.ErrBadConn // the pool then waits for another
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		case <-time.After(firstAgain):
		}
	}
}

// shrink makes the pool of n connections, for moreAgain.
func (c *connector) shrink(n int) {
	c.pool.SetMaxOpenConns(n)
	if c.growing.CompareAndSwap(false, true) {
		time.AfterFunc(moreAgain, func() {
			c.growing.Store(false)
			c.pool.SetMaxOpenConns(c.size)
			c.pool.SetMaxIdleConns(c.size)
		})
	}
}

// connect dials, and asks for what is asked once per connection instead of once per query: its id,
// and the isolation that Snapshot relies on.
func (c *connector) connect(ctx context.Context) (driver.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	raw, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := raw.(driverConn)
	if !ok {
		_ = raw.Close()
		return nil, fmt.Errorf("database: the driver's connection %T lacks a method", raw)
	}
	id, err := connectionID(ctx, inner)
	if err == nil {
		_, err = inner.ExecContext(ctx, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", nil)
	}
	if err != nil {
		_ = inner.Close()
		return nil, err
	}
	return &conn{driverConn: inner, connector: c, id: id}, nil
}

// driverConn is all that database/sql looks for in a connection of go-sql-driver, so that wrapping
// one takes nothing away.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// conn is a connection that remembers its id on the server.
type conn struct {
	driverConn
	connector *connector
	id        uint64
}

// QueryContext is the driver's, of which those who observe are told.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	for _, observe := range c.connector.observe {
		ended := observe(ctx, query)
		defer func() { ended(err) }()
	}
	return c.driverConn.QueryContext(ctx, query, args)
}

// ExecContext runs a statement, of which those who observe are told.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (result driver.Result, err error) {
	for _, observe := range c.connector.observe {
		ended := observe(ctx, query)
		defer func() { ended(err) }()
	}
	return c.execute(ctx, query, args)
}

// Close ends the connection; database/sql calls it once. That a dead one took no leave is no error:
// who closes the pool would fail of it.
func (c *conn) Close() error {
	c.connector.open.Add(-1)
	_ = c.driverConn.Close()
	return nil
}

func connectionID(ctx context.Context, c driver.QueryerContext) (uint64, error) {
	rows, err := c.QueryContext(ctx, "SELECT CONNECTION_ID()", nil)
	if err != nil {
		return 0, err
	}
	value := make([]driver.Value, 1)
	err = rows.Next(value)
	if err == nil {
		// Read to the end: the connection is busy until then.
		if next := rows.Next(make([]driver.Value, 1)); !errors.Is(next, io.EOF) {
			err = errors.Join(errors.New("database: CONNECTION_ID() gave more than one row"), next)
		}
	}
	if err := errors.Join(err, rows.Close()); err != nil {
		return 0, err
	}
	switch v := value[0].(type) {
	case int64:
		return uint64(v), nil // ids of connections are positive
	case uint64:
		return v, nil
	case []byte:
		return strconv.ParseUint(string(v), 10, 64)
	}
	return 0, fmt.Errorf("database: CONNECTION_ID() is a %T", value[0])
}

// killTimeout bounds the ending of one abandoned query, killPatience how long its caller waits for
// that.
const (
	killTimeout  = 5 * time.Second
	killPatience = 250 * time.Millisecond
)

// kill ends this connection on the server, with the query that it runs. It goes over a connection
// of its own, outside the pool: the pool may be full of queries that wait to be ended.
//
// It ends the connection, not only the query: a query that is still on its way when the order
// arrives would survive KILL QUERY, and the connection is thrown away anyhow. An error only says
// that the query runs on to its end, so nobody needs it.
func (c *conn) kill() {
	c.connector.killers <- struct{}{}
	defer func() { <-c.connector.killers }()
	ctx, cancel := context.WithTimeout(context.Background(), killTimeout)
	defer cancel()
	raw, err := c.connector.Connector.Connect(ctx)
	if err != nil {
		return
	}
	defer func() { _ = raw.Close() }()
	if execer, ok := raw.(driver.ExecerContext); ok {
		_, _ = execer.ExecContext(ctx, "KILL "+strconv.FormatUint(c.id, 10), nil)
	}
}
