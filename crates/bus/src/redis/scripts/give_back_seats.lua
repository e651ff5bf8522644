-- Gives sockets' seats back, see take_seat.lua. KEYS: a user's set for each socket. ARGV: the sockets.
for i, key in ipairs(KEYS) do
  redis.call('ZREM', key, ARGV[i])
end
