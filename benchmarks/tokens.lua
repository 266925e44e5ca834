-- Token requests of many clients in turn, for wrk. BENCHMARK_FORMS names a file with one form per line,
-- BENCHMARK_PORTS the ports that share the threads, BENCHMARK_PATH the path of the token endpoint.

local threads = 0

function setup(thread)
  local ports = {}
  for port in string.gmatch(os.getenv("BENCHMARK_PORTS"), "%d+") do
    table.insert(ports, port)
  end
  thread:set("number", threads)
  thread.addr = wrk.lookup("127.0.0.1", ports[threads % #ports + 1])[1]
  threads = threads + 1
end

function init(_)
  requests = {}
  local head = "POST " .. os.getenv("BENCHMARK_PATH") .. " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    .. "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: "
  for form in io.lines(os.getenv("BENCHMARK_FORMS")) do
    table.insert(requests, head .. #form .. "\r\n\r\n" .. form)
  end
  -- Threads begin at different clients, so that none follows in the steps of another.
  following = number * math.floor(#requests / 7)
end

function request()
  following = following % #requests + 1
  return requests[following]
end

function done(summary, latency, _)
  local failures = summary.errors
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "p50": %.3f, "p99": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    failures.status, failures.connect + failures.read + failures.write + failures.timeout))
end
