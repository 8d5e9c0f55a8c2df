#!lua
-- Puts one tile on the queue, once. Its source pixels are SET in the same transaction, just before: bytes cost a script
-- ten times what they cost a plain command. A tile that is known is left alone.
-- ARGV[1] -> image id
-- ARGV[2] -> tile number
-- ARGV[3] -> now, ms ('' = server clock)
-- Output: 'enqueued', 'known', or 'over' (the image was cancelled or dropped, is done or was never begun)

local image, tile, now = ARGV[1], ARGV[2], clock(ARGV[3])
local meta = key(image, 'meta')
local record = redis.call('HMGET', meta, 'state', 'tiles', 'dead')
local state, tiles, dead = record[1], tonumber(record[2]), record[3]
local is_dropped = state == 'failed' and not dead
if not state or state == 'cancelled' or state == 'done' or is_dropped then
  redis.call('UNLINK', key(image, 'src:' .. tile))
  return 'over'
end
local known = redis.call('HGET', key(image, 'tiles'), tile)
if known then
  local left_ms = redis.call('PTTL', meta)
  if known == 'done' then
    redis.call('UNLINK', key(image, 'src:' .. tile))
  elseif left_ms > 0 then
    -- A SET takes the expiry off its key; the source must go with the rest of its failed image.
    redis.call('PEXPIRE', key(image, 'src:' .. tile), left_ms)
  end
  return 'known'
end
redis.call('ZREM', DEAD, image .. ':' .. tile) -- Of an earlier life, whose record has expired.
redis.call('HSET', key(image, 'tiles'), tile, 'ready')
redis.call('LPUSH', QUEUE, image .. ':' .. tile)
redis.call('HSET', meta, 'touchedAt', now)
if state == 'splitting' and redis.call('HLEN', key(image, 'tiles')) == tiles then
  redis.call('HSET', meta, 'state', 'blurring')
end
return 'enqueued'
