-- Keeps one login attempt of a browser, and drops what is too old or too many.
-- All attempts of a browser are one hash: t:ID when it began, a:ID the attempt,
-- r:ID its return URL, c:ID who took it.
-- KEYS: the browser's hash. ARGV: id, attempt, return URL, most, life, memory, offset.

local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000) + tonumber(ARGV[7])
local most, life, memory = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function drop(id)
  redis.call('HDEL', KEYS[1], 't:' .. id, 'a:' .. id, 'r:' .. id, 'c:' .. id)
end

local kept = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 2) == 't:' then
    local id, began = string.sub(all[i], 3), tonumber(all[i + 1])
    if began > now then -- the clock went back; the one that comes now is the newer
      began = now - 1
      redis.call('HSET', KEYS[1], all[i], string.format('%.0f', began))
    end
    if now - began >= memory then
      drop(id)
    elseif id ~= ARGV[1] then
      kept[#kept + 1] = { id = id, began = began }
      if now - began >= life then
        redis.call('HDEL', KEYS[1], 'a:' .. id)
      end
    end
  end
end
table.sort(kept, function(x, y) return x.began < y.began end)
for i = 1, #kept - most + 1 do
  drop(kept[i].id)
end
redis.call('HSET', KEYS[1], 't:' .. ARGV[1], string.format('%.0f', now), 'a:' .. ARGV[1], ARGV[2], 'r:' .. ARGV[1], ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
