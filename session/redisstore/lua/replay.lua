-- Ends a session once more, after the server may have forgotten the end. Where it
-- knows nothing of the session it keeps the reason all the same: another process
-- may be about to write the session again.
-- ARGV: reason, offset. Reply: 1 when there was no end, else 0.

local s = load()
if s.why ~= '' then
  return 0
elseif not s.found then
  s.ab = now + HOUR
end
finish(s, ARGV[1])
return 1
