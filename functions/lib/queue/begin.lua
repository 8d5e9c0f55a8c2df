#!lua
-- Opens an image: writes its record and sets aside the memory it may need, unless it is known already. The chunks its
-- result carries, if any, are SET in the same transaction, just before, and are taken over only if the image is begun.
-- ARGV[1] -> image id
-- ARGV[2] -> now, ms ('' = server clock)
-- ARGV[3] -> bytes the image may hold
-- ARGV[4] -> bytes all images together may hold
-- ARGV[5] -> ms after which a split that went silent counts as abandoned
-- ARGV[6] -> '1' to start over even if the image is done (its result is gone)
-- ARGV[7..] -> fields and values of the record, `tiles` (number of tiles) among them
-- Output: 'begun', 'over-budget', or the state of an image that is under way or done

-- How long the index of an owner who sends nothing any more outlives records: an image is under way for less.
local OWNER_TTL_S = 7 * 24 * 60 * 60

local image, now = ARGV[1], clock(ARGV[2])
local bytes, budget, abandon_ms = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local meta, staged = key(image, 'meta'), key(image, 'new:ancillary')

local state = redis.call('HGET', meta, 'state')
local starts_over = state == 'failed' or state == 'cancelled' or (state == 'done' and ARGV[6] == '1')
if state and not starts_over then
  redis.call('HSET', meta, 'touchedAt', now)
  redis.call('UNLINK', staged)
  return state
end

-- Whether the image fits beside all others. One that starts over gives its own share back first.
local function fits()
  return admitted_bytes() - share_of(image) + bytes <= budget
end

-- Gives back what is held by images whose record has expired, or whose split died and was never repeated.
local function reclaim_admissions()
  for _, other in ipairs(redis.call('HKEYS', ADMITTED)) do
    local record = redis.call('HMGET', key(other, 'meta'), 'tiles', 'touchedAt', 'ttl')
    if not record[1] then
      set_share(other, 0)
    elseif
      redis.call('HLEN', key(other, 'tiles')) < tonumber(record[1])
      and tonumber(record[2]) + abandon_ms < now
    then
      sweep(other)
      redis.call('HSET', key(other, 'meta'), 'state', 'cancelled', 'endedAt', now, 'error', 'its split was abandoned')
      redis.call('EXPIRE', key(other, 'meta'), record[3])
    end
  end
end

-- Puts the image on an index. Looks at a few others drawn by lot, more than one for each that is added: so the index
-- stays in bounds even if nobody ever lists it.
local function add_to(index)
  for _, other in ipairs(redis.call('ZRANDMEMBER', index, 8)) do
    is_recorded(other, index)
  end
  redis.call('ZADD', index, now, image)
end

if not fits() then
  reclaim_admissions()
  if not fits() then
    redis.call('UNLINK', staged)
    return 'over-budget'
  end
end

if state then
  sweep(image)
  remove_jobs(image)
  redis.call('UNLINK', meta)
end
redis.call('HSET', meta, 'state', 'splitting', 'createdAt', now, 'touchedAt', now, unpack(ARGV, 7))
set_share(image, bytes)
if redis.call('EXISTS', staged) == 1 then
  redis.call('RENAME', staged, key(image, 'ancillary'))
end
add_to(IMAGES)
local record = redis.call('HMGET', meta, 'owner', 'ttl')
if record[1] and record[1] ~= '' then
  add_to(images_of(record[1]))
  redis.call('EXPIRE', images_of(record[1]), record[2] + OWNER_TTL_S)
end
return 'begun'
