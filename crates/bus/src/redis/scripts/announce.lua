-- Writes a node's record. KEYS: the records' hash. ARGV: the node, what it says, and how many ms a record lives.
local time = redis.call('TIME')
local now = time[1] .. string.format('%03d', math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], now .. '\n' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3] * 4)
return 1
