-- Asks for the right to spend the tokens that have a hash.
-- ARGV: tokens hash, lease, ttl, idle, known number, offset.
-- Reply: state (0 ended, 1 acquired, 2 superseded, 3 held, 4 back-off, 5 tokens spent), why,
-- wait, now, and the session.

-- EXPIRED_LEASE stands for a lease that ran out. Its holder is dead, or was cut off
-- from this server and is about to store what the provider gave it: before the
-- tokens are spent again it gets a moment to do so.
local EXPIRED_LEASE, MOMENT = '?', 2000

local tokens_hash, lease, ttl = ARGV[1], ARGV[2], num(ARGV[3])
local s = load()
local ended, why = over(s, num(ARGV[4]))
if ended then
  return { 0, why, 0, now }
elseif s.n < num(ARGV[5]) or awaited(s) then
  return reply({ 5, '', 0, now }, s, s.blob)
elseif s.st ~= tokens_hash then
  return reply({ 2, '', 0, now }, s, s.blob)
end
if s.rt > now then
  return reply({ 4, '', s.rt - now, now }, s, s.blob)
elseif s.le ~= '' and s.le ~= lease then
  local longest = s.le == EXPIRED_LEASE and MOMENT or ttl
  if s.lu > now + longest then -- the clock went back
    s.lu = now + longest
    redis.call('HSET', STATE, 'lu', str(s.lu))
  end
  if s.lu <= now and s.le ~= EXPIRED_LEASE then
    s.le, s.lu = EXPIRED_LEASE, now + MOMENT
    redis.call('HSET', STATE, 'le', s.le, 'lu', str(s.lu))
  end
  if s.lu > now then
    return reply({ 3, '', s.lu - now, now }, s, s.blob)
  end
end
redis.call('HSET', STATE, 'le', lease, 'lu', str(now + ttl))
return reply({ 1, '', 0, now }, s, s.blob)
