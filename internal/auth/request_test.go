package auth_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"example.com/wechatcustomers/internal/auth"
)

func TestTheTokenIsTheHeadersElseTheCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		authorization, cookies []string
		cookieName             string
		want                   []string
	}{
		"nothing":                     {nil, nil, "jwt", nil},
		"header":                      {[]string{"Bearer a.b.c"}, nil, "jwt", []string{"a.b.c"}},
		"scheme in any case":          {[]string{"bEARER a.b.c"}, nil, "", []string{"a.b.c"}},
		"more blanks":                 {[]string{"Bearer   a.b.c \t"}, nil, "", []string{"a.b.c"}},
		"cookie":                      {nil, []string{"x=1; jwt=a.b.c"}, "jwt", []string{"a.b.c"}},
		"no cookie named":             {nil, []string{"jwt=a.b.c"}, "", nil},
		"another cookie":              {nil, []string{"JWT=a.b.c; jwt2=d"}, "jwt", nil},
		"header wins":                 {[]string{"Bearer a"}, []string{"jwt=b"}, "jwt", []string{"a"}},
		"header wins, however broken": {[]string{"Bearer ,"}, []string{"jwt=b"}, "jwt", []string{","}},
		"an empty header":             {[]string{"Bearer "}, []string{"jwt=b"}, "jwt", []string{"b"}},
		"a scheme alone":              {[]string{"Bearer"}, []string{"jwt=b"}, "jwt", []string{"b"}},
		"Basic":                       {[]string{"Basic dTpw"}, []string{"jwt=b"}, "jwt", []string{"b"}},
		"Basic and Bearer":            {[]string{"Basic dTpw", "Bearer a"}, []string{"jwt=b"}, "jwt", []string{"a"}},
		"a scheme that starts alike":  {[]string{"BearerX a"}, nil, "jwt", nil},
		"no scheme":                   {[]string{"a.b.c"}, nil, "jwt", nil},
		"a cleared cookie first":      {nil, []string{"jwt=; jwt=b"}, "jwt", []string{"b"}},
		"several cookies":             {nil, []string{"jwt=a; x=1", "jwt=b"}, "jwt", []string{"a", "b"}},
		"a quoted cookie":             {nil, []string{`jwt="b"`}, "jwt", []string{"b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Authorization"], r.Header["Cookie"] = c.authorization, c.cookies
			if got := auth.FromRequest(r, c.cookieName); !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
