-- Publishes many broadcasts, each in one step: numbers, keeps and publishes it. They fail one by one.
--
-- A room's numbering and history are one stream. An entry's id is <epoch>-<seq>, so Redis itself counts, and the
-- last entry says where the room stands; its fields are t, the time, and m, the message.
--
-- ARGV holds for each broadcast, in order:
--   what     'u' not numbered; 'n' numbered; 'r' numbered, and the room's life begins anew. A second letter 'i':
--            with an idempotency key
--   channel, message
--   and unless 'u': hint (the epoch that the sender last knew, or empty), count, life in ms, bytes
-- KEYS: unless 'u' its stream; with 'i' the key that holds the first answer.
--
-- Answers: the time in ms, then for each broadcast '<epoch>-<seq>', or '-' if not numbered; after '=' and with
-- ' <time>' behind it, the first answer to an idempotency key; after '!' why it failed.

local call, pcall, byte = redis.call, redis.pcall, string.byte
local time = call('TIME')
local ms = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
local behind_position = ' ' .. ms .. '\n'
local answers, a, k = { ms }, 1, 0

-- Begins a life of the numbering, later than the one the sender knew.
local function begin(key, hint, message)
  local epoch, known = ms, tonumber(hint)
  if known and known >= tonumber(ms) then
    epoch = string.format('%.0f', known + 1)
  end
  return pcall('XADD', key, epoch .. '-1', 't', ms, 'm', message)
end

-- Numbers by looking at the last entry.
local function follow(key, hint, message)
  local last = pcall('XREVRANGE', key, '+', '-', 'COUNT', '1')
  if last.err then
    return last
  end
  if not last[1] then
    return begin(key, hint, message)
  end
  return pcall('XADD', key, string.match(last[1][1], '^%d+') .. '-*', 't', ms, 'm', message)
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

while a <= #ARGV do
  local what, channel, message = ARGV[a], ARGV[a + 1], ARGV[a + 2]
  local kind, width, first, stream = byte(what), 3, nil, nil
  if kind ~= 117 then
    k, width = k + 1, 7
    stream = KEYS[k]
  end
  if #what == 2 then
    k = k + 1
    first = pcall('GET', KEYS[k])
  end
  local answer
  if first and first.err then
    answer = '!' .. first.err
  elseif first then
    answer = '=' .. first
  else
    local position, is_new = '-', false
    if stream then
      position, is_new = number(stream, ARGV[a + 3], message)
    end
    if position.err then
      answer = '!' .. position.err
    else
      if is_new or kind == 114 then
        call('PEXPIRE', stream, ARGV[a + 5])
      end
      -- Every tenth time is enough: more than asked for may be kept.
      if stream and byte(position, -1) == 48 then
        call('XTRIM', stream, 'MAXLEN', '~', ARGV[a + 4])
        local used, most = call('MEMORY', 'USAGE', stream, 'SAMPLES', '5'), tonumber(ARGV[a + 6])
        if used > most then
          call('XTRIM', stream, 'MAXLEN', math.max(1, math.floor(call('XLEN', stream) * most / used)))
        end
      end
      local heard = pcall('PUBLISH', channel, '\1' .. position .. behind_position .. message)
      if #what == 2 then
        call('SET', KEYS[k], position .. ' ' .. ms, 'PX', '300000')
      end
      answer = type(heard) == 'table' and '!' .. heard.err or position
    end
  end
  answers[#answers + 1] = answer
  a = a + width
end
return answers
