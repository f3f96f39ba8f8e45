-- For `wrk`: each prepared request goes out once, and then it says how long they took.
-- wrk ... URL -- FILE CONNECTIONS: the file has each request after its length in bytes and a space.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long us; } bench_moment; int gettimeofday(bench_moment *, void *);")

local requests, asked, connections, began = {}, -1, 0, 0
local after = "GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
local moment = ffi.new("bench_moment")

local function seconds()
  ffi.C.gettimeofday(moment, nil)
  return tonumber(moment.s) + tonumber(moment.us) / 1e6
end

function init(args)
  connections = tonumber(args[2])
  local file = assert(io.open(args[1], "rb"))
  while true do
    local length = file:read("*n")
    if not length then break end
    file:read(1)
    requests[#requests + 1] = file:read(length)
  end
  file:close()
end

function request()
  asked = asked + 1
  if asked == 0 then return requests[1] end -- wrk looks at one before it begins.
  if asked == 1 then began = seconds() end
  if asked <= #requests then return requests[asked] end
  -- A connection asks for the next one when the last one was answered: so many have been.
  if asked == #requests + 1 then
    io.stdout:write(string.format("answered %d in %.6f\n", asked - connections, seconds() - began))
    io.stdout:flush()
    wrk.thread:stop()
  end
  return after
end

function done(summary)
  local errors = summary.errors
  io.stdout:write(string.format("refused %d\n", errors.status + errors.connect + errors.read
    + errors.write + errors.timeout))
end
