#!lua
-- Starts an image, unless it is known already: writes its record and reserves the memory it may need. The
-- same
-- transaction SETs the chunks that its result will carry, if any, just before; they are kept only if the
-- image is started.
-- Uses: shared-memory.lua, shared-list.lua, shared-endings.lua, shared-results.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> bytes that the image may hold
-- ARGV[4] -> bytes that all images together may hold
-- ARGV[5] -> ms after which a silent split counts as dead
-- ARGV[6] -> '1' to restart the image even if it is done (its result is gone)
-- ARGV[7] -> the client that sends it, '' if it counts for no client
-- ARGV[8] -> bytes that the images of one client may hold
-- ARGV[9..] -> fields and values of the record, including `tiles` (number of tiles)
-- Output: 'begun', 'over-budget', 'over-share' (of the client), 'sweep' (call again after a step of
-- sweep.lua),
--          or the state of an image that is in progress or done

-- How long an owner's index is kept after the owner's last image. Longer than any image is in progress.
local OWNER_TTL_S = 7 * 24 * 60 * 60

local image, now = ARGV[1], clock(ARGV[2])
local bytes, budget, abandon_ms = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local client, client_budget = ARGV[7], tonumber(ARGV[8])
local meta, staged = key(image, 'meta'), key(image, 'new:ancillary')

-- Returns whether the image fits beside all others. An image that restarts gives back its own share first.
local function fits()
  return admitted_bytes() - share_of(image) + bytes <= budget
end

-- Returns whether the image fits beside the other images of its client.
local function fits_client()
  if client == '' then
    return true
  end
  local own = redis.call('HGET', SENDERS, image) == client and share_of(image) or 0
  return client_bytes(client) - own + bytes <= client_budget
end

-- Cancels the image whose split has been silent the longest, if that is longer than allowed: the split died,
-- and the
-- request was never repeated. With `is_own`, only images of this client. Returns whether there was one.
local function give_up_silent_split(is_own)
  redate(SPLITS, now)
  local most = is_own and 16 or 1
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', SPLITS, '-inf', '(' .. now - abandon_ms, 'LIMIT', 0, most)) do
    if not is_own or redis.call('HGET', SENDERS, silent) == client then
      local record = key(silent, 'meta')
      end_life(silent, 0)
      redis.call('HSET', record, 'state', 'cancelled', 'endedAt', now, 'error', 'its split died')
      redis.call('EXPIRE', record, redis.call('HGET', record, 'ttl'))
      return true
    end
  end
  return false
end

-- Removes the oldest results, if that makes room. Returns whether there is room now, or more results to
-- remove.
local function drop_old_results()
  if admitted_bytes() - share_of(image) - results_bytes() + bytes > budget then
    return false
  end
  for _, oldest in ipairs(redis.call('ZRANGE', RESULTS, 0, MAX_DROPPED - 1)) do
    drop_result(oldest, 'room')
    if fits() then
      return true
    end
  end
  return redis.call('EXISTS', RESULTS) == 1
end

-- Drops the dead tiles of another failed image. Returns whether there was one.
local function give_up_failed()
  for _, failed in ipairs(redis.call('ZRANGEBYSCORE', SWEEPS, '(' .. now, '+inf', 'LIMIT', 0, 2)) do
    if failed ~= image then
      local record = key(failed, 'meta')
      end_life(failed, 0)
      redis.call('EXPIRE', record, redis.call('HGET', record, 'ttl'))
      return true
    end
  end
  return false
end

local function is_sweep_due()
  return redis.call('ZCOUNT', SWEEPS, '-inf', now) > 0
end

-- Returns whether the client can get a part of its share back, or just did.
local function can_free_share()
  return is_sweep_due() or give_up_silent_split(true)
end

-- Returns whether memory can be freed, or just was.
local function can_make_room()
  return is_sweep_due()
    or give_up_silent_split(false)
    or drop_old_results()
    or give_up_failed()
end

-- Returns why the image cannot be started now, or nil.
local function obstacle()
  local state = redis.call('HGET', meta, 'state')
  local starts_over = state == 'failed' or state == 'cancelled' or (state == 'done' and ARGV[6] == '1')
  if state and not starts_over then
    redis.call('ZADD', SPLITS, 'XX', now, image)
    return state
  end
  if state == 'done' then
    drop_result(image, nil) -- It is gone, or has to be made again.
  end
  drop_expired_results(now)
  if not fits_client() then
    return can_free_share() and 'sweep' or 'over-share'
  end
  if not fits() then
    return can_make_room() and 'sweep' or 'over-budget'
  end
  if redis.call('EXISTS', key(image, 'tiles')) == 1 then
    end_life(image, 0)
  end
  local has_former_life = redis.call('EXISTS', key(image, 'sweep')) == 1
  return (has_former_life or is_untidy()) and 'sweep' or nil
end

-- Adds the image to an index. Checks a few random others for each one added, so that the index does not grow
-- without
-- limit even if nobody lists it.
local function add_to(index)
  for _, other in ipairs(redis.call('ZRANDMEMBER', index, 8)) do
    is_recorded(other, index)
  end
  redis.call('ZADD', index, now, image)
end

local answer = obstacle()
if answer then
  redis.call('UNLINK', staged)
  return answer
end

redis.call('UNLINK', meta)
local life = redis.call('HINCRBY', TOTALS, 'lives', 1)
redis.call('HSET', meta, 'state', 'splitting', 'life', life, 'createdAt', now, unpack(ARGV, 9))
set_share(image, bytes, client)
if redis.call('EXISTS', staged) == 1 then
  redis.call('RENAME', staged, key(image, 'ancillary'))
end
add_to(IMAGES)
redis.call('ZADD', SPLITS, now, image)
local record = redis.call('HMGET', meta, 'owner', 'ttl')
if record[1] and record[1] ~= '' then
  add_to(images_of(record[1]))
  redis.call('EXPIRE', images_of(record[1]), record[2] + OWNER_TTL_S)
end
return 'begun'
