import type { SeenHand } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { palmOf, ringOf } from '../view/drawHands';
import { handView } from './hands';

function hand(change: Partial<SeenHand> = {}): SeenHand {
  const points = Array.from({ length: 21 }, () => [0, 0, 0] as [number, number, number]);
  points[0] = [100, 160, 0];
  points[5] = [85, 100, 0];
  points[17] = [115, 100, 0];
  const usual = {
    id: 1,
    side: 'right',
    presence: 0.99,
    shape: null,
    arming: 0,
    armed_ms: 0,
  } as const;
  return { ...usual, points, ...change };
}

const sight = (...hands: SeenHand[]) => ({
  width: 640,
  height: 480,
  hands,
  motion: null,
  hints: [],
  shoulders: null,
});

describe('hands', () => {
  it('are in the state of the one that is furthest', () => {
    expect(handView(sight(), true).state).toBe('none');
    expect(handView(sight(hand()), true).state).toBe('seen');
    expect(handView(sight(hand()), false).state).toBe('free');
    expect(handView(sight(hand(), hand({ arming: 0.5 })), true).state).toBe('arming');
    expect(
      handView(sight(hand({ arming: 0.5 }), hand({ arming: 1, armed_ms: 900 })), true).state,
    ).toBe('armed');
  });

  it('have a palm between wrist and knuckles', () => {
    const { middle, radius } = palmOf(hand());
    expect(middle).toEqual([100, 120]);
    expect(radius).toBeCloseTo(40);
  });

  it('have a ring that fills while they arm and empties while they are armed', () => {
    expect(ringOf(hand({ arming: 0.4 }))).toEqual({ share: 0.4, armed: false });
    expect(ringOf(hand({ arming: 1, armed_ms: 1500 }))).toEqual({ share: 0.5, armed: true });
  });
});
