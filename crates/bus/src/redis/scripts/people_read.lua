-- What is known of users, see people.lua. KEYS: for each their sockets, what is known of each, and their record. Answers
-- for each: there or not, what they chose, when a socket was last there, and pairs of a socket and what is known of it.
local time = redis.call('TIME')
local now = string.format('(%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local answers = {}
for k = 1, #KEYS, 3 do
  local record = redis.call('HMGET', KEYS[k + 2], 'here', 'chosen', 'seen')
  local answer = { record[1] or '0', record[2] or '', record[3] or '' }
  local sockets = redis.call('ZRANGEBYSCORE', KEYS[k], now, '+inf')
  if #sockets > 0 then
    local about = redis.call('HMGET', KEYS[k + 1], unpack(sockets))
    for i, socket in ipairs(sockets) do
      -- One without is on its way in, and not there yet.
      if about[i] then
        answer[#answer + 1] = socket
        answer[#answer + 1] = about[i]
      end
    end
  end
  answers[#answers + 1] = answer
end
return answers
