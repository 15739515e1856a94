package dbtest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Plans are how the server reads the tables for each statement that went through a database of
// Explain.
type Plans struct {
	t     testing.TB
	mu    sync.Mutex
	steps map[Step]struct{}
}

// Step is how a statement reads one table, in EXPLAIN's words.
type Step struct {
	// Statement is the statement's name in db/queries; of others what they do, to which table, and by
	// which index they ask to: SELECT follows (follows_id).
	Statement string

	Table, Access, Key string // Table is its alias where it has one
	Length             int    // bytes of the key that are looked up
	Sorts              bool   // or gathers what it reads
}

// Explain returns the database of a DSN, in which the server is asked for the plan of each
// statement before it is run; only an INSERT of values has none.
func Explain(t testing.TB, dsn string) (*sql.DB, *Plans) {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err == nil {
		cfg.InterpolateParams, cfg.ClientFoundRows = true, true
		err = cfg.Apply(mysql.Charset("utf8mb4", "utf8mb4_bin"))
	}
	var inner driver.Connector
	if err == nil {
		inner, err = mysql.NewConnector(cfg)
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &Plans{t: t, steps: map[Step]struct{}{}}
	db := sql.OpenDB(explaining{inner, p})
	t.Cleanup(func() { _ = db.Close() })
	return db, p
}

// Steps returns all steps of all statements so far, each once, in the order of statements and
// tables.
func (p *Plans) Steps() []Step {
	p.mu.Lock()
	defer p.mu.Unlock()
	var steps []Step
	for s := range p.steps {
		steps = append(steps, s)
	}
	slices.SortFunc(steps, func(a, b Step) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return steps
}

var (
	queryName = regexp.MustCompile(`^-- name: (\w+)`)
	verb      = regexp.MustCompile(`(?m)^(?:SELECT|INSERT|UPDATE|DELETE)\b`)
	tableName = regexp.MustCompile(`\b(?:FROM|INTO|UPDATE) (\w+)(?: \w\b)?(?: FORCE INDEX (\(\w+\)))?`)
)

// nameOf returns a statement's name, and whether it has a plan.
func nameOf(statement string) (name string, planned bool) {
	does := verb.FindString(statement)
	planned = does != "" && does != "INSERT"
	if m := queryName.FindStringSubmatch(statement); m != nil {
		return m[1], planned
	}
	table := tableName.FindStringSubmatch(statement)
	if table == nil {
		return "", false
	}
	return strings.TrimSpace(does + " " + table[1] + " " + table[2]), planned
}

// ask asks the server for the plan of a statement.
func (p *Plans) ask(ctx context.Context, c driver.QueryerContext, statement string, args []driver.NamedValue) {
	name, planned := nameOf(statement)
	if !planned {
		return
	}
	rows, err := c.QueryContext(ctx, "EXPLAIN FORMAT=TRADITIONAL "+statement, args)
	if err != nil {
		p.t.Errorf("%s: %v", name, err)
		return
	}
	defer func() { _ = rows.Close() }()
	columns := rows.Columns()
	values := make([]driver.Value, len(columns))
	for {
		if err := rows.Next(values); err != nil {
			if !errors.Is(err, io.EOF) {
				p.t.Errorf("%s: %v", name, err)
			}
			return
		}
		field := func(column string) string {
			switch v := values[slices.Index(columns, column)].(type) {
			case []byte:
				return string(v)
			case nil:
				return ""
			default:
				return fmt.Sprint(v)
			}
		}
		length, _ := strconv.Atoi(field("key_len"))
		extra := field("Extra")
		step := Step{
			Statement: name, Table: field("table"), Access: field("type"), Key: field("key"), Length: length,
			Sorts: strings.Contains(extra, "filesort") || strings.Contains(extra, "temporary"),
		}
		p.mu.Lock()
		p.steps[step] = struct{}{}
		p.mu.Unlock()
	}
}

// explaining makes connections that ask for plans.
type explaining struct {
	driver.Connector
	plans *Plans
}

func (e explaining) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := e.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, whole := c.(mysqlConn)
	if !whole {
		return nil, fmt.Errorf("the driver's connection %T lacks a method", c)
	}
	return explained{inner, e.plans}, nil
}

// mysqlConn is what database/sql asks a connection for here.
type mysqlConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.SessionResetter
	driver.Validator
}

type explained struct {
	mysqlConn
	plans *Plans
}

func (c explained) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	c.plans.ask(ctx, c.mysqlConn, query, args)
	return c.mysqlConn.QueryContext(ctx, query, args)
}

func (c explained) ExecContext(ctx context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	c.plans.ask(ctx, c.mysqlConn, statement, args)
	return c.mysqlConn.ExecContext(ctx, statement, args)
}
