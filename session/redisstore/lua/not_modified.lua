-- Stands before the prelude of resolve.lua: the answer to nearly every request, for a
-- quarter of the work. Whoever presents the current handle, names the session that was
-- read before (the validator) and needs neither new tokens nor a write is told so.
-- Anything less plain falls through to the full judgement.
-- ARGV and reply: see resolve.lua.
--
-- The validator is the generation, when it was first seen, and the last bytes of the sealed
-- record, its authentication tag: every commit seals anew. While these are the
-- same, no deadline can have moved but the idle one: the caller says when the first
-- of the others is (until). An end leaves no generation behind, see finish().

local validator = ARGV[10]
if validator ~= '' and ARGV[5] == '0' then
  local v, t = redis.call('HMGET', KEYS[1], 'g', 'aa', 'ls', 'ca'), redis.call('TIME')
  local now = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[13]
  if v[1] == ARGV[1] and v[2] and v[3] and now < (tonumber(ARGV[11]) or 0) then
    local idle, quiet = ARGV[7] + 0, math.max(0, now - v[3])
    local noted = ARGV[4] == '0' or quiet < math.min(idle / 20, 60000)
    -- What lies ahead was written before the clock went back: see ahead().
    local back = now < math.max(v[2] + 0, v[3] + 0, (v[4] or 0) + 0)
    if quiet < idle and noted and not back and v[1] .. ',' .. v[2] .. ',' .. redis.call('GETRANGE', KEYS[2], -16, -1) == validator then
      return '=' .. now .. ',' .. v[3]
    end
  end
end
