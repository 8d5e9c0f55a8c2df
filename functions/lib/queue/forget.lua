#!lua flags=allow-oom
-- Undoes begin: deletes the record, and the steps of sweep.lua free what the image holds. For bytes that turn out to be
-- no valid image while they are split.
-- Uses: shared-memory.lua, shared-endings.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> image id
-- Output: 'forgotten', or nil if there is none

local image = ARGV[1]
if redis.call('EXISTS', key(image, 'meta')) == 0 then
  return nil
end
end_life(image, 0)
drop_record(image)
count('imagesForgotten')
return 'forgotten'
