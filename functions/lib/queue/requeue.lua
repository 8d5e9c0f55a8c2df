#!lua
-- Gives a dead tile another full set of attempts.
-- ARGV[1] -> job
-- Output: 'requeued', or 'gone' (it is no dead letter any more, or its image is over)

local job = ARGV[1]
local image, tile = parse(job)
redis.call('ZREM', DEAD, job)
if not image or redis.call('HGET', key(image, 'tiles'), tile) ~= 'dead' then
  return 'gone'
end
local meta = key(image, 'meta')
for _, part in ipairs({ 'meta', 'tiles', 'attempts', 'acks', 'errors', 'done', 'ancillary' }) do
  redis.call('PERSIST', key(image, part))
end
local tiles = tonumber(redis.call('HGET', meta, 'tiles'))
for each = 0, tiles - 1 do
  redis.call('PERSIST', key(image, 'src:' .. each))
  redis.call('PERSIST', key(image, 'out:' .. each))
end
redis.call('HDEL', key(image, 'attempts'), tile)
redis.call('HDEL', key(image, 'errors'), tile)
make_ready(job, image, tile)
if redis.call('HINCRBY', meta, 'dead', -1) == 0 then
  local known = redis.call('HLEN', key(image, 'tiles'))
  redis.call('HSET', meta, 'state', known == tiles and 'blurring' or 'splitting')
  redis.call('HDEL', meta, 'error', 'endedAt')
end
return 'requeued'
