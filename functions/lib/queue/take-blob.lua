#!lua flags=allow-oom
-- Makes staged bytes a part of an image: its upload, or its result. They stay while the image is in progress; that long
-- an upload can be found by its name.
-- ARGV[1] -> image id
-- ARGV[2] -> name of the staged bytes
-- ARGV[3] -> 'upload' or 'result'
-- Output: 'taken', or 'over' (the image is not in progress, or the staged bytes are gone)

local image, part = ARGV[1], ARGV[3]
local staged, target = key(image, 'new:' .. ARGV[2]), key(image, part)
local record = redis.call('HMGET', key(image, 'meta'), 'life', 'name')
if not record[1] or redis.call('EXISTS', staged) == 0 then
  redis.call('UNLINK', staged)
  return 'over'
end
redis.call('UNLINK', target)
redis.call('RENAME', staged, target)
redis.call('PERSIST', target)
if part == 'upload' then
  redis.call('HSET', UPLOADS, record[2], image)
end
return 'taken'
