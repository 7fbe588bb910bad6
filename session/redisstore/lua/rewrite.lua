-- Writes a session again that this server may have forgotten: in a fail-over, a
-- power loss, or because it started from an older snapshot. Sent twice it changes
-- nothing. An end wins; of two states the one with the larger number; and the
-- generation never falls, for no browser can be moved back.
-- ARGV: record, idle, state (each name and each value followed by a line feed), offset.
-- Reply: 0 nothing to do, 1 written, 2 other tokens have the same number, 3 over.

local e, idle = {}, num(ARGV[2])
for name, value in string.gmatch(ARGV[3], '([^\n]*)\n([^\n]*)\n') do
  e[name] = value
end
-- A lease, a back-off and what was noted of lost tokens belong to what is stored.
e.le, e.lu, e.rt, e.rs, e.lo = nil, nil, nil, nil, nil

local s = load()
if s.why ~= '' then
  return 3
elseif s.found and s.n >= num(e.n) then
  return (s.n == num(e.n) and s.st ~= e.st) and 2 or 0
end
local ls, ab = num(e.ls), num(e.ab)
if s.found then
  ls = math.max(ls, s.ls)
end
if passed({ ls = ls, ab = ab }, idle) then
  return 3
end
e.ls = str(ls)
if not s.found then
  redis.call('DEL', STATE) -- half a session is as good as none
else
  -- What belongs to the generation goes with the larger one.
  local OF_GENERATION = { 'g', 'ra', 'aa', 'la', 'rp', 'sk', 'b' }
  if s.g >= num(e.g) then
    for _, name in ipairs(OF_GENERATION) do
      e[name] = nil
    end
  else
    s.g = num(e.g)
    redis.call('HDEL', STATE, unpack(OF_GENERATION))
  end
  redis.call('HDEL', STATE, 'rt', 'rs', 'lo')
end
local fields = {}
for name, value in pairs(e) do
  fields[#fields + 1] = name
  fields[#fields + 1] = value
end
redis.call('HSET', STATE, unpack(fields))
redis.call('SET', RECORD, ARGV[1])
keep({ ab = ab }, idle)
announce('g ' .. str(math.max(s.g, num(e.g))))
announce('n ' .. e.n)
return 1
