#!lua flags=allow-oom
-- Lists the newest images. Images whose record has expired are removed from the index, up to a few hundred at a time.
-- ARGV[1] -> how many images are wanted
-- ARGV[2] -> an owner, '' for all images
-- Output: { number removed from the index, image id, ... }, newest first. If fewer ids than wanted are returned, there
--         are no more only if none was removed

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
