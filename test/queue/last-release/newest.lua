#!lua flags=allow-oom
-- Lists the newest images. Those whose record has expired leave the index on the way, up to a few hundred at a time.
-- ARGV[1] -> how many images are wanted
-- ARGV[2] -> whose: an owner, '' for everyone's
-- Output: { how many left the index, image id, ... }, the newest first; fewer ids than wanted may be all there are only if
--         none left the index

local MAX_EXPIRED = 200
local limit = tonumber(ARGV[1])
local index = ARGV[2] == '' and IMAGES or images_of(ARGV[2])
local answer = { 0 }
for _, image in ipairs(redis.call('ZREVRANGE', index, 0, limit + MAX_EXPIRED - 1)) do
  if #answer > limit then
    break
  end
  if is_recorded(image, index) then
    answer[#answer + 1] = image
  else
    answer[1] = answer[1] + 1
  end
end
return answer
