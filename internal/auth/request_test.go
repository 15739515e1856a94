package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/wechatcustomers/internal/auth"
)

func TestTheTokenIsTheHeadersElseTheCookies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		authorization, cookies []string
		cookieName, want       string
	}{
		"nothing":                     {nil, nil, "jwt", ""},
		"header":                      {[]string{"Bearer a.b.c"}, nil, "jwt", "a.b.c"},
		"scheme in any case":          {[]string{"bEARER a.b.c"}, nil, "", "a.b.c"},
		"more blanks":                 {[]string{"Bearer   a.b.c \t"}, nil, "", "a.b.c"},
		"cookie":                      {nil, []string{"x=1; jwt=a.b.c"}, "jwt", "a.b.c"},
		"no cookie named":             {nil, []string{"jwt=a.b.c"}, "", ""},
		"another cookie":              {nil, []string{"JWT=a.b.c; jwt2=d"}, "jwt", ""},
		"header wins":                 {[]string{"Bearer a"}, []string{"jwt=b"}, "jwt", "a"},
		"header wins, however broken": {[]string{"Bearer ,"}, []string{"jwt=b"}, "jwt", ","},
		"an empty header":             {[]string{"Bearer "}, []string{"jwt=b"}, "jwt", "b"},
		"a scheme alone":              {[]string{"Bearer"}, []string{"jwt=b"}, "jwt", "b"},
		"Basic":                       {[]string{"Basic dTpw"}, []string{"jwt=b"}, "jwt", "b"},
		"Basic and Bearer":            {[]string{"Basic dTpw", "Bearer a"}, []string{"jwt=b"}, "jwt", "a"},
		"a scheme that starts alike":  {[]string{"BearerX a"}, nil, "jwt", ""},
		"no scheme":                   {[]string{"a.b.c"}, nil, "jwt", ""},
		"a cleared cookie first":      {nil, []string{"jwt=; jwt=b"}, "jwt", "b"},
		"a quoted cookie":             {nil, []string{`jwt="b"`}, "jwt", "b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header["Authorization"], r.Header["Cookie"] = c.authorization, c.cookies
			if got := auth.FromRequest(r, c.cookieName); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTheContextCarriesTheMember(t *testing.T) {
	t.Parallel()
	if m, ok := auth.From(t.Context()); ok || m != (auth.Member{}) {
		t.Errorf("got %+v of an empty context", m)
	}
	if m, ok := auth.From(auth.With(t.Context(), member7)); !ok || m != member7 {
		t.Errorf("got %+v, %v", m, ok)
	}
}
