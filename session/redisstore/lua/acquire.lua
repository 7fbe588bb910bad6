-- Asks for the right to spend the tokens that bear a stamp.
-- ARGV: stamp, lease, ttl, idle, known number, offset.
-- Reply: state (0 over, 1 taken, 2 done, 3 busy, 4 back off, 5 forgot), why, wait, now, and the session.

-- HEIRLESS stands for a lease that ran out. Its holder is dead, or was cut off
-- from this server and is about to store what the provider gave it: before the
-- tokens are spent again it gets a moment to do so.
local HEIRLESS, MOMENT = '?', 2000

local stamp, lease, ttl = ARGV[1], ARGV[2], num(ARGV[3])
local s = load()
local ended, why = over(s, num(ARGV[4]))
if ended then
  return { 0, why, 0, now }
elseif s.n < num(ARGV[5]) or awaited(s) then
  return reply({ 5, '', 0, now }, s, s.blob)
elseif s.st ~= stamp then
  return reply({ 2, '', 0, now }, s, s.blob)
end
if s.rt > now then
  return reply({ 4, '', s.rt - now, now }, s, s.blob)
elseif s.le ~= '' and s.le ~= lease then
  local longest = s.le == HEIRLESS and MOMENT or ttl
  if s.lu > now + longest then -- the clock went back
    s.lu = now + longest
    redis.call('HSET', STATE, 'lu', str(s.lu))
  end
  if s.lu <= now and s.le ~= HEIRLESS then
    s.le, s.lu = HEIRLESS, now + MOMENT
    redis.call('HSET', STATE, 'le', s.le, 'lu', str(s.lu))
  end
  if s.lu > now then
    return reply({ 3, '', s.lu - now, now }, s, s.blob)
  end
end
redis.call('HSET', STATE, 'le', lease, 'lu', str(now + ttl))
return reply({ 1, '', 0, now }, s, s.blob)
