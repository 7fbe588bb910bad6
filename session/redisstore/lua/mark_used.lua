-- Lists a token, unless it is listed. Run again by a client library whose reply
-- got lost, it finds its own mark and is first as before.
-- KEYS: the token's key. ARGV: mark, keep. Reply: 1 for the first, else 0.

local held = redis.call('GET', KEYS[1])
if held then
  return held == ARGV[1] and 1 or 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
