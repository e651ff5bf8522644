-- Remembers whose credentials are over. KEYS: a sorted set of subjects by the time in ms before which theirs are.
-- ARGV: how long to remember, in ms; then subjects, each with a time, or 0 for now. Answers now, which is never
-- before a time that is in the set, so that readers can go on from the last that they have.
local time = redis.call('TIME')
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
local now = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(last[2] or '0'))
for i = 2, #ARGV, 2 do
  local at = tonumber(ARGV[i + 1])
  redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', at > 0 and at or now), ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - tonumber(ARGV[1])))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return string.format('%.0f', now)
