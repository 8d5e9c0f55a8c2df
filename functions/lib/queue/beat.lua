#!lua flags=allow-oom
-- Writes a worker's sign of life, and forgets workers that have been silent for longer than they are shown.
-- ARGV[1] -> worker
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> ms since it was started
-- ARGV[4] -> tiles it has in flight
-- ARGV[5] -> tiles it has done
-- ARGV[6] -> ms of silence after which a worker is forgotten
-- Output: 'noted', or 'full' (there are too many workers to keep another one)

local MAX_WORKERS = 1000
local MAX_FORGOTTEN = 32
local worker, now, forget_ms = ARGV[1], clock(ARGV[2]), tonumber(ARGV[6])

redate(WORKERS, now)
local silent = redis.call('ZRANGEBYSCORE', WORKERS, '-inf', '(' .. now - forget_ms, 'LIMIT', 0, MAX_FORGOTTEN)
if #silent > 0 then
  redis.call('ZREM', WORKERS, unpack(silent))
  redis.call('HDEL', WORKER_STATES, unpack(silent))
end
local known = redis.call('HGET', WORKER_STATES, worker)
if not known and redis.call('ZCARD', WORKERS) >= MAX_WORKERS then
  return 'full'
end
local since = known and string.match(known, '^%d+') or string.format('%d', now - tonumber(ARGV[3]))
redis.call('ZADD', WORKERS, now, worker)
redis.call('HSET', WORKER_STATES, worker, since .. ' ' .. ARGV[4] .. ' ' .. ARGV[5])
-- Redis removes both keys some time after the last worker has gone.
for _, name in ipairs({ WORKERS, WORKER_STATES }) do
  redis.call('PEXPIRE', name, 2 * forget_ms)
end
return 'noted'
