#!lua flags=allow-oom
-- Writes a part of a staged blob at the memory limit, where a plain HSET is refused. For results only: the image that gets
-- one frees its tiles right after, which are larger.
-- ARGV[1] -> image id
-- ARGV[2] -> name of the staged blob
-- ARGV[3] -> seconds after which the blob expires
-- ARGV[4..] -> fields and values of the blob
-- Output: nil

local staged = key(ARGV[1], 'new:' .. ARGV[2])
redis.call('HSET', staged, unpack(ARGV, 4))
redis.call('EXPIRE', staged, ARGV[3])
