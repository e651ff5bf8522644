-- Judges whether a server goes on with all the numbers that were given out, and says from where on epochs count.
-- KEYS: a hash, the record of the lineage. ARGV:
--   home       the server's own address, if it writes everything down before it answers; else empty
--   known run  the run of a server whose record this node has read before, or empty
--   floor      the highest that this node knows
--   seen       the latest time of a server's clock that this node has seen, in ms
-- Answers: the run; the floor: epochs below it are over; how many ms the clock that epochs are taken from is ahead of
-- the server's own; and what that clock says.

local function info(section)
  local text = redis.call('INFO', section)
  return function(field)
    return string.match(text, '\n' .. field .. ':([^\r\n]*)') or ''
  end
end

if redis.pcall('INFO', 'server').err then
  return redis.error_reply('NOPERM the user may not run INFO, so nothing shows what this server goes on with')
end
local replication = info('replication')
if replication('role') ~= 'master' then
  return redis.error_reply('READONLY the server is a replica')
end
local run = info('server')('run_id')
-- What a promoted replica has in common with its last primary. A run that was never a replica has zeros.
local has_history = string.match(replication('master_replid2'), '[^0]') ~= nil
local lineage = run .. ' ' .. (has_history and replication('master_replid') or '-')
local home = info('persistence')('aof_enabled') == '1' and ARGV[1] or ''

local record = redis.call('HMGET', KEYS[1], 'lineage', 'home', 'floor', 'ahead')
local was_lineage, was_home = record[1] or '', record[2] or ''
local floor = math.max(tonumber(record[3] or '0'), tonumber(ARGV[3]))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local is_same = was_lineage == lineage or (was_lineage == '' and ARGV[2] == lineage)
-- The same server, started again with its append-only file, in which every number that it gave out stands. Run ids
-- have 40 characters; a run that is the same as before and yet of another lineage was a replica in between.
local is_restarted = was_lineage ~= '' and string.sub(was_lineage, 1, 40) ~= run
  and not has_history and home ~= '' and home == was_home
if not is_same and not is_restarted then
  floor = math.max(now, floor + 1, tonumber(ARGV[4]) + 1)
end
local ahead = math.max(tonumber(record[4] or '0'), floor - now)

local text = function(number) return string.format('%.0f', number) end
local new = { lineage, home, text(floor), text(ahead) }
for i = 1, 4 do
  if record[i] ~= new[i] then
    redis.call('HSET', KEYS[1], 'lineage', new[1], 'home', new[2], 'floor', new[3], 'ahead', new[4])
    break
  end
end
return { lineage, new[3], new[4], text(now + ahead) }
