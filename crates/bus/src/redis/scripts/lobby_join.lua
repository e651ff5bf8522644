-- Lets someone into a lobby. ARGV: who, their name and node. Answers it, behind '+' if they are new in it; or
-- 'full'; or nothing if it is not there.
local lobby = read(1)
if not lobby then
  return ''
end
local mine
for _, member in ipairs(lobby.members) do
  if member.user == ARGV[9] then
    mine = member
  end
end
local is_new = not mine
if is_new then
  if #lobby.members >= tonumber(lobby.c) then
    return 'full'
  end
  mine = { user = ARGV[9], number = call('HINCRBY', lobby.key, 's', 1), holders = '', name = ARGV[10] }
  lobby.members[#lobby.members + 1] = mine
end
hold(mine, ARGV[11], now + life)
write_member(lobby.key, mine)
touch(lobby.key)
if is_new then
  tell_change(lobby, '{"joined":[' .. json_of_member(mine) .. '],')
end
return (is_new and '+' or '') .. json(lobby)
