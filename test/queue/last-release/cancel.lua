#!lua flags=allow-oom
-- Gives an image up: from here on none of its tiles is handed out. What it holds is freed by the steps of sweep.lua.
-- Uses: shared-endings.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> seconds the record is kept
-- ARGV[4] -> the state it ends in: 'cancelled', or 'failed' to drop the dead letters of an image that has failed
-- Output: 'cancelled' or 'dropped', or the state of an image left alone (over already; if it was to be dropped: not failed, or dropped
--         before), or nil when there is none

local image, now, end_state = ARGV[1], clock(ARGV[2]), ARGV[4]
local meta = key(image, 'meta')
local state = redis.call('HGET', meta, 'state')
if not state or state == 'done' or state == 'cancelled' then
  return state
end
if end_state == 'failed' and (state ~= 'failed' or redis.call('EXISTS', key(image, 'tiles')) == 0) then
  return state
end
end_life(image, 0)
redis.call('HSET', meta, 'state', end_state, 'endedAt', now)
redis.call('EXPIRE', meta, ARGV[3])
return end_state == 'failed' and 'dropped' or 'cancelled'
