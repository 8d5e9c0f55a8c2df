#!lua flags=allow-oom
-- Ends a failed attempt: the tile is tried again later, or becomes a dead letter.
-- Uses: shared-memory.lua, shared-leases.lua, shared-notices.lua, shared-retries.lua
-- ARGV[1] -> job
-- ARGV[2] -> token of the claim
-- ARGV[3] -> now, ms ('' = server clock)
-- ARGV[4] -> why it failed
-- ARGV[5] -> attempts allowed for a tile
-- ARGV[6] -> first pause before another attempt, ms
-- ARGV[7] -> jitter, 0..1
-- ARGV[8] -> seconds a failed image is kept
-- ARGV[9] -> '1' if a notice is wanted when the image fails
-- Output: 'delayed', 'dead' or 'stale' (the claim no longer holds the tile)

local job, token, now = ARGV[1], ARGV[2], clock(ARGV[3])
local image, tile = parse(job)
if not holds(image, tile, token) then
  return 'stale'
end
unlease(job, image, tile, token)
return retry(job, image, tile, ARGV[4], now, {
  max_attempts = tonumber(ARGV[5]),
  base_ms = tonumber(ARGV[6]),
  jitter = tonumber(ARGV[7]),
  ttl_s = tonumber(ARGV[8]),
  notices = ARGV[9],
})
