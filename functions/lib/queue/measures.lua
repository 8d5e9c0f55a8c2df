#!lua flags=no-writes
-- Reads what the metrics show of the queue. Only reads.
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2..] -> fields of the running totals
-- Output: tiles ready (with stale entries), leased and delayed; unsent events; how long the oldest of them has been waiting,
--         ms; unsent notices; dead letters; then the value of each field, nil if it has none

-- How many unsent events are looked at. With more of them, the exact age of the oldest does not matter any more.
local MAX_EVENTS = 1000

local now = clock(ARGV[1])

-- Returns how long the oldest unsent event has been waiting. The scores do not say it, because each sending moves an event
-- back.
local function oldest_event_ms()
  local since = now
  for _, image in ipairs(redis.call('ZRANGE', OUTBOX, 0, MAX_EVENTS - 1)) do
    since = math.min(since, tonumber(redis.call('HGET', key(image, 'meta'), 'blurredAt') or now))
  end
  return now - since
end

return {
  redis.call('LLEN', QUEUE) + redis.call('LLEN', TIDIED),
  redis.call('ZCARD', LEASES),
  redis.call('ZCARD', DELAYED),
  redis.call('ZCARD', OUTBOX),
  oldest_event_ms(),
  redis.call('ZCARD', NOTICES),
  redis.call('ZCARD', DEAD),
  unpack(redis.call('HMGET', TOTALS, unpack(ARGV, 2))),
}
