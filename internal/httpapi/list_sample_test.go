package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/wechatcustomers/gen/api"
	"example.com/wechatcustomers/gen/client"
)

// sample returns the contract's sample answer, as valid JSON without white space.
func sample(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../tools/demo/testdata/sample.json")
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		t.Fatal(err)
	}
	return compact.Bytes()
}

// What the sample's lists leave out: the tag of one of its rows, below those it lists, and its own
// employee, after those it lists.
const (
	missingTag = `{"id":25,"uniacid":2,"crop_id":1,"tag_id":"etDesSDgAACFJtKmZ8DmxP3DjZmceyLw","name":"测试标签11","create_time":1616825466,"order":0,` +
		`"created_at":"2021-08-24 16:13:28","updated_at":"2021-08-24 16:13:28","deleted_at":null,"group_id":"etDesSDgAAgSPK4ZV9R6whR-HznwfJGw","group_name":"测试标签组1"}`
	missingEmployee = `{"user_id":"XiaoLiangZi","name":"李健平"}`
	publicAddress   = "http://www.wq.com/web/index.php"
)

// sampleRecords returns an import that holds the sample's records as the sample writes them, and as
// many rows below them as its total says.
func sampleRecords(t *testing.T) string {
	t.Helper()
	var answer struct {
		Data struct {
			Data, Tag []json.RawMessage
			Employee  []client.EmployeeName
			Total     int
		}
	}
	mustSucceed(t, json.Unmarshal(sample(t), &answer))
	var contacts, follows []string
	var employee string
	for _, row := range answer.Data.Data {
		var parts struct {
			Customer json.RawMessage `json:"has_one_customer"`
			Employee json.RawMessage `json:"has_one_employee"`
		}
		mustSucceed(t, json.Unmarshal(row, &parts))
		own, _, _ := strings.Cut(string(row), `,"has_one_customer":`)
		follows = append(follows, `{"follow":`+own+`}}`)
		contacts = append(contacts, `{"customer":`+string(parts.Customer)+`}`)
		employee = `{"employee":` + string(parts.Employee) + `}` // the same in both
	}
	lines := []string{strings.TrimSuffix(manager, "\n")}
	for i, e := range answer.Data.Employee {
		lines = append(lines, fmt.Sprintf(`{"employee":{"id":%d,"business_id":1,"user_id":%q,"name":%q}}`, i+1, e.UserID, e.Name))
	}
	lines = append(append(lines, employee), contacts...)
	for id := range answer.Data.Total - len(follows) {
		lines = append(lines, fmt.Sprintf(`{"customer":{"crop_id":1,"external_userid":"wm%d"}}`, id+1))
	}
	for _, tag := range answer.Data.Tag {
		lines = append(lines, `{"tag":`+string(tag)+`}`)
	}
	lines = append(append(lines, `{"tag":`+missingTag+`}`), follows...)
	for id := range answer.Data.Total - len(follows) {
		lines = append(lines, fmt.Sprintf(`{"follow":{"id":%d,"crop_id":1,"userid":"WeiPing","external_userid":"wm%d"}}`, id+1, id+1))
	}
	return strings.Join(lines, "\n")
}

func TestTheSampleIsAnsweredByteForByteFromItsImportedRecords(t *testing.T) {
	t.Parallel()
	b := setup(t, sampleRecords(t), publicURL(publicAddress))
	want := strings.NewReplacer(
		"?page=", `?per_page=2\u0026page=`, // the sample's page size is 2, and a link that loses it would be of another list
		`"}],"employee":`, `"},`+missingTag+`],"employee":`,
		`]}}`, `,`+missingEmployee+`]}}`,
	).Replace(string(sample(t)))

	got, _ := b.raw(t, client.GetListParams{PerPage: new(int32(2))})
	if diff := cmp.Diff(strings.Split(want, ","), strings.Split(strings.TrimSuffix(string(got), "\n"), ",")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// Nothing of the comparison above may have touched the rows.
	_, rows, _ := strings.Cut(string(sample(t)), `"data":[`)
	rows, _, _ = strings.Cut(rows, `],"first_page_url"`)
	if !strings.Contains(string(got), rows) {
		t.Error("the sample's rows are not in the answer as they are")
	}
}

func TestLinksOfARequestWithoutParametersAreTheSamples(t *testing.T) {
	t.Parallel()
	b := setup(t, sampleRecords(t), publicURL(publicAddress))
	got := b.get(t, client.GetListParams{})
	want := []any{publicAddress + "?page=1", publicAddress + "?page=3", new(publicAddress + "?page=2"), (*string)(nil), publicAddress}
	if diff := cmp.Diff(want, []any{got.FirstPageURL, got.LastPageURL, got.NextPageURL, got.PrevPageURL, got.Path}); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBothGeneratedModelsWriteTheSampleByteForByte(t *testing.T) {
	t.Parallel()
	want := sample(t)
	for name, model := range map[string]any{"server": &api.ListResult{}, "client": &client.ListResult{}} {
		mustSucceed(t, json.Unmarshal(want, model))
		got, err := json.Marshal(model)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %s", name, cmp.Diff(strings.Split(string(want), ","), strings.Split(string(got), ",")))
		}
	}
}
