import { describe, expect, it } from 'vitest';
import type { Tone } from '../components/StateBadge';
import { nowOrder } from './nowOrder';

const some = (names: string, tone: Tone = 'ok') => names.split(' ').map((name) => ({ name, tone }));
const names = (all: readonly { name: string }[]) => all.map(({ name }) => name).join(' ');

describe('what is seen first of what runs', () => {
  it('has cameras and streams in turn, each by its number', () => {
    expect(names(nowOrder(some('Cam10 Cam2'), some('Bed10 Bed9 Bed1 Bed2')))).toBe(
      'Cam2 Bed1 Cam10 Bed2 Bed9 Bed10',
    );
    expect(names(nowOrder([], some('b a')))).toBe('a b');
    expect(nowOrder([], [])).toEqual([]);
  });

  it('has trouble before all else, the gravest first', () => {
    const cameras = [...some('Cam1'), ...some('Cam2', 'warn')];
    const streams = [...some('Bed1'), ...some('Bed3', 'bad'), ...some('Bed2', 'warn')];
    expect(names(nowOrder(cameras, streams))).toBe('Bed3 Bed2 Cam2 Cam1 Bed1');
  });
});
