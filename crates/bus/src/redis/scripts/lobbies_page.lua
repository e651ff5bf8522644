-- A page of the list of lobbies, newest first. KEYS: see lobbies_list.lua. ARGV: how many; and if not from the beginning, when the
-- lobby was made behind which to go on, and its id. Answers ids, each with when it was made.
local most, made, id = tonumber(ARGV[1]), ARGV[2], ARGV[3]
if not made then
  return redis.call('ZREVRANGE', KEYS[1], 0, most - 1, 'WITHSCORES')
end
local page = {}
for _, one in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[1], made, made)) do
  if one < id and #page < 2 * most then
    page[#page + 1] = one
    page[#page + 1] = made
  end
end
local left = most - #page / 2
if left > 0 then
  for _, one in ipairs(redis.call('ZREVRANGEBYSCORE', KEYS[1], '(' .. made, '-inf', 'WITHSCORES', 'LIMIT', 0, left)) do
    page[#page + 1] = one
  end
end
return page
