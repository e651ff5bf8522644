-- Lobbies of which a member's time may be up. KEYS: see lobbies_list.lua. ARGV: how many; for how many ms they are left to
-- who asks, before another may look. Answers until when that is, in ms, and their ids.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local leased = string.format('%.0f', now + tonumber(ARGV[2]))
local due = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])
for _, id in ipairs(due) do
  redis.call('ZADD', KEYS[2], leased, id)
end
table.insert(due, 1, leased)
return due
