-- Shared: how much of Redis's memory each image may hold, and all together.

-- Bytes that an image may hold.
local function share_of(image)
  return tonumber(redis.call('HGET', ADMITTED, image) or 0)
end

-- Bytes that all images together may hold: a running total, so that its cost does not grow with their number.
local function admitted_bytes()
  return tonumber(redis.call('HGET', TOTALS, 'admitted') or 0)
end

-- Sets how many bytes an image may hold; with 0 it gives its share back.
local function set_share(image, bytes)
  local before = share_of(image)
  if bytes > 0 then
    redis.call('HSET', ADMITTED, image, bytes)
  else
    redis.call('HDEL', ADMITTED, image)
  end
  if redis.call('EXISTS', ADMITTED) == 1 then
    redis.call('HINCRBY', TOTALS, 'admitted', bytes - before)
  else
    redis.call('HDEL', TOTALS, 'admitted') -- Nothing is held: a total that is wrong ends here.
  end
end
