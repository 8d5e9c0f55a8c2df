#!lua
-- Gives a dead letter another chance: a tile gets all its attempts again, an image whose event was given up is
-- announced again.
-- Uses: shared-list.lua
-- ARGV[1] -> job, or image id
-- ARGV[2] -> now, ms ('' = server clock)
-- Output: 'requeued', or 'gone' (it is no longer a dead letter, or its image has ended)

local letter, now = ARGV[1], clock(ARGV[2])

local function requeue_tile(image, tile)
  if redis.call('HGET', key(image, 'tiles'), tile) ~= 'dead' then
    return 'gone'
  end
  redis.call('HDEL', key(image, 'dead'), tile)
  redis.call('HDEL', key(image, 'attempts'), tile)
  redis.call('ZREM', SWEEPS, image)
  make_ready(letter, image, tile)
  if redis.call('HLEN', key(image, 'dead')) == 0 then
    local meta = key(image, 'meta')
    local tiles = tonumber(redis.call('HGET', meta, 'tiles'))
    local known = redis.call('HLEN', key(image, 'tiles'))
    redis.call('HSET', meta, 'state', known == tiles and 'blurring' or 'splitting')
    redis.call('HDEL', meta, 'error', 'endedAt')
  end
  return 'requeued'
end

local function announce_again(image)
  if not is_given_up(image) then
    return 'gone'
  end
  local meta = key(image, 'meta')
  redis.call('HSET', meta, 'state', 'blurred')
  redis.call('HDEL', meta, 'error', 'endedAt', 'announced')
  redis.call('ZREM', SWEEPS, image)
  redis.call('ZADD', OUTBOX, now, image)
  return 'requeued'
end

redis.call('ZREM', DEAD, letter)
local image, tile = parse(letter)
if image then
  return requeue_tile(image, tile)
end
return announce_again(letter)
