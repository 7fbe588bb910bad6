package masking_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"sessiongate/gateway/masking"
)

// orders is a list as APIs answer with, of 16 KiB.
func orders() []byte {
	var b bytes.Buffer
	b.WriteString(`{"items":[`)
	for i := 0; b.Len() < 16<<10; i++ {
		fmt.Fprintf(&b, `{"id":%d,"customer":{"name":"Ada Lovelace","city":"London"},"created_at":"2026-01-02T03:04:05Z","total":%d.50,`+
			`"lines":[{"title":"Notes on the analytical engine, translated","quantity":2}]},`, i, i*3)
	}
	b.WriteString(`{}]}`)
	return b.Bytes()
}

// BenchmarkClean is what a masked route adds to an answer without tokens, which comes in two reads.
func BenchmarkClean(b *testing.B) {
	body, buf := orders(), make([]byte, 32<<10)
	for name, row := range map[string]struct {
		token  string
		fields []string
	}{
		"access_token": {jwtToken, []string{"access_token", "refresh_token"}}, "token": {sanctum, []string{"data.token"}},
		"access": {jwtToken, []string{"access", "refresh"}}, "key": {hexToken, []string{"key"}},
	} {
		r := compile(b, masking.Options{Fields: row.fields, Placeholder: "session"})
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				m := masking.NewReader(io.NopCloser(io.MultiReader(bytes.NewReader(body[:4000]), bytes.NewReader(body[4000:]))), r, masking.JSON, carries{token: row.token})
				for {
					if _, err := m.Read(buf); err != nil {
						break
					}
				}
				_ = m.Close()
			}
		})
	}
	b.Run("unmasked", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			m := io.NopCloser(io.MultiReader(bytes.NewReader(body[:4000]), bytes.NewReader(body[4000:])))
			for {
				if _, err := m.Read(buf); err != nil {
					break
				}
			}
		}
	})
}

// BenchmarkRead is the structure, which is read only of answers with a name of tokens in them.
func BenchmarkRead(b *testing.B) {
	r, body := compile(b, options), orders()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r.Mask(body, masking.JSON, own{})
	}
}
