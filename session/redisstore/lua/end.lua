-- Ends a live session. One whose deadline has passed unnoticed counts as live
-- here: its tokens are still to be revoked, and the caller's reason is as true.
-- ARGV: reason, offset. Reply: now, and the session as it was.

local s = load()
if not s.found or s.why ~= '' then
  return { now }
end
finish(s, ARGV[1])
return reply({ now }, s, s.blob)
