local format, check, epoch, name, instance, url, about, ttl, joined, forgotten = unpack(ARGV)
-- How many dead processes are forgotten by one beat, and of how many it tells when they were heard.
local DEAD, TOLD = 10, 1000

for i, want in ipairs({'hash', 'hash', 'hash', 'zset', 'hash', 'string'}) do
  local is = redis.call('TYPE', KEYS[i]).ok
  if is ~= 'none' and is ~= want then return {'type', KEYS[i], is, want} end
end

-- Whether what is there was written by us, where the key that would say so was evicted.
local function ours()
  if redis.call('EXISTS', meta) == 1 or redis.call('HLEN', count) > 2 then return false end
  for _, field in ipairs(redis.call('HKEYS', count)) do
    if field ~= 'version' and field ~= 'fence' then return false end
  end
  local process = redis.call('HRANDFIELD', processes, 1, 'WITHVALUES')[2]
  local stream = redis.call('HRANDFIELD', streams, 1, 'WITHVALUES')[2]
  return (not process or #(string.match(process, '^(%x+) %S+ ') or '') == 16)
    and (not stream or #(string.match(stream, '^%d+ (%x+)/%S+ ') or '') == 16)
end

local has = redis.call('HMGET', meta, 'format', 'check', 'epoch')
if not has[1] then
  if not ours() then return {'foreign'} end
  redis.call('HSET', meta, 'format', format, 'check', check)
  has[3] = false
elseif has[1] ~= format or has[2] ~= check then
  -- Nobody has gone by it for a while: it begins anew.
  if redis.call('ZCOUNT', heard, '(' .. whole(now - tonumber(forgotten)), '+inf') > 0 then
    if has[1] ~= format then return {'format', has[1]} end
    return {'secret'}
  end
  redis.call('DEL', processes, heard, streams, rights)
  redis.call('HSET', meta, 'format', format, 'check', check)
  has[3] = false
end
if has[3] then epoch = has[3] else redis.call('HSET', meta, 'epoch', epoch) end

local other, its_url = known(name)
if other and other ~= instance and lives(name, other) then
  if joined == '1' then return {'replaced', its_url} end
  if its_url ~= url then return {'name', its_url} end
end

local dead = redis.call('ZRANGEBYSCORE', heard, '-inf', now - tonumber(forgotten), 'LIMIT', 0, DEAD)
table.sort(dead)
for _, gone in ipairs(dead) do forget(gone) end

local lapsed = not lives(name, instance)
-- What another life of it had ended with that.
if other and other ~= instance then forget(name) end
local value = instance .. ' ' .. url .. ' ' .. about
if redis.call('HGET', processes, name) ~= value then
  redis.call('HSET', processes, name, value)
  changed('process', name, value)
end
redis.call('ZADD', heard, now + tonumber(ttl), name)

local latest, told = redis.call('ZRANGE', heard, 0, TOLD - 1, 'REV', 'WITHSCORES'), {}
for i = 1, #latest, 2 do
  if redis.call('HEXISTS', processes, latest[i]) == 1 then
    told[#told + 1] = latest[i]
    told[#told + 1] = latest[i + 1]
  end
end
return {
  'ok', now, epoch, version(), lapsed and 1 or 0, told, rights_version() or '0', redis.call('HLEN', streams),
}
