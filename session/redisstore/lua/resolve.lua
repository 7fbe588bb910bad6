-- Judges a presented handle and applies the verdict, in one step.
-- ARGV: generation, token client, browser class, touch, force, if tokens, idle, unacked,
-- token client grace, validator ('' or as not_modified.lua says), until, marked, offset.
-- Reply, one string: outcome, lost writes, due, rotate, forced, why, now, with commas between, and
-- where there is a session its number, proof, ca, its fields as load() names them (empty: 0), a line feed
-- and the sealed record. Or, if not modified: '=', now, last seen.

local presented = {
  g = num(ARGV[1]), token_client = ARGV[2] == '1', browser_class = ARGV[3],
  touch = ARGV[4] == '1', force = ARGV[5] == '1', if_tokens = ARGV[6],
  marked = num(ARGV[12]),
}
local rules = { idle = num(ARGV[7]), unacked = num(ARGV[8]), token_client_grace = num(ARGV[9]) }

local s = load()
local raw = s.raw
local r = decide(s, presented, rules)

if r.lost_writes then
  lost(s)
  advance(s, s.g, s.b)
  s.aa = now
  redis.call('HSET', STATE, 'aa', str(now))
elseif r.outcome == 10 then
  local taken = s.g - 1
  advance(s, s.g + 1, presented.browser_class)
  s.rp = taken
  redis.call('HSET', STATE, 'rp', str(taken))
elseif r.outcome == 5 or r.outcome == 6 then
  if s.aa == 0 then
    raw[4] = str(now)
    redis.call('HSET', STATE, 'aa', raw[4])
  end
  if now - s.ra > LATE_AFTER and not late(s) then
    raw[5] = str(s.g)
    redis.call('HSET', STATE, 'la', raw[5])
  end
end
if r.outcome == 10 then
  announce('r ' .. str(s.g)) -- first: who hears of the generation has heard of what made it
end
if r.lost_writes or r.outcome == 10 then
  raw[2], raw[3], raw[4], raw[5], raw[6], raw[15] = str(s.g), str(s.ra), str(s.aa), '', str(s.rp), s.b
  announce('g ' .. raw[2])
end

local live = (r.outcome >= 5 and r.outcome <= 7) or r.outcome == 10
if live and presented.touch and age(s.ls) >= math.min(rules.idle / 20, TOUCH_INTERVAL) then
  s.ls, raw[8] = now, str(now)
  redis.call('HSET', STATE, 'ls', raw[8])
  keep(s, rules.idle)
end

local head = r.outcome .. (r.lost_writes and ',1,' or ',0,') .. (r.due or 0) .. (r.rotate and ',1' or ',0')
  .. (live and forced(s, presented) and ',1,' or ',0,') .. (r.why or '') .. ',' .. str(now)
if r.outcome <= 2 then
  return head
end
if r.why then
  finish(s, r.why)
end
for i = 2, 15 do
  raw[i] = raw[i] or ''
end
return head .. ',' .. str(s.n) .. ',' .. s.au .. ',' .. str(s.ca) .. ',' .. table.concat(raw, ',', 2, 15) .. '\n' .. s.blob
