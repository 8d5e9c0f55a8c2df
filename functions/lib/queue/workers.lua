#!lua flags=no-writes
-- Lists the workers with their last signs of life. Only reads.
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> ms of silence after which a worker is not listed any more
-- Output: { now, worker, last sign of life in ms, state as keys.ts describes it, worker, ... }

local MAX_WORKERS = 1000
local now = clock(ARGV[1])
local answer = { now }
local found =
  redis.call('ZRANGEBYSCORE', WORKERS, now - tonumber(ARGV[2]), '+inf', 'WITHSCORES', 'LIMIT', 0, MAX_WORKERS)
for at = 1, #found, 2 do
  local state = redis.call('HGET', WORKER_STATES, found[at])
  if state then
    answer[#answer + 1] = found[at]
    answer[#answer + 1] = found[at + 1]
    answer[#answer + 1] = state
  end
end
return answer
