-- Takes someone out of a lobby, or everyone. ARGV: who, '' for everyone. Answers where the notice of it stands and the
-- lobby, without members if it has ended; nothing if they were not in it.
local lobby = read(1)
if not lobby then
  return {}
end
local _, position = take_out(lobby, function(member) return ARGV[9] == '' or member.user == ARGV[9] end)
return position and { position, json(lobby) } or {}
