local most_processes, most_streams, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

-- Of a hash that is too large, or has values that are none of ours, only some.
local function some(key, most)
  local from, seen, all = '0', 0, {}
  repeat
    local page = redis.call('HSCAN', key, from, 'COUNT', 500)
    from = page[1]
    for i = 1, #page[2], 2 do
      seen = seen + 1
      if #all >= 2 * most then return all end
      if #page[2][i] + #page[2][i + 1] <= longest then
        all[#all + 1] = page[2][i]
        all[#all + 1] = page[2][i + 1]
      end
    end
  until from == '0' or seen > 2 * most
  return all
end

return {
  'ok', now, redis.call('HGET', meta, 'epoch') or '', version(), some(processes, most_processes),
  redis.call('ZRANGE', heard, 0, most_processes - 1, 'REV', 'WITHSCORES'), some(streams, most_streams),
}
