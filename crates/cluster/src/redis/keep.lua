local stream, name, instance, about, token = unpack(ARGV)
if not lives(name, instance) then return {'unknown'} end
local has = lease(stream)
if has and has ~= token then return {'lost', has} end
if fence() < tonumber(token) then redis.call('HSET', count, 'fence', token) end
put(stream, token, instance, name, about)
return {'ok'}
