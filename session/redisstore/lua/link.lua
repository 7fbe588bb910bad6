-- Lists a session under a session of its provider. The member "!" marks a list
-- that was closed a short while ago.
-- KEYS: the list. ARGV: session id, how long to keep it, how long a list stays
-- closed, offset. Reply: 1 if closed.

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000) + tonumber(ARGV[4])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
local longest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(1, tonumber(longest[2]) - now)))
local closed = tonumber(redis.call('ZSCORE', KEYS[1], '!') or '')
if not closed then
  return 0
end
if closed > now + tonumber(ARGV[3]) then -- the clock went back
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[3])), '!')
end
return 1
