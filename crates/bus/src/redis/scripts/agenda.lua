-- Writes down what is to be looked at, and when. KEYS: for each entry a sorted set of such things by time in ms. ARGV: how
-- long a set is kept, in ms; then for each entry what it is; in how many ms, or -1 for never; and the time under which
-- agenda_due.lua gave it out, or empty. What was given out is only moved or dropped if nobody has written it since; else it
-- is never moved to a later time.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end
for k, key in ipairs(KEYS) do
  local what, after, given = ARGV[3 * k - 1], tonumber(ARGV[3 * k]), ARGV[3 * k + 1]
  local at = tonumber(redis.call('ZSCORE', key, what) or nil)
  if given == '' then
    -- A little earlier than it stands there, so that whoever has it in hand sees that it was written.
    redis.call('ZADD', key, text(at and math.min(now + after, at - 1) or now + after), what)
  elseif at == tonumber(given) then
    if after < 0 then
      redis.call('ZREM', key, what)
    else
      redis.call('ZADD', key, text(now + after), what)
    end
  end
  redis.call('PEXPIRE', key, ARGV[1])
end
