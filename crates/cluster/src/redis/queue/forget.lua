redis.call('DEL', work, queued)
return {'ok'}
