-- Notes who enters rooms and who leaves, and tells it in the room, in one step (number.lua comes before this). A user is
-- in a room from their first socket to the grace after their last.
--
-- KEYS: for each room
--   its stream, see number.lua
--   sockets   a sorted set of '<user> <socket>' (the anonymous: ' <socket>') by the time in ms at which they are over
--   counts    a hash of users: how many sockets each has there
--   users     a sorted set of the same users by name
--   leaving   a sorted set of users without sockets by the time at which they will have left
--   notes     a hash: '#since', there from the first entry for as long as anybody can know that all have left, so that it
--             shows whether the roster was lost;
--             '#quiet', until when one that was lost is filled again; of what is told merged: '#due', when, '#more',
--             how many changes are not named, and users, '+' or '-'
-- ARGV: what number.lua says; how long a socket lives, and the grace, in ms; then for each room
--   its channel; count, life in ms and bytes of what is kept (count empty: not numbered)
--   above how many users changes are told merged, and how often then, in ms
--   how many entries, and for each: 'j' it enters, 'k' it is still there, 'l' it leaves; user; socket
-- Answers for each room: '<ms until there is something to do, or -1> <1 if the first user came> <1 if the last one left>',
-- and after '!' why something could not be told.

local now, life, grace = tonumber(ms), tonumber(ARGV[4]), tonumber(ARGV[5])
local function text(number) return string.format('%.0f', number) end
local ends = text(now + life)
-- What one call does at most with what is over.
local MOST = '1000'
-- Most users whose changes are named in one notice.
local NAMED = 200

local function quoted(users)
  return #users == 0 and '[]' or '["' .. table.concat(users, '","') .. '"]'
end

-- One room. `a` is the place of its arguments, `k` of its keys. Gives its answer, and the place behind its arguments.
local function room(a, k)
  local channel, count, keep, bytes = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  local merge_above, merge_interval, last = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), a + 6 + 3 * ARGV[a + 6]
  local stream, sockets, counts = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  local users, leaving, notes = KEYS[k + 3], KEYS[k + 4], KEYS[k + 5]
  local failed, has_come, has_gone = nil, 0, 0

  local function say(destination, data)
    local message, position = '\0\0' .. string.char(#destination) .. destination .. data, '-'
    if count ~= '' then
      position = follow(stream, '', message)
      if position.err then
        failed = position.err
        return
      end
      call('PEXPIRE', stream, keep)
      trim(stream, position, count, tonumber(bytes))
    end
    local heard = pcall(ARGV[3], channel, '\1' .. position .. behind_position .. message)
    if type(heard) == 'table' then
      failed = heard.err
    end
  end

  local function say_merged()
    local all, joined, left, more = call('HGETALL', notes), {}, {}, '0'
    for i = 1, #all, 2 do
      if all[i] == '#more' then
        more = all[i + 1]
      elseif all[i + 1] == '+' then
        joined[#joined + 1] = all[i]
      elseif all[i + 1] == '-' then
        left[#left + 1] = all[i]
      end
      if all[i] ~= '#since' and all[i] ~= '#quiet' then
        call('HDEL', notes, all[i])
      end
    end
    if #joined + #left > 0 or more ~= '0' then
      say('members-updated', string.format('{"userCount":%d,"joined":%s,"left":%s,"more":%s}',
        call('HLEN', counts), quoted(joined), quoted(left), more))
    end
  end

  local function tell(user, change)
    local here = call('HLEN', counts)
    if here > merge_above then
      local was = call('HGET', notes, user)
      if was and was ~= change then
        -- Back where those who listen think it is.
        call('HDEL', notes, user)
      elseif not was and call('HLEN', notes) < NAMED then
        call('HSET', notes, user, change)
      elseif not was then
        call('HINCRBY', notes, '#more', '1')
      end
      call('HSETNX', notes, '#due', text(now + merge_interval))
      return
    end
    if call('HEXISTS', notes, '#due') == 1 then
      say_merged()
    end
    say(change == '+' and 'user-joined' or 'user-left', string.format('{"userId":"%s","userCount":%d}', user, here))
  end

  local function entered(user, is_told)
    if user == '' or call('HINCRBY', counts, user, '1') > 1 then
      return
    end
    call('ZADD', users, '0', user)
    if call('ZREM', leaving, user) == 0 and is_told then
      if call('HLEN', counts) == 1 and call('EXISTS', leaving) == 0 then
        has_come = 1
      end
      tell(user, '+')
    end
  end

  local function gone(user)
    if user ~= '' and call('HINCRBY', counts, user, '-1') <= 0 then
      call('HDEL', counts, user)
      call('ZREM', users, user)
      call('ZADD', leaving, text(now + grace), user)
    end
  end

  for i = a + 7, last, 3 do
    local what, member = ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2]
    if what == 'l' then
      if call('ZREM', sockets, member) == 1 then
        gone(ARGV[i + 1])
      end
    else
      if call('HSETNX', notes, '#since', ms) == 1 and what == 'k' then
        call('HSET', notes, '#quiet', ends)
      end
      if call('ZADD', sockets, ends, member) == 1 then
        local quiet = what == 'k' and tonumber(call('HGET', notes, '#quiet') or '0') or 0
        entered(ARGV[i + 1], quiet <= now)
      end
    end
  end
  for _, member in ipairs(call('ZRANGEBYSCORE', sockets, '-inf', ms, 'LIMIT', '0', MOST)) do
    call('ZREM', sockets, member)
    gone(string.match(member, '^(.*) '))
  end
  for _, user in ipairs(call('ZRANGEBYSCORE', leaving, '-inf', ms, 'LIMIT', '0', MOST)) do
    call('ZREM', leaving, user)
    tell(user, '-')
    if call('EXISTS', counts, leaving) == 0 then
      has_gone = 1
    end
  end
  if tonumber(call('HGET', notes, '#due') or ms + 1) <= now then
    say_merged()
  end
  local due = tonumber(call('HGET', notes, '#due') or 'inf') or math.huge
  for _, key in ipairs({ sockets, leaving }) do
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    due = math.min(due, first and tonumber(first) + 1 or math.huge)
    call('PEXPIRE', key, text(2 * life + grace))
  end
  for _, key in ipairs({ counts, users }) do
    call('PEXPIRE', key, text(2 * life + grace))
  end
  -- Whose time was over may be kept again: while it can be heard that they left, it must be told that they are back.
  call('PEXPIRE', notes, text(math.max(2 * life + grace, tonumber(keep) or 0)))
  due = due == math.huge and '-1' or text(math.max(due - now, 1))
  return due .. ' ' .. has_come .. ' ' .. has_gone .. (failed and '!' .. failed or ''), last + 1
end

local answers, a, k = {}, 6, 1
while a <= #ARGV do
  answers[#answers + 1], a = room(a, k)
  k = k + 6
end
return answers
