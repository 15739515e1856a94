// Package cache owns what the server keeps of earlier answers: a bounded store in which everything
// is one enterprise's, and is found again only under the very versions of that enterprise's data
// that it was read under.
package cache

import "github.com/jellydator/ttlcache/v3"

// Key says what a value is of. A newer value takes the place of an older one under the same key:
// what is out of date does not fill the store.
type Key struct {
	CropID uint32 // the enterprise
	Kind   string // what kind of thing it is, as its user calls it
	Asked  string // what was asked for, spelt in one way
}

// Versions say as of when a value is: the versions of the enterprise's data that it depends on, 0
// for one that it does not.
type Versions struct{ Rows, Dict uint64 }

// Store holds values up to a total of bytes; those that nobody has asked for the longest go first.
// It is safe for concurrent use. The zero Store keeps nothing.
type Store struct {
	cache *ttlcache.Cache[Key, entry]
	bytes int
}

type entry struct {
	versions Versions
	value    any
	bytes    int
}

// overhead is about what an entry takes beside its value and key.
const overhead = 400

// New returns a Store bounded to this many bytes; one of 0 or less keeps nothing.
func New(bytes int64) *Store {
	if bytes <= 0 {
		return &Store{}
	}
	cost := func(i ttlcache.CostItem[Key, entry]) uint64 { return uint64(size(i.Key, i.Value.bytes)) }
	return &Store{ttlcache.New(ttlcache.WithMaxCost(uint64(bytes), cost)), int(bytes)}
}

func size(k Key, bytes int) int { return bytes + len(k.Kind) + len(k.Asked) + overhead }

// Put keeps a value of about this many bytes, read under these versions, if it can.
func (s *Store) Put(key Key, v Versions, value any, bytes int) {
	if s.cache != nil && size(key, bytes) <= s.bytes { // anything larger would push everything out
		s.cache.Set(key, entry{v, value, bytes}, ttlcache.NoTTL)
	}
}

// Get returns the value kept under key, if it is still there and was read under these versions.
func Get[T any](s *Store, key Key, v Versions) (value T, found bool) {
	if s.cache == nil {
		return value, false
	}
	item := s.cache.Get(key)
	if item == nil || item.Value().versions != v {
		return value, false
	}
	value, found = item.Value().value.(T)
	return value, found
}
