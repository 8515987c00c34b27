local worker, id, chunk = unpack(ARGV)
if holder(work, id) ~= worker then return {'ok', 0} end
drop(id, chunk)
put(chunk)
return {'ok', 1}
