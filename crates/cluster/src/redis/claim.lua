local stream, name, instance, about, ttl, taken, quiet, again = unpack(ARGV)
if not lives(name, instance) then return {'unknown'} end
local token, its, of = lease(stream)
local own = of == name and its == instance
-- What was granted by an answer that was lost.
if token and own and again == '1' and redis.call('HGET', streams, stream) == value(token, instance, name, about) then
  return {'ok', token}
end
if token and not own then
  local til = lives(of, its)
  local last = til and til - tonumber(ttl)
  if til and not (taken == token and last + tonumber(quiet) <= now) then
    return {'held', token, of, whole(last)}
  end
end
token = whole(math.max(fence() + 1, now * 1000, tonumber(token or 0) + 1))
redis.call('HSET', count, 'fence', token)
put(stream, token, instance, name, about)
return {'ok', token}
