-- Shared: how much of Redis's memory each image may hold, the images of one client, and all together. The totals are
-- running totals, so their cost does not depend on the number of images.
--
-- A holder is a client, or EVERYONE.

local EVERYONE = ''

-- The most that Redis needs for the record of an image. record-bytes.ts says how it was measured.
local RECORD_BYTES = 3584

-- The hashes with the totals of all clients. Everyone's totals are fields of TOTALS.
local CLIENT_TOTALS = { admitted = CLIENTS, results = CLIENT_RESULTS }

-- Returns the bytes that an image may hold.
local function share_of(image)
  return tonumber(redis.call('HGET', ADMITTED, image) or 0)
end

-- Returns the client that an image counts for, or false.
local function client_of(image)
  return redis.call('HGET', SENDERS, image)
end

-- Returns EVERYONE, and the client that an image counts for, if any.
local function holders_of(image)
  return { EVERYONE, client_of(image) or nil }
end

-- Returns the key of a holder's own results or records. `everyones` is the key of all of them: RESULTS or RECORDS.
local function index_of(everyones, holder)
  return holder == EVERYONE and everyones or everyones .. ':' .. holder
end

-- Returns the hash and the field of a total.
local function place_of(holder, what)
  if holder == EVERYONE then
    return TOTALS, what
  end
  return CLIENT_TOTALS[what], holder
end

-- Returns a total over a holder's images: `admitted`, the bytes that they may hold, or `results`, the part of these bytes
-- that is results.
local function total(holder, what)
  return tonumber(redis.call('HGET', place_of(holder, what)) or 0)
end

-- Adds to a total. A total of 0 is not stored.
local function add_to_total(holder, what, bytes)
  local totals, field = place_of(holder, what)
  if redis.call('HINCRBY', totals, field, bytes) <= 0 then
    redis.call('HDEL', totals, field)
  end
end

-- Makes an image's share count for a client from now on, or for none ('').
local function set_client(image, client)
  local before = client_of(image)
  if before then
    redis.call('HDEL', SENDERS, image)
    add_to_total(before, 'admitted', -share_of(image))
  end
  if client ~= '' then
    redis.call('HSET', SENDERS, image, client)
    add_to_total(client, 'admitted', share_of(image))
  end
end

-- Sets how many bytes an image may hold. With 0 it gives its share back and counts for no client any more.
local function set_share(image, bytes)
  local added = bytes - share_of(image)
  for _, holder in ipairs(holders_of(image)) do
    add_to_total(holder, 'admitted', added)
  end
  if bytes > 0 then
    redis.call('HSET', ADMITTED, image, bytes)
    return
  end
  redis.call('HDEL', ADMITTED, image)
  redis.call('HDEL', SENDERS, image)
  if redis.call('EXISTS', ADMITTED) == 0 then
    -- Nothing is held, so the totals must be 0.
    redis.call('HDEL', TOTALS, 'admitted')
    redis.call('UNLINK', CLIENTS)
  end
end

-- Returns the bytes that an ended image may hold once it is swept.
local function kept_of(image)
  return tonumber(redis.call('HGET', key(image, 'sweep'), 'kept') or share_of(image))
end

-- Sets the bytes that an ended image may hold once it is swept.
local function set_kept(image, bytes)
  local sweep = key(image, 'sweep')
  if redis.call('EXISTS', sweep) == 1 then
    redis.call('HSET', sweep, 'kept', bytes)
  else
    set_share(image, bytes)
  end
end
