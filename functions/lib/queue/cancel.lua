#!lua flags=allow-oom
-- Cancels an image: from now on none of its tiles is claimed. The steps of sweep.lua free what it holds.
-- Uses: shared-memory.lua, shared-endings.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> seconds the record is kept
-- ARGV[4] -> the final state: 'cancelled', or 'failed' to drop the dead letters of a failed image
-- Output: 'cancelled' or 'dropped', or the state of an image that was left alone (it has ended; or for a
-- drop, it has
--          not failed or was dropped before), or nil if there is none

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
keep_record(image, now, tonumber(ARGV[3]))
if end_state == 'failed' then
  return 'dropped'
end
count('imagesCancelled')
return 'cancelled'
