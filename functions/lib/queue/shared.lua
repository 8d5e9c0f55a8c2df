-- Put in front of every script: the key names (as in keys.ts), the clock, and the format of a job.
-- KEYS[1] -> the deployment's key prefix; all other keys are derived from it

local prefix = KEYS[1]
local QUEUE = prefix .. ':job:queue'
local TIDIED = prefix .. ':job:tidied'
local LEASES = prefix .. ':job:leases'
local CLAIMS = prefix .. ':job:claims'
local DELAYED = prefix .. ':job:delayed'
local DEAD = prefix .. ':job:dead'
local OUTBOX = prefix .. ':outbox'
local NOTICES = prefix .. ':notices'
local ADMITTED = prefix .. ':admitted'
local SENDERS = prefix .. ':senders'
local CLIENTS = prefix .. ':clients'
local CLIENT_RESULTS = prefix .. ':client-results'
local TOTALS = prefix .. ':totals'
local IMAGES = prefix .. ':images'
local SPLITS = prefix .. ':splits'
local SWEEPS = prefix .. ':sweeps'
local UPLOADS = prefix .. ':uploads'
local RESULTS = prefix .. ':results'
local RECORDS = prefix .. ':records'
local WORKERS = prefix .. ':workers'
local WORKER_STATES = prefix .. ':worker-states'

-- The longest pause before another attempt or another sending, before jitter is added.
local MAX_DELAY_MS = 30000

local function key(image, part)
  return prefix .. ':' .. image .. ':' .. part
end

-- Returns milliseconds: the caller's clock if it sent one, else the server's own.
local function clock(given)
  if given ~= '' then
    return tonumber(given)
  end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Adds to a counter that is never reset: how often something has happened, or how many bytes. Called once for each change
-- of state, where the state is changed, so a command that is sent again does not count again.
local function count(what, added)
  redis.call('HINCRBY', TOTALS, what, added or 1)
end

-- Returns the image and the tile that a job names.
local function parse(job)
  return string.match(job, '^(.*):(%d+)$')
end

-- Returns the key of the index of an owner's images.
local function images_of(owner)
  return IMAGES .. ':' .. owner
end

-- Returns whether an image has a record. If its record has expired, removes the image from the index.
local function is_recorded(image, index)
  if redis.call('EXISTS', key(image, 'meta')) == 1 then
    return true
  end
  redis.call('ZREM', index, image)
  return false
end

-- Returns whether all tiles of an image are done, but its event was given up.
local function is_given_up(image)
  local record = redis.call('HMGET', key(image, 'meta'), 'state', 'tiles')
  return record[1] == 'failed' and redis.call('SCARD', key(image, 'done')) == tonumber(record[2])
end

-- Moves members later than `latest` back to it. They were not too late when they were added: the clock has
-- been set back.
local function redate(zset, latest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', zset, '(' .. latest, '+inf', 'LIMIT', 0, 32)) do
    redis.call('ZADD', zset, latest, member)
  end
end
