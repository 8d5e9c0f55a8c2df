#!lua flags=allow-oom
-- Closes an image whose result is written: its tiles are freed by the steps of sweep.lua, its record stays for a while, and
-- so does a result that Redis keeps.
-- Uses: shared-memory.lua, shared-endings.lua, shared-results.lua, shared-pace.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> seconds the record is kept
-- ARGV[4] -> seconds the result is kept
-- Output: 'finished', 'again' (it was closed before), or 'over' (it is not blurred: cancelled, unknown, started over)

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
redis.call('EXPIRE', meta, ARGV[3])
return 'finished'
