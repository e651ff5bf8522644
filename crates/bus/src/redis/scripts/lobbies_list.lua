-- Changes the list of lobbies, and says in `pool` what is news. KEYS: lobbies by when they were made, and by when a member's time
-- may be up, both in ms. ARGV: PUBLISH, or SPUBLISH on a cluster; the channel of `pool`; then for each:
--   what      '+' it is there, and due not later; '=' the same after a look at it; '~' it changed; '-' it is not there;
--             '?' it may be there, and is due not later
--   lobby     its id
--   made, due (with a '+': from now), leased (see lobbies_due.lua), each in ms, and what to say of it, as JSON
-- Its beginning and its end are said once each, whoever brings them, however often; and changes only between them.
local call = redis.call
local time = call('TIME')
local ms = time[1] .. string.format('%03d', math.floor(time[2] / 1000))

local function tell(destination, data)
  call(ARGV[1], ARGV[2], '\1- ' .. ms .. '\n' .. '\0\0' .. string.char(#destination) .. destination .. data)
end

for i = 3, #ARGV, 6 do
  local what, id, made, due, leased, summary = unpack(ARGV, i, i + 5)
  if what == '~' then
    -- Whoever ended it may have been here sooner.
    if call('ZSCORE', KEYS[1], id) then
      tell('lobby-updated', summary)
    end
  elseif what == '-' then
    call('ZREM', KEYS[2], id)
    if call('ZREM', KEYS[1], id) == 1 then
      tell('lobby-deleted', summary)
    end
  else
    if string.byte(due) == 43 then
      due = string.format('%.0f', tonumber(ms) + tonumber(string.sub(due, 2)))
    end
    local known = call('ZSCORE', KEYS[2], id)
    -- After a look: whether it is still left to whoever looked, or off the list.
    local is_ours, is_off = what == '=' and known == leased, what == '=' and not known
    if known and what ~= '=' then
      -- A little earlier than it stands there, so that whoever is looking at it sees that it was written.
      due = string.format('%.0f', math.min(tonumber(due), tonumber(known) - 1))
    end
    if is_ours or not is_off and (not known or tonumber(due) < tonumber(known)) then
      call('ZADD', KEYS[2], due, id)
    end
    -- What has been taken off the list since that look is not put back.
    if (what == '+' or is_ours) and call('ZADD', KEYS[1], 'NX', made, id) == 1 then
      tell('lobby-created', summary)
    end
  end
end
call('PEXPIRE', KEYS[1], 86400000)
call('PEXPIRE', KEYS[2], 86400000)
return 1
