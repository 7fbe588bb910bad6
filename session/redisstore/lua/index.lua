-- Lists a session under its owner and drops the dead entries of that list.
-- KEYS: the owner's list. ARGV: session id, absolute lifetime, offset.

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000) + tonumber(ARGV[3])

redis.call('ZADD', KEYS[1], string.format('%.0f', now + tonumber(ARGV[2])), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
local longest = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if longest[2] then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(1, tonumber(longest[2]) - now)))
end
return 1
