-- Renews a lease. One that ran out but that nobody else took is not lost.
-- ARGV: lease, ttl, offset. Reply: 1, or 0 when it was lost.

local s = load()
if not s.found or s.why ~= '' or s.le == '' or s.le ~= ARGV[1] then
  return 0
end
redis.call('HSET', STATE, 'lu', str(now + num(ARGV[2])))
return 1
