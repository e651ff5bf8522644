-- Takes members out whose time is up. Answers for each lobby when the next one's may be, how many were taken out, and the
-- lobby; nothing for one that is not there or has ended.
local answers = {}
for place = 1, #KEYS / 2 do
  local lobby = read(place)
  local gone, next_end = {}, nil
  if lobby then
    gone = take_out(lobby, function(member) return end_of(member) <= now end)
    for _, member in ipairs(lobby.members) do
      next_end = math.min(next_end or math.huge, end_of(member))
    end
  end
  answers[place] = { next_end and text(next_end) or '', #gone, next_end and json(lobby) or '' }
end
return answers
