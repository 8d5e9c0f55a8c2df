#!lua flags=allow-oom
-- Gives a tile back: it is claimed next, and the attempt does not count.
-- Uses: shared-list.lua, shared-leases.lua
-- ARGV[1] -> job
-- ARGV[2] -> token of the claim
-- Output: 'released' or 'stale' (the claim no longer holds the tile)

local job, token = ARGV[1], ARGV[2]
local image, tile = parse(job)
if not holds(image, tile, token) then
  return 'stale'
end
unlease(job, image, tile, token)
redis.call('HINCRBY', key(image, 'attempts'), tile, -1)
redis.call('HINCRBY', key(image, 'meta'), 'attempts', -1)
make_ready(job, image, tile)
count('tilesReleased')
return 'released'
