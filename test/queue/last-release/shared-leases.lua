-- Shared: who holds which tile.

-- Whether the claim with this token still holds the tile.
local function holds(image, tile, token)
  return redis.call('HGET', key(image, 'tokens'), tile) == token
end

-- Ends a lease, whatever comes of the tile.
local function unlease(job, image, tile)
  redis.call('ZREM', LEASES, job)
  local token = redis.call('HGET', key(image, 'tokens'), tile)
  if token then
    redis.call('HDEL', CLAIMS, token)
    redis.call('HDEL', key(image, 'tokens'), tile)
  end
end
