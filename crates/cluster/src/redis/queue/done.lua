local id, chunk = unpack(ARGV)
if not has_group() then return {'ok', 0} end
return {'ok', drop(id, chunk) and 1 or 0}
