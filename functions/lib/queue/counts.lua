#!lua flags=no-writes
-- Counts the jobs and events in progress, and the newest images by state. Only reads.
-- ARGV[1] -> how many of the newest images to count, at most 1000; 0 for none
-- Output: name, count, name, count, ...: the queues first, then the images by state

local MAX_IMAGES = 1000
local limit = math.min(tonumber(ARGV[1]), MAX_IMAGES)
local done, failed, cancelled, in_progress = 0, 0, 0, 0
-- A range of -0 would return all of them.
for _, image in ipairs(limit > 0 and redis.call('ZRANGE', IMAGES, -limit, -1) or {}) do
  local state = redis.call('HGET', key(image, 'meta'), 'state')
  if state == 'done' then
    done = done + 1
  elseif state == 'failed' then
    failed = failed + 1
  elseif state == 'cancelled' then
    cancelled = cancelled + 1
  elseif state then
    in_progress = in_progress + 1
  end
end
return {
  'queue', redis.call('LLEN', QUEUE),
  'leases', redis.call('ZCARD', LEASES),
  'claims', redis.call('HLEN', CLAIMS),
  'delayed', redis.call('ZCARD', DELAYED),
  'outbox', redis.call('ZCARD', OUTBOX) + redis.call('ZCARD', NOTICES),
  'dead', redis.call('ZCARD', DEAD),
  'done', done,
  'failed', failed,
  'cancelled', cancelled,
  'inProgress', in_progress,
}
