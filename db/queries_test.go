package db_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The filtered list is asked for by two plain queries, and rows that its index only narrows down
// are looked at by a third. A filter that one of them lacks, or writes otherwise, makes a total and
// a page disagree, or one way to the list and the other.

func TestBothPlainQueriesHaveEachFilterInTheSameWords(t *testing.T) {
	t.Parallel()
	queries := read(t, "follows.sql")
	count, list := conditions(queries["CountFollows"]), conditions(queries["ListFollowIDs"])
	if len(count) < 10 {
		t.Fatalf("only the filters %q are found in CountFollows", count)
	}
	const before = "AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))"
	if last := len(list) - 1; last < 0 || list[last] != before {
		t.Fatalf("db/queries/follows.sql: ListFollowIDs does not end in %s: %q", before, list)
	}
	list = list[:len(list)-1]
	for _, pair := range []struct {
		name, other string
		has, wanted []string
	}{{"ListFollowIDs", "CountFollows", list, count}, {"CountFollows", "ListFollowIDs", count, list}} {
		for _, c := range pair.wanted {
			if !slices.Contains(pair.has, c) {
				t.Errorf("db/queries/follows.sql: %s has no line\n  %s\nwhich %s has", pair.name, c, pair.other)
			}
		}
	}
	if !t.Failed() && !slices.Equal(count, list) {
		t.Errorf("db/queries/follows.sql: the filters of CountFollows and ListFollowIDs are in another order")
	}
}

func TestRowsAreLookedAtInTheWordsOfThePlainQueries(t *testing.T) {
	t.Parallel()
	count := conditions(read(t, "follows.sql")["CountFollows"])
	looked := conditions(read(t, "sets.sql")["MatchFollows"])
	if len(looked) < 4 {
		t.Fatalf("only the filters %q are found in MatchFollows", looked)
	}
	for _, c := range looked {
		if !slices.Contains(count, c) {
			t.Errorf("db/queries/sets.sql: MatchFollows has\n  %s\nwhich CountFollows (db/queries/follows.sql) has not", c)
		}
	}
}

// A parameter that is NULL must let every row through, whatever else its condition says.
func TestEachFilterIsOptional(t *testing.T) {
	t.Parallel()
	optional := regexp.MustCompile(`^AND \(sqlc\.narg\('(\w+)'\) IS NULL OR .*\)$`)
	for file, names := range map[string][]string{"follows.sql": {"CountFollows", "ListFollowIDs"}, "sets.sql": {"MatchFollows"}} {
		queries := read(t, file)
		for _, name := range names {
			var seen []string
			for _, c := range conditions(queries[name]) {
				found := optional.FindStringSubmatch(strings.Join(strings.Fields(c), " "))
				if found == nil {
					t.Errorf("db/queries/%s: %s has\n  %s\nwhich does not begin with (sqlc.narg('…') IS NULL OR", file, name, c)
					continue
				}
				if slices.Contains(seen, found[1]) {
					t.Errorf("db/queries/%s: %s has two conditions of %s", file, name, found[1])
				}
				seen = append(seen, found[1])
			}
		}
	}
}

// read returns the queries of a file by their names.
func read(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("queries/" + file)
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]string{}
	for _, part := range strings.Split(string(text), "-- name: ")[1:] {
		name, body, _ := strings.Cut(part, " ")
		queries[name] = body
	}
	return queries
}

var (
	condition = regexp.MustCompile(`\n  AND `)
	end       = regexp.MustCompile(`;|\n\) l`)
)

// conditions returns the conditions of a query's WHERE after the line with its fixed ones.
func conditions(query string) []string {
	_, where, _ := strings.Cut(query, "AND f.deleted_at IS NULL")
	where = where[:max(0, min(len(where), append(end.FindStringIndex(where), len(where))[0]))]
	var list []string
	for _, c := range condition.Split(where, -1)[1:] {
		list = append(list, "AND "+strings.TrimSpace(c))
	}
	return list
}
