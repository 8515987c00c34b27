local stream, token = unpack(ARGV)
if lease(stream) == token then
  redis.call('HDEL', streams, stream)
  changed('stream', stream, '')
end
return {'ok'}
