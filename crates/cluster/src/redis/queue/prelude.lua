-- What all scripts on shared work begin with. In everything here, what cannot be read counts as missing.
local work, queued, workers, til = unpack(KEYS)
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- By which consumers a job's entries are given out.
local GROUP = 'w'

-- Lua would write 1e+15.
local function whole(number) return string.format('%.0f', number) end

local function has_group()
  if redis.call('EXISTS', work) == 0 then return false end
  -- There is one already.
  redis.pcall('XGROUP', 'CREATE', work, GROUP, '0')
  return true
end

-- Who has an entry, and how often it was given out.
local function holder(key, id)
  local pending = redis.pcall('XPENDING', key, GROUP, id, id, 1)
  if pending.err or not pending[1] then return end
  return pending[1][2], pending[1][4]
end

-- The chunk that an entry is about.
local function chunk_of(fields)
  for i = 1, #(fields or {}), 2 do
    if fields[i] == 'c' and #fields[i + 1] <= 9 and string.match(fields[i + 1], '^%d+$') then return fields[i + 1] end
  end
end

local function is_queued(chunk)
  local id = redis.call('HGET', queued, chunk)
  local found = id and redis.pcall('XRANGE', work, id, id)
  local entry = found and not found.err and found[1]
  return entry and chunk_of(entry[2]) == chunk
end

local function put(chunk)
  redis.call('HSET', queued, chunk, redis.call('XADD', work, '*', 'c', chunk))
end

local function drop(id, chunk)
  local was = redis.call('XACK', work, GROUP, id) + redis.call('XDEL', work, id)
  if chunk and redis.call('HGET', queued, chunk) == id then redis.call('HDEL', queued, chunk) end
  return was > 0
end

local function keep(for_ms)
  redis.call('PEXPIRE', work, for_ms)
  redis.call('PEXPIRE', queued, for_ms)
end

