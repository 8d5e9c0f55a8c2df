#!lua flags=allow-oom
-- Makes a notice due again after a pause, because it was sent and not accepted. The pause doubles with each sending. It
-- changes nothing if another sender has taken the notice since.
-- Uses: shared-memory.lua, shared-notices.lua
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> notice
-- ARGV[3] -> which sending failed, 1 for the first
-- ARGV[4] -> first pause, ms
-- Output: 'retried', or 'over' (it was closed, or another sender has it)

local sent = redis.call('HGET', notice_key(ARGV[2]), 'noticed')
if sent ~= ARGV[3] then
  return 'over'
end
local pause = math.min(tonumber(ARGV[4]) * 2 ^ (tonumber(sent) - 1), MAX_DELAY_MS)
redis.call('ZADD', NOTICES, 'XX', clock(ARGV[1]) + pause, ARGV[2])
return 'retried'
