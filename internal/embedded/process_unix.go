//go:build linux || darwin

package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const supported = true

// lock is an open file that can be flocked. The lock belongs to the open file: it ends with the
// last descriptor of it, however the processes that hold one end.
type lock struct{ file *os.File }

func openLock(path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &lock{file}, nil
}

// lockExclusive waits for the lock until ctx is done.
func lockExclusive(ctx context.Context, path string) (*lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if got, err := l.tryExclusive(); got || err != nil {
		if err != nil {
			l.close()
			return nil, err
		}
		return l, nil
	}
	done := make(chan error, 1)
	go func() { done <- l.flock(syscall.LOCK_EX) }()
	select {
	case err := <-done:
		if err != nil {
			l.close()
			return nil, err
		}
		return l, nil
	case <-ctx.Done():
		// A waiting flock cannot be called off; whoever gets the lock now gives it back at once.
		go func() { <-done; l.close() }() //nolint:errcheck // who asked has gone
		return nil, ctx.Err()
	}
}

// tryExclusive reports whether it got the lock. A shared lock held before is given up either way.
func (l *lock) tryExclusive() (bool, error) {
	err := l.flock(syscall.LOCK_EX | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// shared turns the lock into a shared one. It waits for nobody: exclusive holders come and go under
// the control lock, which the caller has.
func (l *lock) shared() error { return l.flock(syscall.LOCK_SH) }

func (l *lock) flock(how int) error {
	for {
		err := syscall.Flock(int(l.file.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func (l *lock) close() { _ = l.file.Close() }

// serverAlive reports whether the server process of dir exists: it inherited the locked server.lock
// and nobody else keeps it open. It asks for a shared lock, so that those who ask do not take one
// another for the server.
func serverAlive(dir string) (bool, error) {
	l, err := openLock(filepath.Join(dir, "server.lock"))
	if err != nil {
		return false, err
	}
	defer l.close()
	err = l.flock(syscall.LOCK_SH | syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// serverEnd returns once the server of dir has ended, or ctx is done.
func serverEnd(ctx context.Context, dir string) error {
	l, err := openLock(filepath.Join(dir, "server.lock"))
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		err := l.flock(syscall.LOCK_SH)
		l.close() // at once: the next server needs the lock
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err() // the waiting flock cannot be called off; it is given back as soon as it is got
	}
}

// startServer runs cmd as the server of dir, which listens on socket: in a session of its own, so
// that Ctrl-C in the terminal reaches the program and not its database, and holding server.lock
// until it ends.
func startServer(dir, socket string, cmd *exec.Cmd) error {
	l, err := openLock(filepath.Join(dir, "server.lock"))
	if err != nil {
		return err
	}
	defer l.close()
	// Whoever waits for a server's end has the lock for a moment then.
	free, err := l.tryExclusive()
	for range 100 {
		if free || err != nil {
			break
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo // file locks tell nobody
		free, err = l.tryExclusive()
	}
	if err != nil {
		return err
	}
	if !free {
		return errors.New("a server is still running there")
	}
	// What a killed server left must not be taken for a live one's: MySQL refuses to start while the
	// number in the socket's lock file is any process's, a stranger's or one that nobody has reaped.
	for _, left := range []string{filepath.Join(dir, "server.pid"), socket, socket + ".lock"} {
		if err := os.RemoveAll(left); err != nil {
			return err
		}
	}
	cmd.ExtraFiles = []*os.File{l.file}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // its end is seen by server.lock; this only reaps it
	return nil
}

// How long a server may take to stop by itself, writing its pages out. InnoDB recovers from the
// kill after it.
const stopPatience = 2 * time.Minute

// stopServer ends the server of dir, if one runs, and waits for its end; kill does not let it tidy
// up.
func stopServer(dir string, kill bool) error {
	p, err := serverProcess(dir)
	if err != nil || p == nil {
		return err
	}
	defer func() { _ = p.Release() }()
	if !kill {
		if err := sendSignal(p, syscall.SIGTERM); err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
		defer cancel()
		l, err := lockExclusive(ctx, filepath.Join(dir, "server.lock"))
		if err == nil {
			l.close()
			return nil
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	if err := sendSignal(p, syscall.SIGKILL); err != nil {
		return err
	}
	l, err := lockExclusive(context.Background(), filepath.Join(dir, "server.lock"))
	if err != nil {
		return err
	}
	l.close()
	return nil
}

func sendSignal(p *os.Process, sig os.Signal) error {
	if err := p.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("signalling the server: %w", err)
	}
	return nil
}

// serverProcess returns the running server's process, or nil when none runs. A server that has only
// just been started (by a program that was killed meanwhile) has no pid file yet: wait for it.
func serverProcess(dir string) (*os.Process, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(stopPatience)
	for {
		text, readErr := os.ReadFile(filepath.Join(dir, "server.pid"))
		pid, pidErr := strconv.Atoi(strings.TrimSpace(string(text)))
		var p *os.Process
		if readErr == nil && pidErr == nil {
			var err error
			if p, err = os.FindProcess(pid); err != nil {
				return nil, err
			}
		}
		// Asked after the process was opened (by pidfd on Linux): if the server lives now, its number has
		// not been given to anybody else.
		alive, err := serverAlive(dir)
		if err != nil || !alive {
			return nil, err
		}
		if p != nil {
			return p, nil
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("the server is running but has not written %s", filepath.Join(dir, "server.pid"))
		}
		<-tick.C
	}
}

func ownedByMe(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
