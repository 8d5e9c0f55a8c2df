#!lua flags=allow-oom
-- Lists the newest images. Those whose record has expired leave the index on the way.
-- ARGV[1] -> how many images are wanted
-- ARGV[2] -> whose: an owner, '' for everyone's
-- Output: { image id, ... }, the newest first

local MAX_EXPIRED = 1000
local limit = tonumber(ARGV[1])
local index = ARGV[2] == '' and IMAGES or images_of(ARGV[2])
local found = {}
for _, image in ipairs(redis.call('ZREVRANGE', index, 0, limit + MAX_EXPIRED - 1)) do
  if #found == limit then
    break
  end
  if is_recorded(image, index) then
    found[#found + 1] = image
  end
end
return found
