-- Put in front of every script: the key names (as in keys.ts), the clock, and how a job is written.
-- KEYS[1] -> the deployment's key prefix; every other key is named from it

local prefix = KEYS[1]
local QUEUE = prefix .. ':job:queue'
local TIDIED = prefix .. ':job:tidied'
local LEASES = prefix .. ':job:leases'
local CLAIMS = prefix .. ':job:claims'
local DELAYED = prefix .. ':job:delayed'
local DEAD = prefix .. ':job:dead'
local OUTBOX = prefix .. ':outbox'
local ADMITTED = prefix .. ':admitted'
local SENDERS = prefix .. ':senders'
local CLIENTS = prefix .. ':clients'
local TOTALS = prefix .. ':totals'
local IMAGES = prefix .. ':images'
local SPLITS = prefix .. ':splits'
local SWEEPS = prefix .. ':sweeps'
local UPLOADS = prefix .. ':uploads'
local RESULTS = prefix .. ':results'

-- The longest pause before another attempt or another sending, before it is stretched by chance.
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

-- Returns the image and the tile that a job names.
local function parse(job)
  return string.match(job, '^(.*):(%d+)$')
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

-- Whether all tiles of an image are done, but its event was given up.
local function is_given_up(image)
  local record = redis.call('HMGET', key(image, 'meta'), 'state', 'tiles')
  return record[1] == 'failed' and redis.call('SCARD', key(image, 'done')) == tonumber(record[2])
end

-- Brings what lies further ahead than `latest` back to it. Nothing is ever put there: the clock was set back since.
local function redate(zset, latest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', zset, '(' .. latest, '+inf', 'LIMIT', 0, 32)) do
    redis.call('ZADD', zset, latest, member)
  end
end
