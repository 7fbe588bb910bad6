package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestRefusesToken(t *testing.T) {
	for line, want := range map[string]bool{
		`Bearer error="invalid_token"`:                                      true,
		`bearer ERROR=invalid_token`:                                        true,
		`Bearer realm="x", error="invalid_token", error_description="a, b"`: true,
		`Bearer realm="x" , , error = "invalid_token"`:                      true,
		`Basic realm="a", Bearer error="invalid_token"`:                     true,
		`Negotiate, Bearer error="invalid_token"`:                           true,
		`Negotiate YII+/==, Bearer error="invalid_token"`:                   true,
		`Bearer, Basic realm="x", Bearer error="invalid\_token"`:            true,
		`Bearer`:                            false,
		``:                                  false,
		`Bearer error="insufficient_scope"`: false,
		`Bearer error="invalid_token_x"`:    false,
		`Basic error="invalid_token"`:       false,
		`Bearer realm="x", Basic error="invalid_token"`:    false,
		`DPoP error="invalid_token"`:                       false,
		`Bearer realm="Bearer error=\"invalid_token\""`:    false,
		`Bearer realm="error=invalid_token`:                false,
		`Bearer error_description="error=\"invalid_token"`: false,
		`"Bearer" error="invalid_token"`:                   false,
		`error="invalid_token"`:                            false,
	} {
		if got := RefusesToken(http.Header{"Www-Authenticate": {line}}); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
	if !RefusesToken(http.Header{"Www-Authenticate": {"Basic", `Bearer error="invalid_token"`}}) {
		t.Error("the second line was not read")
	}
}

func FuzzRefusesToken(f *testing.F) {
	for _, seed := range []string{"x", `a"b\`, `error="invalid_token"`, "Bearer error=invalid_token, ", "\x00\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		RefusesToken(http.Header{"Www-Authenticate": {s}})
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
		for line, want := range map[string]bool{
			`Bearer realm=` + quoted:                                   false,
			`Bearer realm=` + quoted + `, error="invalid_token"`:       true,
			`Basic realm=` + quoted + `, Bearer error="invalid_token"`: true,
			`Bearer error=` + quoted:                                   s == "invalid_token",
		} {
			if got := RefusesToken(http.Header{"Www-Authenticate": {line}}); got != want {
				t.Fatalf("%s: %s", line, strconv.FormatBool(got))
			}
		}
	})
}
