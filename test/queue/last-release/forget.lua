#!lua flags=allow-oom
-- Undoes begin: no record stays, and what the image holds is freed by the steps of sweep.lua. For an image that turns
-- out to be none while it is split.
-- Uses: shared-endings.lua
-- ARGV[1] -> image id
-- Output: 'forgotten', or nil when there is none

local image = ARGV[1]
local meta = key(image, 'meta')
if redis.call('EXISTS', meta) == 0 then
  return nil
end
end_life(image, 0)
redis.call('UNLINK', meta)
redis.call('ZREM', IMAGES, image)
return 'forgotten'
