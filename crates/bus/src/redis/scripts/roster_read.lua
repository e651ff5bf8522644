-- Who is in a room, see roster.lua. KEYS: its sockets, counts and users. ARGV: the user after whom to begin, or empty;
-- how many users at most. Answers how many sockets and users there are, then users, each with the number of their sockets.
local after = ARGV[1] == '' and '-' or '(' .. ARGV[1]
local users = redis.call('ZRANGE', KEYS[3], after, '+', 'BYLEX', 'LIMIT', '0', ARGV[2])
local answer = { redis.call('ZCARD', KEYS[1]), redis.call('HLEN', KEYS[2]) }
for _, user in ipairs(users) do
  answer[#answer + 1] = user
  answer[#answer + 1] = redis.call('HGET', KEYS[2], user) or '0'
end
return answer
