package auth

import "sync"

// maxRecalled is how many verified tokens a memory holds.
const maxRecalled = 4096

// memory holds the claims of tokens whose signature has been verified with one secret or one key
// set, by SHA-256 of the whole token. A page's requests bring the same token, and the signature of
// one token never becomes another; its times are to be checked each time.
type memory struct {
	mu       sync.Mutex
	verified map[[32]byte]*claims // never changed once they are here
}

// recall returns the claims of the token with this sum, or nil.
func (m *memory) recall(sum [32]byte) *claims {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.verified[sum]
}

func (m *memory) remember(sum [32]byte, c *claims) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.verified == nil || len(m.verified) >= maxRecalled {
		m.verified = map[[32]byte]*claims{} // only tokens that held come here: no stranger can force it, and it costs one verification each
	}
	m.verified[sum] = c
}
