-- Makes a lobby. ARGV: its name, its capacity; its first member, their name and node. Answers it.
local at = text(now)
call('HSET', KEYS[1], 'n', ARGV[9], 'c', ARGV[10], 't', at, 'v', at, 'o', ARGV[11], 's', '1')
write_member(KEYS[1], { user = ARGV[11], number = 1, holders = text(now + life) .. ' ' .. ARGV[13], name = ARGV[12] })
touch(KEYS[1])
return json(read(1))
