-- Which lobby a user is in, or is about to enter: '=' or '?', the lobby's id, and a text of its own for each entering.
-- KEYS: the claim. ARGV: what to do; a claim; how many ms it lives.
--   take  makes a claim '?' unless there is one already, of a lobby that is not the same or is being entered
--   keep  makes it '=', if it is still there
--   drop  ends it, if it is still there
-- Answers nothing if that was done, else the claim that is there, or '-'.
local there = redis.call('GET', KEYS[1])
local what, claim = ARGV[1], ARGV[2]
if what == 'take' then
  if there and not (string.byte(there) == 61 and string.sub(there, 2, 17) == string.sub(claim, 2, 17)) then
    return there
  end
elseif there ~= claim then
  return there or '-'
elseif what == 'drop' then
  redis.call('DEL', KEYS[1])
  return ''
else
  claim = '=' .. string.sub(claim, 2)
end
redis.call('SET', KEYS[1], claim, 'PX', ARGV[3])
return ''
