-- Shared: ends the life of an image.
-- Needs: shared-memory.lua

-- Ends an image's life at once, however many tiles it has: from now on no script finds them. What it holds is freed
-- afterwards step by step (see sweep.lua). The last step gives back its memory, except for its record and the
-- `result_bytes` of its result.
local function end_life(image, result_bytes)
  for _, part in ipairs({ 'tiles', 'tokens' }) do
    if redis.call('EXISTS', key(image, part)) == 1 then
      redis.call('RENAME', key(image, part), key(image, 'ended-' .. part))
    end
  end
  for _, part in ipairs({ 'attempts', 'acks', 'done', 'dead', 'ancillary', 'upload' }) do
    redis.call('UNLINK', key(image, part))
  end
  if result_bytes == 0 then
    redis.call('UNLINK', key(image, 'result'))
  end
  local record = redis.call('HMGET', key(image, 'meta'), 'tiles', 'name')
  if record[2] and redis.call('HGET', UPLOADS, record[2]) == image then
    redis.call('HDEL', UPLOADS, record[2])
  end
  redis.call('HSET', key(image, 'sweep'), 'left', record[1] or 0, 'kept', RECORD_BYTES + result_bytes)
  redis.call('HDEL', key(image, 'meta'), 'life')
  redis.call('ZREM', OUTBOX, image)
  redis.call('ZREM', DEAD, image)
  redis.call('ZREM', SPLITS, image)
  redis.call('ZADD', SWEEPS, 0, image)
end
