-- Takes or keeps a piece of work. KEYS: whose it is. ARGV: who asks; for how many ms. Answers 1 if it is theirs, else 0.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
