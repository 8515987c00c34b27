import { describe, expect, it } from 'vitest';
import { Flight } from './flight';

describe('Flight', () => {
  it('lets only a few unanswered frames out', () => {
    const flight = new Flight(3, 5000);
    for (const id of [1, 2, 3]) {
      expect(flight.free(id)).toBe(true);
      flight.sent(id, id);
    }
    expect(flight.free(10)).toBe(false);
    expect(flight.answered(1, 31)).toBe(30);
    expect(flight.free(31)).toBe(true);
  });

  it('settles refused frames with the next answer', () => {
    const flight = new Flight(3, 5000);
    for (const id of [1, 2, 3]) flight.sent(id, id * 10);
    expect(flight.answered(3, 50)).toBe(20);
    expect(flight.size).toBe(0);
  });

  it('takes an answer without id for the oldest frame', () => {
    const flight = new Flight(3, 5000);
    flight.sent(1, 0);
    flight.sent(2, 40);
    expect(flight.answered(undefined, 60)).toBe(60);
    expect(flight.answered(undefined, 60)).toBe(20);
    expect(flight.answered(undefined, 60)).toBeNull();
  });

  it('ignores answers from before a reconnect', () => {
    const flight = new Flight(3, 5000);
    flight.sent(1, 0);
    flight.reset();
    flight.sent(2, 100);
    expect(flight.answered(1, 110)).toBeNull();
    expect(flight.size).toBe(1);
  });

  it('frees the place of a frame that is never answered', () => {
    const flight = new Flight(1, 5000);
    flight.sent(1, 0);
    expect(flight.free(5000)).toBe(false);
    expect(flight.free(5001)).toBe(true);
  });
});
