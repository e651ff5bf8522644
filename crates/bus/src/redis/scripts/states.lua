-- Where rooms stand. KEYS: their streams. Answers two texts for each: the last entry's id and time, both empty if
-- there is none.
local answers = {}
for i = 1, #KEYS do
  local last = redis.call('XREVRANGE', KEYS[i], '+', '-', 'COUNT', '1')[1]
  answers[2 * i - 1] = last and last[1] or ''
  answers[2 * i] = last and last[2][2] or ''
end
return answers
