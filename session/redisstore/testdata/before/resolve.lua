-- Judges a presented handle and applies the verdict, in one step.
-- ARGV: generation, explicit, binding, touch, force, seen, idle, unacked,
-- explicit grace, known ('' or as unchanged.lua says), until, offset.
-- Reply, one string: row, adopt, due, rotate, why, now, with commas between, and
-- where there is a session its fields as load() names them (empty: 0), a line feed
-- and the sealed record. Or, if unchanged: '=', now, last seen.

local visit = {
  g = num(ARGV[1]), explicit = ARGV[2] == '1', binding = ARGV[3],
  touch = ARGV[4] == '1', force = ARGV[5] == '1', seen = ARGV[6],
}
local rules = { idle = num(ARGV[7]), unacked = num(ARGV[8]), explicit_grace = num(ARGV[9]) }

local s = load()
local raw = s.raw
local r = decide(s, visit, rules)

if r.adopt then
  local t = str(now)
  raw[2], raw[3], raw[4], raw[5] = str(s.g), t, t, ''
  redis.call('HSET', STATE, 'g', raw[2], 'ra', t, 'aa', t)
  redis.call('HDEL', STATE, 'sk')
  announce('g ' .. raw[2])
elseif (r.row == 5 or r.row == 6) and s.aa == 0 then
  raw[4] = str(now)
  redis.call('HSET', STATE, 'aa', raw[4])
elseif r.row == 9 and s.sk == 0 then
  raw[5] = str(now)
  redis.call('HSET', STATE, 'sk', raw[5])
end

local live = r.row >= 5 and r.row <= 7
if live and visit.touch and age(s.ls) >= math.min(rules.idle / 20, TOUCH_EVERY) then
  s.ls, raw[7] = now, str(now)
  redis.call('HSET', STATE, 'ls', raw[7])
  keep(s, rules.idle)
end

local head = r.row .. (r.adopt and ',1,' or ',0,') .. (r.due or 0) .. (r.rotate and ',1,' or ',0,') .. (r.why or '') .. ',' .. str(now)
if r.row <= 2 then
  return head
end
if r.why then
  finish(s, r.why)
end
for i = 2, 14 do
  raw[i] = raw[i] or ''
end
return head .. ',' .. table.concat(raw, ',', 2, 14) .. '\n' .. s.blob
