local longest = tonumber(ARGV[1])
if redis.call('STRLEN', rights) > longest then return {'ok', '0', ''} end
local has = rights_version()
if has == '0' then return {'none'} end
if not has then return {'ok', '0', ''} end
return {'ok', has, string.sub(redis.call('GET', rights), #has + 2)}
