#!lua
-- Gives a dead tile another full set of attempts.
-- Uses: shared-list.lua
-- ARGV[1] -> job
-- Output: 'requeued', or 'gone' (it is no dead letter any more, or its image is over)

local job = ARGV[1]
local image, tile = parse(job)
redis.call('ZREM', DEAD, job)
if not image or redis.call('HGET', key(image, 'tiles'), tile) ~= 'dead' then
  return 'gone'
end
redis.call('HDEL', key(image, 'dead'), tile)
redis.call('HDEL', key(image, 'attempts'), tile)
redis.call('ZREM', SWEEPS, image)
make_ready(job, image, tile)
if redis.call('HLEN', key(image, 'dead')) == 0 then
  local meta = key(image, 'meta')
  local tiles = tonumber(redis.call('HGET', meta, 'tiles'))
  local known = redis.call('HLEN', key(image, 'tiles'))
  redis.call('HSET', meta, 'state', known == tiles and 'blurring' or 'splitting')
  redis.call('HDEL', meta, 'error', 'endedAt')
end
return 'requeued'
