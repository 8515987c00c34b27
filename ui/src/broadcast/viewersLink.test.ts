import { expect, test } from 'vitest';
import { shared } from './viewersLink';

const NOW = new Date(2026, 10, 20, 9, 30).getTime();
const keyed = {
  path: '/login?next=%2Fwall%3Fstreams%3Dgate#key=sw_a',
  origin: 'http://192.0.2.5:8000',
  expires: new Date(NOW + 86_400_000).toISOString(),
  key: 'k7m2x9qa',
};

test('a link leads to where others find this server', () => {
  const here = { address: 'http://localhost:8000', isLocal: true };
  expect(shared(keyed, here, NOW).url).toBe(`http://192.0.2.5:8000${keyed.path}`);
  const proxied = { address: 'https://example.com/sightwire', isLocal: false };
  expect(shared(keyed, proxied, NOW).url).toBe(`https://example.com/sightwire${keyed.path}`);
});

test('whoever gives it out hears how far and how long it works', () => {
  const here = { address: 'http://localhost:8000', isLocal: true };
  expect(shared(keyed, here, NOW).note).toBe(
    'Whoever has the link can watch. It works until 09:30 tomorrow.',
  );
  const late = { ...keyed, expires: new Date(2026, 10, 25, 8, 5).toISOString() };
  expect(shared(late, here, NOW).note).toContain('until 08:05 on 25 November');
  const soon = { ...keyed, expires: new Date(2026, 10, 20, 18, 0).toISOString() };
  expect(shared(soon, here, NOW).note).toContain('until 18:00.');
  const alone = shared({ ...keyed, origin: null, expires: null, key: null }, here, NOW);
  expect(alone.note).toMatch(/^Only this machine can open it/);
  expect(alone.untilMs).toBe(Infinity);
});
