package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// redisTimeout is how long a Redis may take for one command of ours.
const redisTimeout = 5 * time.Second

// Redis sends one command to a Redis on a connection of its own and returns the
// reply as text; elements of an array are lines. An error reply is an error. It
// speaks RESP2 itself (https://redis.io/docs/latest/develop/reference/protocol-spec/):
// a client library would hide the connection that a fault is aimed at.
func Redis(ctx context.Context, address string, command ...string) (string, error) {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(redisTimeout)); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(command))
	for _, word := range command {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return "", err
	}
	return readReply(bufio.NewReader(c))
}

// RedisError is an error reply, as Redis words it.
type RedisError string

// Error implements error.
func (e RedisError) Error() string { return "redis: " + string(e) }

func readReply(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	if line == "" {
		return "", errors.New("redis: an empty reply")
	}
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '-':
		return "", RedisError(line[1:])
	case '$':
		return readBulk(in, line[1:])
	case '*':
		return readArray(in, line[1:])
	}
	return "", fmt.Errorf("redis: %q is no reply", line)
}

func readBulk(in *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return "", err // -1: there is nothing
	}
	text := make([]byte, n+len("\r\n"))
	_, err = io.ReadFull(in, text)
	return string(text[:n]), err
}

// readArray reads all elements: an error among them must not stop before the rest.
func readArray(in *bufio.Reader, length string) (string, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 {
		return "", err
	}
	list := make([]string, n)
	for i := range list {
		var refused RedisError
		if list[i], err = readReply(in); errors.As(err, &refused) {
			list[i] = "-" + string(refused)
		} else if err != nil {
			return "", err
		}
	}
	return strings.Join(list, "\n"), nil
}
