-- Judges a presented handle and applies the verdict, in one step.
-- ARGV: generation, explicit, binding, touch, force, seen, idle, unacked,
-- explicit grace, offset.
-- Reply: row, adopt, due, rotate, why, now, and the session where there is one.

local visit = {
  g = num(ARGV[1]), explicit = ARGV[2] == '1', binding = ARGV[3],
  touch = ARGV[4] == '1', force = ARGV[5] == '1', seen = ARGV[6],
}
local rules = { idle = num(ARGV[7]), unacked = num(ARGV[8]), explicit_grace = num(ARGV[9]) }

local s = load()
local r = decide(s, visit, rules)

if r.adopt then
  redis.call('HSET', STATE, 'g', str(s.g), 'ra', str(now), 'aa', str(now))
  redis.call('HDEL', STATE, 'sk')
  announce('g ' .. str(s.g))
elseif (r.row == 5 or r.row == 6) and s.aa == 0 then
  s.aa = now
  redis.call('HSET', STATE, 'aa', str(now))
elseif r.row == 9 and s.sk == 0 then
  s.sk = now
  redis.call('HSET', STATE, 'sk', str(now))
end

local live = r.row >= 5 and r.row <= 7
if live and visit.touch and age(s.ls) >= math.min(rules.idle / 20, TOUCH_EVERY) then
  s.ls = now
  redis.call('HSET', STATE, 'ls', str(now))
  keep(s, rules.idle)
end

local head = { r.row, r.adopt and 1 or 0, r.due or 0, r.rotate and 1 or 0, r.why or '', now }
if r.row <= 2 then
  return head
end
if r.why then
  finish(s, r.why)
end
return reply(head, s, s.blob)
