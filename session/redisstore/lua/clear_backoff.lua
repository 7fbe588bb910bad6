-- Clears a back-off that no provider asked for and that was set no later than at a moment.
-- ARGV: the moment, offset. Reply: 1 if no back-off stands now, else 0.

local s = load()
if not s.found or s.why ~= '' then
  return 0
end
if s.rt > now then
  if s.rs == 0 or s.rs > num(ARGV[1]) then
    return 0
  end
  redis.call('HDEL', STATE, 'rt', 'rs')
end
return 1
