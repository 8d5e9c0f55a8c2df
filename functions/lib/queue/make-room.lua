#!lua flags=allow-oom
-- Lets the oldest results and records give way, one step of them, although they are within the budget: Redis is at its
-- memory limit, because it holds something else too or the limit is too low for the budget.
-- Uses: shared-memory.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> bytes to free
-- ARGV[2] -> bytes that all images together may hold
-- Output: bytes freed, 0 if there is nothing left that can give way

local wanted, kept_before = tonumber(ARGV[1]), kept_bytes(EVERYONE)

local function freed()
  return kept_before - kept_bytes(EVERYONE)
end

local function has_room()
  return freed() >= wanted
end

give_way(EVERYONE, tonumber(ARGV[2]), has_room)
return math.max(freed(), 0)
