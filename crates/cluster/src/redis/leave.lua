local name, instance = unpack(ARGV)
if known(name) == instance then forget(name) end
return {'ok'}
