-- Forgets what was taken from a partition. KEYS: the lease; the stream. ARGV: who asks; the first id that stays. Answers 1, or 0
-- if the lease is not theirs.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[2])
return 1
