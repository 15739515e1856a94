package remember_test

import (
	"fmt"
	"testing"

	"example.com/wechatcustomers/internal/remember"
)

func TestAValueIsFoundUnderItsOwnKeyAndVersionsOnly(t *testing.T) {
	t.Parallel()
	s := remember.New(1 << 20)
	key, v := remember.Key{CropID: 1, Kind: "page", Asked: "x"}, remember.Versions{Rows: 1, Dict: 2}
	s.Put(key, v, "answer", 6)
	if got, ok := remember.Get[string](s, key, v); !ok || got != "answer" {
		t.Errorf("%q, %t", got, ok)
	}
	for _, other := range []struct {
		key remember.Key
		v   remember.Versions
	}{
		{remember.Key{CropID: 2, Kind: "page", Asked: "x"}, v}, {remember.Key{CropID: 1, Kind: "total", Asked: "x"}, v}, {remember.Key{CropID: 1, Kind: "page", Asked: "y"}, v},
		{key, remember.Versions{Rows: 2, Dict: 2}}, {key, remember.Versions{Rows: 1, Dict: 1}}, {key, remember.Versions{}},
	} {
		if got, ok := remember.Get[string](s, other.key, other.v); ok {
			t.Errorf("%+v found %q", other, got)
		}
	}
	if _, ok := remember.Get[int](s, key, v); ok {
		t.Error("found as another type")
	}
}

func TestWhatIsKeptStaysWithinTheStoresBytes(t *testing.T) {
	t.Parallel()
	const bound, size = 1 << 20, 10_000
	s := remember.New(bound)
	key := func(n int) remember.Key { return remember.Key{CropID: 1, Kind: "page", Asked: fmt.Sprint(n)} }
	for n := range 2000 {
		s.Put(key(n), remember.Versions{}, n, size)
		// What has just been put is found, whatever was there before and however often that was asked for.
		if _, ok := remember.Get[int](s, key(n), remember.Versions{}); !ok {
			t.Fatalf("value %d is not there", n)
		}
		if _, ok := remember.Get[int](s, key(0), remember.Versions{}); !ok {
			t.Fatalf("after value %d, what is asked for all the time is gone", n)
		}
	}
	s.Put(key(-1), remember.Versions{}, -1, bound)
	if _, ok := remember.Get[int](s, key(0), remember.Versions{}); !ok {
		t.Error("a value larger than the store has pushed everything out")
	}
	kept := 0
	for n := range 2000 {
		if _, ok := remember.Get[int](s, key(n), remember.Versions{}); ok {
			kept++
		}
	}
	if kept == 0 || kept*size > bound {
		t.Errorf("%d values of %d bytes are kept in %d", kept, size, bound)
	}
	var none remember.Store
	none.Put(key(1), remember.Versions{}, 1, 1)
	if _, ok := remember.Get[int](&none, key(1), remember.Versions{}); ok {
		t.Error("the zero Store keeps something")
	}
}
