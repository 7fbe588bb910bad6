-- Shared prelude of the scripts that read or change one session. It has the decision
-- table of package session in Lua; TestRotationTable holds the two together.
--
-- KEYS[1] is the state (a hash of short fields), KEYS[2] the sealed record.
-- The last argument of every script is a clock offset in ms, 0 outside tests.
-- Times are ms on this server's clock; 0 stands for "never".

local STATE, RECORD = KEYS[1], KEYS[2]
local HOUR = 3600000
local LATE_AFTER, FORCE_INTERVAL, TOUCH_INTERVAL = 60000, 10000, 60000
-- MAX_BACKOFF is what a provider can ask for at most; clocks of two servers
-- that are in order differ by less than CLOCK_SLACK.
local MAX_BACKOFF, CLOCK_SLACK = 300000, 1000

-- str writes a number in full: tostring would round times to 1.7e+12.
local function str(n)
  return string.format('%.0f', n)
end

local function num(v)
  return tonumber(v or '') or 0
end

local function clock()
  local t = redis.call('TIME')
  return num(t[1]) * 1000 + math.floor(num(t[2]) / 1000) + num(ARGV[#ARGV])
end

local now = clock()

-- age is never negative: a promoted replica's clock may stand earlier.
local function age(t)
  return math.max(0, now - t)
end

-- ahead mends times that lie further ahead than they can: this server's clock went
-- back, or its predecessor's stood later. A moment that has passed is now at the
-- latest; a back-off lasts no longer than when it was set (rs), or than any can. If
-- the tokens were stored (ca) in what is the future now, nobody knows how old they
-- are: they are due, and those that cannot be replaced expire within their lifetime.
local function ahead(s)
  local fields = {}
  local function set(name, at, t)
    s[name], s.raw[at] = t, str(t)
    fields[#fields + 1] = name
    fields[#fields + 1] = s.raw[at]
  end
  if s.ra > now then set('ra', 3, now) end
  if s.aa > now then set('aa', 4, now) end
  if s.ls > now then set('ls', 8, now) end
  if s.ca > now + CLOCK_SLACK then
    set('ax', 10, math.min(s.ax, now + math.max(0, s.ax - s.ca)))
    set('so', 11, math.min(s.so, now))
    set('ha', 12, math.min(s.ha, now))
    set('ca', 19, now)
  end
  if s.rs > now then
    set('rt', 18, now + math.max(0, s.rt - s.rs))
    set('rs', 20, now)
  end
  if s.rt > now + MAX_BACKOFF then set('rt', 18, now + MAX_BACKOFF) end
  if #fields > 0 then redis.call('HSET', STATE, unpack(fields)) end
end

-- raw is the session as it is stored, for whoever hands it on; a number is made
-- of a field by adding 0, which spares a call. la and rp are the two fields that
-- replicas of a former version neither clear nor write: late() and recovered() tell
-- whether what stands there is of this generation. sk was theirs (a strike against
-- g-1); it is cleared with every new generation and otherwise ignored.
local function load()
  local v = redis.call('HMGET', STATE, 'why', 'g', 'ra', 'aa', 'la', 'rp', 'fo', 'ls', 'ab', 'ax', 'so', 'ha',
    'gr', 'st', 'b', 'le', 'lu', 'rt', 'ca', 'rs', 'n', 'nm', 'au')
  local s = {
    raw = v, why = v[1] or '', g = (v[2] or 0) + 0, ra = (v[3] or 0) + 0, aa = (v[4] or 0) + 0, la = (v[5] or 0) + 0,
    rp = (v[6] or 0) + 0, fo = (v[7] or 0) + 0, ls = (v[8] or 0) + 0, ab = (v[9] or 0) + 0, ax = (v[10] or 0) + 0,
    so = (v[11] or 0) + 0, ha = (v[12] or 0) + 0, gr = (v[13] or 0) + 0, st = v[14] or '', b = v[15] or '',
    le = v[16] or '', lu = (v[17] or 0) + 0, rt = (v[18] or 0) + 0, ca = (v[19] or 0) + 0,
    rs = (v[20] or 0) + 0, blob = '',
  }
  s.n, s.au = (v[21] or 0) + 0, v[23] or ''
  -- A replica of a former version commits without counting: then the mark is that
  -- of other tokens.
  if v[21] and v[22] ~= string.sub(s.st, 1, 4) then
    s.n = s.n + 1
  end
  if s.why == '' and v[2] then
    s.blob = redis.call('GET', RECORD) or ''
  end
  -- Half a session (the server evicted the other key) is as good as none.
  s.found = s.why ~= '' or s.blob ~= ''
  if s.blob ~= '' and math.max(s.ra, s.aa, s.ls, s.ca, s.rs, s.rt - MAX_BACKOFF) > now then
    ahead(s)
  end
  return s
end

-- reply appends the session's fields and its sealed record to head.
local function reply(head, s, blob)
  for _, v in ipairs({ s.g, s.ra, s.aa, s.la, s.rp, s.fo, s.ca, s.ls, s.ab, s.ax, s.so, s.ha, s.gr, s.st, s.b, s.n, s.au, blob }) do
    head[#head + 1] = v
  end
  return head
end

-- with_state adds the state as it is stored, for the journal of whoever wrote it.
local function with_state(answer)
  answer[#answer + 1] = redis.call('HGETALL', STATE)
  return answer
end

-- announce tells every process; the channel's name shares the keys' prefix.
local function announce(what)
  local prefix, id = string.match(STATE, '^([^{]*){([^}]*)}')
  redis.call('PUBLISH', prefix .. 'inval', id .. ' ' .. what)
end

-- count gives what was just written its number, and tells every process: in a
-- message of its own, which former versions pass over.
local function count(s, n)
  s.n = n
  redis.call('HSET', STATE, 'n', str(n), 'nm', string.sub(s.st, 1, 4))
  announce('n ' .. str(n))
end

-- keep sets how long both keys stay around: a day longer than any deadline, for
-- the deadlines are judged here and never by the keys' expiry.
local function keep(s, idle)
  local ttl = str(math.max(0, math.min(idle, s.ab - now)) + 24 * HOUR)
  redis.call('PEXPIRE', STATE, ttl)
  redis.call('PEXPIRE', RECORD, ttl)
end

-- finish ends a session: only the reason and the time stay, as a tombstone.
local function finish(s, why)
  local ttl = math.min(math.max(s.ab - now, 60000), 24 * HOUR)
  redis.call('DEL', STATE, RECORD)
  redis.call('HSET', STATE, 'why', why, 'at', str(now))
  redis.call('PEXPIRE', STATE, str(ttl))
  announce('e ' .. why)
end

-- passed names the deadline that has gone by, if one has.
local function passed(s, idle)
  if now >= s.ab then
    return 'absolute'
  elseif age(s.ls) >= idle then
    return 'idle'
  end
  return nil
end

-- over tells whether a session is over and why ('' when nothing is known of it).
-- One whose time has passed is over but not ended: the caller ends it, because
-- an end hands out the record whose tokens are to be revoked.
local function over(s, idle)
  if not s.found then
    return true, ''
  elseif s.why ~= '' then
    return true, s.why
  end
  local why = passed(s, idle)
  return why ~= nil, why or ''
end

local function due(s)
  if now >= s.ha then
    return 2
  elseif now >= s.so then
    return 1
  end
  return 0
end

local function hard_only(s)
  if due(s) == 2 then
    return 2
  end
  return 0
end

local function forced(s, v)
  if not v.force or (v.if_tokens ~= '' and v.if_tokens ~= s.st) then
    return false
  end
  -- One in the future was written before the clock went back: long ago.
  return v.token_client or s.fo == 0 or s.fo > now or age(s.fo) >= FORCE_INTERVAL
end

local function may_rotate(s, token_client)
  return token_client or age(s.ra) >= 2 * s.gr
end

-- current decides outcomes 5 and 6: the current generation.
local function current(s, v)
  local r = { outcome = 5, due = due(s), rotate = may_rotate(s, v.token_client) }
  if r.due == 2 or forced(s, v) then
    r.outcome, r.due = 6, 2
  end
  return r
end

-- late tells whether the current handle was presented long after its rotation.
local function late(s)
  return s.la == s.g
end

-- recovered tells whether the current handle came of a recovery, two above the
-- handle it was for (rp). At any other distance a rotation came after it.
local function recovered(s)
  return s.rp > 0 and s.g == s.rp + 2
end

-- proof tells whether the handle came with its own mark, at most an hour old.
local function proof(v)
  return v.marked > 0 and v.marked <= now and now - v.marked <= HOUR
end

-- retired decides outcomes 7 to 11: a cookie below the current generation.
local function retired(s, v, rules)
  local of_recovery = recovered(s)
  local parent = v.g == s.g - 1 and not of_recovery
  local since, same = age(math.max(s.ra, s.aa)), v.browser_class == s.b
  local in_window = (parent or (of_recovery and v.g == s.rp))
    and (since <= s.gr or (s.aa == 0 and age(s.ra) <= rules.unacked))
  if in_window and same then
    return { outcome = 7, due = hard_only(s) }
  elseif in_window then
    return { outcome = 8 }
  elseif not proof(v) then
    return { outcome = 9 }
  elseif parent and same and not late(s) and since <= math.min(rules.idle, HOUR) then
    return { outcome = 10, due = hard_only(s) }
  end
  return { outcome = 11, why = 'session_reused' }
end

-- retired_token decides for the handle of a token client below the current generation.
local function retired_token(s, v, rules)
  local since = age(math.max(s.ra, s.aa))
  if v.g == s.g - 1 and rules.token_client_grace > 0 and since <= rules.token_client_grace then
    return { outcome = 7, due = hard_only(s) }
  end
  return { outcome = 11, why = 'session_reused' }
end

-- advance makes g the current handle as of now. Nothing that was noted of the one
-- before counts any more.
local function advance(s, g, browser_class)
  s.g, s.ra, s.aa, s.la, s.rp, s.b = g, now, 0, 0, 0, browser_class
  redis.call('HSET', STATE, 'g', str(g), 'ra', str(now), 'b', browser_class)
  redis.call('HDEL', STATE, 'aa', 'la', 'rp', 'sk')
end

-- lost notes that this server has lost a commit: a handle was presented that it never
-- issued, and handles are issued when tokens are stored, so the tokens here were spent.
-- The note (lo) is of these tokens, by the first bytes of their hash, and stays as
-- old as the first time it was made; tokens of another hash make it void.
local function lost(s)
  local of = string.sub(s.st, 1, 4)
  local noted = redis.call('HGET', STATE, 'lo')
  if not noted or string.sub(noted, 1, #of + 1) ~= of .. ' ' then
    redis.call('HSET', STATE, 'lo', of .. ' ' .. str(now))
  end
end

-- LOST_TTL is how long tokens that were noted as lost are not spent. Whoever spent them
-- writes again what came of it as soon as it finds this server, which takes a moment
-- for each thousand of its sessions, and longer where it is busy; 15 s is twice the
-- slowest seen. After that it is dead, or has dropped the entry: to spend them then is
-- all that is left, and a provider that rotates strictly refuses it.
local LOST_TTL = 15000

-- awaited tells whether the tokens are noted as lost, and may still be replaced.
local function awaited(s)
  local noted = redis.call('HGET', STATE, 'lo')
  if not noted then
    return false
  end
  local of, at = string.match(noted, '^(.-) (%d+)$')
  return of == string.sub(s.st, 1, 4) and num(at) <= now and now - num(at) < LOST_TTL
end

-- decide judges a presented handle. A generation that only a lost commit can have made
-- (row 4 of the table) is put into s at once; every other effect is the caller's.
local function decide(s, v, rules)
  if not s.found then
    return { outcome = 1 }
  elseif s.why ~= '' then
    return { outcome = 2, why = s.why }
  end
  local why = passed(s, rules.idle)
  if why then
    return { outcome = 3, why = why }
  elseif v.g > s.g then
    s.g, s.ra, s.aa, s.la, s.rp = v.g, now, now, 0, 0
    local r = current(s, v)
    r.lost_writes = true
    return r
  elseif v.g == s.g then
    return current(s, v)
  elseif v.token_client then
    return retired_token(s, v, rules)
  end
  return retired(s, v, rules)
end
