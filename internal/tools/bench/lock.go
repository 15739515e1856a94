package bench

import (
	"context"
	"database/sql"
	"errors"
)

// alone takes the server for one benchmark, or says that another runs on it. The lock ends with its connection, however this program ends.
func alone(ctx context.Context, dsn string) (unlock func() error, err error) {
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	var got sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT GET_LOCK('wechat-customers-bench', 0)").Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another benchmark runs on this server: wait for its end")
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db.Close, nil
}
