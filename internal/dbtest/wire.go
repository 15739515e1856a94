package dbtest

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
)

// Wire is a TCP connection to a database server that a test can cut, silence, and listen in on.
type Wire struct {
	DSN string // over the wire

	rewrite func([]byte) []byte
	server  func() (net.Conn, error)

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
	flows    chan struct{} // closed while the wire passes on what it gets
	last     func(query string) bool
}

// StartWire returns a wire to the server of dsn, cut when the test ends. What the client sends
// becomes what rewrite returns, of the same length; nil: stays as it is.
func StartWire(t testing.TB, dsn string, rewrite func([]byte) []byte) *Wire {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		t.Fatal(err)
	}
	network, address := cfg.Net, cfg.Addr
	// The flows outlast the test's context: they end with the wire.
	dial := func() (net.Conn, error) { return new(net.Dialer).DialContext(context.Background(), network, address) }
	w := &Wire{rewrite: rewrite, server: dial, flows: make(chan struct{})}
	close(w.flows)
	cfg.Net, cfg.Addr = "tcp", "127.0.0.1:0"
	w.listen(t, cfg.Addr)
	cfg.Addr = w.listener.Addr().String()
	w.DSN = cfg.FormatDSN()
	t.Cleanup(w.Cut)
	return w
}

func (w *Wire) listen(t testing.TB, address string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.listener = listener
	w.mu.Unlock()
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			w.mu.Lock()
			w.open = append(w.open, client)
			w.mu.Unlock()
			go w.connect(client)
		}
	}()
}

func (w *Wire) connect(client net.Conn) {
	w.wait()
	server, err := w.server()
	if err != nil {
		_ = client.Close()
		return
	}
	w.mu.Lock()
	w.open = append(w.open, server)
	w.mu.Unlock()
	var cutting atomic.Bool // at the server's next word
	go w.pass(server, client, func(piece []byte) []byte {
		if w.rewrite != nil {
			piece = w.rewrite(piece)
		}
		// A query's packet: its length in 3 bytes, number 0, the command 3, the text.
		const header = 5
		if len(piece) > header && piece[3] == 0 && piece[4] == 3 {
			w.mu.Lock()
			last := w.last
			w.mu.Unlock()
			if last != nil && last(string(piece[header:])) {
				cutting.Store(true)
			}
		}
		return piece
	})
	w.pass(client, server, func(piece []byte) []byte {
		if cutting.Load() {
			w.Cut()
			return nil
		}
		return piece
	})
}

// pass passes on what comes in pieces of at most a query: the driver writes each in one go.
func (w *Wire) pass(to io.WriteCloser, from io.ReadCloser, change func([]byte) []byte) {
	defer func() { _ = to.Close(); _ = from.Close() }()
	piece := make([]byte, 1<<20)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			w.wait()
			if _, err := to.Write(change(piece[:n])); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *Wire) wait() {
	w.mu.Lock()
	flows := w.flows
	w.mu.Unlock()
	<-flows
}

// Cut ends every connection and takes no new ones.
func (w *Wire) Cut() {
	w.Flow()
	w.mu.Lock()
	defer w.mu.Unlock()
	_ = w.listener.Close()
	for _, c := range w.open {
		_ = c.Close()
	}
	w.open = nil
}

// CutAfter cuts the wire once the server has answered a query for which last returns true; the
// client does not get the answer.
func (w *Wire) CutAfter(last func(query string) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = last
}

// Mend takes connections again, at the same address.
func (w *Wire) Mend(t testing.TB) {
	t.Helper()
	address := w.listener.Addr().String()
	if c, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
		_ = c.Close()
		t.Fatal("the wire is not cut")
	}
	w.listen(t, address)
}

// Silence keeps everything back from here on: connections stay, new ones are taken, and nobody
// answers.
func (w *Wire) Silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flows = make(chan struct{})
}

// Flow ends Silence: what was kept back arrives.
func (w *Wire) Flow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.flows:
	default:
		close(w.flows)
	}
}
