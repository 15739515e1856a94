package tagids_test

import (
	"slices"
	"testing"

	"example.com/wechatcustomers/internal/tagids"
)

func TestSplitReadsEachIDOnceAndSkipsEmptyOnes(t *testing.T) {
	t.Parallel()
	for list, want := range map[string][]string{
		"":             nil,
		" , ,":         nil,
		"a":            {"a"},
		"a,b":          {"a", "b"},
		" a , b,,a,A ": {"a", "b", "A"},
		"a\u3000,b":    {"a", "b"},
	} {
		if got := tagids.Split(list); !slices.Equal(got, want) {
			t.Errorf("Split(%q) = %q, want %q", list, got, want)
		}
	}
}
