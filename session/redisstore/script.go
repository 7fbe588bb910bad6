package redisstore

import (
	"context"
	_ "embed" // the scripts
	"strconv"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

//go:embed lua/rotation.lua
var rotationLua string

//go:embed lua/create.lua
var createLua string

//go:embed lua/index.lua
var indexLua string

//go:embed lua/not_modified.lua
var notModifiedLua string

//go:embed lua/resolve.lua
var resolveLua string

//go:embed lua/generation.lua
var generationLua string

//go:embed lua/end.lua
var endLua string

//go:embed lua/acquire.lua
var acquireLua string

//go:embed lua/extend.lua
var extendLua string

//go:embed lua/commit.lua
var commitLua string

//go:embed lua/release.lua
var releaseLua string

//go:embed lua/touch.lua
var touchLua string

//go:embed lua/get.lua
var getLua string

//go:embed lua/rewrite.lua
var rewriteLua string

//go:embed lua/replay.lua
var replayLua string

//go:embed lua/limit.lua
var limitLua string

// script is one of ours, with its name for errors.
type script struct {
	name string
	*redis.Script
}

type scripts struct {
	create, index, resolve, generation, touch, end, acquire, extend, commit, release, clearBackoff script
	get, rewrite, replay                                                                           script
	limit, link                                                                                    script
}

func newScripts() scripts {
	family := func(name, source string) script {
		return script{name, redis.NewScript(rotationLua + "\n" + source)}
	}
	return scripts{
		create:       family("create", createLua),
		index:        script{"index", redis.NewScript(indexLua)},
		resolve:      script{"resolve", redis.NewScript(resolveSource())},
		generation:   family("peek", generationLua),
		touch:        family("keep", touchLua),
		end:          family("end", endLua),
		acquire:      family("begin", acquireLua),
		extend:       family("extend", extendLua),
		commit:       family("commit", commitLua),
		release:      family("abandon", releaseLua),
		clearBackoff: family("resume", clearBackoffLua),
		get:          family("get", getLua),
		rewrite:      family("again", rewriteLua),
		replay:       family("end again", replayLua),
		link:         script{"link session", redis.NewScript(linkLua)},
		limit:        script{"limit", redis.NewScript(limitLua)},
	}
}

// resolveSource is the source of a judgement.
func resolveSource() string { return notModifiedLua + "\n" + rotationLua + "\n" + resolveLua }

// run runs a script on the two keys of a session: one EVALSHA, and one EVAL more
// on a node that does not know the script yet.
func (s *Store) run(ctx context.Context, sc script, id session.ID, args ...any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	return s.runOn(ctx, s.client, sc, id, args)
}

func (s *Store) runOn(ctx context.Context, on redis.Scripter, sc script, id session.ID, args []any) (any, error) {
	keys := []string{s.stateKey(id), s.recordKey(id)}
	reply, err := sc.Run(ctx, on, keys, append(args, s.offset())...).Result()
	if err != nil {
		return nil, unavailable(sc.name+" session", err)
	}
	return reply, nil
}

func (s *Store) offset() int64 { return s.o.Offset().Milliseconds() }

// Flags and numbers travel as text; these spare go-redis its reflection.
func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

func number[T ~uint32 | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }
