-- Shared: what happens to failed tiles and to their image. Put behind shared-memory.lua and shared-notices.lua.

local MAX_DEAD = 10000
local DEAD_TTL_MS = 7 * 24 * 60 * 60 * 1000

-- If an image has dead tiles and no other tile is waiting or in flight, sets when the image is swept. Until then its
-- bytes are kept, so that the dead tiles can be requeued. Any other image may take their room, so it counts for no
-- client.
local function settle(image, now, ttl_s)
  local dead = redis.call('HLEN', key(image, 'dead'))
  if dead == 0 then
    return
  end
  local tiles = tonumber(redis.call('HGET', key(image, 'meta'), 'tiles'))
  if redis.call('SCARD', key(image, 'done')) + dead == tiles then
    redis.call('ZADD', SWEEPS, now + ttl_s * 1000, image)
    set_client(image, '')
  end
end

-- Keeps only the newest dead letters, for at most a week. Removes a hundred at a time.
local function trim_dead(now)
  local surplus = redis.call('ZCARD', DEAD) - MAX_DEAD
  if surplus > 0 then
    redis.call('ZREMRANGEBYRANK', DEAD, 0, math.min(surplus, 100) - 1)
  end
  local old = redis.call('ZRANGEBYSCORE', DEAD, '-inf', now - DEAD_TTL_MS, 'LIMIT', 0, 100)
  if #old > 0 then
    redis.call('ZREM', DEAD, unpack(old))
  end
end

-- Decides about a tile whose attempt ended without a result: another attempt after a pause that doubles each time, or
-- the dead letters if the attempts are used up. Returns 'delayed' or 'dead'.
-- policy: { max_attempts, base_ms, jitter (0..1), ttl_s, notices (wanted: '1') }
local function retry(job, image, tile, reason, now, policy)
  local attempts = tonumber(redis.call('HGET', key(image, 'attempts'), tile) or 0)
  if attempts < policy.max_attempts then
    local pause = math.min(policy.base_ms * 2 ^ (attempts - 1), MAX_DELAY_MS) * (1 + policy.jitter / 2)
    redis.call('HSET', key(image, 'tiles'), tile, 'delayed')
    redis.call('ZADD', DELAYED, now + math.floor(pause), job)
    count('tilesRetried')
    return 'delayed'
  end
  redis.call('HSET', key(image, 'tiles'), tile, 'dead')
  redis.call('HSET', key(image, 'dead'), tile, reason)
  redis.call('ZADD', DEAD, now, job)
  trim_dead(now)
  count('tilesDead')
  local meta = key(image, 'meta')
  local had_failed = redis.call('HGET', meta, 'state') == 'failed'
  redis.call('HSET', meta, 'state', 'failed', 'endedAt', now, 'error', 'tile ' .. tile .. ': ' .. reason)
  if not had_failed then
    count('imagesFailed')
    open_notice(image, now, policy.notices)
  end
  settle(image, now, policy.ttl_s)
  return 'dead'
end
