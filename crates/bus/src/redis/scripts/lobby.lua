-- What the scripts about lobbies have in common. It stands before each of them.
--
-- A lobby is one hash: n, its name ('' for none); c, its capacity; t and v, when it was made and last changed, in ms; o,
-- its owner; s, how many have come so far; and for each member u<user>, '<which comer they were>;<holders>;<name>'. Holders
-- are '<end in ms> <node>' with commas between: nodes with a socket of theirs in the room; node '-' is the time of grace.
--
-- KEYS: for each lobby its hash, and the stream of its room (see publish.lua), whose name says channel and id.
-- ARGV: the floor, and how far the clock of epochs is ahead; PUBLISH, or SPUBLISH on a cluster; how the room keeps: how
-- many (0: not numbered), for how many ms, and how many bytes; life and grace of members in ms; then the script's own.

local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life, grace = tonumber(ARGV[7]), tonumber(ARGV[8])
local quote = cjson.encode

local function text(number)
  return string.format('%.0f', number)
end

-- Longer than any member's time: when it runs out, no node was there to see them go.
local function touch(key)
  call('PEXPIRE', key, text(life + grace + 600000))
end

local function read_member(user, value)
  local number, holders, name = string.match(value, '^(%d+);([^;]*);(.*)$')
  return { user = user, number = tonumber(number), holders = holders, name = name }
end

local function write_member(key, member)
  call('HSET', key, 'u' .. member.user, text(member.number) .. ';' .. member.holders .. ';' .. member.name)
end

-- The lobby at a place among the keys, its members by when they came; nothing if there is none.
local function read(place)
  local lobby = { key = KEYS[2 * place - 1], stream = KEYS[2 * place], members = {} }
  local all = call('HGETALL', lobby.key)
  if #all == 0 then
    return nil
  end
  for i = 1, #all, 2 do
    local field, value = all[i], all[i + 1]
    if #field == 1 then
      lobby[field] = value
    else
      lobby.members[#lobby.members + 1] = read_member(string.sub(field, 2), value)
    end
  end
  table.sort(lobby.members, function(one, other) return one.number < other.number end)
  lobby.channel = string.match(lobby.stream, '^{(.*)}:h$')
  lobby.id = string.sub(lobby.channel, -16)
  return lobby
end

-- When a member's last holder ends.
local function end_of(member)
  local last = 0
  for ends in string.gmatch(member.holders, '(%d+) ') do
    last = math.max(last, tonumber(ends))
  end
  return last
end

-- A node holds a member until then; without an end, not any more. With no holder left the time of grace runs. But a time
-- that is up stays up: the claim outlives it by a minute only, however late someone looks.
local function hold(member, node, ends)
  if not ends and end_of(member) <= now then
    return
  end
  local left, grace_ends = {}, nil
  for one_ends, one in string.gmatch(member.holders, '(%d+) ([^,]+)') do
    if one == '-' then
      grace_ends = one_ends
    elseif one ~= node and tonumber(one_ends) > now then
      left[#left + 1] = one_ends .. ' ' .. one
    end
  end
  if ends then
    left[#left + 1] = text(ends) .. ' ' .. node
  end
  if #left == 0 then
    left[1] = (grace_ends or text(now + grace)) .. ' -'
  end
  member.holders = table.concat(left, ',')
end

local function json_of_member(member)
  return '{"userId":' .. quote(member.user) .. ',"name":' .. (member.name == '' and 'null' or quote(member.name)) .. '}'
end

local function json(lobby)
  local members = {}
  for i, member in ipairs(lobby.members) do
    members[i] = json_of_member(member)
  end
  return '{"lobbyId":' .. quote(lobby.id) .. ',"ownerId":' .. quote(lobby.o)
    .. ',"name":' .. (lobby.n == '' and 'null' or quote(lobby.n)) .. ',"capacity":' .. lobby.c
    .. ',"members":[' .. table.concat(members, ',') .. '],"createdAt":' .. lobby.t .. ',"updatedAt":' .. lobby.v .. '}'
end

-- Numbers and keeps as publish.lua does.
local function keep(stream, message)
  local last = call('XREVRANGE', stream, '+', '-', 'COUNT', '1')[1]
  local epoch, floor = last and string.match(last[1], '^%d+'), tonumber(ARGV[1])
  local id
  if epoch and tonumber(epoch) >= floor then
    id = epoch .. '-*'
  else
    id = text(math.max(now + tonumber(ARGV[2]), floor)) .. '-1'
  end
  id = call('XADD', stream, id, 't', text(now), 'm', message)
  call('PEXPIRE', stream, ARGV[5])
  if string.sub(id, -1) == '0' then
    call('XTRIM', stream, 'MAXLEN', '~', ARGV[4])
    local used, most = call('MEMORY', 'USAGE', stream, 'SAMPLES', '5'), tonumber(ARGV[6])
    if used > most then
      call('XTRIM', stream, 'MAXLEN', math.max(1, math.floor(call('XLEN', stream) * most / used)))
    end
  end
  return id
end

-- Says something in the lobby's room; answers where that stands.
local function tell(lobby, destination, data)
  local message = '\0\0' .. string.char(#destination) .. destination .. data
  local position = ARGV[4] == '0' and '-' or keep(lobby.stream, message)
  call(ARGV[3], lobby.channel, '\1' .. position .. ' ' .. text(now) .. '\n' .. message)
  return position
end

-- Says a change in the lobby's room; `diff` is JSON without the count and the closing brace.
local function tell_change(lobby, diff)
  local before = lobby.v
  lobby.v = text(math.max(now, tonumber(before) + 1))
  call('HSET', lobby.key, 'v', lobby.v)
  return tell(lobby, 'lobby-updated', '{"id":' .. quote(lobby.id) .. ',"diff":' .. diff .. '"memberCount":'
    .. #lobby.members .. '},"updatedAt":' .. lobby.v .. ',"baseUpdatedAt":' .. before .. '}')
end

-- Takes members out for whom `is_over` says so: the owner's place goes to who came first, and without members the lobby
-- ends. Answers who they were, and where the notice stands, if there was one.
local function take_out(lobby, is_over)
  local stay, gone, left = {}, {}, {}
  for _, member in ipairs(lobby.members) do
    if is_over(member) then
      gone[#gone + 1] = member.user
      left[#left + 1] = quote(member.user)
      call('HDEL', lobby.key, 'u' .. member.user)
    else
      stay[#stay + 1] = member
    end
  end
  if #gone == 0 then
    return gone, nil
  end
  lobby.members = stay
  if #stay == 0 then
    call('DEL', lobby.key)
    local position = tell(lobby, 'lobby-deleted', '{"lobbyId":' .. quote(lobby.id) .. '}')
    -- Its id does not come again: long enough for who comes back to hear the end.
    if position ~= '-' and tonumber(ARGV[5]) > 600000 then
      call('PEXPIRE', lobby.stream, '600000')
    end
    return gone, position
  end
  local diff = '{"left":[' .. table.concat(left, ',') .. '],'
  local owner_stays = false
  for _, member in ipairs(stay) do
    owner_stays = owner_stays or member.user == lobby.o
  end
  if not owner_stays then
    lobby.o = stay[1].user
    call('HSET', lobby.key, 'o', lobby.o)
    diff = diff .. '"ownerId":' .. quote(lobby.o) .. ','
  end
  return gone, tell_change(lobby, diff)
end

