#!lua flags=allow-oom
-- Lets the oldest results and records give way, one step of them, although they are within the budget: Redis is at its
-- memory limit, because it holds something else too or the limit is too low for the budget.
-- Uses: shared-memory.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> bytes to free
-- ARGV[2] -> bytes that all images together may hold
-- Output: bytes freed, 0 if there is nothing left that can give way

local wanted, budget = tonumber(ARGV[1]), tonumber(ARGV[2])
local admitted_before = total(EVERYONE, 'admitted')

local function freed()
  return admitted_before - total(EVERYONE, 'admitted')
end

local function has_room()
  return freed() >= wanted
end

-- As if for an image of the whole budget, so that every record can give way.
give_way(EVERYONE, budget, budget, has_room)
return math.max(freed(), 0)
