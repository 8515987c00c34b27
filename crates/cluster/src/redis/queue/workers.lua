local most, longest = unpack(ARGV)
local said = {}
local alive = redis.call('ZRANGE', til, '(' .. whole(now), '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
for i = 1, #alive, 2 do
  local about = redis.call('HGET', workers, alive[i])
  if about and #about <= tonumber(longest) then
    said[#said + 1] = alive[i]
    said[#said + 1] = about
    said[#said + 1] = alive[i + 1]
  end
end
return {'ok', said}
