-- Gives the lease of a partition back. KEYS: the lease. ARGV: who has it.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], 0)
end
