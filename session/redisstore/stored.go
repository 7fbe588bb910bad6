package redisstore

import (
	"context"
	"strconv"

	"github.com/redis/go-redis/v9"

	"sessiongate/session"
)

// stored is what a look at many sessions tells of one.
type stored struct {
	why, tokensHash string
	number          int64
}

// states looks at the sessions of a chunk in one round trip per node.
func (w *rewriter) states(ctx context.Context, ids []session.ID) ([]stored, error) {
	ctx, cancel := context.WithTimeout(ctx, w.o.Timeout)
	defer cancel()
	replies := make([]*redis.SliceCmd, len(ids))
	_, err := w.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, id := range ids {
			replies[i] = p.HMGet(ctx, w.keys.state(id), "why", "n", "nm", "st")
		}
		return nil
	})
	if err != nil {
		return nil, unavailable("look at sessions", err)
	}
	list := make([]stored, len(ids))
	for i, reply := range replies {
		var text [4]string
		for j, v := range reply.Val() {
			text[j], _ = v.(string)
		}
		list[i] = stored{why: text[0], number: parseNumber(text[1], text[2], text[3]), tokensHash: text[3]}
	}
	return list, nil
}

// parseNumber reads the commit number of a session's fields n, nm and st, as
// lua/rotation.lua does.
func parseNumber(n, mark, tokensHash string) int64 {
	count, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return 0
	}
	if mark != tokensHash[:min(len(tokensHash), 4)] {
		count++
	}
	return count
}
