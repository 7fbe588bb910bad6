-- Stores refreshed tokens if the record still has those that were spent.
-- The tombstone of a logout wins, and of two commits the first.
-- ARGV: generation, token client, browser class, force, hash of the spent tokens, lease, rotate,
-- hash of the new ones, expiry, soft, hard (from now), grace, record, idle, number of the record
-- the refresh was made from, number and absolute deadline that the record was proved
-- for, the proof, offset.
-- Reply: stored (2: nothing was, make the proof for the session that follows), rotated,
-- gone, why, now, and the session in force. Its record is empty when it is the one just
-- sent; one that had a lease gets its state as well.

local v = { g = num(ARGV[1]), token_client = ARGV[2] == '1', browser_class = ARGV[3], force = ARGV[4] == '1' }
local from_tokens, lease, rotate, tokens_hash = ARGV[5], ARGV[6], ARGV[7] == '1', ARGV[8]

local function stored(s, rotated)
  local answer = reply({ 1, rotated and 1 or 0, 0, '', now }, s, '')
  return lease ~= '' and with_state(answer) or answer
end

local s = load()
local ended, why = over(s, num(ARGV[14]))
if ended then
  return { 0, 0, why == '' and 1 or 0, why, now }
end
local n, fits = math.max(s.n, num(ARGV[15])) + 1, true
if s.st == from_tokens or (s.st ~= tokens_hash and s.n < num(ARGV[15])) then
  fits = n == num(ARGV[16]) and s.ab == num(ARGV[17])
end
if not fits then
  s.n = n - 1
  return reply({ 2, 0, 0, '', now }, s, '')
end
if lease ~= '' and s.le == lease then
  redis.call('HDEL', STATE, 'le', 'lu')
end

-- advanced is what an earlier run of this very commit would have left behind.
local advanced = rotate and s.g == v.g + 1 and s.aa == 0 and not recovered(s)
if s.st ~= from_tokens then
  if s.st == tokens_hash then
    return stored(s, advanced)
  end
  -- Other tokens of a smaller number: this server has forgotten those that were
  -- spent, and what came of them is all there is.
  if s.n >= num(ARGV[15]) then
    return reply({ 0, 0, 0, '', now }, s, s.blob)
  end
end

local rotated = rotate and s.g == v.g and may_rotate(s, v.token_client)
s.ax, s.so, s.ha = now + num(ARGV[9]), now + num(ARGV[10]), now + num(ARGV[11])
s.gr, s.st, s.ca = num(ARGV[12]), tokens_hash, now
redis.call('SET', RECORD, ARGV[13], 'PX', str(math.max(1, redis.call('PTTL', STATE))))
redis.call('HSET', STATE, 'ax', str(s.ax), 'so', str(s.so), 'ha', str(s.ha), 'gr', str(s.gr), 'st', tokens_hash,
  'ca', str(now), 'au', ARGV[18])
redis.call('HDEL', STATE, 'rt', 'rs', 'lo')
if v.force then
  s.fo = now
  redis.call('HSET', STATE, 'fo', str(now))
end
if rotated then
  advance(s, s.g + 1, v.browser_class)
end
announce('g ' .. str(s.g))
s.au = ARGV[18]
count(s, n)
-- A provider may answer with the tokens it was given: then only the generation
-- tells an earlier run.
rotated = rotated or (advanced and from_tokens == tokens_hash)
return stored(s, rotated)
