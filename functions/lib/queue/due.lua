#!lua flags=allow-oom
-- Picks the image whose event is overdue the longest and pushes its next sending forward, so that one sender at a time
-- has it. The pause doubles with every sending.
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> first pause before the event is sent again, ms
-- Output: image id or nil

local now = clock(ARGV[1])
redate(OUTBOX, now + MAX_DELAY_MS)
local image = redis.call('ZRANGEBYSCORE', OUTBOX, '-inf', now, 'LIMIT', 0, 1)[1]
if not image then
  return nil
end
local sent = redis.call('HINCRBY', key(image, 'meta'), 'announced', 1)
redis.call('ZADD', OUTBOX, 'XX', now + math.min(tonumber(ARGV[2]) * 2 ^ (sent - 1), MAX_DELAY_MS), image)
return image
