package remember

// Settle returns when the store has dropped what it has no room for, which it does behind its callers' backs.
func (s *Store) Settle() { s.cache.CleanUp() }
