#!lua flags=allow-oom
-- Notes in the record what keeps a blurred image from being done.
-- ARGV[1] -> image id
-- ARGV[2] -> what went wrong
-- Output: 'noted', or 'over' (it is not blurred: done, cancelled, unknown, started over)

local meta = key(ARGV[1], 'meta')
if redis.call('HGET', meta, 'state') ~= 'blurred' then
  return 'over'
end
redis.call('HSET', meta, 'error', ARGV[2])
return 'noted'
