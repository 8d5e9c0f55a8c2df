#!lua flags=allow-oom
-- Prolongs a lease; never shortens it.
-- Uses: shared-leases.lua
-- ARGV[1] -> job
-- ARGV[2] -> token of the claim
-- ARGV[3] -> now, ms ('' = server clock)
-- ARGV[4] -> lease, ms
-- Output: 'extended' or 'stale' (the claim no longer holds the tile)

local job, token, now = ARGV[1], ARGV[2], clock(ARGV[3])
local image, tile = parse(job)
if not holds(image, tile, token) then
  return 'stale'
end
redis.call('ZADD', LEASES, 'XX', 'GT', now + tonumber(ARGV[4]), job)
return 'extended'
