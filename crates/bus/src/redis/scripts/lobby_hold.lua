-- Says of members whether a node holds a socket of theirs. ARGV: the node; 1 if it does, else 0; then for each lobby the
-- member. Answers for each when their time is up, in ms, or nothing if they are not in it.
local answers = {}
for place = 1, #KEYS / 2 do
  local key, user = KEYS[2 * place - 1], ARGV[10 + place]
  local value = call('HGET', key, 'u' .. user)
  answers[place] = ''
  if value then
    local member = read_member(user, value)
    hold(member, ARGV[9], ARGV[10] == '1' and now + life or nil)
    write_member(key, member)
    touch(key)
    answers[place] = text(end_of(member))
  end
end
return answers
