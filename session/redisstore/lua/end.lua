-- Ends a live session. One whose deadline has passed unnoticed counts as live
-- here: its tokens are still to be revoked, and the caller's reason is as true.
-- ARGV: reason, offset. Reply: now, and the session as it was.

local s = load()
if s.why ~= '' then
  -- Written once more, so that a WAIT behind this call waits for something.
  redis.call('HSET', STATE, 'why', s.why)
  return { now }
elseif not s.found then
  return { now }
end
finish(s, ARGV[1])
return reply({ now }, s, s.blob)
