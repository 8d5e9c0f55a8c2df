#!lua flags=no-writes
-- Returns the state of some of an image's tiles, one character each. Only reads.
-- ARGV[1] -> image id
-- ARGV[2] -> the first tile
-- ARGV[3] -> how many tiles, at most 1000
-- Output: { state of the image, characters }, or nil if there is no such image. The characters: '-' not enqueued yet, or
--         freed; 'q' queued, 'i' in flight, 'w' waiting for its next attempt, 'd' done, 'x' dead. A capital letter: the
--         tile was claimed more than once

local MAX_TILES = 1000
local CHARACTERS = { ready = 'q', leased = 'i', delayed = 'w', done = 'd', dead = 'x' }
local image, first = ARGV[1], tonumber(ARGV[2])
local last = first + math.min(tonumber(ARGV[3]), MAX_TILES) - 1

local record = redis.call('HMGET', key(image, 'meta'), 'state', 'repeated')
local state = record[1]
if not state then
  return nil
end
local is_repeated = {}
for tile in string.gmatch(record[2] or '', '%d+') do
  is_repeated[tonumber(tile)] = true
end

local tiles = {}
for tile = first, last do
  tiles[#tiles + 1] = tile
end
local states = redis.call('HMGET', key(image, 'tiles'), unpack(tiles))
local attempts = redis.call('HMGET', key(image, 'attempts'), unpack(tiles))
local characters = {}
for at, tile in ipairs(tiles) do
  -- The tiles of a done image are freed.
  local character = state == 'done' and 'd' or CHARACTERS[states[at]] or '-'
  local is_again = is_repeated[tile] or tonumber(attempts[at] or 0) > 1
  characters[at] = is_again and string.upper(character) or character
end
return { state, table.concat(characters) }
