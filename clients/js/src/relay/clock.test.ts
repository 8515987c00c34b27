import { describe, expect, it } from 'vitest';
import { ServerClock } from './clock.js';

describe('the server’s clock', () => {
  it('is not known before the first answer', () => {
    expect(new ServerClock().ageMs(5, 10)).toBeNull();
  });

  it('is as the fastest answer says', () => {
    const clock = new ServerClock();
    clock.answered(100, 300, 5200 + 60);
    expect(clock.ageMs(5260, 200)).toBe(0);
    clock.answered(400, 402, 5401);
    expect(clock.ageMs(5401, 431)).toBe(30);
    clock.answered(500, 700, 5600 + 90);
    expect(clock.ageMs(5401, 431)).toBe(30);
  });

  it('is learnt anew when one of the clocks was set', () => {
    const clock = new ServerClock();
    clock.answered(0, 2, 1001);
    clock.answered(1000, 1040, 61_020);
    expect(clock.ageMs(61_020, 1030)).toBe(10);
  });

  it('is learnt anew after a while, for clocks drift', () => {
    const clock = new ServerClock();
    clock.answered(0, 2, 1001);
    clock.answered(400_000, 400_010, 401_009);
    expect(clock.ageMs(401_009, 400_010)).toBe(5);
  });
});
