package importer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"example.com/wechatcustomers/internal/tools/demo"
	"example.com/wechatcustomers/internal/writer"
)

// Whatever decode takes, encoding/json reads the same from it; and it takes all that it should.
func FuzzDecodeAgreesWithEncodingJSON(f *testing.F) {
	var records bytes.Buffer
	if err := demo.Write(&records); err != nil {
		f.Fatal(err)
	}
	for i, line := range bytes.Split(records.Bytes(), []byte("\n")) {
		if i%300 == 0 {
			f.Add(line)
		}
	}
	for _, line := range []string{
		`{"tag":{"crop_id":1,"tag_id":"\ud83c\udf38\u00e9\"\\\/\b\f\n\r\t","deleted_at":null,"order":-9223372036854775808}}`,
		` { "tag" : { } } `, `{}`, ` { } `, `{"tag":{"crop_id":-0}}`, `{"tag":{"order":9223372036854775808}}`, `{"tag":{"name":"\ud83c"}}`, `{"tag":{"name":"\uD83C\u0041"}}`,
		`{"\u0074ag":{"\u006eame":"x"}}`, `{"follow":{"add_way":"1","tag_name":"x"}}`, `{"tag":{"name":"x"},}`, `{"tag":{"name":"` + "\t" + `"}}`, `{"tag":{"order":1e5}}`, `null`, `{"follow":{"tag_id":["a","b"],"remark_mobiles":["1"],"add_way":1,"created_at":1632277573}}`,
		`{"customer":{"type":2,"external_profile":{ "a" : 1 },"created_at":"2021-02-28T00:00:00.5Z"}}`, `{"tag":null}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		kind, record, wrong := decode(line)
		for _, w := range wrong {
			if w.message == "" || strings.Contains(w.message, "\n") {
				t.Errorf("%q: message %q", line, w.message)
			}
			// What is not JSON for the one is not for the other.
			if strings.HasPrefix(w.message, "is not JSON") && json.Valid(line) && utf8.Valid(line) && len(line) > 0 {
				t.Errorf("%q is JSON, decode says it %s", line, w.message)
			}
		}
		if len(wrong) > 0 {
			return
		}
		var whole map[string]map[string]json.RawMessage
		if err := json.Unmarshal(line, &whole); err != nil {
			t.Fatalf("%q: taken, but %v", line, err)
		}
		fields := whole[kind.String()]
		if len(whole) != 1 || fields == nil {
			t.Fatalf("%q is a %s?", line, kind)
		}
		present := 0
		for i, v := range record {
			column := kind.Columns()[i]
			raw, there := fields[column.Name]
			if other, short := fields[wecomType]; !there && short && column.Name == externalType {
				raw, there = other, true
				delete(fields, wecomType)
				fields[externalType] = raw
			}
			if there != (v.Is != writer.Absent) {
				t.Errorf("%q: %s present: %v", line, column.Name, !there)
			}
			if !there {
				continue
			}
			present++
			var text *string
			var number *int64
			switch v.Is {
			case writer.Null:
				if string(raw) != "null" {
					t.Errorf("%q: %s is not null", line, column.Name)
				}
			default:
				if string(raw) == "null" && v.Text == "null" && column.Name == externalProfile {
					continue
				}
				if raw[0] == '[' || raw[0] == '{' {
					if s, ok := structured(&column, raw); !ok || s != v.Text {
						t.Errorf("%q: %s is %q, not %q", line, column.Name, s, v.Text)
					}
					continue
				}
				if json.Unmarshal(raw, &text) == nil && text != nil {
					if column.Type == writer.Date {
						*text = date(*text)
					}
					if *text != v.Text {
						t.Errorf("%q: %s is %q, not %q", line, column.Name, *text, v.Text)
					}
				} else if err := json.Unmarshal(raw, &number); err != nil || number == nil || column.Type.Number() && column.Type != writer.Source && *number != v.Int {
					t.Errorf("%q: %s is %s, not %d", line, column.Name, raw, v.Int)
				}
			}
		}
		delete(fields, tagName)
		if len(fields) != present {
			t.Errorf("%q: %d fields, %d taken", line, len(fields), present)
		}
	})
}

func TestLinesAreReadWholeWhateverTheirLength(t *testing.T) {
	t.Parallel()
	var want []string
	for n := 1; n < 3<<16; n = n*2 + 1 {
		want = append(want, strings.Repeat("x", n))
	}
	var got []string
	batches := make(chan *batch, 100)
	// Every line is bad, and says so.
	if err := read(t.Context(), []Source{{Name: "f", Reader: strings.NewReader(strings.Join(want, "\n"))}}, Options{BatchRows: 1}, batches); err != nil {
		t.Fatal(err)
	}
	close(batches)
	for b := range batches {
		got = append(got, b.bad[0].String())
		if b.end.Line != int64(len(got)) {
			t.Errorf("line %d is numbered %d", len(got), b.end.Line)
		}
	}
	if len(got) != len(want) || slices.ContainsFunc(got, func(s string) bool { return !strings.HasSuffix(s, "is not a JSON object") }) {
		t.Errorf("%d lines: %q", len(got), got)
	}
}

func BenchmarkDecode(b *testing.B) {
	var records bytes.Buffer
	if err := demo.Write(&records); err != nil {
		b.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(records.Bytes()), []byte("\n"))
	b.SetBytes(int64(len(lines[len(lines)-1])))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, wrong := decode(lines[len(lines)-1]); wrong != nil {
			b.Fatal(wrong)
		}
	}
}
