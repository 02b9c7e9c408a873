--- Errors of misuse: their position is that of the caller of perigee, however deep they arise.
local core = require "perigee.core"

-- The chunk names of perigee's own modules begin with this: "@.../perigee/".
local own = debug.getinfo(1, "S").source:match "^(@.*/)util/[^/]*$"
if own then core.own_source(own) end

--- Raises a formatted message.
---@param format string
---@param ... any
return function(format, ...) error(format:format(...), core.user_level()) end
