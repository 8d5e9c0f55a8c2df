-- Shared: the list of tiles that are ready. An entry is a job and the life of its image: `<image>:<tile>:<life>`.
-- Entries of an ended life stay on the list as stale entries until they are skipped or the list is tidied.
--
-- Tidying takes the newest entries off the list step by step and puts those that are not stale on a second list, in the
-- same order. Meanwhile new entries are added to the second list, and claims take from the other end of the first. When
-- the first list is empty, the second takes its place. So the order is always right, and any process can do the next
-- step.

-- Adds a tile to the list behind all others.
local function push_new(job, life)
  local list = redis.call('EXISTS', TIDIED) == 1 and TIDIED or QUEUE
  redis.call('LPUSH', list, job .. ':' .. life)
end

-- Adds a tile to the list ahead of all others.
local function make_ready(job, image, tile)
  redis.call('HSET', key(image, 'tiles'), tile, 'ready')
  redis.call('RPUSH', QUEUE, job .. ':' .. redis.call('HGET', key(image, 'meta'), 'life'))
end

-- Returns the job, the image, the tile and the life that an entry names.
local function parse_entry(entry)
  return string.match(entry, '^((.*):(%d+)):(%d+)$')
end

-- Returns whether to tidy: it has begun, or at least one entry in eight has become stale since the last time. Tidying
-- checks every entry, so doing it more often would cost more than the stale entries do.
local function is_untidy()
  local totals = redis.call('HMGET', TOTALS, 'stale', 'tidying')
  return totals[2] or tonumber(totals[1] or 0) * 8 > redis.call('LLEN', QUEUE)
end

-- Ends tidying if the first list is empty. To be called after every entry taken off the list.
local function end_tidying()
  if redis.call('EXISTS', QUEUE) == 1 then
    return
  end
  if redis.call('EXISTS', TIDIED) == 1 then
    redis.call('RENAME', TIDIED, QUEUE)
  end
  redis.call('HDEL', TOTALS, 'tidying')
end
