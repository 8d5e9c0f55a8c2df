#!lua flags=allow-oom
-- Closes an image whose result is written. The steps of sweep.lua free its tiles. Its record is kept for a while, and
-- so is a result in Redis.
-- Uses: shared-memory.lua, shared-endings.lua, shared-notices.lua, shared-results.lua, shared-records.lua, shared-pace.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> seconds the record is kept
-- ARGV[4] -> seconds the result is kept
-- ARGV[5] -> bytes of the result
-- ARGV[6] -> '1' if a notice is wanted
-- Output: 'finished', 'again' (it was closed before), or 'over' (it is not blurred: cancelled, unknown,
-- restarted)

local image, now = ARGV[1], clock(ARGV[2])
local meta = key(image, 'meta')
local state = redis.call('HGET', meta, 'state')
if state == 'done' then
  return 'again'
end
if state ~= 'blurred' and not is_given_up(image) then
  return 'over'
end
note_pace(image, now)
end_life(image, keep_result(image, now, tonumber(ARGV[4])))
redis.call('HSET', meta, 'state', 'done', 'endedAt', now)
redis.call('HDEL', meta, 'error')
open_notice(image, now, ARGV[6])
keep_record(image, now, tonumber(ARGV[3]))
count('imagesDone')
count('resultBytes', ARGV[5])
return 'finished'
