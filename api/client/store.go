package client

import (
	"container/list"
	"sync"
)

// answer is the data of an answer, as JSON, and its version.
type answer struct {
	etag string
	data []byte
}

// store keeps the answers that were asked for last.
type store struct {
	size    int
	mu      sync.Mutex
	order   *list.List // of stored, the last asked for in front
	entries map[string]*list.Element
}

type stored struct {
	key string
	answer
}

func newStore(size int) *store {
	return &store{size: size, order: list.New(), entries: map[string]*list.Element{}}
}

func (s *store) get(key string) (answer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entry, ok := s.entries[key]
	if !ok {
		return answer{}, false
	}
	s.order.MoveToFront(entry)
	return entry.Value.(*stored).answer, true //nolint:forcetypeassert // put alone puts
}

func (s *store) put(key string, a answer) {
	if s.size == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry, ok := s.entries[key]; ok {
		entry.Value = &stored{key, a}
		s.order.MoveToFront(entry)
		return
	}
	s.entries[key] = s.order.PushFront(&stored{key, a})
	if s.order.Len() > s.size {
		last := s.order.Remove(s.order.Back()).(*stored) //nolint:forcetypeassert // put alone puts
		delete(s.entries, last.key)
	}
}
