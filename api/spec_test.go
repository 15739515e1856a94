package api_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"

	"example.com/wechatcustomers/api"
)

// object is a node of the document as it is written: a reader of OpenAPI would not tell an example of null from none.
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

func TestEveryParameterAndFieldIsDescribedInBothLanguagesWithAnExample(t *testing.T) {
	t.Parallel()
	components := document(t).at("components")
	known := func(name string, o object, example bool) {
		if !bilingual(o["description"]) {
			t.Errorf("%s is not described in Chinese and English: %v", name, o["description"])
		}
		if _, ok := o["example"]; example && !ok {
			t.Errorf("%s has no example", name)
		}
	}
	fields := 0
	for name := range components.at("parameters") {
		known(name, components.at("parameters", name), true)
	}
	for name := range components.at("schemas") {
		schema := components.at("schemas", name)
		known(name, schema, false)
		orders := map[any]string{}
		for field := range schema.at("properties") {
			o := schema.at("properties", field)
			_, whole := o["allOf"]
			_, items := o.at("items")["$ref"]
			known(name+"."+field, o, !whole && !items) // what is a component has its examples there
			if before, taken := orders[o["x-order"]]; o["x-order"] == nil || taken {
				t.Errorf("%s.%s has the x-order %v, %q has it too", name, field, o["x-order"], before)
			}
			orders[o["x-order"]] = field
			fields++
		}
	}
	if fields < 100 {
		t.Errorf("only %d fields were found", fields)
	}
}

// original are the query parameters of the original contract.
var original = []string{
	"search[customer]", "search[member]", "search[add_way_type]", "search[tags_data]", "search[employee_member]", "search[类型]", "search[status]", "search[time][]", "search[remark]", "page",
}

func TestEachAdditionSaysThatItIsOneAndEveryBodyHasEachParameter(t *testing.T) {
	t.Parallel()
	doc := document(t)
	schemas := doc.at("components", "schemas")
	var names, form, body []string
	for name := range doc.at("components", "parameters") {
		p := doc.at("components", "parameters", name)
		if p["in"] != "query" {
			continue
		}
		names = append(names, p["name"].(string))
		text, _ := p["description"].(string)
		if addition := strings.Contains(text, "「扩展」") && strings.Contains(text, "「Addition」"); addition == slices.Contains(original, p["name"].(string)) {
			t.Errorf("%s is marked as an addition: %t", p["name"], addition)
		}
	}
	for field := range schemas.at("ListForm", "properties") {
		form = append(form, field)
	}
	for field := range schemas.at("ListBody", "properties") {
		if field != "search" {
			body = append(body, field)
		}
	}
	for field := range schemas.at("ListSearch", "properties") {
		name := "search[" + field + "]"
		if field == "time" {
			name += "[]"
		}
		body = append(body, name)
	}
	slices.Sort(names)
	slices.Sort(form)
	slices.Sort(body)
	if !slices.Equal(names, form) || !slices.Equal(names, body) {
		t.Errorf("query, form and JSON have different parameters:\n%q\n%q\n%q", names, form, body)
	}
	for _, method := range []string{"get", "post"} {
		for path := range doc.at("paths") {
			operation := doc.at("paths", path, method)
			listed, _ := operation["parameters"].([]any)
			if strings.HasSuffix(path, "/getList") && len(listed) != len(names) {
				t.Errorf("%s %s has %d parameters of %d", method, path, len(listed), len(names))
			}
		}
	}
}
