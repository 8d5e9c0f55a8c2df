#!lua flags=allow-oom
-- Takes staged bytes over as a part of an image: its upload, or its result. They stay as long as the image is under way; an
-- upload is found by its name that long.
-- ARGV[1] -> image id
-- ARGV[2] -> name under which the bytes are staged
-- ARGV[3] -> 'upload' or 'result'
-- Output: 'taken', or 'over' (the image is not under way, or the staged bytes are gone)

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
