-- Gives out what is to be looked at now, see agenda.lua: to one caller, and to another if that one does not say in time
-- that it has. KEYS: sets. ARGV: how many things at most, and how long a caller may take, in ms. Answers the time under
-- which they are given out, and then what they are.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local given, left = string.format('%.0f', now + ARGV[2]), tonumber(ARGV[1])
local answer = { given }
for _, key in ipairs(KEYS) do
  if left <= 0 then
    break
  end
  for _, what in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', string.format('%.0f', now), 'LIMIT', 0, left)) do
    redis.call('ZADD', key, given, what)
    answer[#answer + 1] = what
    left = left - 1
  end
end
return answer
