package rig

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func TestReplies(t *testing.T) {
	for wire, want := range map[string]string{
		"+OK\r\n": "OK", ":12\r\n": "12", "$3\r\nabc\r\n": "abc", "$-1\r\n": "", "*-1\r\n": "",
		"*3\r\n$1\r\na\r\n-ERR no\r\n*1\r\n:7\r\n": "a\n-ERR no\n7",
	} {
		if got, err := readReply(bufio.NewReader(strings.NewReader(wire))); got != want || err != nil {
			t.Errorf("%q: %q, %v", wire, got, err)
		}
	}
	for _, bad := range []string{"", "\r\n", "?\r\n", "$3\r\na", "$x\r\n", "*2\r\n+a\r\n"} {
		if got, err := readReply(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("%q: %q", bad, got)
		}
	}
	var refused RedisError
	if _, err := readReply(bufio.NewReader(strings.NewReader("-OOM command\r\n"))); !errors.As(err, &refused) || refused != "OOM command" {
		t.Error(err)
	}
}
