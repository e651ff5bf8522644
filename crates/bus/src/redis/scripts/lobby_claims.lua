-- Renews users' claims, see lobby_claim.lua. KEYS: the claims. ARGV: how many ms they live; then the lobby of each. Answers 1 for
-- each that stands, 0 if it is of another lobby.
local answers = {}
for i, key in ipairs(KEYS) do
  local there = redis.call('GET', key)
  if not there then
    redis.call('SET', key, '=' .. ARGV[i + 1] .. 'again', 'PX', ARGV[1])
  elseif string.sub(there, 1, 17) == '=' .. ARGV[i + 1] then
    redis.call('PEXPIRE', key, ARGV[1])
  end
  answers[i] = (not there or string.sub(there, 2, 17) == ARGV[i + 1]) and 1 or 0
end
return answers
