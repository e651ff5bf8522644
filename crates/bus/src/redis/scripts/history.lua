-- A room's kept broadcasts. KEYS: its stream. ARGV: the epoch and number after which to begin (epoch empty: with the
-- oldest), and how many at most. Answers nothing for a room without any; else the last entry's id and time, and the
-- entries, all of the last one's epoch.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1')[1]
if not last then
  return {}
end
local epoch = string.match(last[1], '^%d+')
local from = epoch .. '-0'
if ARGV[1] == epoch then
  from = '(' .. epoch .. '-' .. ARGV[2]
end
return { last[1], last[2][2], redis.call('XRANGE', KEYS[1], from, epoch, 'COUNT', ARGV[3]) or {} }
