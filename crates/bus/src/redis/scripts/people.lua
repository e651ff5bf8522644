-- Notes what users' sockets do, and what users choose; says what each user's status was and is. A socket is known for
-- a while, and for longer if it is kept; a user without sockets is there for a time of grace.
--
-- KEYS: for each entry its user's sockets (a sorted set by the time in ms at which they are over), what is known of
-- each (a hash), and the user's record (a hash: chosen; here, 1 for one who is there; gone, since when without sockets;
-- seen, when a socket was last there).
-- ARGV: how long a socket lives, the grace, and how long a record is remembered without sockets, in ms; then for each
-- entry what it is and two arguments:
--   'h' socket, about   it is here, or something about it is new
--   'b' socket, about   the same, of one that was not known when it was to be kept; no change if the record is lost
--   'k' socket, ''      it is still here
--   'l' socket, ''      it left
--   's' status, ''      the user chose
--   'j' '', ''          nothing; looks whether time has changed anything
-- Answers the time, then for each: '' for a socket that was kept, '?' for one that was not known, else '<status before>
-- <after> <there before> <after> <seen> <ms until there is something to look at, or -1>'.

local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life, grace, remember = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local function text(number) return string.format('%.0f', number) end
local ends = text(now + life)

local function prolong(sockets, about, record)
  -- Longer than any socket lives, so that whoever looks late still finds whose time was over.
  local most = text(2 * life + grace)
  call('PEXPIRE', sockets, most)
  call('PEXPIRE', about, most)
  call('PEXPIRE', record, text(2 * life + grace + remember))
end

-- Drops sockets whose time is over. Gives when the last of them was there, if there were any.
local function expire(sockets, about)
  local over = call('ZRANGEBYSCORE', sockets, '-inf', text(now), 'WITHSCORES')
  for i = 1, #over, 2 do
    call('ZREM', sockets, over[i])
    call('HDEL', about, over[i])
  end
  return #over > 0 and tonumber(over[#over]) - life or nil
end

local function status(is_here, chosen)
  return is_here and (chosen or 'ONLINE') or 'OFFLINE'
end

local function judge(sockets, record, was, seen)
  local was_here = was[1] == '1'
  local is_here, gone, due = was_here, nil, -1
  local last = call('ZREVRANGE', sockets, 0, 0, 'WITHSCORES')[2]
  if last then
    is_here, due = true, tonumber(last) - now + 1
  elseif was_here then
    gone = tonumber(was[3]) or now
    due = gone + grace - now
    if due <= 0 then
      is_here, gone, due = false, nil, -1
    end
  end
  if is_here ~= was_here then
    call('HSET', record, 'here', is_here and '1' or '0')
  end
  if gone and not was[3] then
    call('HSET', record, 'gone', text(gone))
  elseif was[3] and not gone then
    call('HDEL', record, 'gone')
  end
  local chosen = call('HGET', record, 'chosen')
  return string.format('%s %s %d %d %s %.0f', status(was_here, was[2]), status(is_here, chosen),
    was_here and 1 or 0, is_here and 1 or 0, seen or was[4] or '0', due)
end

local answers, k = { text(now) }, 0
for a = 4, #ARGV, 3 do
  local what, first = ARGV[a], ARGV[a + 1]
  local sockets, about, record = KEYS[k + 1], KEYS[k + 2], KEYS[k + 3]
  k = k + 3
  local answer = ''
  if what == 'k' then
    if call('ZSCORE', sockets, first) then
      call('ZADD', sockets, ends, first)
      prolong(sockets, about, record)
    else
      answer = '?'
    end
  else
    local was, seen = call('HMGET', record, 'here', 'chosen', 'gone', 'seen'), nil
    if what == 'b' and not was[1] then
      was[1] = '1'
      call('HSET', record, 'here', '1')
    end
    if what == 'h' or what == 'b' then
      call('ZADD', sockets, ends, first)
      call('HSET', about, first, ARGV[a + 2])
    elseif what == 'l' then
      if call('ZREM', sockets, first) == 1 then
        seen = text(now)
      end
      call('HDEL', about, first)
    elseif what == 's' then
      call('HSET', record, 'chosen', first)
      seen = text(now)
    end
    local over = expire(sockets, about)
    if over and not seen and over > tonumber(was[4] or '0') then
      seen = text(over)
    end
    if seen then
      call('HSET', record, 'seen', seen)
    end
    answer = judge(sockets, record, was, seen)
    prolong(sockets, about, record)
  end
  answers[#answers + 1] = answer
end
return answers
