import { describe, expect, it } from 'vitest';
import { changes } from './changes';
import { liveData, relayStream } from '../testing/answers';

const data = (...streams: Parameters<typeof relayStream>[0][]) =>
  liveData({ streams: streams.map(relayStream) });

describe('what is said aloud', () => {
  it('is who came, who went and who changed, not that time passes', () => {
    const before = data(
      { id: 'a', name: 'a' },
      { id: 'b', name: 'b', state: 'stalled', since_s: 3 },
    );
    expect(
      changes(
        before,
        data({ id: 'b', name: 'b', state: 'stalled', since_s: 4 }, { id: 'c', name: 'c' }),
      ),
    ).toEqual(['c has started', 'a has ended']);
    expect(changes(before, data({ id: 'a', name: 'a' }, { id: 'b', name: 'b' }))).toEqual([
      'b: live',
    ]);
  });

  it('is short where much happens at once', () => {
    const many = ['a', 'b', 'c', 'd'].map((id) => ({ id, name: id }));
    expect(changes(data(), data(...many))).toEqual(['4 streams changed']);
  });
});
