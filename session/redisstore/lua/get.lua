-- Reads a session as it stands: judges nothing and touches nothing.
-- ARGV: idle, offset. Reply: as acquire.lua, state 0 or 2.

local s = load()
local ended, why = over(s, num(ARGV[1]))
if ended then
  return { 0, why, 0, now }
end
return reply({ 2, '', 0, now }, s, s.blob)
