#!lua
-- Adds one tile to the queue, once. The same transaction SETs its source pixels just before, because bytes as a script
-- argument cost ten times as much as in a plain command. A known tile is left alone.
-- Uses: shared-list.lua
-- ARGV[1] -> image id
-- ARGV[2] -> tile number
-- ARGV[3] -> now, ms ('' = server clock)
-- Output: 'enqueued', 'last' (the same, and it was the last tile), 'known', or 'over' (the image was cancelled or dropped, is
--         done, or was never started)

local image, tile, now = ARGV[1], ARGV[2], clock(ARGV[3])
local meta = key(image, 'meta')
local record = redis.call('HMGET', meta, 'life', 'tiles', 'state')
local life, tiles, state = record[1], tonumber(record[2]), record[3]
if not life then
  redis.call('UNLINK', key(image, 'src:' .. tile))
  return 'over'
end
local known = redis.call('HGET', key(image, 'tiles'), tile)
if known then
  if known == 'done' then
    redis.call('UNLINK', key(image, 'src:' .. tile))
  end
  return 'known'
end
redis.call('HSET', key(image, 'tiles'), tile, 'ready')
push_new(image .. ':' .. tile, life)
if redis.call('HLEN', key(image, 'tiles')) < tiles then
  redis.call('ZADD', SPLITS, now, image)
  return 'enqueued'
end
redis.call('ZREM', SPLITS, image)
if state == 'splitting' then
  redis.call('HSET', meta, 'state', 'blurring')
end
return 'last'
