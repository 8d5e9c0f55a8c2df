-- Shared: who holds which tile.

-- Returns whether the claim with this token still holds the tile.
local function holds(image, tile, token)
  return redis.call('HGET', key(image, 'tokens'), tile) == token
end

-- Ends a lease, whatever happens to the tile next. A caller that knows the token of the lease saves reading it.
local function unlease(job, image, tile, known_token)
  redis.call('ZREM', LEASES, job)
  local token = known_token or redis.call('HGET', key(image, 'tokens'), tile)
  if token then
    redis.call('HDEL', CLAIMS, token)
    redis.call('HDEL', key(image, 'tokens'), tile)
    -- A result that its worker sent just before it died, while the server had forgotten the ack's script.
    redis.call('UNLINK', key(image, 'new:' .. token))
  end
end
