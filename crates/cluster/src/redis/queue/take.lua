local worker, silent, kept = unpack(ARGV)
if not has_group() then return {'none'} end
keep(kept)
-- Those that cannot be read are few, and are dropped on the way.
for _ = 1, 8 do
  -- XAUTOCLAIM would look at ten entries only, and these may be of workers that live.
  local quiet = redis.call('XPENDING', work, GROUP, 'IDLE', silent, '-', '+', 1)[1]
  local found = quiet and redis.call('XCLAIM', work, GROUP, worker, silent, quiet[1]) or {}
  if not quiet then
    local read = redis.call('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1, 'STREAMS', work, '>')
    found = read and read[1] and read[1][2] or {}
  end
  local entry = found[1]
  if not entry and not quiet then return {'none'} end
  -- One that is gone from the stream is dropped by claiming it.
  if entry then
    local chunk = chunk_of(entry[2])
    if chunk then
      local _, deliveries = holder(work, entry[1])
      return {'taken', chunk, entry[1], deliveries or 1}
    end
    drop(entry[1])
  end
end
return {'none'}
