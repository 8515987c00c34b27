import { describe, expect, it } from 'vitest';
import { nextTurn, restMs, type Seat, waitMs } from './turns';

const seat = (dueMs: number, more: Partial<Seat> = {}): Seat => ({
  dueMs,
  busy: false,
  open: true,
  ...more,
});

/** Gives turns until there are none left; how many of each kind are under way then. */
function fill(seats: readonly Seat[]): { open: number; closed: number } {
  for (;;) {
    const next = nextTurn(seats, 100);
    if (next === null) break;
    next.busy = true;
  }
  const busy = seats.filter((one) => one.busy);
  const open = busy.filter((one) => one.open).length;
  return { open, closed: busy.length - open };
}

describe('turns of the tiles', () => {
  it('go to whoever has waited longest', () => {
    const seats = [seat(30), seat(10), seat(20), seat(200)];
    expect(nextTurn(seats, 100)).toBe(seats[1]);
    expect(nextTurn([seat(200)], 100)).toBeNull();
  });

  it('never take all connections of the browser, however many cameras are dead', () => {
    const many = Array.from({ length: 32 }, (_, n) => seat(n, { open: n % 2 === 0 }));
    expect(fill(many)).toEqual({ open: 3, closed: 1 });
    const dead = Array.from({ length: 16 }, (_, n) => seat(n, { open: false }));
    expect(fill(dead)).toEqual({ open: 0, closed: 1 });
  });

  it('are not held up by dead cameras', () => {
    const seats = [seat(0, { open: false, busy: true }), seat(1, { open: false }), seat(50)];
    expect(nextTurn(seats, 100)).toBe(seats[2]);
  });

  it('come more rarely the more tiles there are', () => {
    expect(restMs(seat(0), 1)).toBe(200);
    expect(restMs(seat(0), 4)).toBe(200);
    expect(restMs(seat(0), 16)).toBe(800);
    expect(restMs(seat(0, { open: false }), 1)).toBe(500);
  });

  it('wait for the next one that is due', () => {
    expect(waitMs([seat(150), seat(130), seat(110, { busy: true })], 100)).toBe(30);
    expect(waitMs([seat(50)], 100)).toBeNull();
  });
});
