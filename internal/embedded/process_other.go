//go:build !linux && !darwin

package embedded

import (
	"context"
	"errors"
	"os"
	"os/exec"
)

// Without flock and sessions there is no safe way to share a server: findServer says what to do
// instead.
const supported = false

type lock struct{}

func openLock(string) (*lock, error) { return &lock{}, nil }

func lockExclusive(context.Context, string) (*lock, error) { return &lock{}, nil }

func (*lock) tryExclusive() (bool, error) { return true, nil }

func (*lock) shared() error { return nil }

func (*lock) close() {}

func serverAlive(string) (bool, error) { return false, nil }

func serverEnd(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }

func startServer(string, string, *exec.Cmd) error { return errors.ErrUnsupported }

func stopServer(string, bool) error { return nil }

func ownedByMe(os.FileInfo) bool { return true }
