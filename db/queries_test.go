package db_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// beyond are the filters that an index of follows alone does not serve: the queries that read nothing else leave them out.
var beyond = []string{"remark", "customer"}

// A filter that one of the queries lacks, or writes otherwise, makes a total and a page disagree, or lets a filter go where another is set beside it.
func TestEveryQueryOfTheFilteredListHasTheSameFilters(t *testing.T) {
	t.Parallel()
	queries := filteredList(t)
	all := filters(queries["ListFollowIDs"])
	if len(all) < 10 {
		t.Fatalf("only the filters %q are found in ListFollowIDs", all)
	}
	all = all[:len(all)-1] // before_id
	alone := slices.DeleteFunc(slices.Clone(all), func(f string) bool {
		return slices.ContainsFunc(beyond, func(name string) bool { return reads(f, name) })
	})
	fromContacts := slices.Clone(all)
	fromContacts[slices.IndexFunc(all, func(f string) bool { return reads(f, "member") })] = "AND (sqlc.narg('member') IS NULL OR c.uid = sqlc.narg('member'))"
	for _, pair := range []struct {
		suffix string
		want   []string
		starts bool // conditions follow by which the query starts; both of the pair have the same
	}{
		{"", all, false},
		{"OfEmployee", alone, false},
		{"InTime", alone, false},
		{"OfMember", fromContacts, false},
		{"Tagged", all, true},
		{"Matching", all, true},
		{"OfGram", all, true},
		{"OfContact", all, true},
	} {
		list := filters(queries["ListFollowIDs"+pair.suffix])
		const before = "AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))"
		last := len(list) - 1
		if last < 0 || list[last] != before {
			t.Errorf("ListFollowIDs%s does not end in %s: %q", pair.suffix, before, list)
			continue
		}
		list = list[:last]
		if count, ok := queries["CountFollows"+pair.suffix]; ok && !slices.Equal(filters(count), list) {
			t.Errorf("CountFollows%s has\n%s\nListFollowIDs%s\n%s", pair.suffix, strings.Join(filters(count), "\n"), pair.suffix, strings.Join(list, "\n"))
		}
		if n := len(pair.want); len(list) < n || !slices.Equal(list[:n], pair.want) || (len(list) > n) != pair.starts {
			t.Errorf("ListFollowIDs%s has\n%s\nwant\n%s", pair.suffix, strings.Join(list, "\n"), strings.Join(pair.want, "\n"))
		}
		delete(queries, "CountFollows"+pair.suffix)
		delete(queries, "ListFollowIDs"+pair.suffix)
	}
	for name := range queries {
		if strings.HasPrefix(name, "CountFollows") || strings.HasPrefix(name, "ListFollowIDs") {
			t.Errorf("%s is in no pair that this test knows", name)
		}
	}
}

// reads says whether a filter is that of the parameter.
func reads(filter, parameter string) bool {
	return strings.HasPrefix(filter, "AND (sqlc.narg('"+parameter+"') IS NULL OR ")
}

// filteredList returns the queries of follows.sql by their names.
func filteredList(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("queries/follows.sql")
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
	end       = regexp.MustCompile(`;|\nORDER BY`)
)

// filters returns the conditions of a query's WHERE after its fixed ones.
func filters(query string) []string {
	_, where, _ := strings.Cut(query, "AND f.deleted_at IS NULL")
	where = where[:max(0, min(len(where), append(end.FindStringIndex(where), len(where))[0]))]
	var list []string
	for _, f := range condition.Split(where, -1)[1:] {
		list = append(list, "AND "+strings.TrimSpace(f))
	}
	return list
}
