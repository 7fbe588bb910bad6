-- Notes that a session is in use, without judging a handle: none was presented.
-- ARGV: idle, offset. Reply: 1, or 0 when the session is over.

local s, idle = load(), num(ARGV[1])
if not s.found or s.why ~= '' or passed(s, idle) then
  return 0
end
if age(s.ls) >= math.min(idle / 20, TOUCH_INTERVAL) then
  s.ls = now
  redis.call('HSET', STATE, 'ls', str(now))
  keep(s, idle)
end
return 1
