-- Answers lobbies, nothing for those that are not there.
local answers = {}
for place = 1, #KEYS / 2 do
  local lobby = read(place)
  answers[place] = lobby and json(lobby) or ''
end
return answers
