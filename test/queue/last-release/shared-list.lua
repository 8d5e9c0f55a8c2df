-- Shared: the list of tiles that are ready. An entry is a job and the life of its image: `<image>:<tile>:<life>`. The
-- entries of a life that has ended stay on the list as stale ones until they are skipped or the list is tidied.
--
-- Tidying takes the newest entries off the list step by step and puts those that are not stale on a second list, in the
-- same order. New entries come in behind them there, and claims go on at the other end of the first list. When the first
-- list is empty the second takes its place. So the order holds at any moment, and anyone can do the next step.

-- Puts a tile on the list behind all others.
local function push_new(job, life)
  local list = redis.call('EXISTS', TIDIED) == 1 and TIDIED or QUEUE
  redis.call('LPUSH', list, job .. ':' .. life)
end

-- Puts a tile on the list ahead of all others.
local function make_ready(job, image, tile)
  redis.call('HSET', key(image, 'tiles'), tile, 'ready')
  redis.call('RPUSH', QUEUE, job .. ':' .. redis.call('HGET', key(image, 'meta'), 'life'))
end

-- Returns the job, the image, the tile and the life that an entry names.
local function parse_entry(entry)
  return string.match(entry, '^((.*):(%d+)):(%d+)$')
end

-- Whether to tidy: it has begun, or at least one entry in eight has gone stale since it was done last. It looks at every
-- entry, so done more often it would cost more than the stale ones do.
local function is_untidy()
  local totals = redis.call('HMGET', TOTALS, 'stale', 'tidying')
  return totals[2] or tonumber(totals[1] or 0) * 8 > redis.call('LLEN', QUEUE)
end

-- Ends tidying once the first list is empty: to be called after every entry taken off it.
local function end_tidying()
  if redis.call('EXISTS', QUEUE) == 1 then
    return
  end
  if redis.call('EXISTS', TIDIED) == 1 then
    redis.call('RENAME', TIDIED, QUEUE)
  end
  redis.call('HDEL', TOTALS, 'tidying')
end
