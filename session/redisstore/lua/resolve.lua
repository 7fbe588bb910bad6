-- Judges a presented handle and applies the verdict, in one step.
-- ARGV: generation, explicit, binding, touch, force, seen, idle, unacked,
-- explicit grace, known ('' or as unchanged.lua says), until, marked, offset.
-- Reply, one string: row, adopt, due, rotate, why, now, with commas between, and
-- where there is a session its number, its fields as load() names them (empty: 0), a line feed
-- and the sealed record. Or, if unchanged: '=', now, last seen.

local visit = {
  g = num(ARGV[1]), explicit = ARGV[2] == '1', binding = ARGV[3],
  touch = ARGV[4] == '1', force = ARGV[5] == '1', seen = ARGV[6],
  marked = num(ARGV[12]),
}
local rules = { idle = num(ARGV[7]), unacked = num(ARGV[8]), explicit_grace = num(ARGV[9]) }

local s = load()
local raw = s.raw
local r = decide(s, visit, rules)

if r.adopt then
  lost(s)
  advance(s, s.g, s.b)
  s.aa = now
  redis.call('HSET', STATE, 'aa', str(now))
elseif r.row == 10 then
  local taken = s.g - 1
  advance(s, s.g + 1, visit.binding)
  s.rp = taken
  redis.call('HSET', STATE, 'rp', str(taken))
elseif r.row == 5 or r.row == 6 then
  if s.aa == 0 then
    raw[4] = str(now)
    redis.call('HSET', STATE, 'aa', raw[4])
  end
  if now - s.ra > LATE_AFTER and not late(s) then
    raw[5] = str(s.g)
    redis.call('HSET', STATE, 'la', raw[5])
  end
end
if r.row == 10 then
  announce('r ' .. str(s.g)) -- first: who hears of the generation has heard of what made it
end
if r.adopt or r.row == 10 then
  raw[2], raw[3], raw[4], raw[5], raw[6], raw[15] = str(s.g), str(s.ra), str(s.aa), '', str(s.rp), s.b
  announce('g ' .. raw[2])
end

local live = (r.row >= 5 and r.row <= 7) or r.row == 10
if live and visit.touch and age(s.ls) >= math.min(rules.idle / 20, TOUCH_EVERY) then
  s.ls, raw[8] = now, str(now)
  redis.call('HSET', STATE, 'ls', raw[8])
  keep(s, rules.idle)
end

local head = r.row .. (r.adopt and ',1,' or ',0,') .. (r.due or 0) .. (r.rotate and ',1,' or ',0,') .. (r.why or '') .. ',' .. str(now)
if r.row <= 2 then
  return head
end
if r.why then
  finish(s, r.why)
end
for i = 2, 15 do
  raw[i] = raw[i] or ''
end
return head .. ',' .. str(s.n) .. ',' .. s.au .. ',' .. table.concat(raw, ',', 2, 15) .. '\n' .. s.blob
