#!lua flags=allow-oom
-- Returns the notice that has been due the longest, and holds it back from other senders while it is being sent. If its sender
-- is killed, it is due again after that time. A notice that was sent too often is closed; its image stays as it is.
-- Uses: shared-memory.lua, shared-notices.lua
-- ARGV[1] -> now, ms ('' = server clock)
-- ARGV[2] -> how long it is held back, ms: longer than an attempt to send it can take
-- ARGV[3] -> how often a notice is sent at most
-- Output: { notice, 'send' or 'given up', how often it was sent, this time included, field, value, ... of the image when it ended }, or nil if nothing is due

local now = clock(ARGV[1])
redate(NOTICES, now + MAX_DELAY_MS)
local notice = redis.call('ZRANGEBYSCORE', NOTICES, '-inf', now, 'LIMIT', 0, 1)[1]
if not notice then
  return nil
end
local told = told_in(notice_key(notice))
local sent = tonumber(redis.call('HGET', notice_key(notice), 'noticed') or 0)
if sent < tonumber(ARGV[3]) then
  redis.call('HSET', notice_key(notice), 'noticed', sent + 1)
  redis.call('ZADD', NOTICES, 'XX', now + tonumber(ARGV[2]), notice)
  return { notice, 'send', sent + 1, unpack(told) }
end
close_notice(notice)
return { notice, 'given up', sent, unpack(told) }
