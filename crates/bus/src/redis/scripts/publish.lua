-- Publishes many broadcasts, each in one step: numbers, keeps and publishes it (number.lua comes before this). They
-- fail one by one.
--
-- ARGV: what number.lua says. Then for each broadcast, in order:
--   what     'u' not numbered; 'n' numbered; 'r' numbered, and the room's life begins anew. A second letter 'i':
--            with an idempotency key
--   channel, message
--   and unless 'u': hint (the epoch that the sender last knew, or empty), count, life in ms, bytes
-- KEYS: unless 'u' its stream; with 'i' the key that holds the first answer. One more, unused, if that makes none.
--
-- Answers: the time in ms, then for each broadcast '<epoch>-<seq>', or '-' if not numbered; after '=' and with
-- ' <time>' behind it, the first answer to an idempotency key; after '!' why it failed.

local answers, a, k = { ms }, 4, 0

while a <= #ARGV do
  local what, channel, message = ARGV[a], ARGV[a + 1], ARGV[a + 2]
  local kind, width, first, stream = byte(what), 3, nil, nil
  if kind ~= 117 then
    k, width = k + 1, 7
    stream = KEYS[k]
  end
  if #what == 2 then
    k = k + 1
    first = pcall('GET', KEYS[k])
  end
  local answer
  if first and first.err then
    answer = '!' .. first.err
  elseif first then
    answer = '=' .. first
  else
    local position, is_new = '-', false
    if stream then
      position, is_new = number(stream, ARGV[a + 3], message)
    end
    if position.err then
      answer = '!' .. position.err
    else
      if is_new or kind == 114 then
        call('PEXPIRE', stream, ARGV[a + 5])
      end
      if stream then
        trim(stream, position, ARGV[a + 4], tonumber(ARGV[a + 6]))
      end
      local heard = pcall(ARGV[3], channel, '\1' .. position .. behind_position .. message)
      if #what == 2 then
        call('SET', KEYS[k], position .. ' ' .. ms, 'PX', '300000')
      end
      answer = type(heard) == 'table' and '!' .. heard.err or position
    end
  end
  answers[#answers + 1] = answer
  a = a + width
end
return answers
