local chunk, per_worker, kept = unpack(ARGV)
local is_there = redis.call('EXISTS', work) == 1
if is_there and is_queued(chunk) then return {'already'} end
local alive = redis.call('ZCOUNT', til, '(' .. whole(now), '+inf')
if is_there and redis.call('XLEN', work) >= per_worker * math.max(1, alive) then return {'full'} end
put(chunk)
keep(kept)
return {'queued'}
