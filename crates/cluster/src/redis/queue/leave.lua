redis.call('HDEL', workers, ARGV[1])
redis.call('ZREM', til, ARGV[1])
return {'ok'}
