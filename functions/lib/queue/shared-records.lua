-- Shared: the records of ended images. Each one counts for its image until it is gone.
-- Needs: shared-memory.lua, shared-results.lua

-- How many records are dropped in one step.
local MAX_RECORDS = 16
-- The part of a budget that records may hold and keep.
local RECORDS_PART = 1 / 8

-- Sets the expiry of an ended image's record.
local function keep_record(image, now, ttl_s)
  redis.call('EXPIRE', key(image, 'meta'), ttl_s)
  for _, holder in ipairs(holders_of(image)) do
    redis.call('ZADD', index_of(RECORDS, holder), now + ttl_s * 1000, image)
  end
end

-- Forgets an ended image: deletes its record, and its result with it.
local function drop_record(image)
  drop_result(image, nil)
  for _, holder in ipairs(holders_of(image)) do
    redis.call('ZREM', index_of(RECORDS, holder), image)
  end
  local owner = redis.call('HGET', key(image, 'meta'), 'owner')
  if owner and owner ~= '' then
    redis.call('ZREM', images_of(owner), image)
  end
  redis.call('ZREM', IMAGES, image)
  redis.call('UNLINK', key(image, 'meta'))
  set_kept(image, 0)
end

-- Gives back the shares of expired results and records, a few at a time. Each image that is started adds at most one of
-- each.
local function drop_expired(now)
  for _, image in ipairs(redis.call('ZRANGEBYSCORE', RESULTS, '-inf', now, 'LIMIT', 0, MAX_RESULTS)) do
    drop_result(image, 'expired')
  end
  for _, image in ipairs(redis.call('ZRANGEBYSCORE', RECORDS, '-inf', now, 'LIMIT', 0, MAX_RECORDS)) do
    drop_record(image)
  end
end

-- Returns the bytes of a holder's records.
local function records_bytes(holder)
  return redis.call('ZCARD', index_of(RECORDS, holder)) * RECORD_BYTES
end

-- Returns how many of the `records` bytes may be removed for an image of `bytes`: those beyond the records' part of the budget,
-- or all if the image fits only then. If images in progress hold the memory instead, records stay, because the senders of
-- those images still want to read them.
local function spare_records(records, budget, bytes)
  if records + bytes > budget then
    return records
  end
  return math.max(0, records - budget * RECORDS_PART)
end

-- Returns what of a holder to remove next for an image of `bytes`, results or records, and how many in one step; nil if
-- nothing can be removed.
-- Results go first, since hundreds of records need no more memory than one result. But records beyond their part go ahead of
-- results. Otherwise, with many small images, every result would soon be gone.
local function next_to_give_way(holder, budget, bytes)
  local records = records_bytes(holder)
  local has_results = redis.call('EXISTS', index_of(RESULTS, holder)) == 1
  if has_results and records <= budget * RECORDS_PART then
    return RESULTS, MAX_RESULTS
  end
  local spare = spare_records(records, budget, bytes)
  if spare > 0 then
    return RECORDS, math.min(MAX_RECORDS, math.ceil(spare / RECORD_BYTES))
  end
end

-- Lets a holder's oldest results or records give way to an image of `bytes`, one step of them, until `has_room` returns true.
-- Returns whether there was any.
local function give_way(holder, budget, bytes, has_room)
  local kind, most = next_to_give_way(holder, budget, bytes)
  if not kind then
    return false
  end
  local oldest = redis.call('ZRANGE', index_of(kind, holder), 0, most - 1)
  for _, image in ipairs(oldest) do
    if kind == RESULTS then
      drop_result(image, 'room')
    else
      drop_record(image)
    end
    redis.call('ZREM', index_of(kind, holder), image) -- If another release dropped it, it still was there.
    if has_room() then
      break
    end
  end
  return #oldest > 0
end
