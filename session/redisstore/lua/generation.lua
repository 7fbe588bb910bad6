-- Tells the current generation without judging or changing anything.
-- ARGV: idle, offset. Reply: the generation, or -1 when the session is over.

local s = load()
if not s.found or s.why ~= '' or passed(s, num(ARGV[1])) then
  return -1
end
return s.g
