import { expect, test } from 'vitest';
import { isLoopback } from './loopback';

test('addresses of this machine are told from others', () => {
  for (const name of ['localhost', 'a.localhost', '127.0.0.1', '[::1]', '::1'])
    expect(isLoopback(name)).toBe(true);
  for (const name of ['192.0.2.5', 'localhost.example', '127.example'])
    expect(isLoopback(name)).toBe(false);
});
