-- Shared prelude of the scripts that read or change one session. The decision
-- table is session/family.go in Lua; TestFamilyTable holds the two together.
--
-- KEYS[1] is the state (a hash of short fields), KEYS[2] the sealed record.
-- The last argument of every script is a clock offset in ms, 0 outside tests.
-- Times are ms on this server's clock; 0 stands for "never".

local STATE, RECORD = KEYS[1], KEYS[2]
local HOUR = 3600000
local STRIKE_GAP, FORCE_EVERY, TOUCH_EVERY = 5000, 10000, 60000

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

-- raw is the session as it is stored, for whoever hands it on; a number is made
-- of a field by adding 0, which spares a call.
local function load()
  local v = redis.call('HMGET', STATE, 'why', 'g', 'ra', 'aa', 'sk', 'fo', 'ls', 'ab', 'ax', 'so', 'ha', 'gr',
    'st', 'b', 'le', 'lu', 'rt')
  local s = {
    raw = v, why = v[1] or '', g = (v[2] or 0) + 0, ra = (v[3] or 0) + 0, aa = (v[4] or 0) + 0, sk = (v[5] or 0) + 0,
    fo = (v[6] or 0) + 0, ls = (v[7] or 0) + 0, ab = (v[8] or 0) + 0, ax = (v[9] or 0) + 0, so = (v[10] or 0) + 0,
    ha = (v[11] or 0) + 0, gr = (v[12] or 0) + 0, st = v[13] or '', b = v[14] or '', le = v[15] or '',
    lu = (v[16] or 0) + 0, rt = (v[17] or 0) + 0, blob = '',
  }
  if s.why == '' and v[2] then
    s.blob = redis.call('GET', RECORD) or ''
  end
  -- Half a session (the server evicted the other key) is as good as none.
  s.found = s.why ~= '' or s.blob ~= ''
  return s
end

-- reply appends the session's fields and its sealed record to head.
local function reply(head, s, blob)
  for _, v in ipairs({ s.g, s.ra, s.aa, s.sk, s.fo, s.ls, s.ab, s.ax, s.so, s.ha, s.gr, s.st, s.b, blob }) do
    head[#head + 1] = v
  end
  return head
end

-- announce tells every process; the channel's name shares the keys' prefix.
local function announce(what)
  local prefix, id = string.match(STATE, '^([^{]*){([^}]*)}')
  redis.call('PUBLISH', prefix .. 'inval', id .. ' ' .. what)
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
  if not v.force or (v.seen ~= '' and v.seen ~= s.st) then
    return false
  end
  return v.explicit or s.fo == 0 or age(s.fo) >= FORCE_EVERY
end

local function may_rotate(s, explicit)
  return explicit or age(s.ra) >= 2 * s.gr
end

-- current decides rows 5 and 6.
local function current(s, v)
  local r = { row = 5, due = due(s), rotate = may_rotate(s, v.explicit) }
  if r.due == 2 or forced(s, v) then
    r.row, r.due = 6, 2
  end
  return r
end

-- retired decides rows 7 to 11 for the parent of the current handle.
local function retired(s, v, rules)
  local since = age(math.max(s.ra, s.aa))
  if v.explicit then
    if rules.explicit_grace > 0 and since <= rules.explicit_grace then
      return { row = 7, due = hard_only(s) }
    end
    return { row = 11, why = 'session_reused' }
  end
  local in_window = since <= s.gr or (s.aa == 0 and age(s.ra) <= rules.unacked)
  if in_window and v.binding == s.b then
    return { row = 7, due = hard_only(s) }
  elseif in_window then
    return { row = 8 }
  elseif s.sk == 0 or age(s.sk) <= STRIKE_GAP then
    return { row = 9 }
  end
  return { row = 10, why = 'session_reused' }
end

-- decide judges a presented handle. An adopted generation (row 4) is put into s
-- at once; every other effect is the caller's.
local function decide(s, v, rules)
  if not s.found then
    return { row = 1 }
  elseif s.why ~= '' then
    return { row = 2, why = s.why }
  end
  local why = passed(s, rules.idle)
  if why then
    return { row = 3, why = why }
  elseif v.g > s.g then
    s.g, s.ra, s.aa, s.sk = v.g, now, now, 0
    local r = current(s, v)
    r.adopt = true
    return r
  elseif v.g == s.g then
    return current(s, v)
  elseif v.g == s.g - 1 then
    return retired(s, v, rules)
  end
  return { row = 11, why = 'session_reused' }
end
