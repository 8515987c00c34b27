import type { HandSight } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { ArmedPalm } from './armedPalm';

/** A hand that is armed so far, and a motion that was made. */
function sight(arming: number, motion: string | null = null): HandSight {
  const hand = { id: 1, side: 'right', presence: 1, points: [], shape: null, arming, armed_ms: 0 };
  return {
    width: 640,
    height: 480,
    hints: [],
    motion,
    hands: [hand],
    shoulders: null,
  } as HandSight;
}

describe('the palm that arms', () => {
  it('is no word if a motion follows', () => {
    const palm = new ArmedPalm();
    expect(palm.take('open_palm', sight(0.8))).toEqual([]);
    expect(palm.take(null, sight(1))).toEqual([]);
    expect(palm.take('left', sight(0, 'left'))).toEqual(['left']);
    expect(palm.take(null, sight(0))).toEqual([]);
  });

  it('is a word once it is no longer armed', () => {
    const palm = new ArmedPalm();
    expect(palm.take('open_palm', sight(0.8))).toEqual([]);
    expect(palm.take(null, sight(1))).toEqual([]);
    expect(palm.take(null, sight(0))).toEqual(['open_palm']);
    expect(palm.take(null, sight(0))).toEqual([]);
  });

  it('is a word before another shape', () => {
    const palm = new ArmedPalm();
    palm.take('open_palm', sight(1));
    expect(palm.take('fist', sight(1))).toEqual(['open_palm', 'fist']);
  });

  it('is a word at once where nothing is armed', () => {
    expect(new ArmedPalm().take('open_palm', sight(0))).toEqual(['open_palm']);
    expect(new ArmedPalm().take('left', null)).toEqual(['left']);
  });
});
