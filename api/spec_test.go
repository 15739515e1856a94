package api_test

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"

	"example.com/wechatcustomers/api"
)

// object is a node of the document as it is written: a reader of OpenAPI would not tell an example
// of null from none.
type object map[string]any

func (o object) at(keys ...string) object {
	for _, key := range keys {
		next, _ := o[key].(map[string]any)
		o = next
	}
	return o
}

func document(t *testing.T) object {
	t.Helper()
	text, err := yaml.YAMLToJSON(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	var doc object
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// bilingual is what a description must be: Chinese, and English words.
func bilingual(description any) bool {
	text, _ := description.(string)
	return regexp.MustCompile(`\p{Han}`).MatchString(text) && regexp.MustCompile(`(?i)[a-z]{2,} [a-z]{2,}|[a-z]{3,}\.`).MatchString(text)
}

// resolved returns what o refers to, or o itself where it is no reference.
func (o object) resolved(doc object) object {
	ref, ok := o["$ref"].(string)
	if !ok {
		return o
	}
	return doc.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// list returns the objects of an array.
func (o object) list(key string) []object {
	items, _ := o[key].([]any)
	list := make([]object, len(items))
	for i, item := range items {
		list[i], _ = item.(map[string]any)
	}
	return list
}

// fields returns the names of a schema's properties, those of its parts (allOf) included.
func (o object) fields(doc object) []string {
	o = o.resolved(doc)
	names := slices.Collect(maps.Keys(o.at("properties")))
	for _, part := range o.list("allOf") {
		names = append(names, part.fields(doc)...)
	}
	return names
}

// queries returns the query parameters of an operation: the path's and its own.
func queries(doc object, path, method string) []object {
	item := doc.at("paths", path)
	var list []object
	for _, p := range slices.Concat(item.list("parameters"), item.at(method).list("parameters")) {
		if p = p.resolved(doc); p["in"] == "query" {
			list = append(list, p)
		}
	}
	return list
}

func TestEveryParameterAndFieldIsDescribedInBothLanguagesWithAnExample(t *testing.T) {
	t.Parallel()
	doc := document(t)
	described := func(name string, o object) {
		if !bilingual(o["description"]) {
			t.Errorf("%s is not described in Chinese and English: %v", name, o["description"])
		}
	}
	exemplary := func(name string, o object) {
		if _, ok := o["example"]; !ok {
			t.Errorf("%s has no example", name)
		}
	}
	for name := range doc.at("components", "parameters") {
		described(name, doc.at("components", "parameters", name))
		exemplary(name, doc.at("components", "parameters", name))
	}
	for path := range doc.at("paths") {
		for _, method := range []string{"get", "post"} {
			for _, p := range queries(doc, path, method) {
				described(p["name"].(string), p)
				exemplary(p["name"].(string), p.at("schema").resolved(doc))
			}
		}
	}
	fields := 0
	schemas := doc.at("components", "schemas")
	for name := range schemas {
		schema := schemas.at(name)
		described(name, schema)
		if _, answered := schema["required"]; !answered {
			for field := range schema.at("properties") { // of a body: all is said elsewhere
				o := schema.at("properties", field)
				if _, whole := o["allOf"]; !whole && o["$ref"] == nil {
					t.Errorf("%s.%s is described a second time, or is not required", name, field)
				}
			}
			continue
		}
		orders := map[any]string{}
		for field := range schema.at("properties") {
			o := schema.at("properties", field)
			described(name+"."+field, o)
			_, whole := o["allOf"]
			if _, items := o.at("items")["$ref"]; !whole && !items { // components have their examples
				exemplary(name+"."+field, o)
			}
			if before, taken := orders[o["x-order"]]; o["x-order"] == nil || taken {
				t.Errorf("%s.%s has the x-order %v, %q has it too", name, field, o["x-order"], before)
			}
			orders[o["x-order"]] = field
			fields++
		}
		if len(orders) != len(schema["required"].([]any)) {
			t.Errorf("%s has fields that are not required", name)
		}
	}
	if fields < 100 {
		t.Errorf("only %d fields were found", fields)
	}
}

// original are the query parameters of the original contract.
var original = []string{
	"search[customer]", "search[member]", "search[add_way_type]", "search[tags_data]",
	"search[employee_member]", "search[类型]", "search[status]", "search[time][]", "search[remark]",
	"page",
}

func TestEachAdditionSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	doc := document(t)
	for path := range doc.at("paths") {
		for _, p := range queries(doc, path, "get") {
			text, _ := p["description"].(string)
			addition := strings.HasPrefix(text, "「扩展」") && strings.Contains(text, "「Addition」")
			if addition == slices.Contains(original, p["name"].(string)) {
				t.Errorf("%s is marked as an addition: %t", p["name"], addition)
			}
		}
		for _, method := range []string{"get", "post"} {
			operation := doc.at("paths", path, method)
			text, _ := operation["description"].(string)
			addition := strings.HasPrefix(text, "「扩展」") && strings.Contains(text, "「Addition」")
			if operation != nil && addition == strings.HasSuffix(path, "/getList") {
				t.Errorf("%s %s is marked as an addition: %t", method, path, addition)
			}
		}
	}
}

func TestPostAndEveryBodyHaveEachParameterAndReferToItsSchema(t *testing.T) {
	t.Parallel()
	doc := document(t)
	schemas := doc.at("components", "schemas")
	bodies := 0
	for path := range doc.at("paths") {
		post := doc.at("paths", path, "post")
		if post == nil {
			continue
		}
		names := func(method string) (list []string) {
			for _, p := range queries(doc, path, method) {
				if p["deprecated"] != true { // bodies go on taking it, and name the other spelling alone
					list = append(list, p["name"].(string))
				}
			}
			return list
		}
		want := names("get")
		if got := names("post"); !slices.Equal(got, want) {
			t.Errorf("%s: POST has the parameters %q, GET %q", path, got, want)
		}
		slices.Sort(want)
		for mediaType := range post.at("requestBody", "content") {
			var got []string
			for _, field := range post.at("requestBody", "content", mediaType, "schema").fields(doc) {
				if field != "search" {
					got = append(got, field)
					continue
				}
				for filter := range schemas.at("ListSearch", "properties") {
					name := "search[" + filter + "]"
					if filter == "time" {
						name += "[]"
					}
					got = append(got, name)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %s has\n%q, the query\n%q", path, mediaType, got, want)
			}
			bodies++
		}
	}
	if bodies != 6 {
		t.Errorf("%d bodies were found", bodies)
	}
	for _, p := range queries(doc, "/business/{uniacid}/plugin/WechatCustomers/getList", "get") {
		if p["deprecated"] == true {
			continue
		}
		name := p["name"].(string)
		same(t, doc, p, "ListForm", name)
		if filter, ok := strings.CutPrefix(name, "search["); ok {
			same(t, doc, p, "FacetForm", name)
			same(t, doc, p, "ListSearch", strings.TrimSuffix(strings.TrimSuffix(filter, "[]"), "]"))
		} else {
			same(t, doc, p, "ListBody", name)
		}
	}
}

// same says where a body's field is neither of the parameter's schema nor of one that writes the
// same values in the body's way (x-go-type says which these are).
func same(t *testing.T, doc, parameter object, body, field string) {
	t.Helper()
	const schemas = "#/components/schemas/"
	has := doc.at("components", "schemas", body, "properties", field)
	ref, _ := parameter.at("schema")["$ref"].(string)
	want := strings.TrimPrefix(ref, schemas)
	if has["$ref"] == ref && ref != "" {
		return
	}
	of := has.resolved(doc)["x-go-type"]
	plain := map[any]string{"string": "string", "[]*int64": "array"}[of]
	if of == nil || of != want && plain != parameter.at("schema").resolved(doc)["type"] {
		t.Errorf("%s.%s is %v of %v, the parameter %s", body, field, has["$ref"], of, want)
	}
}

// The Go client's own test sends each parameter; the TypeScript client's runs where Node is.
func TestTheTypeScriptClientNamesEachFilter(t *testing.T) {
	t.Parallel()
	const file = "ts/src/query.ts"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, found := document(t), 0
	for _, p := range queries(doc, "/business/{uniacid}/plugin/WechatCustomers/getList", "get") {
		name := p["name"].(string)
		if !strings.HasPrefix(name, "search[") || name == "search[类型]" { // search[type] in another spelling
			continue
		}
		found++
		if !strings.Contains(string(source), `["`+name+`", "`) {
			t.Errorf("api/%s: FILTERS has nothing of %s, which api/openapi.yaml has", file, name)
		}
	}
	if found < 10 {
		t.Errorf("only %d filters are found", found)
	}
}
