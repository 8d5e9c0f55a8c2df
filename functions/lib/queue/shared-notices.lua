-- Shared: notices. A notice is the event that an image is done or has failed, kept until the receiver has accepted it.
-- It is a copy of fields of the image's record, so later changes of the image do not change or remove it. It counts in the budget
-- like a record, but in no client's share.
-- Needs: shared-memory.lua

-- The fields that a notice has. Release 0.2 kept the recipe as kernelSize.
local TOLD = {
  'state', 'name', 'isStored', 'width', 'height', 'tiles', 'recipe', 'kernelSize', 'output', 'owner', 'createdAt',
  'blurredAt', 'endedAt', 'error', 'trace',
}

-- Returns these fields of an image, from its record or from its notice: field, value, field, value, ...
local function told_in(record)
  local pairs_of = {}
  for at, value in ipairs(redis.call('HMGET', record, unpack(TOLD))) do
    if value then
      pairs_of[#pairs_of + 1] = TOLD[at]
      pairs_of[#pairs_of + 1] = value
    end
  end
  return pairs_of
end

-- Returns the key of a notice. It is named after its image and the time of the end: `<image>:<ms>`.
local function notice_key(notice)
  local image, ended_at = parse(notice)
  return key(image, 'notice:' .. ended_at)
end

-- Opens the notice of an image that has just ended, if notices are wanted ('1').
local function open_notice(image, now, wanted)
  if wanted ~= '1' then
    return
  end
  local notice = image .. ':' .. now
  redis.call('UNLINK', notice_key(notice))
  redis.call('HSET', notice_key(notice), unpack(told_in(key(image, 'meta'))))
  redis.call('ZADD', NOTICES, now, notice)
  set_share(notice, RECORD_BYTES)
end

-- Closes a notice that was accepted or given up.
local function close_notice(notice)
  redis.call('ZREM', NOTICES, notice)
  redis.call('UNLINK', notice_key(notice))
  set_share(notice, 0)
end
