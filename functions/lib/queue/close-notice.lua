#!lua flags=allow-oom
-- Closes a notice that was accepted. Closing it again changes nothing.
-- Uses: shared-memory.lua, shared-notices.lua
-- ARGV[1] -> notice
-- Output: 'closed'

close_notice(ARGV[1])
return 'closed'
