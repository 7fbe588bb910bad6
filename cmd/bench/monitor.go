package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// shares watches a Redis with MONITOR while a contender is asked a little, and returns for each
// command which part of it clients sent. The rest ran inside their scripts, which is no round trip.
func shares(ctx context.Context, address string, t *target) (map[string]float64, error) {
	c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, "MONITOR\r\n"); err != nil {
		c.Close()
		return nil, err
	}
	seen := make(chan map[string]float64)
	go func() { seen <- readMonitor(c) }()
	fire(ctx, t, load{conns: 4, length: 100 * time.Millisecond})
	c.Close() // ends the reading
	return <-seen, nil
}

// readMonitor reads until the connection ends.
func readMonitor(r io.Reader) map[string]float64 {
	sent, all := map[string]float64{}, map[string]float64{}
	for in := bufio.NewScanner(r); in.Scan(); {
		name, script, ok := parseMonitor(in.Text())
		if !ok {
			continue
		}
		if all[name]++; !script {
			sent[name]++
		}
	}
	for name := range all {
		all[name] = sent[name] / all[name]
	}
	return all
}

// parseMonitor reads a line like
//
//	+1763776800.123456 [0 127.0.0.1:50000] "evalsha" "…"
//	+1763776800.123457 [0 lua] "hmget" "…"
func parseMonitor(line string) (name string, script, ok bool) {
	from, command, ok := strings.Cut(line, "] \"")
	if !ok {
		return "", false, false
	}
	name, _, ok = strings.Cut(command, "\"")
	return strings.ToLower(name), strings.HasSuffix(from, " lua"), ok
}
