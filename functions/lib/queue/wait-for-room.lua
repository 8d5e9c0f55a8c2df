#!lua flags=no-writes
-- Estimates when an image for which there is no room may be admitted: the number of images that must be done to free
-- enough memory, times the mean time between two of them. If that time has passed already, or nothing has been done
-- yet, the wait equals the time that the current work has taken so far.
-- Uses: shared-memory.lua, shared-list.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> bytes that the image may hold, including its record
-- ARGV[3] -> bytes that all images together may hold
-- ARGV[4] -> ms after which a silent split may have to be resumed
-- ARGV[5] -> the client that sends it, '' if it counts for no client
-- ARGV[6] -> bytes that the images of one client may hold
-- Output: ms, or nil if there may be room now, because an image has ended, has failed, or has to be resumed

local now, bytes, silent_ms = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])

-- Returns the bytes that a holder lacks for the image even if its results and records give way, as far as they can.
local function missing_of(holder, budget)
  local spare = spare_records(records_bytes(holder), budget, bytes)
  return total(holder, 'admitted') - total(holder, 'results') - spare + bytes - budget
end

local missing = math.max(missing_of(EVERYONE, tonumber(ARGV[3])), missing_of(ARGV[5], tonumber(ARGV[6])))
local has_silent = redis.call('ZCOUNT', SPLITS, '-inf', now - silent_ms) > 0
if missing <= 0 or has_silent or redis.call('EXISTS', SWEEPS) == 1 then
  return nil
end

-- Returns when the oldest image that can be found quickly was started: the next one to announce, reclaim,
-- claim or split.
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
