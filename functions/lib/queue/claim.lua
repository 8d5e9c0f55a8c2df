#!lua flags=allow-oom
-- Hands out one tile under a lease, after returning what has expired to the queue.
-- ARGV[1] -> token of this claim: the same token sent again gets the same tile
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> lease, ms
-- ARGV[4] -> attempts a tile may have
-- ARGV[5] -> first pause before another attempt, ms
-- ARGV[6] -> jitter, 0..1
-- ARGV[7] -> seconds a failed image's keys are kept
-- Output: { job, attempt, width, height, tileSizePx, kernelSize } or nil when nothing is ready

local BATCH = 32
local MAX_SKIPPED = 1000
local token, now, lease_ms = ARGV[1], clock(ARGV[2]), tonumber(ARGV[3])
local policy = {
  max_attempts = tonumber(ARGV[4]),
  base_ms = tonumber(ARGV[5]),
  jitter = tonumber(ARGV[6]),
  ttl_s = tonumber(ARGV[7]),
}

local function handed_out(job, image, tile)
  local grid = redis.call('HMGET', key(image, 'meta'), 'width', 'height', 'tileSizePx', 'kernelSize')
  local attempt = redis.call('HGET', key(image, 'attempts'), tile)
  return { job, attempt, unpack(grid) }
end

local held = redis.call('HGET', CLAIMS, token)
if held then
  redis.call('ZADD', LEASES, 'XX', 'GT', now + lease_ms, held)
  return handed_out(held, parse(held))
end

for _, job in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, BATCH)) do
  local image, tile = parse(job)
  unlease(job, image, tile)
  redis.call('HINCRBY', key(image, 'meta'), 'reclaims', 1)
  retry(job, image, tile, 'its lease expired', now, policy)
end

for _, job in ipairs(redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, BATCH)) do
  redis.call('ZREM', DELAYED, job)
  make_ready(job, parse(job))
end

for _ = 1, MAX_SKIPPED do
  local job = redis.call('RPOP', QUEUE)
  if not job then
    return nil
  end
  local image, tile = parse(job)
  -- Not ready: the image was cancelled and swept while the job waited.
  if image and redis.call('HGET', key(image, 'tiles'), tile) == 'ready' then
    redis.call('HINCRBY', key(image, 'attempts'), tile, 1)
    redis.call('HINCRBY', key(image, 'meta'), 'attempts', 1)
    redis.call('HSET', key(image, 'tiles'), tile, 'leased')
    redis.call('HSET', key(image, 'tokens'), tile, token)
    redis.call('HSET', CLAIMS, token, job)
    redis.call('ZADD', LEASES, now + lease_ms, job)
    return handed_out(job, image, tile)
  end
end
return nil
