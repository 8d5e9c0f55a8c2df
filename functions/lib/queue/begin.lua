#!lua
-- Starts an image, unless it is known already: writes its record and reserves the memory it may need. Just before, the
-- same transaction SETs the extra PNG chunks of the result, if there are any. They are kept only if the image is started.
-- Uses: shared-memory.lua, shared-list.lua, shared-endings.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> bytes that the image may hold, including its record
-- ARGV[4] -> bytes that all images together may hold
-- ARGV[5] -> ms after which a silent split counts as dead
-- ARGV[6] -> '1' to restart the image even if it is done (its result is gone)
-- ARGV[7] -> the client that sends it, '' if it counts for no client
-- ARGV[8] -> bytes that the images of one client may hold
-- ARGV[9] -> bytes of the upload
-- ARGV[10..] -> fields and values of the record, including `tiles` (number of tiles)
-- Output: 'begun', 'over-budget', 'over-share' (of the client), 'sweep' (call again after a step of
--         sweep.lua), or the state of an image that is in progress or done

-- How long an owner's index is kept after the owner's last image. Longer than any image is in progress.
local OWNER_TTL_S = 7 * 24 * 60 * 60

local image, now = ARGV[1], clock(ARGV[2])
local bytes, abandon_ms, client = tonumber(ARGV[3]), tonumber(ARGV[5]), ARGV[7]
local meta, staged = key(image, 'meta'), key(image, 'new:ancillary')

-- What the image must fit into. The client's share comes first: a client that is over it makes room itself.
local limits = { { holder = EVERYONE, budget = tonumber(ARGV[4]), refusal = 'over-budget' } }
if client ~= '' then
  table.insert(limits, 1, { holder = client, budget = tonumber(ARGV[8]), refusal = 'over-share' })
end

-- Returns the bytes that a holder's other images may hold.
local function held_by_others(holder)
  local counts_itself = holder == EVERYONE or client_of(image) == holder
  return total(holder, 'admitted') - (counts_itself and share_of(image) or 0)
end

-- Returns whether the image fits beside the holder's other images.
local function fits(limit)
  return held_by_others(limit.holder) + bytes <= limit.budget
end

-- Returns whether the image would fit if the results and records of the holder's other images gave way, as far as they can.
local function would_fit(limit)
  local own_record = redis.call('ZSCORE', index_of(RECORDS, limit.holder), image) and RECORD_BYTES or 0
  local spare = spare_records(records_bytes(limit.holder) - own_record, limit.budget, bytes)
  return held_by_others(limit.holder) - total(limit.holder, 'results') - spare + bytes <= limit.budget
end

-- Cancels the holder's image whose split has been silent the longest, if that is longer than allowed: the split died, and
-- the request was never repeated. Returns whether there was one.
local function give_up_silent_split(holder)
  redate(SPLITS, now)
  local most = holder == EVERYONE and 1 or 16
  for _, silent in ipairs(redis.call('ZRANGEBYSCORE', SPLITS, '-inf', '(' .. now - abandon_ms, 'LIMIT', 0, most)) do
    if holder == EVERYONE or client_of(silent) == holder then
      local record = key(silent, 'meta')
      end_life(silent, 0)
      redis.call('HSET', record, 'state', 'cancelled', 'endedAt', now, 'error', 'its split died')
      keep_record(silent, now, redis.call('HGET', record, 'ttl'))
      count('imagesCancelled')
      return true
    end
  end
  return false
end

-- Drops the dead tiles of another failed image. Returns whether there was one.
local function give_up_failed()
  for _, failed in ipairs(redis.call('ZRANGEBYSCORE', SWEEPS, '(' .. now, '+inf', 'LIMIT', 0, 2)) do
    if failed ~= image then
      end_life(failed, 0)
      keep_record(failed, now, redis.call('HGET', key(failed, 'meta'), 'ttl'))
      return true
    end
  end
  return false
end

-- Returns whether memory of the holder can be freed, or just was.
local function can_make_room(limit)
  local function has_room()
    return fits(limit)
  end
  return redis.call('ZCOUNT', SWEEPS, '-inf', now) > 0
    or give_up_silent_split(limit.holder)
    or (would_fit(limit) and give_way(limit.holder, limit.budget, bytes, has_room))
    or (limit.holder == EVERYONE and give_up_failed())
end

-- Returns why the image cannot be started now, or nil.
local function obstacle()
  local state = redis.call('HGET', meta, 'state')
  local starts_over = state == 'failed' or state == 'cancelled' or (state == 'done' and ARGV[6] == '1')
  if state and not starts_over then
    redis.call('ZADD', SPLITS, 'XX', now, image)
    return state
  end
  drop_result(image, nil) -- It is gone, or has to be made again.
  drop_expired(now)
  for _, limit in ipairs(limits) do
    if not fits(limit) then
      return can_make_room(limit) and 'sweep' or limit.refusal
    end
  end
  if redis.call('EXISTS', key(image, 'tiles')) == 1 then
    end_life(image, 0)
  end
  local has_former_life = redis.call('EXISTS', key(image, 'sweep')) == 1
  return (has_former_life or is_untidy()) and 'sweep' or nil
end

-- Adds the image to an index. Checks a few random others for each one added, so that the index does not grow without
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

drop_record(image) -- Of its former life.
local life = redis.call('HINCRBY', TOTALS, 'lives', 1)
redis.call('HSET', meta, 'state', 'splitting', 'life', life, 'createdAt', now, unpack(ARGV, 10))
count('uploadBytes', ARGV[9])
set_share(image, bytes)
set_client(image, client)
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
