#!lua flags=allow-oom
-- Removes some of the oldest results, and of the records beyond their part of the budget, because Redis is at its memory
-- limit. Does one step, and nothing if all of them together hold too little.
-- Uses: shared-memory.lua, shared-results.lua, shared-records.lua
-- ARGV[1] -> bytes to free
-- ARGV[2] -> bytes that all images together may hold
-- Output: bytes freed, 0 if all that can be removed holds too little

local wanted, budget = tonumber(ARGV[1]), tonumber(ARGV[2])
local spare = spare_records(records_bytes(EVERYONE), budget, 0)
if total(EVERYONE, 'results') + spare < wanted then
  return 0
end

local admitted_before = total(EVERYONE, 'admitted')

local function freed()
  return admitted_before - total(EVERYONE, 'admitted')
end

local function has_room()
  return freed() >= wanted
end

give_way(EVERYONE, budget, 0, has_room)
return math.max(freed(), 0)
