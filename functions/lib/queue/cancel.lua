#!lua flags=allow-oom
-- Gives an image up: its bytes are freed at once, its waiting jobs are skipped when they are claimed.
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> seconds the record is kept
-- ARGV[4] -> the state it ends in: 'cancelled', or 'failed' to drop the dead letters of an image that has failed
-- Output: 'cancelled', or the state of an image left alone (over already; not failed, if it was to be dropped), or nil
--         when there is none

local image, now, end_state = ARGV[1], clock(ARGV[2]), ARGV[4]
local meta = key(image, 'meta')
local state = redis.call('HGET', meta, 'state')
if not state or state == 'done' or state == 'cancelled' then
  return state
end
if end_state == 'failed' and state ~= 'failed' then
  return state
end
sweep(image)
redis.call('HSET', meta, 'state', end_state, 'endedAt', now)
redis.call('EXPIRE', meta, ARGV[3])
return 'cancelled'
