#!lua flags=no-writes
-- Tells when an image for which there is no room may be let in. As many images have to be done as it takes to free what is
-- missing, each in the time an image took on average. When that time is up already, or nothing has been done yet, the
-- wait is as long again as the work under way has taken so far.
-- Uses: shared-memory.lua, shared-list.lua, shared-results.lua
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> bytes the image may hold
-- ARGV[3] -> bytes all images together may hold
-- ARGV[4] -> ms after which a split that is silent may be one to be resumed
-- ARGV[5] -> the client that sends it, '' when it counts for none
-- ARGV[6] -> bytes the images of one client may hold
-- Output: ms, or nil when there may be room now: what ended, failed, or has to be resumed can give way or has it already

local now, bytes, budget, silent_ms = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local missing = admitted_bytes() - results_bytes() + bytes - budget
missing = math.max(missing, client_bytes(ARGV[5]) + bytes - tonumber(ARGV[6]))
local has_silent = redis.call('ZCOUNT', SPLITS, '-inf', now - silent_ms) > 0
if missing <= 0 or has_silent or redis.call('EXISTS', SWEEPS) == 1 then
  return nil
end

-- When the oldest of those that can be found at once was begun: the next to be announced, reclaimed, claimed or split.
local function working_since()
  local since = now
  local function consider(image)
    since = math.min(since, tonumber(image and redis.call('HGET', key(image, 'meta'), 'createdAt') or now))
  end
  consider(redis.call('ZRANGE', OUTBOX, 0, 0)[1])
  consider(redis.call('ZRANGE', SPLITS, 0, 0)[1])
  consider((parse(redis.call('ZRANGE', LEASES, 0, 0)[1] or '')))
  consider((select(2, parse_entry(redis.call('LINDEX', QUEUE, -1) or ''))))
  return since
end

local pace = redis.call('HMGET', TOTALS, 'paceImages', 'paceMs', 'paceBytes', 'paceAt')
local images, ms, freed, last_at = tonumber(pace[1]), tonumber(pace[2]), tonumber(pace[3]), tonumber(pace[4] or 0)
local so_far = now - math.max(last_at, working_since())
if not images then
  return so_far
end
local wanted = math.ceil(missing / (freed / images)) * ms / images
return math.floor(math.max(wanted - so_far, so_far))
