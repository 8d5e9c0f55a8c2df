#!lua flags=allow-oom
-- Does one short step of the work that ended lives leave behind: for the given image, else for the list of jobs, else
-- for any image that is due. The process that ended an image calls it until nothing is left. If that process dies, the
-- next idle worker continues, or the next image that needs the memory.
-- Uses: shared-memory.lua, shared-list.lua, shared-endings.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> image id, '' for any
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> most tiles, or entries of the list, to check (64 or 256 by default)
-- Output: 'more' while the image has to be swept or the list has to be tidied, else nil

local image, now = ARGV[1], clock(ARGV[2])
-- These limits keep a step far below 5 ms: Redis frees 40 MB of strings in that time.
local MAX_TILES = tonumber(ARGV[3] or 64)
local MAX_ENTRIES = tonumber(ARGV[3] or 256)
local MAX_BYTES = 4 * 1024 * 1024

-- Removes a tile of an ended life from the queue's keys.
local function drop_tile(job, state, ended_tokens, tile)
  if state == 'delayed' then
    redis.call('ZREM', DELAYED, job)
  elseif state == 'dead' then
    redis.call('ZREM', DEAD, job)
  elseif state == 'leased' then
    redis.call('ZREM', LEASES, job)
    local token = redis.call('HGET', ended_tokens, tile)
    if token and redis.call('HGET', CLAIMS, token) == job then
      redis.call('HDEL', CLAIMS, token)
      redis.call('UNLINK', key(parse(job), 'new:' .. token))
    end
  end
end

-- Frees the pixels of an image's tiles below `left`, the last ones first, as many as one step may. Returns
-- these tiles.
local function free_pixels(swept, left)
  local tiles, pixels, bytes = {}, {}, 0
  while left > 0 and #tiles < MAX_TILES and bytes < MAX_BYTES do
    left = left - 1
    tiles[#tiles + 1] = left
    for _, part in ipairs({ 'src:', 'out:' }) do
      local name = key(swept, part .. left)
      bytes = bytes + redis.call('STRLEN', name)
      pixels[#pixels + 1] = name
    end
  end
  if #pixels > 0 then
    redis.call('UNLINK', unpack(pixels))
  end
  return tiles
end

-- Frees the next tiles of an ended life.
local function sweep_life(swept)
  local sweep, ended_tiles = key(swept, 'sweep'), key(swept, 'ended-tiles')
  local ended_tokens = key(swept, 'ended-tokens')
  local record = redis.call('HMGET', sweep, 'left', 'kept')
  local left = tonumber(record[1])
  local tiles = free_pixels(swept, left)
  if #tiles > 0 then
    local stale = 0
    for at, state in ipairs(redis.call('HMGET', ended_tiles, unpack(tiles))) do
      drop_tile(swept .. ':' .. tiles[at], state, ended_tokens, tiles[at])
      stale = stale + (state == 'ready' and 1 or 0)
    end
    if stale > 0 then
      redis.call('HINCRBY', TOTALS, 'stale', stale)
    end
    redis.call('HSET', sweep, 'left', left - #tiles)
  end
  if #tiles == left then
    redis.call('UNLINK', sweep, ended_tiles, ended_tokens)
    redis.call('ZREM', SWEEPS, swept)
    set_share(swept, tonumber(record[2]))
  end
end

-- Moves the newest entries of the list that are not stale to the tidied list.
local function tidy()
  if redis.call('HSETNX', TOTALS, 'tidying', 1) == 1 then
    redis.call('HDEL', TOTALS, 'stale')
  end
  local lives, current = {}, {}
  for _, entry in ipairs(redis.call('LPOP', QUEUE, MAX_ENTRIES) or {}) do
    local _, owner, _, life = parse_entry(entry)
    if owner and lives[owner] == nil then
      lives[owner] = redis.call('HGET', key(owner, 'meta'), 'life')
    end
    if owner and lives[owner] == life then
      current[#current + 1] = entry
    end
  end
  if #current > 0 then
    redis.call('RPUSH', TIDIED, unpack(current))
  end
  end_tidying()
end

local function is_to_be_swept()
  return redis.call('EXISTS', key(image, 'sweep')) == 1
end

if is_to_be_swept() then
  sweep_life(image)
elseif is_untidy() then
  tidy()
else
  local due = redis.call('ZRANGEBYSCORE', SWEEPS, '-inf', now, 'LIMIT', 0, 1)[1]
  if due then
    if redis.call('EXISTS', key(due, 'sweep')) == 0 then
      -- A failed image that was kept long enough.
      end_life(due, 0)
      drop_record(due)
    end
    sweep_life(due)
  end
end
return (is_to_be_swept() or is_untidy()) and 'more' or nil
