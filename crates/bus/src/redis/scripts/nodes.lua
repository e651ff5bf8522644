-- The records of nodes. KEYS: their hash. ARGV: how many ms a record lives. Answers those that are alive and drops
-- the others. A record's value is its time in ms, a line feed, and what the node said.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answers, all = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local at, record = string.match(all[i + 1], '^(%d+)\n(.*)$')
  if at and now - at < tonumber(ARGV[1]) then
    answers[#answers + 1] = record
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return answers
