// Package tagids owns how a comma-separated text of WeCom tag ids is read: a row's tag_id, and the filter of the same form.
package tagids

import (
	"slices"
	"strings"
)

// Split returns the ids of list in their order, each once, without the white space around them; empty ones are skipped. It is nil where there is none.
// An id that a narrow column has cut short is an id like any other: nobody knows it.
func Split(list string) []string {
	var ids []string
	for id := range strings.SplitSeq(list, ",") {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}
