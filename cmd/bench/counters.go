package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// counters are what a contender has used so far. What cannot be known is NaN.
type counters struct{ cpu, mallocs, bytes, commands float64 }

func unknown() counters { return counters{math.NaN(), math.NaN(), math.NaN(), math.NaN()} }

// minus is what was used between two readings, less what one reading itself uses.
func (c counters) minus(before, reading counters) counters {
	return counters{
		c.cpu - before.cpu, c.mallocs - before.mallocs - reading.mallocs,
		c.bytes - before.bytes - reading.bytes, c.commands - before.commands - reading.commands,
	}
}

// scrape reads metrics in Prometheus' text format, without labels.
func scrape(ctx context.Context, url string) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil) //nolint:gosec // a process we started
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req) //nolint:gosec // the same
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics: status %d", res.StatusCode)
	}
	return parseMetrics(res.Body)
}

func parseMetrics(r io.Reader) (map[string]float64, error) {
	m := map[string]float64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") || strings.Contains(name, "{") {
			continue
		}
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] = v
		}
	}
	return m, lines.Err()
}

// commandsDone asks a Redis how many commands it has run, by name. It speaks the protocol's inline form, which needs no
// client (https://redis.io/docs/latest/develop/reference/protocol-spec/#inline-commands).
func commandsDone(ctx context.Context, address string) (map[string]float64, error) {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, "INFO commandstats\r\n"); err != nil {
		return nil, err
	}
	in := bufio.NewReader(c)
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "$")))
	if err != nil {
		return nil, fmt.Errorf("redis: %q is not a bulk string", strings.TrimSpace(line))
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, err
	}
	return parseCommandStats(string(text)), nil
}

// parseCommandStats reads lines like "cmdstat_evalsha:calls=3,usec=…".
func parseCommandStats(text string) map[string]float64 {
	m := map[string]float64{}
	for line := range strings.Lines(text) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "cmdstat_"), ":calls=")
		if !ok {
			continue
		}
		calls, _, _ := strings.Cut(rest, ",")
		if v, err := strconv.ParseFloat(calls, 64); err == nil {
			m[name] = v
		}
	}
	return m
}

// asked adds up the commands that clients sent: not what scripts ran, and not our own INFO.
func asked(stats map[string]float64) (sum float64) {
	for name, calls := range stats {
		switch name {
		case "info", "ping", "client|setinfo", "hello":
			continue
		}
		if isInner(name) && stats["evalsha"]+stats["fcall"] > 0 {
			continue
		}
		sum += calls
	}
	return sum
}

// isInner names the commands that sessiongate's scripts call. Redis counts them like any other, but they cost no round
// trip; the gateway sends none of them by itself while requests are forwarded.
func isInner(name string) bool {
	switch name {
	case "hgetall", "hmget", "hget", "hset", "hmset", "hdel", "hexists", "hsetnx", "hincrby", "pexpire", "pexpireat", "expire",
		"expireat", "persist", "time", "pttl", "ttl", "exists", "del", "get", "set", "publish", "zadd", "zrem", "zrange",
		"zscore", "zcard", "zremrangebyscore":
		return true
	}
	return false
}
