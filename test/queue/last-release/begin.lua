#!lua
-- Opens an image: writes its record and sets aside the memory it may need, unless it is known already. The chunks its
-- result carries, if any, are SET in the same transaction, just before, and are taken over only if the image is begun.
-- Uses: shared-memory.lua, shared-list.lua, shared-endings.lua, shared-results.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> bytes the image may hold
-- ARGV[4] -> bytes all images together may hold
-- ARGV[5] -> ms after which a split that went silent counts as abandoned
-- ARGV[6] -> '1' to start over even if the image is done (its result is gone)
-- ARGV[7] -> the client that sends it, '' when it counts for none
-- ARGV[8] -> bytes the images of one client may hold
-- ARGV[9..] -> fields and values of the record, `tiles` (number of tiles) among them
-- Output: 'begun', 'over-budget', 'over-share' (of the client), 'sweep' (to be called again after a step of sweep.lua),
--         or the state of an image that is under way or done

-- How long the index of an owner who sends nothing any more outlives records: an image is under way for less.
local OWNER_TTL_S = 7 * 24 * 60 * 60

local image, now = ARGV[1], clock(ARGV[2])
local bytes, budget, abandon_ms = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local client, client_budget = ARGV[7], tonumber(ARGV[8])
local meta, staged = key(image, 'meta'), key(image, 'new:ancillary')

-- Whether the image fits beside all others. One that starts over gives its own share back first.
local function fits()
  return admitted_bytes() - share_of(image) + bytes <= budget
end

-- Whether it fits beside the other images of its client.
local function fits_client()
  if client == '' then
    return true
  end
  local own = redis.call('HGET', SENDERS, image) == client and share_of(image) or 0
  return client_bytes(client) - own + bytes <= client_budget
end

-- Gives up the image whose split has been silent the longest, if that is too long: it died and was never repeated. One
-- that counts for the client, if `is_own`. Returns whether there was one.
local function give_up_silent_split(is_own)
  redate(SPLITS, now)
  local most = is_own and 16 or 1
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', SPLITS, '-inf', '(' .. now - abandon_ms, 'LIMIT', 0, most)) do
    if not is_own or redis.call('HGET', SENDERS, silent) == client then
      local record = key(silent, 'meta')
      end_life(silent, 0)
      redis.call('HSET', record, 'state', 'cancelled', 'endedAt', now, 'error', 'its split was abandoned')
      redis.call('EXPIRE', record, redis.call('HGET', record, 'ttl'))
      return true
    end
  end
  return false
end

-- Lets the oldest results give way, if that makes room. Returns whether there is room now, or more of them can go.
local function drop_old_results()
  if admitted_bytes() - share_of(image) - results_bytes() + bytes > budget then
    return false
  end
  for _, oldest in ipairs(redis.call('ZRANGE', RESULTS, 0, 15)) do
    drop_result(oldest, 'room')
    if fits() then
      return true
    end
  end
  return redis.call('EXISTS', RESULTS) == 1
end

-- Gives up the dead tiles of another image that has failed. Returns whether there was one.
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

-- Whether the client may get back a part of its share, or did.
local function can_free_share()
  return is_sweep_due() or give_up_silent_split(true)
end

-- Whether memory can be made free, or was.
local function can_make_room()
  return is_sweep_due()
    or give_up_silent_split(false)
    or drop_old_results()
    or give_up_failed()
end

-- Why the image is not begun now, or nil.
local function obstacle()
  local state = redis.call('HGET', meta, 'state')
  local starts_over = state == 'failed' or state == 'cancelled' or (state == 'done' and ARGV[6] == '1')
  if state and not starts_over then
    redis.call('ZADD', SPLITS, 'XX', now, image)
    return state
  end
  if state == 'done' then
    drop_result(image, nil) -- It is not there, or it is to be made anew.
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

-- Puts the image on an index. Looks at a few others drawn by lot, more than one for each that is added: so the index
-- stays in bounds even if nobody ever lists it.
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
