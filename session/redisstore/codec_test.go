package redisstore_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"sessiongate/session"
	"sessiongate/session/redisstore"
)

func fullRecord() session.Record {
	return session.Record{
		Identity: session.Identity{
			Subject: "ada", Name: "Ada Ł", Provider: "corp", Roles: []string{"user", ""}, Scopes: []string{"a:b"},
			Claims: json.RawMessage(`{"x":1}`), AuthTime: time.UnixMilli(1_700_000_000_123).UTC(), ACR: "acr", SID: "sid",
		},
		Device:  session.Device{Name: "Laptop", UserAgent: "Mozilla/5.0", IPPrefix: "192.0.2.0/24"},
		Tokens:  session.Tokens{Access: "a", Refresh: "r\x00\xff", ID: "i"},
		Created: time.UnixMilli(-1).UTC(),
	}
}

func TestRecordRoundTrip(t *testing.T) {
	packed := fullRecord()
	packed.Tokens = session.Tokens{Access: "eyJhIjoxfQ.eyJiIjoyfQ.c2ln", Refresh: "..", ID: "eyJhIjoxfQ.eyJiIjoyfQ."}
	odd := fullRecord() // three segments, and yet not what packing them would give back
	odd.Tokens = session.Tokens{Access: "eyJhIjoxfR.eyJiIjoyfQ.c2ln", Refresh: "eyJh\n.eyJi.c2ln", ID: "eyJhIjoxfQ==.eyJiIjoyfQ.c2ln"}
	keeps := fullRecord()
	keeps.Tokens = session.Tokens{Access: "a", Keep: session.Kept{"csrf": "c\x00", "user": ""}}
	for name, want := range map[string]session.Record{"full": fullRecord(), "empty": {}, "packed": packed, "odd": odd, "keeps": keeps} {
		got, err := redisstore.Decode(redisstore.Encode(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, want)
		}
	}
}

// TestKeptBelongsToItsTokens: a former version takes what it believes to be an ID token over to its
// next tokens, and what was kept is of no use with those.
func TestKeptBelongsToItsTokens(t *testing.T) {
	r := fullRecord()
	r.Tokens = session.Tokens{Access: "a1", Refresh: "r1", Keep: session.Kept{"csrf": "c1"}}
	former, err := redisstore.DecodeAsFormer(redisstore.Encode(r))
	if err != nil || former.Tokens.Access != "a1" || former.Tokens.Refresh != "r1" || former.Tokens.Keep != nil {
		t.Fatalf("a former version reads %+v, %v", former, err)
	}
	for what, edit := range map[string]func(*session.Tokens){
		"its tokens":       func(*session.Tokens) {},
		"another access":   func(t *session.Tokens) { t.Access = "a2" },
		"another refresh":  func(t *session.Tokens) { t.Refresh = "r2" },
		"of a newer form":  func(t *session.Tokens) { t.ID += "x" },
		"cut short":        func(t *session.Tokens) { t.ID = t.ID[:len(t.ID)-1] },
		"nothing but mark": func(t *session.Tokens) { t.ID = "\x00keep" },
	} {
		again := former
		edit(&again.Tokens)
		got, err := redisstore.Decode(redisstore.Encode(again))
		if kept := len(got.Tokens.Keep) > 0; err != nil || kept != (what == "its tokens") || got.Tokens.ID != "" || got.Tokens.Access != again.Tokens.Access {
			t.Errorf("%s: kept %t, ID token %q, %v", what, kept, got.Tokens.ID.Reveal(), err)
		}
	}
}

func TestPackedTokensAreSmaller(t *testing.T) {
	jwt := session.Record{Tokens: session.Tokens{Access: session.Secret("eyJh." + strings.Repeat("b", 400) + ".c2ln")}}
	other := session.Record{Tokens: session.Tokens{Access: session.Secret("eyJh!" + strings.Repeat("b", 400) + ".c2ln")}}
	if a, b := len(redisstore.Encode(jwt)), len(redisstore.Encode(other)); a > b-90 {
		t.Errorf("a JWT takes %d bytes, other text of the same length %d", a, b)
	}
}

func TestRecordDamaged(t *testing.T) {
	whole := redisstore.Encode(fullRecord())
	for n := range whole {
		if _, err := redisstore.Decode(whole[:n]); err == nil {
			t.Errorf("the first %d of %d bytes were accepted", n, len(whole))
		}
	}
	if _, err := redisstore.Decode(append(bytes.Clone(whole), 0)); err == nil {
		t.Error("a byte too many was accepted")
	}
	whole[0]++
	if _, err := redisstore.Decode(whole); err == nil {
		t.Error("an unknown version was accepted")
	}
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(redisstore.Encode(fullRecord()))
	f.Add(redisstore.Encode(session.Record{}))
	f.Add(redisstore.Encode(session.Record{Tokens: session.Tokens{Access: "eyJhIjoxfQ.eyJiIjoyfQ.c2ln"}}))
	f.Add(redisstore.Encode(session.Record{Tokens: session.Tokens{Access: "a", Keep: session.Kept{"a": "b"}}}))
	f.Add([]byte{})
	f.Add(binary.AppendUvarint([]byte{1, 0, 0, 0}, 1<<40)) // a list that claims to be long
	f.Add(binary.AppendUvarint([]byte{1}, 1<<63))
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := redisstore.Codec(b)
		if err != nil {
			return
		}
		// Lengths may be written in more bytes than needed, so compare values.
		first, _ := redisstore.Decode(b)
		second, err := redisstore.Decode(again)
		if err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("read again: %v", err)
		}
	})
}

func TestDecodeAllocatesLittle(t *testing.T) {
	claim := binary.AppendUvarint([]byte{1, 0, 0, 0}, 60_000) // 60,000 roles
	claim = append(claim, bytes.Repeat([]byte{0xff}, 60_000)...)
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = redisstore.Decode(claim)
		}
	}).AllocedBytesPerOp()
	if allocated > 4*int64(len(claim)) {
		t.Errorf("%d bytes allocated for a damaged record of %d", allocated, len(claim))
	}
}

func FuzzParsePayload(f *testing.F) {
	id := string(session.NewHandle(session.Browser).ID())
	for _, seed := range []string{id + " g 7", id + " e logout", id + " g -1", id + " g 4294967296", id, "x g 1", "", id + " e "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, payload string) {
		c, ok := redisstore.ParsePayload(payload)
		if ok && (!session.ValidID(string(c.ID)) || c.Kind != session.ChangeAdvanced && c.Kind != session.ChangeEnded) {
			t.Errorf("%q gave %+v", payload, c)
		}
	})
}

func TestParsePayload(t *testing.T) {
	id := session.NewHandle(session.Browser).ID()
	for payload, want := range map[string]session.Change{
		string(id) + " g 7":          {Kind: session.ChangeAdvanced, ID: id, Generation: 7},
		string(id) + " e logout":     {Kind: session.ChangeEnded, ID: id, Reason: session.Logout},
		string(id) + " g 4294967296": {},
		string(id) + " g x":          {},
		string(id) + " x 1":          {},
		string(id) + " e ":           {},
		string(id) + " g":            {},
		string(id):                   {},
		"short g 1":                  {},
		"":                           {},
	} {
		got, ok := redisstore.ParsePayload(payload)
		if ok != (want.ID != "") || ok && got != want {
			t.Errorf("%q = %+v, %v", payload, got, ok)
		}
	}
}
