package httpapi_test

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// wire is a TCP connection to a database server that a test can cut, and listen in on.
type wire struct {
	dsn     string              // over the wire
	rewrite func([]byte) []byte // what the client's bytes become on the way; of the same length
	server  func() (net.Conn, error)

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
}

// startWire returns a wire to the server of dsn. What the client sends becomes what rewrite
// returns, of the same length; nil: stays as it is.
func startWire(t testing.TB, dsn string, rewrite func([]byte) []byte) *wire {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	mustSucceed(t, err)
	network, address := cfg.Net, cfg.Addr
	l := &wire{rewrite: rewrite, server: func() (net.Conn, error) { return net.Dial(network, address) }}
	cfg.Net, cfg.Addr = "tcp", "127.0.0.1:0"
	l.listen(t, cfg.Addr)
	cfg.Addr = l.listener.Addr().String()
	l.dsn = cfg.FormatDSN()
	t.Cleanup(l.cut)
	return l
}

func (l *wire) listen(t testing.TB, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	mustSucceed(t, err)
	l.listener = listener
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := l.server()
			if err != nil {
				client.Close()
				continue
			}
			l.mu.Lock()
			l.open = append(l.open, client, server)
			l.mu.Unlock()
			go l.copy(server, client, l.rewrite)
			go l.copy(client, server, nil)
		}
	}()
}

// copy passes on what comes in pieces of at most a query: the driver writes each in one go.
func (l *wire) copy(to io.WriteCloser, from io.ReadCloser, rewrite func([]byte) []byte) {
	defer to.Close()
	defer from.Close()
	piece := make([]byte, 1<<20)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			out := piece[:n]
			if rewrite != nil {
				out = rewrite(out)
			}
			if _, err := to.Write(out); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// cut ends every connection and takes no new ones.
func (l *wire) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listener.Close()
	for _, c := range l.open {
		c.Close()
	}
	l.open = nil
}

// mend takes connections again, at the same address.
func (l *wire) mend(t testing.TB) {
	t.Helper()
	address := l.listener.Addr().String()
	if _, err := net.Dial("tcp", address); err == nil {
		mustSucceed(t, errors.New("the wire is not cut"))
	}
	l.listen(t, address)
}
