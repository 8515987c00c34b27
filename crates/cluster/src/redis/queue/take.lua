local worker, silent, kept = unpack(ARGV)
if not has_group() then return {'none'} end
keep(kept)
-- Those that cannot be read are few, and are dropped on the way.
for _ = 1, 8 do
  local found = redis.call('XAUTOCLAIM', work, GROUP, worker, silent, '0-0', 'COUNT', 1)[2]
  if #found == 0 then
    local read = redis.call('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1, 'STREAMS', work, '>')
    found = read and read[1] and read[1][2] or {}
  end
  local entry = found[1]
  if not entry then return {'none'} end
  local chunk = chunk_of(entry[2])
  if chunk then
    local _, deliveries = holder(work, entry[1])
    return {'taken', chunk, entry[1], deliveries or 1}
  end
  drop(entry[1])
end
return {'none'}
