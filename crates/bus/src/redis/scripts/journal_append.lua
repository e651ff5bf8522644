-- Appends to a partition of the journal. KEYS: its stream, in which only what is not confirmed stands. ARGV: how many entries
-- stay at least; how long the stream lives, in ms; then entries: id, subject, body. Answers how many of the oldest were
-- pushed out.
for i = 3, #ARGV, 3 do
  redis.call('XADD', KEYS[1], '*', 'i', ARGV[i], 's', ARGV[i + 1], 'b', ARGV[i + 2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', ARGV[1])
