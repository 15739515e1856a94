package store

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"example.com/wechatcustomers/api"
)

// originals are the widths of the original's columns, in characters, so that whatever an
// installation of it holds can be imported. Its add_way, 30 characters of digits, is a number here,
// and its text external_profile has 65,535 bytes.
var originals = map[string]map[string]int{
	"follows": {
		"userid": 100, "external_userid": 100, "remark": 200, "description": 500, "remark_corp_name": 200, "remark_mobiles": 50, "oper_userid": 255, "tag_id": 500, "state": 255,
	},
	"contacts": {
		"external_userid": 100, "name": 200, "avatar": 255, "unionid": 50, "position": 200, "corp_name": 50, "corp_full_name": 200, "external_profile": 65535,
	},
	"employees": {
		"user_id": 255, "name": 255, "mobile": 255, "position": 255, "telephone": 255, "email": 255, "avatar": 255, "alias": 255, "qr_code": 255, "address": 255, "open_userid": 255,
		"main_department": 255,
	},
	"tags": {"tag_id": 100, "name": 255, "group_id": 100, "group_name": 100},
}

// numbers are the original's int columns, of 32 bits.
var numbers = map[string][]string{
	"follows":   {"id", "crop_id", "uid", "customer_create_time", "createtime", "add_way", "status"},
	"contacts":  {"id", "crop_id", "uid", "external_type", "gender", "is_member"},
	"employees": {"id", "business_id", "uid", "gender", "status", "right_type", "disabled"},
	"tags":      {"id", "crop_id", "create_time", "order"},
	"managers":  {"uniacid", "uid", "business_id"},
}

func TestNoColumnIsNarrowerThanTheOriginals(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	const column = "SELECT data_type, COALESCE(character_maximum_length, 0) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?"
	for table, columns := range originals {
		for name, want := range columns {
			var kind string
			var width int
			if err := db.QueryRowContext(t.Context(), column, table, name).Scan(&kind, &width); err != nil {
				t.Fatalf("%s.%s: %v", table, name, err)
			}
			if kind != "varchar" {
				width /= 4 // a text's is in bytes, of which a character has up to four
			}
			if width < want {
				t.Errorf("%s.%s is a %s of %d characters, the original's has %d", table, name, kind, width, want)
			}
		}
	}
	for table, columns := range numbers {
		for _, name := range columns {
			var kind string
			var width int
			if err := db.QueryRowContext(t.Context(), column, table, name).Scan(&kind, &width); err != nil {
				t.Fatalf("%s.%s: %v", table, name, err)
			}
			if kind != "int" && kind != "bigint" {
				t.Errorf("%s.%s is a %s, the original's an int", table, name, kind)
			}
		}
	}
}

func TestEveryTableAndEveryColumnHasAComment(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	rows, err := db.QueryContext(t.Context(), `SELECT table_name, '', table_comment FROM information_schema.tables WHERE table_schema = DATABASE()
		UNION ALL SELECT table_name, column_name, column_comment FROM information_schema.columns WHERE table_schema = DATABASE()`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for rows.Next() {
		var table, column, comment string
		if err := rows.Scan(&table, &column, &comment); err != nil {
			t.Fatal(err)
		}
		if n++; comment == "" && table != "goose_db_version" {
			t.Errorf("%s.%s has no comment", table, column)
		}
	}
	if err := rows.Err(); err != nil || n < 100 {
		t.Errorf("%d tables and columns: %v", n, err)
	}
}

// What the document says of the answers' texts is what the columns hold, in characters.
func TestTheAnswersTextsAreAsLongAsTheirColumns(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	document, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	// Those without a text column of their name: dates, digits, and names that are joined.
	others := map[string]uint64{"created_at": 19, "updated_at": 19, "deleted_at": 19, "add_way": 10, "tag_name": 1<<24 - 1}
	for schema, table := range map[string]string{"Follow": "follows", "Contact": "contacts", "Employee": "employees", "Tag": "tags", "EmployeeName": "employees", "Business": "businesses"} {
		for name, property := range document.Components.Schemas[schema].Value.Properties {
			if !property.Value.Type.Is("string") {
				continue
			}
			want, ok := others[name]
			if !ok {
				const width = "SELECT character_maximum_length FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?"
				if err := db.QueryRowContext(t.Context(), width, table, name).Scan(&want); err != nil {
					t.Fatalf("%s.%s: %v", table, name, err)
				}
			}
			if got := property.Value.MaxLength; got == nil || *got != want {
				t.Errorf("%s.%s may have %d characters, which maxLength has to say", schema, name, want)
			}
		}
	}
}
