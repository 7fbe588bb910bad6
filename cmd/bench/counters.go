package main

import (
	"context"
	"math"
	"strconv"
	"strings"

	"sessiongate/cmd/rig"
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

// commandsDone asks a Redis how many commands it has run, by name.
func commandsDone(ctx context.Context, address string) (map[string]float64, error) {
	text, err := rig.Redis(ctx, address, "INFO", "commandstats")
	if err != nil {
		return nil, err
	}
	return parseCommandStats(text), nil
}

// redisMemory is what a Redis uses, in bytes.
func redisMemory(ctx context.Context, address string) (float64, error) {
	text, err := rig.Redis(ctx, address, "INFO", "memory")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	value, _, _ := strings.Cut(rest, "\r")
	return strconv.ParseFloat(value, 64)
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

// asked adds up the commands that clients sent. Redis counts the commands a script runs like any
// other; shares says which part of each came from clients. Our own INFO is none of them.
func asked(stats, shares map[string]float64) (sum float64) {
	for name, calls := range stats {
		share, known := shares[name]
		switch {
		case name == "info" || name == "ping" || name == "client|setinfo" || name == "hello":
		case known:
			sum += calls * share
		case !scripted(name):
			sum += calls
		}
	}
	return sum
}

// scripted names the commands in sessiongate's scripts. A look at a moment's traffic misses those
// that it calls seldom, such as once a minute and session; what clients send is seen there, or is
// not worth counting.
func scripted(name string) bool {
	switch name {
	case "get", "getrange", "set", "del", "exists", "time", "publish",
		"hget", "hmget", "hgetall", "hset", "hsetnx", "hdel", "pexpire", "pttl",
		"zadd", "zrem", "zscore", "zrange", "zrevrange", "zremrangebyscore":
		return true
	}
	return false
}
