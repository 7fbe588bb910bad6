package seal_test

import (
	"errors"
	"fmt"
	"time"

	"sessiongate/session/seal"
)

// A key ring changes its key without losing what the former one sealed.
func ExampleFields() {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	former, _ := seal.ParseKey([]byte(seal.GenerateKey()))
	next, _ := seal.ParseKey([]byte(seal.GenerateKey()))
	keys := []seal.Key{{ID: "2026-02", Secret: former}, {ID: "2026-03", Secret: next, From: now.Add(time.Hour)}}
	fields, err := seal.NewFields(keys, func() time.Time { return now })
	if err != nil {
		fmt.Println(err)
		return
	}

	sealed, _ := fields.Seal("session-1", "record", []byte("tokens"))
	now = now.Add(2 * time.Hour) // the next key seals now, and both open
	plain, err := fields.Open("session-1", "record", sealed)
	fmt.Println(string(plain), err)

	_, err = fields.Open("session-2", "record", sealed) // moved to another session
	fmt.Println(errors.Is(err, seal.ErrTampered))
	// Output:
	// tokens <nil>
	// true
}

// A handle has one spelling, and whoever forges one learns nothing.
func ExampleHandles() {
	secret, _ := seal.ParseKey([]byte(seal.GenerateKey()))
	handles, err := seal.NewHandles("cookie", []seal.Key{{ID: "k1", Secret: secret}}, time.Now)
	if err != nil {
		fmt.Println(err)
		return
	}
	value, _ := handles.Seal([]byte("handle"))
	payload, err := handles.Open(value)
	fmt.Println(string(payload), err)
	_, err = handles.Open(value + "A")
	fmt.Println(errors.Is(err, seal.ErrUnauthentic))
	// Output:
	// handle <nil>
	// true
}
