-- Renews a lease. One that ran out but that nobody else took is not lost.
-- ARGV: lease, ttl, tokens hash, offset. With a hash, a server that knows of no lease
-- grants it again, if it has the tokens that are being spent: it has forgotten it.
-- Reply: 1, or 0 when it was lost.

local s = load()
local known = s.le ~= '' and s.le == ARGV[1]
local forgotten = s.le == '' and ARGV[3] ~= '' and ARGV[3] == s.st
if not s.found or s.why ~= '' or not (known or forgotten) then
  return 0
end
redis.call('HSET', STATE, 'le', ARGV[1], 'lu', str(now + num(ARGV[2])))
return 1
