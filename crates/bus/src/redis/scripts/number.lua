-- Numbers and keeps broadcasts: what publish.lua and roster.lua have in common, put before each.
--
-- A room's numbering and history are one stream. An entry's id is <epoch>-<seq>, so Redis itself counts, and the
-- last entry says where the room stands; its fields are t, the time, and m, the message.
--
-- ARGV begins with: the floor, below which epochs are over; how many ms the clock that epochs are taken from is ahead of
-- the server's; and PUBLISH, or SPUBLISH on a cluster.

local call, pcall, byte = redis.call, redis.pcall, string.byte
local time = call('TIME')
local ms = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local behind_position = ' ' .. ms .. '\n'
local floor = tonumber(ARGV[1])

-- Begins a life of the numbering, later than the one the sender knew and not below the floor.
local function begin(key, hint, message)
  local epoch, known = math.max(ms + ARGV[2], floor), tonumber(hint)
  if known and known >= epoch then
    epoch = known + 1
  end
  return pcall('XADD', key, string.format('%.0f', epoch) .. '-1', 't', ms, 'm', message)
end

-- Numbers by looking at the last entry.
local function follow(key, hint, message)
  local last = pcall('XREVRANGE', key, '+', '-', 'COUNT', '1')
  if last.err then
    return last
  end
  local epoch = last[1] and string.match(last[1][1], '^%d+')
  if not epoch or tonumber(epoch) < floor then
    return begin(key, hint, message)
  end
  return pcall('XADD', key, epoch .. '-*', 't', ms, 'm', message)
end

-- Gives the id, or a table with err; and whether the stream's life must be set.
local function number(key, hint, message)
  if hint == '' then
    return follow(key, hint, message), true
  end
  local id = pcall('XADD', key, 'NOMKSTREAM', hint .. '-*', 't', ms, 'm', message)
  if not id then
    return begin(key, hint, message), true
  end
  if id.err then
    if string.find(id.err, 'equal or smaller', 1, true) then
      return follow(key, hint, message), true
    end
    return id, false
  end
  if byte(id, -1) == 48 and byte(id, -2) == 45 then
    -- Number 0: the stream is of an older epoch than the hint (an old copy of the data came back). Numbers of the
    -- hint's epoch were given out already, so neither epoch may go on.
    call('XDEL', key, id)
    return begin(key, hint, message), true
  end
  return id, false
end

-- Keeps a stream within its bounds. Every tenth time is enough: more than asked for may be kept.
local function trim(stream, position, count, most)
  if byte(position, -1) == 48 then
    call('XTRIM', stream, 'MAXLEN', '~', count)
    local used = call('MEMORY', 'USAGE', stream, 'SAMPLES', '5')
    if used > most then
      call('XTRIM', stream, 'MAXLEN', math.max(1, math.floor(call('XLEN', stream) * most / used)))
    end
  end
end

