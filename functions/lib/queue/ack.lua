#!lua flags=allow-oom
-- Stores a tile's result, once, for the claim that holds the tile. The image's last ack also creates its
-- outbox entry.
-- The same transaction SETs the result to a key of the claim just before; this script renames that key.
-- Uses: shared-memory.lua, shared-leases.lua, shared-notices.lua, shared-retries.lua
-- ARGV[1] -> job
-- ARGV[2] -> token of the claim
-- ARGV[3] -> now, ms ('' = server clock)
-- ARGV[4] -> seconds a failed image is kept
-- ARGV[5] -> blurred pixels of the core, only at the memory limit, where Redis refuses a plain SET
-- Output: 'acked', 'last' (acked, and the image is blurred), 'again' (this claim has acked before),
--          'stale' (another claim has the tile, or has acked it) or 'cancelled'

local job, token, now = ARGV[1], ARGV[2], clock(ARGV[3])
local image, tile = parse(job)
local meta = key(image, 'meta')

local staged = key(image, 'new:' .. token)

if not holds(image, tile, token) then
  redis.call('UNLINK', staged)
  if redis.call('HGET', key(image, 'acks'), tile) == token then
    return 'again'
  end
  local state = redis.call('HGET', meta, 'state')
  if state == 'cancelled' then
    return 'cancelled'
  end
  if state and redis.call('HGET', meta, 'fencedBy') ~= token then
    redis.call('HINCRBY', meta, 'fenced', 1)
    count('tilesFenced')
    redis.call('HSET', meta, 'fencedBy', token)
  end
  return 'stale'
end

redis.call('DEL', key(image, 'src:' .. tile))
if ARGV[5] then
  redis.call('SET', key(image, 'out:' .. tile), ARGV[5])
else
  redis.call('RENAME', staged, key(image, 'out:' .. tile))
end
unlease(job, image, tile, token)
redis.call('HSET', key(image, 'tiles'), tile, 'done')
redis.call('HSET', key(image, 'acks'), tile, token)
redis.call('SADD', key(image, 'done'), tile)
count('tilesDone')
if redis.call('SCARD', key(image, 'done')) == tonumber(redis.call('HGET', meta, 'tiles')) then
  redis.call('HSET', meta, 'state', 'blurred', 'blurredAt', now)
  redis.call('ZADD', OUTBOX, now, image)
  return 'last'
end
settle(image, now, tonumber(ARGV[4]))
return 'acked'
