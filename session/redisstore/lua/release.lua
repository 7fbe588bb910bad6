-- Gives a lease back after a refresh that came to nothing; ends the session on a
-- refusal, provided the refused tokens are still the ones in force.
-- ARGV: tokens hash, lease, retry in, reason, idle, own back-off (clear_backoff.lua may
-- void it), offset.
-- Reply: as acquire.lua; state 4 with no wait means that anybody may begin.

local tokens_hash, lease, retry, reason = ARGV[1], ARGV[2], num(ARGV[3]), ARGV[4]
local s = load()
local ended, why = over(s, num(ARGV[5]))
if ended then
  return { 0, why, 0, now }
end
local ours = s.le == lease
if ours and lease ~= '' then
  s.le = ''
  redis.call('HDEL', STATE, 'le', 'lu')
end
if s.st ~= tokens_hash then
  return reply({ 2, '', 0, now }, s, s.blob)
elseif reason ~= '' then
  finish(s, reason)
  return { 0, reason, 0, now }
end
if ours and retry > 0 then
  s.rt = now + retry
  redis.call('HSET', STATE, 'rt', str(s.rt))
  if ARGV[6] == '1' then
    redis.call('HSET', STATE, 'rs', str(now))
  else
    redis.call('HDEL', STATE, 'rs')
  end
end
if s.rt <= now and s.le ~= '' and s.lu > now then
  return reply({ 3, '', s.lu - now, now }, s, s.blob)
end
return reply({ 4, '', math.max(0, s.rt - now), now }, s, s.blob)
