package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	gendb "example.com/wechatcustomers/gen/db"
)

// Snapshot runs read with queries that all see the database as it was at the first of them (a
// read-only transaction in REPEATABLE READ), and returns its error. db must come from Open.
//
// When ctx is cancelled the running query is ended on the server as well; the driver alone would
// only close its socket and leave the server counting for nobody. A snapshot that was cancelled
// before read returned is ctx's error, however read took it.
func Snapshot(ctx context.Context, db *sql.DB, read func(*gendb.Queries) error) (err error) {
	c, err := db.Conn(ctx)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("database: connect: %w", err)
	}
	var server *conn
	if err := c.Raw(func(raw any) error {
		var ok bool
		if server, ok = raw.(*conn); !ok {
			return fmt.Errorf("database: a connection of %T, not of Open", raw)
		}
		return nil
	}); err != nil {
		return errors.Join(err, c.Close())
	}

	// From here the connection goes back to the pool only after the whole of it succeeded, and only
	// where nobody has begun to kill it: no kill meets its next user.
	clean := false
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		server.kill()
	})
	defer func() {
		if !stop() {
			// The next connection should not come on top of this one, but a network in which the kill is lost
			// must not hold the caller.
			select {
			case <-killed:
			case <-time.After(killPatience):
			}
			clean = false
			err = context.Cause(ctx)
		}
		if !clean {
			_ = c.Raw(func(any) error { return driver.ErrBadConn })
		}
		_ = c.Close()
	}()

	// Two short statements instead of the four that BeginTx sends: the isolation is the session's
	// since it was connected.
	if _, err := c.ExecContext(ctx, "START TRANSACTION READ ONLY"); err != nil {
		return fmt.Errorf("database: begin: %w", err)
	}
	if err := read(gendb.New(c)); err != nil {
		_, rollback := c.ExecContext(ctx, "ROLLBACK")
		clean = rollback == nil
		return err
	}
	if _, err := c.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("database: end of snapshot: %w", err)
	}
	clean = true
	return nil
}
