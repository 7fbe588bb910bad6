-- Gives an attempt out once. The claim makes a repetition of this very call get
-- the same answer, and every other call only the return URL.
-- KEYS: the browser's hash. ARGV: id, claim, life, offset. Reply: attempt and
-- return URL, each empty if there is none.

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000) + tonumber(ARGV[4])

local began = tonumber(redis.call('HGET', KEYS[1], 't:' .. ARGV[1]) or '')
if not began then
  return { '', '' }
end
if began > now then -- the clock went back
  began = now
  redis.call('HSET', KEYS[1], 't:' .. ARGV[1], string.format('%.0f', now))
end
local back = redis.call('HGET', KEYS[1], 'r:' .. ARGV[1]) or ''
redis.call('HSETNX', KEYS[1], 'c:' .. ARGV[1], ARGV[2])
if now - began >= tonumber(ARGV[3]) or redis.call('HGET', KEYS[1], 'c:' .. ARGV[1]) ~= ARGV[2] then
  redis.call('HDEL', KEYS[1], 'a:' .. ARGV[1])
  return { '', back }
end
return { redis.call('HGET', KEYS[1], 'a:' .. ARGV[1]) or '', back }
