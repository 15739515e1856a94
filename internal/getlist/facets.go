package getlist

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/filter"
	"example.com/wechatcustomers/internal/index"
)

// counted is what one snapshot of the database holds of a request for facets.
type counted struct {
	versions gendb.GetAccessRow // the enterprise and its versions as the snapshot has them
	facets   api.CustomerFacets
}

// count counts the rows under f. What omit names is left out.
func (s *Server) count(
	ctx context.Context,
	q *gendb.Queries,
	crop uint32,
	f *filter.Filter,
	omit *string,
) (c counted, err error) {
	reader, versions, err := open(ctx, q, crop)
	if err != nil {
		return c, err
	}
	c.versions = versions
	var left []string
	if omit != nil {
		left = strings.Split(*omit, ",")
	}
	wants := func(list string) bool { return !slices.Contains(left, list) }
	asked := index.Asked{Contacts: wants("customers"), Excluding: wants("without")}
	for _, list := range []struct {
		name string
		kind byte
	}{
		{"status", filter.Status}, {"type", filter.Type}, {"add_way", filter.AddWay}, {"gender", filter.Gender}, {"employee", filter.Employee}, {"tag", filter.Tag},
	} {
		if wants(list.name) {
			asked.Kinds = append(asked.Kinds, list.kind)
		}
	}
	counts, err := reader.Facets(ctx, f, asked)
	if err != nil {
		return c, err
	}
	var employees []gendb.ListEmployeeNamesRow
	var tags []gendb.Tag
	if wants("employee") {
		if employees, err = q.ListEmployeeNames(ctx, crop); err != nil {
			return c, err
		}
		if err := nameUnknown(ctx, reader, counts.Counts[filter.Employee], employees); err != nil {
			return c, err
		}
	}
	if wants("tag") {
		if tags, err = q.ListAllTags(ctx, crop); err != nil {
			return c, err
		}
	}
	c.facets = toFacets(counts, employees, tags)
	return c, nil
}

// nameUnknown gives the employees that the dictionary does not have the userids that their rows
// have.
func nameUnknown(
	ctx context.Context,
	reader *index.Reader,
	counts []index.Count,
	employees []gendb.ListEmployeeNamesRow,
) error {
	known := make(map[string]bool, len(employees))
	for _, e := range employees {
		known[strings.ToLower(e.UserID)] = true
	}
	var unknown []string
	for _, n := range counts {
		if !known[n.Value] {
			unknown = append(unknown, n.Value)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	userids, err := reader.Userids(ctx, unknown)
	if err != nil {
		return err
	}
	for i := range counts {
		if !known[counts[i].Value] {
			counts[i].Value, userids = userids[0], userids[1:]
		}
	}
	return nil
}

// toFacets returns the contract's facets. No list is nil: a nil one would be printed as null.
func toFacets(counts *index.Facets, employees []gendb.ListEmployeeNamesRow, tags []gendb.Tag) api.CustomerFacets {
	facets := api.CustomerFacets{
		Total:     counts.Total,
		Customers: counts.Contacts,
		Untagged:  counts.Untagged,
		Status:    toNumbers(counts.Counts[filter.Status]),
		Type:      toNumbers(counts.Counts[filter.Type]),
		AddWay:    []api.AddWayCount{},
		Gender:    toNumbers(counts.Counts[filter.Gender]),
		Employee:  []api.EmployeeCount{},
		Tag:       []api.TagCount{},
		Without:   []api.FilterTotal{},
	}
	for _, n := range counts.Counts[filter.AddWay] {
		facets.AddWay = append(facets.AddWay, api.AddWayCount{Value: n.Value, Count: n.N})
	}
	named := make(map[string]gendb.ListEmployeeNamesRow, len(employees))
	for _, e := range employees {
		named[strings.ToLower(e.UserID)] = e
	}
	for _, n := range counts.Counts[filter.Employee] {
		e := api.EmployeeCount{UserID: n.Value, Deleted: true, Count: n.N}
		if known, ok := named[n.Value]; ok {
			e.UserID, e.Name, e.Deleted = known.UserID, known.Name, known.DeletedAt != nil
		}
		facets.Employee = append(facets.Employee, e)
	}
	tagged := make(map[string]gendb.Tag, len(tags))
	for _, t := range tags {
		tagged[t.TagID] = t
	}
	for _, n := range counts.Counts[filter.Tag] {
		t := tagged[n.Value]
		facets.Tag = append(
			facets.Tag,
			api.TagCount{TagID: n.Value, Name: t.Name, GroupID: t.GroupID, GroupName: t.GroupName, Count: n.N},
		)
	}
	for _, n := range counts.Excluding {
		facets.Without = append(facets.Without, api.FilterTotal{Filter: n.Value, Total: n.N})
	}
	return facets
}

func toNumbers(counts []index.Count) []api.NumberCount {
	list := make([]api.NumberCount, len(counts))
	for i, n := range counts {
		value, _ := strconv.ParseInt(n.Value, 10, 32) // of a column of 32 bits
		list[i] = api.NumberCount{Value: int32(value), Count: n.N}
	}
	return list
}
