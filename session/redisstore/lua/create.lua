-- Writes a new session. Sent twice it changes nothing, and it never brings a
-- session back that has ended in between.
-- ARGV: generation, browser class, absolute deadline, expiry, soft, hard (from now), grace,
-- tokens hash, record, idle, proof of the record (as the first commit), offset.
-- Reply: now, the session, and its state as it is stored.

local s = {
  g = num(ARGV[1]), ra = now, aa = 0, la = 0, rp = 0, fo = 0, ca = now, n = 0, b = ARGV[2], ls = now, ab = num(ARGV[3]), au = ARGV[11],
  ax = now + num(ARGV[4]), so = now + num(ARGV[5]), ha = now + num(ARGV[6]), gr = num(ARGV[7]), st = ARGV[8],
}
if redis.call('EXISTS', STATE) == 1 then
  local stored = load()
  if stored.found and stored.why == '' then
    s = stored
  end
  return with_state(reply({ now }, s, ''))
end
redis.call('HSET', STATE, 'g', str(s.g), 'ra', str(s.ra), 'b', s.b, 'ls', str(s.ls), 'ab', str(s.ab),
  'ax', str(s.ax), 'so', str(s.so), 'ha', str(s.ha), 'gr', str(s.gr), 'st', s.st, 'ca', str(now), 'au', s.au)
redis.call('SET', RECORD, ARGV[9])
count(s, 1)
keep(s, num(ARGV[10]))
return with_state(reply({ now }, s, ''))
