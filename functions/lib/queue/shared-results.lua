-- Shared: the results in Redis, with STORE=redis. Each one counts for its image until it is gone.
-- Needs: shared-memory.lua

-- How many results are freed in one step. Redis frees a result of up to 8 MB at once, in about a millisecond,
-- and larger
-- ones in another thread.
local MAX_DROPPED = 2

-- Returns the bytes of all results together, a part of the admitted bytes.
local function results_bytes()
  return tonumber(redis.call('HGET', TOTALS, 'results') or 0)
end

-- Sets the expiry of an image's written result, if it is in Redis. Returns the bytes it holds.
local function keep_result(image, now, ttl_s)
  local bytes = tonumber(redis.call('HGET', key(image, 'result'), 'memoryBytes') or 0)
  if bytes > 0 then
    redis.call('EXPIRE', key(image, 'result'), ttl_s)
    redis.call('ZADD', RESULTS, now + ttl_s * 1000, image)
    redis.call('HINCRBY', TOTALS, 'results', bytes)
  end
  return bytes
end

-- Frees the result of an image, if it is in Redis, and records why it is gone (nil records nothing).
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

-- Gives back the shares of expired results, a few at a time. No more than that expire for each image that is
-- started.
local function drop_expired_results(now)
  for _, image in ipairs(redis.call('ZRANGEBYSCORE', RESULTS, '-inf', now, 'LIMIT', 0, MAX_DROPPED)) do
    drop_result(image, 'expired')
  end
end
