package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// tooMany are the servers' errors of a connection that is one too many: for the server, the user,
// or the user's quota.
var tooMany = []uint16{1040, 1203, 1226}

func full(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && slices.Contains(tooMany, refused.Number)
}

// passing are the servers' errors that end without a change to this program: an operator or time
// puts them right.
var passing = slices.Concat(tooMany, []uint16{
	// The user, the password and the grants: 1044, 1045, 1142, 1143, 1227, 1370, 1410, 1698; a password
	// that has expired, an account that is locked: 1820, 1862, 3118, 4151.
	1044, 1045, 1142, 1143, 1227, 1370, 1410, 1698, 1820, 1862, 3118, 4151,
	// The host may not connect.
	1129, 1130,
	// No such database, column or table: /readyz says which.
	1049, 1054, 1146,
	// A Galera node without quorum.
	1047,
	// Shutting down, killed, aborted, idle for too long.
	1053, 1079, 1152, 1184, 1317, 1927, 4031,
	// The network, as the server sees it.
	1158, 1159, 1160, 1161,
	// Memory, threads, disk.
	1021, 1037, 1038, 1041, 1114, 1135,
	// Time is over: of a lock, a statement.
	1205, 1969, 3024,
	// A deadlock's victim.
	1213,
	// Read-only, as after a failover.
	1290, 1792, 1836,
})

// vtgate reports what it cannot reach as an unknown error (1105): these are among its texts.
const unknownError = 1105

var tabletTexts = []string{"no healthy tablet", "no available connection", "not serving"}

// Unavailable says whether err means that the database cannot be reached, cannot work now or must be
// put right by its operator, or that the time is over, rather than a fault of this program.
func Unavailable(err error) bool {
	var network net.Error
	var refused *mysql.MySQLError
	switch {
	case errors.Is(err, ErrLost), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.Is(err, driver.ErrBadConn),
		errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return true
	case errors.As(err, &refused) && refused.Number == unknownError:
		text := strings.ToLower(refused.Message)
		return slices.ContainsFunc(tabletTexts, func(known string) bool { return strings.Contains(text, known) })
	case errors.As(err, &refused):
		return slices.Contains(passing, refused.Number)
	}
	return false
}
