#!lua flags=allow-oom
-- Claims one tile under a lease, after returning expired leases and due retries to the queue.
-- Uses: shared-memory.lua, shared-list.lua, shared-leases.lua, shared-notices.lua, shared-retries.lua
-- ARGV[1] -> token of this claim: the same token sent again gets the same tile
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> lease, ms
-- ARGV[4] -> attempts allowed for a tile
-- ARGV[5] -> pause before the first retry, ms
-- ARGV[6] -> jitter, 0..1
-- ARGV[7] -> seconds a failed image is kept
-- ARGV[8] -> '1' if a notice is wanted when an image fails
-- Output: { job, attempt, width, height, tileSizePx, recipe, trace (nil if it has none) }; nil if nothing is ready, or
--         'sweep': a step of sweep.lua has to be done first

local BATCH = 32
local MAX_SKIPPED = 200
local MAX_NOTED = 32
local token, now, lease_ms = ARGV[1], clock(ARGV[2]), tonumber(ARGV[3])
local policy = {
  max_attempts = tonumber(ARGV[4]),
  base_ms = tonumber(ARGV[5]),
  jitter = tonumber(ARGV[6]),
  ttl_s = tonumber(ARGV[7]),
  notices = ARGV[8],
}

local function state_of(image, tile)
  return redis.call('HGET', key(image, 'tiles'), tile)
end

-- Returns the image's life, and what a worker must know. Release 0.2 kept the recipe as kernelSize. image-ledger.ts says when
-- the tile size is in tileSidePx.
local function record_of(image)
  local fields = { 'life', 'width', 'height', 'tileSizePx', 'tileSidePx', 'recipe', 'kernelSize', 'trace' }
  local life, width, height, tile_size, tile_side, recipe, kernel_size, trace =
    unpack(redis.call('HMGET', key(image, 'meta'), unpack(fields)))
  return life, { width, height, tile_size or tile_side, recipe or kernel_size, trace }
end

-- Notes in the image's record that a tile was claimed more than once, for tile-map.lua. Notes only the first tiles of an
-- image, because the record outlives it and must stay small.
local function note_repeated(image, tile)
  local meta = key(image, 'meta')
  local repeated = redis.call('HGET', meta, 'repeated') or ''
  local _, noted = string.gsub(repeated, ',', '')
  if noted < MAX_NOTED and not string.find(',' .. repeated, ',' .. tile .. ',', 1, true) then
    redis.call('HSET', meta, 'repeated', repeated .. tile .. ',')
  end
end

-- Returns the tile that this claim got when it was sent before, or nil.
local function held_tile()
  local job = redis.call('HGET', CLAIMS, token)
  if not job then
    return nil
  end
  local image, tile = parse(job)
  if not holds(image, tile, token) then
    return nil -- Its image has ended.
  end
  redis.call('ZADD', LEASES, 'XX', 'GT', now + lease_ms, job)
  local _, record = record_of(image)
  return { job, redis.call('HGET', key(image, 'attempts'), tile), unpack(record) }
end

local function reclaim_expired()
  redate(LEASES, now + lease_ms)
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', now, 'LIMIT', 0, BATCH)) do
    local image, tile = parse(job)
    if state_of(image, tile) == 'leased' then
      unlease(job, image, tile)
      redis.call('HINCRBY', key(image, 'meta'), 'reclaims', 1)
      count('tilesReclaimed')
      retry(job, image, tile, 'its lease expired', now, policy)
    else
      redis.call('ZREM', LEASES, job) -- Its image has ended.
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

-- Returns the next tile of the list, or nil. Skips stale entries.
local function next_tile()
  for _ = 1, MAX_SKIPPED do
    local entry = redis.call('RPOP', QUEUE)
    end_tidying()
    if not entry then
      return nil
    end
    local job, image, tile, life = parse_entry(entry)
    if job then
      local current_life, record = record_of(image)
      if current_life == life and state_of(image, tile) == 'ready' then
        local attempt = redis.call('HINCRBY', key(image, 'attempts'), tile, 1)
        redis.call('HINCRBY', key(image, 'meta'), 'attempts', 1)
        if attempt > 1 then
          note_repeated(image, tile)
        end
        redis.call('HSET', key(image, 'tiles'), tile, 'leased')
        redis.call('HSET', key(image, 'tokens'), tile, token)
        redis.call('HSET', CLAIMS, token, job)
        redis.call('ZADD', LEASES, now + lease_ms, job)
        return { job, attempt, unpack(record) }
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
