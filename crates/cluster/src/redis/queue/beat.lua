-- After the keys that all have: one stream for each entry that is held.
local worker, about, ttl, forgotten = unpack(ARGV)
redis.call('HSET', workers, worker, about)
redis.call('ZADD', til, whole(now + ttl), worker)
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', til, '-inf', whole(now - forgotten))) do
  redis.call('HDEL', workers, dead)
  redis.call('ZREM', til, dead)
end
local lost = {}
for i = 5, #KEYS do
  local id = ARGV[i]
  if holder(KEYS[i], id) ~= worker or #redis.call('XCLAIM', KEYS[i], GROUP, worker, 0, id, 'JUSTID') == 0 then
    lost[#lost + 1] = i - 5
  end
end
return {'ok', lost}
