package cache_test

import (
	"fmt"
	"testing"

	"example.com/wechatcustomers/internal/cache"
)

func TestAValueIsFoundUnderItsOwnKeyAndVersionsOnly(t *testing.T) {
	t.Parallel()
	s := cache.New(1 << 20)
	key, v := cache.Key{CropID: 1, Kind: "page", Asked: "x"}, cache.Versions{Rows: 1, Dict: 2}
	s.Put(key, v, "answer", 6)
	if got, ok := cache.Get[string](s, key, v); !ok || got != "answer" {
		t.Errorf("%q, %t", got, ok)
	}
	for _, other := range []struct {
		key cache.Key
		v   cache.Versions
	}{
		{cache.Key{CropID: 2, Kind: "page", Asked: "x"}, v}, {cache.Key{CropID: 1, Kind: "total", Asked: "x"}, v}, {cache.Key{CropID: 1, Kind: "page", Asked: "y"}, v},
		{key, cache.Versions{Rows: 2, Dict: 2}}, {key, cache.Versions{Rows: 1, Dict: 1}}, {key, cache.Versions{}},
	} {
		if got, ok := cache.Get[string](s, other.key, other.v); ok {
			t.Errorf("%+v found %q", other, got)
		}
	}
	if _, ok := cache.Get[int](s, key, v); ok {
		t.Error("found as another type")
	}
}

func TestWhatIsKeptStaysWithinTheStoresBytes(t *testing.T) {
	t.Parallel()
	const bound, size = 1 << 20, 10_000
	s := cache.New(bound)
	key := func(n int) cache.Key { return cache.Key{CropID: 1, Kind: "page", Asked: fmt.Sprint(n)} }
	for n := range 2000 {
		s.Put(key(n), cache.Versions{}, n, size)
		// What has just been put is found, whatever was there before and however often that was asked
		// for.
		if _, ok := cache.Get[int](s, key(n), cache.Versions{}); !ok {
			t.Fatalf("value %d is not there", n)
		}
		if _, ok := cache.Get[int](s, key(0), cache.Versions{}); !ok {
			t.Fatalf("after value %d, what is asked for all the time is gone", n)
		}
	}
	s.Put(key(-1), cache.Versions{}, -1, bound)
	if _, ok := cache.Get[int](s, key(0), cache.Versions{}); !ok {
		t.Error("a value larger than the store has pushed everything out")
	}
	kept := 0
	for n := range 2000 {
		if _, ok := cache.Get[int](s, key(n), cache.Versions{}); ok {
			kept++
		}
	}
	if kept == 0 || kept*size > bound {
		t.Errorf("%d values of %d bytes are kept in %d", kept, size, bound)
	}
	var none cache.Store
	none.Put(key(1), cache.Versions{}, 1, 1)
	if _, ok := cache.Get[int](&none, key(1), cache.Versions{}); ok {
		t.Error("the zero Store keeps something")
	}
}
