-- Returns what is listed under a session of a provider, and closes the list.
-- KEYS: the list. ARGV: for how long, offset.

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000) + tonumber(ARGV[2])

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local ids = redis.call('ZRANGE', KEYS[1], 0, -1)
redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[1])), '!')
local longest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(1, tonumber(longest[2]) - now)))
return ids
