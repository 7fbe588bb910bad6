package client_test

import (
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sessiongate/gateway/http1/http1test"
)

func TestAnswers(t *testing.T) {
	for _, a := range http1test.Answers() {
		t.Run(a.Name, func(t *testing.T) {
			method := a.Method
			if method == "" {
				method = http.MethodGet
			}
			for _, pieces := range split(a.Says) {
				std := askMemory(t, "standard", method, pieces)
				got := askMemory(t, "fast", method, pieces)
				want := fmt.Sprint(a.Code, a.Body, a.Cut, a.Interim)
				if is := fmt.Sprint(std.Code, std.Body, std.BodyErr != nil, std.Interim); is != want {
					t.Fatalf("transport: %s, want %s (%v, %v)", is, want, std.HeadErr, std.BodyErr)
				}
				if a.Strict && got.failed() {
					continue
				}
				if a.Strict {
					t.Fatalf("accepted what its package comment says it refuses: %+v", got)
				}
				if diff := differ(got, std); diff != "" {
					t.Fatalf("split %d: %s", len(pieces[0]), diff)
				}
			}
		})
	}
}

// split cuts s in all ways that are worth trying.
func split(s string) (ways [][][]byte) {
	if s == "" {
		return [][][]byte{nil}
	}
	ways = append(ways, [][]byte{[]byte(s)})
	if len(s) > 2000 {
		return append(ways, slices.Collect(slices.Chunk([]byte(s), 999)))
	}
	for i := 1; i < len(s); i++ {
		ways = append(ways, [][]byte{[]byte(s[:i]), []byte(s[i:])})
	}
	return append(ways, slices.Collect(slices.Chunk([]byte(s), 1)))
}

func askMemory(t testing.TB, name, method string, pieces [][]byte) outcome {
	m := newMemory(slices.Clone(pieces)...)
	defer m.Close()
	return ask(transports[name](t, m.dial, 0), method, "http://upstream.test/", nil)
}

// differ says in what two outcomes differ; errors only have to be errors.
func differ(got, want outcome) string {
	if (got.HeadErr == nil) != (want.HeadErr == nil) || (got.BodyErr == nil) != (want.BodyErr == nil) {
		return fmt.Sprintf("errors: %v, %v; net/http: %v, %v", got.HeadErr, got.BodyErr, want.HeadErr, want.BodyErr)
	}
	got.HeadErr, want.HeadErr, got.BodyErr, want.BodyErr = nil, nil, nil, nil
	if reflect.DeepEqual(got, want) {
		return ""
	}
	return fmt.Sprintf("got  %+v\nwant %+v", got, want)
}

func TestShortBodyIsUnexpectedEOF(t *testing.T) {
	o := askMemory(t, "fast", "GET", [][]byte{[]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")})
	if o.BodyErr == nil || !strings.Contains(o.BodyErr.Error(), io.ErrUnexpectedEOF.Error()) {
		t.Fatal(o.BodyErr)
	}
}
