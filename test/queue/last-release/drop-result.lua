#!lua flags=allow-oom
-- Lets go of the result of an image that is done: frees it, if Redis has it, and notes that it was deleted.
-- Uses: shared-memory.lua, shared-results.lua
-- ARGV[1] -> image id
-- Output: 'dropped', or the state of an image that is not done, or nil when there is none

local image = ARGV[1]
local state = redis.call('HGET', key(image, 'meta'), 'state')
if state ~= 'done' then
  return state
end
drop_result(image, 'deleted')
return 'dropped'
