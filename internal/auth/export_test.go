package auth

// FromRequest is fromRequest.
var FromRequest = fromRequest

// Settle returns when no reading of the key set is under way: what runs behind a request's back has
// then happened.
func (v *Verifier) Settle() {
	v.keys.mu.Lock()
	running := v.keys.running
	v.keys.mu.Unlock()
	if running != nil {
		<-running
	}
}

// Recalled returns how many verified tokens are remembered: those of the secret, and those of the
// present key set.
func (v *Verifier) Recalled() (ofSecret, ofSet int) {
	if set := v.peek(); set != nil {
		ofSet = set.len()
	}
	return v.signed.len(), ofSet
}

func (m *memory) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.verified)
}

// Forget makes v remember no token.
func (v *Verifier) Forget() {
	v.signed.forget()
	if set := v.peek(); set != nil {
		set.forget()
	}
}

func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.verified = nil
}
