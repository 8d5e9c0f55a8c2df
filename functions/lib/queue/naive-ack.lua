#!lua flags=allow-oom
-- Stores a tile's result in naive mode, where there is no lease to check. The same transaction SETs the result just
-- before.
-- ARGV[1] -> job
-- ARGV[2] -> now, ms ('' = server clock)
-- Output: 'acked', 'last' (acked, and the image is blurred), 'again' (the tile was done before) or
-- 'cancelled'

local job, now = ARGV[1], clock(ARGV[2])
local image, tile = parse(job)
local meta = key(image, 'meta')
local staged = key(image, 'new:naive:' .. tile)
local state = redis.call('HGET', meta, 'state')
if not state or state == 'cancelled' then
  redis.call('UNLINK', staged)
  return 'cancelled'
end
redis.call('DEL', key(image, 'src:' .. tile))
if redis.call('HGET', key(image, 'tiles'), tile) ~= 'ready' then
  redis.call('UNLINK', staged)
  return 'again'
end
redis.call('RENAME', staged, key(image, 'out:' .. tile))
redis.call('HSET', key(image, 'tiles'), tile, 'done')
redis.call('SADD', key(image, 'done'), tile)
count('tilesDone')
if redis.call('SCARD', key(image, 'done')) == tonumber(redis.call('HGET', meta, 'tiles')) then
  redis.call('HSET', meta, 'state', 'blurred', 'blurredAt', now)
  redis.call('ZADD', OUTBOX, now, image)
  return 'last'
end
return 'acked'
