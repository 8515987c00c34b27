#!lua flags=allow-oom
-- What all scripts begin with. In everything here, what cannot be read counts as missing.
local meta, count, processes, heard, streams, rights = unpack(KEYS)
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- What is counted stays below this, where all numbers are whole.
local MOST = 9007199254740000

-- Lua would write 1e+15.
local function whole(number) return string.format('%.0f', number) end

-- One thing more has changed. An empty value: it is gone.
local function changed(kind, key, value)
  local version = redis.pcall('HINCRBY', count, 'version', 1)
  if type(version) ~= 'number' then
    version = 1
    redis.call('HSET', count, 'version', version)
  end
  redis.call('PUBLISH', meta, whole(version) .. '\n' .. kind .. '\n' .. key .. '\n' .. value)
end

local function version()
  return string.match(redis.call('HGET', count, 'version') or '', '^%d+$') or '0'
end

-- Which life of a process is known, and its URL.
local function known(name)
  local value = redis.call('HGET', processes, name)
  if value then return string.match(value, '^(%x+) (%S+) ') end
end

-- Until when the heartbeat of that life of a process counts, if it does.
local function lives(name, instance)
  local til = tonumber(redis.call('ZSCORE', heard, name) or 0)
  return til and til > now and known(name) == instance and til
end

-- Which lease of a stream counts: token, instance, process.
local function lease(stream)
  local value = redis.call('HGET', streams, stream)
  if not value then return end
  local token, instance, name = string.match(value, '^(%d+) (%x+)/(%S+) ')
  if token and tonumber(token) < MOST then return token, instance, name end
end

local function value(token, instance, name, about)
  return token .. ' ' .. instance .. '/' .. name .. ' ' .. about
end

local function put(stream, token, instance, name, about)
  local new = value(token, instance, name, about)
  if redis.call('HGET', streams, stream) ~= new then
    redis.call('HSET', streams, stream, new)
    changed('stream', stream, new)
  end
end

-- The highest token so far.
local function fence()
  local highest = tonumber(redis.call('HGET', count, 'fence') or 0)
  return highest and highest >= 0 and highest < MOST and math.floor(highest) or 0
end

-- Which version of the keys and users in common there is; 0 for none, nothing where it is not ours.
local function rights_version()
  local begins = redis.call('GETRANGE', rights, 0, 16)
  if begins == '' then return '0' end
  return string.match(begins, '^([1-9]%d*) ')
end

-- A process and all that it had.
local function forget(name)
  local its, gone = (known(name) or '') .. '/' .. name, {}
  redis.call('ZREM', heard, name)
  if redis.call('HDEL', processes, name) == 0 then return end
  local all = redis.call('HGETALL', streams)
  for i = 1, #all, 2 do
    if string.match(all[i + 1], '^%d+ (%S+) ') == its then gone[#gone + 1] = all[i] end
  end
  table.sort(gone)
  for _, stream in ipairs(gone) do
    redis.call('HDEL', streams, stream)
    changed('stream', stream, '')
  end
  changed('process', name, '')
end

