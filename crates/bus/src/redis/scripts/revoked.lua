-- Whose credentials are over. KEYS: see revoke.lua. ARGV: the earliest time in ms; how many at most. Answers subjects, each
-- with its time, by time.
return redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
