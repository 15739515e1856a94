package wecom_test

import (
	"strings"
	"testing"

	"example.com/wechatcustomers/internal/wecomtest"
)

func TestASyncFillsTheTablesAndTheNextOneWritesNothing(t *testing.T) {
	t.Parallel()
	h := setup(t, wecomtest.Options{Members: 23, Follows: 700, Seed: 1})
	h.sync()
	h.equal()
	if n := h.count("SELECT COUNT(*) FROM follows"); n != 700 {
		t.Errorf("%d follows, want 700", n)
	}
	if s := h.status(); !strings.Contains(s, "complete after") || !strings.Contains(s, "23 of 23 members, 700 customers read, ") || !strings.Contains(s, "0 changed, 0 lost, 0 refused") {
		t.Errorf("status: %s", s)
	}
	before := h.count("SELECT SUM(rows_version + dict_version) FROM versions")
	h.sync()
	h.equal()
	if after := h.count("SELECT SUM(rows_version + dict_version) FROM versions"); after != before {
		t.Errorf("the versions went from %d to %d by a sync that had nothing to change", before, after)
	}
	if s := h.status(); !strings.Contains(s, "700 customers read, 0 rows new, 0 changed, 0 lost, 0 refused") {
		t.Errorf("status after the second: %s", s)
	}
}
