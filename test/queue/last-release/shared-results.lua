-- Shared: the results that Redis keeps, with STORE=redis. Each counts as held by its image until it is gone.
-- Needs: shared-memory.lua

-- Bytes that all results together hold, a part of what is admitted.
local function results_bytes()
  return tonumber(redis.call('HGET', TOTALS, 'results') or 0)
end

-- Lets the written result of an image expire with time, if Redis has it. Returns the bytes it holds.
local function keep_result(image, now, ttl_s)
  local bytes = tonumber(redis.call('HGET', key(image, 'result'), 'memoryBytes') or 0)
  if bytes > 0 then
    redis.call('EXPIRE', key(image, 'result'), ttl_s)
    redis.call('ZADD', RESULTS, now + ttl_s * 1000, image)
    redis.call('HINCRBY', TOTALS, 'results', bytes)
  end
  return bytes
end

-- Frees the result of an image, if Redis has it, and notes in the record why it is gone (nil notes nothing).
local function drop_result(image, why)
  if redis.call('ZREM', RESULTS, image) == 1 then
    local sweep = key(image, 'sweep')
    local is_swept = redis.call('EXISTS', sweep) == 0
    local bytes = is_swept and share_of(image) or tonumber(redis.call('HGET', sweep, 'kept'))
    redis.call('UNLINK', key(image, 'result'))
    if is_swept then
      set_share(image, 0)
    else
      redis.call('HSET', sweep, 'kept', 0)
    end
    if redis.call('EXISTS', RESULTS) == 1 then
      redis.call('HINCRBY', TOTALS, 'results', -bytes)
    else
      redis.call('HDEL', TOTALS, 'results')
    end
  end
  if why and redis.call('EXISTS', key(image, 'meta')) == 1 then
    redis.call('HSETNX', key(image, 'meta'), 'gone', why)
  end
end

-- Gives back what results held that have expired, a few at a time: there are not that many for each image begun.
local function drop_expired_results(now)
  for _, image in ipairs(redis.call('ZRANGEBYSCORE', RESULTS, '-inf', now, 'LIMIT', 0, 16)) do
    drop_result(image, 'expired')
  end
end
