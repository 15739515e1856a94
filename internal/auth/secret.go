package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// SecretFile is the name of the embedded server's own secret in its data directory.
const SecretFile = "jwt-secret"

// LoadOrCreateSecret returns the secret that the file SecretFile in dir holds, and makes dir and
// the file when there is none. The secret is the file's text without the line break: 43 characters,
// 256 random bits in base64url, fit to be given as JWT_SECRET to another program. Processes that
// start at once get the same one; a crash leaves a whole file or none. The file is its owner's
// alone (0600), and made so again when it is not.
func LoadOrCreateSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, SecretFile)
	secret, err := loadSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := createSecret(dir, path); err != nil {
		return nil, fmt.Errorf("making a secret in %s: %w", dir, err)
	}
	return loadSecret(path) // ours, or that of the process that was first
}

func loadSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
		if err := os.Chmod(path, 0o600); err != nil {
			return nil, fmt.Errorf("the secret is open to others: %w", err)
		}
	}
	secret, err := ReadSecretFile(path)
	if err != nil {
		return nil, err
	}
	if err := CheckSecret(secret); err != nil {
		return nil, fmt.Errorf("%s: %w; without the file a new one is made", path, err)
	}
	return secret, nil
}

// ReadSecretFile returns the text of a file without the line break at its end. It refuses a file
// that others may have written: one of another owner than this process's user or root, or one that
// others may write or put into its folder.
func ReadSecretFile(path string) ([]byte, error) {
	raw, err := readOurs(path, 0)
	return bytes.TrimRight(raw, "\r\n"), err
}

// ReadPrivateFile returns the text of a file that holds secrets. It refuses what ReadSecretFile does,
// and a file that its group or others may read.
func ReadPrivateFile(path string) ([]byte, error) {
	const others fs.FileMode = 0o077
	return readOurs(path, others)
}

func readOurs(path string, closed fs.FileMode) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of what is read, whatever the path becomes
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	for _, at := range []string{filepath.Dir(path), filepath.Dir(real)} {
		folder, err := os.Stat(at)
		if err != nil {
			return nil, err
		}
		if err := ours(at, folder); err != nil {
			return nil, err
		}
	}
	if err := ours(path, info); err != nil {
		return nil, err
	}
	if info.Mode()&closed != 0 {
		return nil, fmt.Errorf("%s holds secrets and others may open it (mode %v): chmod 600 %[1]s", path, info.Mode().Perm())
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(raw) > maxSecretFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxSecretFile)
	}
	return raw, err
}

const maxSecretFile = 1 << 20

// ours returns an error where somebody else than this process's user and root may write.
func ours(path string, info fs.FileInfo) error {
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 && int(owner.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to another user (%d)", path, owner.Uid)
	}
	if info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s may be written by others (mode %v)", path, info.Mode().Perm())
	}
	return nil
}

// createSecret puts a new secret at path, unless there is one by then: a link never replaces a
// file, as a rename would another process's secret.
func createSecret(dir, path string) error {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	f, err := os.CreateTemp(dir, "."+SecretFile+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(random) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
