#!lua flags=allow-oom
-- Undoes begin: nothing of the image stays. For an image that turns out to be none while it is split.
-- ARGV[1] -> image id
-- Output: 'forgotten', or nil when there is none

local image = ARGV[1]
local meta = key(image, 'meta')
if redis.call('EXISTS', meta) == 0 then
  return nil
end
sweep(image)
remove_jobs(image)
redis.call('UNLINK', meta, key(image, 'result'))
redis.call('ZREM', IMAGES, image)
return 'forgotten'
