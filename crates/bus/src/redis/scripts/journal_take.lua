-- Takes or renews the lease of a partition, and reads what waits. KEYS: the lease; the stream. ARGV: who asks; how long the
-- lease lives, and the stream, in ms; how many entries at most. Answers nothing if another has the lease, else the time in
-- ms, how many entries there are, and the oldest of them.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return false
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
return { now, redis.call('XLEN', KEYS[2]), redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[4]) }
