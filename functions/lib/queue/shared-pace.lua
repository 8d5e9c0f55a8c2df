-- Shared: how fast images are done, so that a caller who finds no room can be told when to retry.
-- Needs: shared-memory.lua

local MOST_COUNTED = 32

-- Records that an image is done: the time since the previous one was done, or since this one was started, and the bytes
-- it held. Older values lose weight.
local function note_pace(image, now)
  local pace = redis.call('HMGET', TOTALS, 'paceImages', 'paceMs', 'paceBytes', 'paceAt')
  local images, ms, bytes = tonumber(pace[1] or 0), tonumber(pace[2] or 0), tonumber(pace[3] or 0)
  if images >= MOST_COUNTED then
    images, ms, bytes = images / 2, ms / 2, bytes / 2
  end
  local begun = tonumber(redis.call('HGET', key(image, 'meta'), 'createdAt'))
  ms = ms + math.max(0, now - math.max(begun, tonumber(pace[4] or 0)))
  bytes = bytes + share_of(image)
  redis.call('HSET', TOTALS, 'paceImages', images + 1, 'paceMs', ms, 'paceBytes', bytes, 'paceAt', now)
end
