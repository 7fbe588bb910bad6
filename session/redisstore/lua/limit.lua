-- Takes from a bucket by the generic cell rate algorithm. The bucket is one
-- number: when it will be empty again, in microseconds on this server's clock.
-- KEYS: the bucket. ARGV: n, limit, per (microseconds), offset (ms).
-- Reply: 0, or how long until one fits, in ms.

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2]) + tonumber(ARGV[4]) * 1000
local n, limit, per = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- Whole microseconds, rounded down: exactly limit fit, whatever the division leaves.
local step = math.floor(per / limit)
local span = step * limit

-- Never emptier than empty, and never fuller than full: a clock that went back or
-- a limit that was raised must not shut anybody out.
local stored = tonumber(redis.call('GET', KEYS[1]) or '') or now
local empty = math.min(math.max(stored, now), now + span)

local function store(at)
  if at <= now then
    redis.call('DEL', KEYS[1])
  else
    redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', string.format('%.0f', math.ceil((at - now) / 1000)))
  end
end

if n >= 0 then
  local over = empty + math.max(n, 1) * step - now - span
  if over > 0 then
    if stored > empty then
      store(empty) -- or it would be as full again at the next call, until the clock has caught up
    end
    return math.ceil(over / 1000)
  elseif n == 0 then
    return 0
  end
end

store(empty + n * step)
return 0
