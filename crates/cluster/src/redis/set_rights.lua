local before, new, what = unpack(ARGV)
if rights_version() ~= before then return {'ok', 0} end
redis.call('SET', rights, new .. ' ' .. what)
changed('rights', '', new)
return {'ok', 1}
