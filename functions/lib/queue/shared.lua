-- Put in front of every script: the key names (as in keys.ts), the clock, and the moves that several scripts make.
-- KEYS[1] -> the deployment's key prefix; every other key is named from it

local prefix = KEYS[1]
local QUEUE = prefix .. ':job:queue'
local LEASES = prefix .. ':job:leases'
local CLAIMS = prefix .. ':job:claims'
local DELAYED = prefix .. ':job:delayed'
local DEAD = prefix .. ':job:dead'
local OUTBOX = prefix .. ':outbox'
local ADMITTED = prefix .. ':admitted'
local TOTALS = prefix .. ':totals'
local IMAGES = prefix .. ':images'

local MAX_DEAD = 10000
local DEAD_TTL_MS = 7 * 24 * 60 * 60 * 1000
local MAX_DELAY_MS = 30000

local function key(image, part)
  return prefix .. ':' .. image .. ':' .. part
end

-- Milliseconds: the caller's clock if it sent one, else the server's own.
local function clock(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function parse(job)
  local image, tile = string.match(job, '^(.*):(%d+)$')
  return image, tile
end

-- Ends a lease, whatever comes of the tile.
local function unlease(job, image, tile)
  redis.call('ZREM', LEASES, job)
  local token = redis.call('HGET', key(image, 'tokens'), tile)
  if token then
    redis.call('HDEL', CLAIMS, token)
    redis.call('HDEL', key(image, 'tokens'), tile)
  end
end

-- Whether the claim with this token still holds the tile.
local function holds(image, tile, token)
  return redis.call('HGET', key(image, 'tokens'), tile) == token
end

-- The index of an owner's images.
local function images_of(owner)
  return IMAGES .. ':' .. owner
end

-- Whether there is a record of an image. The index forgets one whose record has expired.
local function is_recorded(image, index)
  if redis.call('EXISTS', key(image, 'meta')) == 1 then
    return true
  end
  redis.call('ZREM', index, image)
  return false
end

-- Bytes of Redis memory that an image may hold.
local function share_of(image)
  return tonumber(redis.call('HGET', ADMITTED, image) or 0)
end

-- Bytes that all images together may hold: a running total, so that its cost does not grow with their number.
local function admitted_bytes()
  return tonumber(redis.call('HGET', TOTALS, 'admitted') or 0)
end

-- Sets how many bytes an image may hold; with 0 it gives its share back.
local function set_share(image, bytes)
  local before = share_of(image)
  if bytes > 0 then
    redis.call('HSET', ADMITTED, image, bytes)
  else
    redis.call('HDEL', ADMITTED, image)
  end
  if redis.call('EXISTS', ADMITTED) == 1 then
    redis.call('HINCRBY', TOTALS, 'admitted', bytes - before)
  else
    redis.call('HDEL', TOTALS, 'admitted') -- Nothing is held: a total that is wrong ends here.
  end
end

local function make_ready(job, image, tile)
  redis.call('HSET', key(image, 'tiles'), tile, 'ready')
  redis.call('RPUSH', QUEUE, job)
end

-- Frees the bytes of an image's tiles and everything known of them; the record stays.
local function sweep(image)
  local tiles = tonumber(redis.call('HGET', key(image, 'meta'), 'tiles') or 0)
  for tile = 0, tiles - 1 do
    local job = image .. ':' .. tile
    unlease(job, image, tile)
    redis.call('ZREM', DELAYED, job)
    redis.call('ZREM', DEAD, job)
    redis.call('UNLINK', key(image, 'src:' .. tile), key(image, 'out:' .. tile))
  end
  for _, part in ipairs({ 'tiles', 'attempts', 'tokens', 'acks', 'errors', 'done', 'ancillary' }) do
    redis.call('UNLINK', key(image, part))
  end
  redis.call('HDEL', key(image, 'meta'), 'dead')
  redis.call('ZREM', OUTBOX, image)
  set_share(image, 0)
end

-- Takes an image's jobs off the queue. Slow on a long queue; elsewhere stale jobs are skipped when they are claimed.
local function remove_jobs(image)
  if redis.call('LLEN', QUEUE) == 0 then
    return
  end
  for tile = 0, tonumber(redis.call('HGET', key(image, 'meta'), 'tiles')) - 1 do
    redis.call('LREM', QUEUE, 0, image .. ':' .. tile)
  end
end

-- Lets every key of an image with dead tiles expire, once none of its tiles moves any more. Its bytes are kept that
-- long so that its dead tiles can be requeued; the admission follows when the record is gone (see begin.lua).
local function expire_if_settled(image, ttl_s)
  local meta = key(image, 'meta')
  local tiles = tonumber(redis.call('HGET', meta, 'tiles'))
  local dead = tonumber(redis.call('HGET', meta, 'dead') or 0)
  if dead == 0 or redis.call('SCARD', key(image, 'done')) + dead < tiles then
    return
  end
  for _, part in ipairs({ 'meta', 'tiles', 'attempts', 'acks', 'errors', 'done', 'ancillary' }) do
    redis.call('EXPIRE', key(image, part), ttl_s)
  end
  for tile = 0, tiles - 1 do
    redis.call('EXPIRE', key(image, 'src:' .. tile), ttl_s)
    redis.call('EXPIRE', key(image, 'out:' .. tile), ttl_s)
  end
end

-- What becomes of a tile whose attempt ended without a result: another try after a pause that doubles with every
-- attempt, or the dead letters once the attempts are used up. Answers 'delayed' or 'dead'.
-- policy: { max_attempts, base_ms, jitter (0..1), ttl_s }
local function retry(job, image, tile, reason, now, policy)
  local attempts = tonumber(redis.call('HGET', key(image, 'attempts'), tile) or 0)
  redis.call('HSET', key(image, 'errors'), tile, reason)
  if attempts < policy.max_attempts then
    local pause = math.min(policy.base_ms * 2 ^ (attempts - 1), MAX_DELAY_MS) * (1 + policy.jitter / 2)
    redis.call('HSET', key(image, 'tiles'), tile, 'delayed')
    redis.call('ZADD', DELAYED, now + math.floor(pause), job)
    return 'delayed'
  end
  redis.call('HSET', key(image, 'tiles'), tile, 'dead')
  redis.call('ZADD', DEAD, now, job)
  redis.call('ZREMRANGEBYSCORE', DEAD, '-inf', now - DEAD_TTL_MS)
  redis.call('ZREMRANGEBYRANK', DEAD, 0, -MAX_DEAD - 1)
  local meta = key(image, 'meta')
  redis.call('HINCRBY', meta, 'dead', 1)
  redis.call('HSET', meta, 'state', 'failed', 'endedAt', now, 'error', 'tile ' .. tile .. ': ' .. reason)
  expire_if_settled(image, policy.ttl_s)
  return 'dead'
end
