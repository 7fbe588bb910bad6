package redisstore

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
)

// probeID is no session's: it is too short.
const probeID = "probe"

// Health is what [Store.Probe] found.
type Health struct {
	Version  string   // of Redis; empty when it would not say
	Warnings []string // what an operator should change, in words
}

// Probe asks whether Redis answers and looks for settings that lose sessions.
// An error means that it does not answer, or refuses us. A setting that an ACL
// hides is not warned about.
func (s *Store) Probe(ctx context.Context) (Health, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	// A script on keys of ours: this finds a refused login and missing rights alike.
	if _, err := s.Get(ctx, probeID); err != nil {
		return Health{}, err
	}
	var h Health
	if s.o.alone {
		return h, nil
	}
	node, err := s.node(ctx, s.keys.state(probeID))
	if err != nil {
		return Health{}, unavailable("probe", err)
	}
	info := readInfo(ctx, node)
	h.Version = info["redis_version"]
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		h.Warnings = append(h.Warnings,
			"Redis may evict keys (maxmemory-policy "+policy+"): sessions can vanish; set maxmemory-policy noeviction")
	}
	if info["aof_enabled"] == "0" && savesNothing(ctx, node) {
		h.Warnings = append(h.Warnings,
			"Redis writes nothing to disk: every restart of Redis signs everybody out; set appendonly yes")
	}
	return h, nil
}

// readInfo returns the fields of three sections of INFO; those an ACL hides are
// missing.
func readInfo(ctx context.Context, node *redis.Client) map[string]string {
	fields := make(map[string]string)
	for _, section := range []string{"server", "memory", "persistence"} {
		text, err := node.Info(ctx, section).Result()
		if err != nil {
			continue
		}
		for line := range strings.Lines(text) {
			name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
			if ok {
				fields[name] = value
			}
		}
	}
	return fields
}

// savesNothing reports whether no snapshots are configured. INFO does not say, and
// CONFIG is often forbidden or renamed: then nobody knows, which is no reason to warn.
func savesNothing(ctx context.Context, node *redis.Client) bool {
	config, err := node.ConfigGet(ctx, "save").Result()
	return err == nil && strings.TrimSpace(config["save"]) == ""
}
