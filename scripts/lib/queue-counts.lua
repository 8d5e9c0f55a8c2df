-- What scripts/watch.sh and scripts/status.sh count, in one look.
-- KEYS[1] -> key prefix
-- Output: name, count, name, count, …

local prefix = KEYS[1]
local counts = {
  'queue', redis.call('LLEN', prefix .. ':job:queue'),
  'leases', redis.call('ZCARD', prefix .. ':job:leases'),
  'delayed', redis.call('ZCARD', prefix .. ':job:delayed'),
  'outbox', redis.call('ZCARD', prefix .. ':outbox'),
  'dead', redis.call('ZCARD', prefix .. ':job:dead'),
}
local images = redis.call('ZRANGE', prefix .. ':images', 0, -1)
local done = 0
for _, image in ipairs(images) do
  if redis.call('HGET', prefix .. ':' .. image .. ':meta', 'state') == 'done' then
    done = done + 1
  end
end
counts[#counts + 1] = 'images'
counts[#counts + 1] = #images
counts[#counts + 1] = 'done'
counts[#counts + 1] = done
return counts
