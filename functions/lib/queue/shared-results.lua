-- Shared: the results in Redis, with STORE=redis. Each one counts for its image until it is gone.
-- Needs: shared-memory.lua

-- How many results are freed in one step. Redis frees a result of up to 8 MB at once, in about a millisecond, and larger
-- ones in another thread.
local MAX_RESULTS = 2

-- Sets the expiry of an image's written result, if it is in Redis. Returns the bytes it holds.
local function keep_result(image, now, ttl_s)
  local bytes = tonumber(redis.call('HGET', key(image, 'result'), 'memoryBytes') or 0)
  if bytes > 0 then
    redis.call('EXPIRE', key(image, 'result'), ttl_s)
    for _, holder in ipairs(holders_of(image)) do
      redis.call('ZADD', index_of(RESULTS, holder), now + ttl_s * 1000, image)
      add_to_total(holder, 'results', bytes)
    end
  end
  return bytes
end

-- Frees the result of an image, if it is in Redis, and records why it is gone (nil records nothing).
local function drop_result(image, why)
  if redis.call('ZSCORE', RESULTS, image) then
    local record_bytes = redis.call('ZSCORE', RECORDS, image) and RECORD_BYTES or 0
    local bytes = kept_of(image) - record_bytes
    redis.call('UNLINK', key(image, 'result'))
    for _, holder in ipairs(holders_of(image)) do
      redis.call('ZREM', index_of(RESULTS, holder), image)
      add_to_total(holder, 'results', -bytes)
    end
    set_kept(image, record_bytes)
  end
  if why and redis.call('EXISTS', key(image, 'meta')) == 1 then
    redis.call('HSETNX', key(image, 'meta'), 'gone', why)
  end
end
