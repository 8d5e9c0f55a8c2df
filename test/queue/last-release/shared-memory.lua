-- Shared: how much of Redis's memory each image may hold, the images of one client, and all together.

-- Bytes that an image may hold.
local function share_of(image)
  return tonumber(redis.call('HGET', ADMITTED, image) or 0)
end

-- Bytes that all images together may hold: a running total, so that its cost does not grow with their number.
local function admitted_bytes()
  return tonumber(redis.call('HGET', TOTALS, 'admitted') or 0)
end

-- Bytes that the images of a client may hold: a running total as well.
local function client_bytes(client)
  return tonumber(redis.call('HGET', CLIENTS, client) or 0)
end

-- Has an image's share count for a client from now on, or for none ('').
local function set_client(image, client)
  local before = redis.call('HGET', SENDERS, image)
  if before then
    redis.call('HDEL', SENDERS, image)
    if redis.call('HINCRBY', CLIENTS, before, -share_of(image)) <= 0 then
      redis.call('HDEL', CLIENTS, before)
    end
  end
  if client ~= '' then
    redis.call('HSET', SENDERS, image, client)
    redis.call('HINCRBY', CLIENTS, client, share_of(image))
  end
end

-- Sets how many bytes an image may hold, and for which client they count, if for any; with 0 it gives its share back.
local function set_share(image, bytes, client)
  local before = share_of(image)
  set_client(image, '')
  if bytes > 0 then
    redis.call('HSET', ADMITTED, image, bytes)
  else
    redis.call('HDEL', ADMITTED, image)
  end
  set_client(image, client or '')
  if redis.call('EXISTS', ADMITTED) == 1 then
    redis.call('HINCRBY', TOTALS, 'admitted', bytes - before)
  else
    -- Nothing is held: totals that are wrong end here.
    redis.call('HDEL', TOTALS, 'admitted')
    redis.call('UNLINK', CLIENTS)
  end
end
