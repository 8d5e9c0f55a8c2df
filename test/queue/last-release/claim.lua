#!lua flags=allow-oom
-- Hands out one tile under a lease, after returning what has expired to the queue.
-- Uses: shared-memory.lua, shared-list.lua, shared-leases.lua, shared-retries.lua
-- ARGV[1] -> token of this claim: the same token sent again gets the same tile
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> lease, ms
-- ARGV[4] -> attempts a tile may have
-- ARGV[5] -> first pause before another attempt, ms
-- ARGV[6] -> jitter, 0..1
-- ARGV[7] -> seconds a failed image is kept
-- Output: { job, attempt, width, height, tileSizePx, kernelSize }; nil when nothing is ready, or 'sweep' when there is
--         a step of sweep.lua to do instead

local BATCH = 32
local MAX_SKIPPED = 200
local token, now, lease_ms = ARGV[1], clock(ARGV[2]), tonumber(ARGV[3])
local policy = {
  max_attempts = tonumber(ARGV[4]),
  base_ms = tonumber(ARGV[5]),
  jitter = tonumber(ARGV[6]),
  ttl_s = tonumber(ARGV[7]),
}

local function state_of(image, tile)
  return redis.call('HGET', key(image, 'tiles'), tile)
end

local function record_of(image)
  return redis.call('HMGET', key(image, 'meta'), 'width', 'height', 'tileSizePx', 'kernelSize', 'life')
end

-- The tile this claim got when it was sent before, or nil.
local function held_tile()
  local job = redis.call('HGET', CLAIMS, token)
  if not job then
    return nil
  end
  local image, tile = parse(job)
  if not holds(image, tile, token) then
    return nil -- Its image is over.
  end
  redis.call('ZADD', LEASES, 'XX', 'GT', now + lease_ms, job)
  return { job, redis.call('HGET', key(image, 'attempts'), tile), unpack(record_of(image), 1, 4) }
end

local function reclaim_expired()
  redate(LEASES, now + lease_ms)
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, BATCH)) do
    local image, tile = parse(job)
    if state_of(image, tile) == 'leased' then
      unlease(job, image, tile)
      redis.call('HINCRBY', key(image, 'meta'), 'reclaims', 1)
      retry(job, image, tile, 'its lease expired', now, policy)
    else
      redis.call('ZREM', LEASES, job) -- Its image is over.
    end
  end
end

local function return_delayed()
  redate(DELAYED, now + MAX_DELAY_MS * 1.5)
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, BATCH)) do
    redis.call('ZREM', DELAYED, job)
    local image, tile = parse(job)
    if state_of(image, tile) == 'delayed' then
      make_ready(job, image, tile)
    end
  end
end

-- The next tile of the list, or nil. Stale entries are skipped.
local function next_tile()
  for _ = 1, MAX_SKIPPED do
    local entry = redis.call('RPOP', QUEUE)
    end_tidying()
    if not entry then
      return nil
    end
    local job, image, tile, life = parse_entry(entry)
    if job then
      local record = record_of(image)
      if record[5] == life and state_of(image, tile) == 'ready' then
        local attempt = redis.call('HINCRBY', key(image, 'attempts'), tile, 1)
        redis.call('HINCRBY', key(image, 'meta'), 'attempts', 1)
        redis.call('HSET', key(image, 'tiles'), tile, 'leased')
        redis.call('HSET', key(image, 'tokens'), tile, token)
        redis.call('HSET', CLAIMS, token, job)
        redis.call('ZADD', LEASES, now + lease_ms, job)
        return { job, attempt, unpack(record, 1, 4) }
      end
    end
  end
end

local held = held_tile()
if held then
  return held
end
reclaim_expired()
return_delayed()
local claimed = next_tile()
if claimed then
  return claimed
end
return (is_untidy() or redis.call('ZCOUNT', SWEEPS, '-inf', now) > 0) and 'sweep' or nil
