#!lua flags=allow-oom
-- Returns the image whose event has been due the longest and sets its next send time, so that only one sender has it.
-- The pause doubles with each sending. An image whose event was sent too often fails instead. What it holds is kept for
-- a while, so that it can be announced again, and no longer counts for its client.
-- Uses: shared-memory.lua, shared-notices.lua
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> first pause before the event is sent again, ms
-- ARGV[3] -> how often an event is sent at most
-- ARGV[4] -> seconds a failed image is kept
-- ARGV[5] -> '1' if a notice is wanted when an image fails
-- Output: { image id, 'send' or 'given up', the image's trace (nil if it has none) }, or nil if nothing is due

local now = clock(ARGV[1])
redate(OUTBOX, now + MAX_DELAY_MS)
local image = redis.call('ZRANGEBYSCORE', OUTBOX, '-inf', now, 'LIMIT', 0, 1)[1]
if not image then
  return nil
end
local meta = key(image, 'meta')
local record = redis.call('HMGET', meta, 'announced', 'error', 'trace')
local sent = tonumber(record[1] or 0)
if sent < tonumber(ARGV[3]) then
  redis.call('HSET', meta, 'announced', sent + 1)
  redis.call('ZADD', OUTBOX, 'XX', now + math.min(tonumber(ARGV[2]) * 2 ^ sent, MAX_DELAY_MS), image)
  return { image, 'send', record[3] }
end
local reason = record[2] or 'none of them closed the image'
local fault = 'given up after ' .. sent .. ' events: ' .. reason
redis.call('HSET', meta, 'state', 'failed', 'endedAt', now, 'error', fault)
open_notice(image, now, ARGV[5])
redis.call('ZREM', OUTBOX, image)
redis.call('ZADD', DEAD, now, image)
redis.call('ZADD', SWEEPS, now + tonumber(ARGV[4]) * 1000, image)
set_client(image, '')
count('eventsGivenUp')
count('imagesFailed')
return { image, 'given up', record[3] }
