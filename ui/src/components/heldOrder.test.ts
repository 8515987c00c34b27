import { describe, expect, it } from 'vitest';
import { HeldOrder } from './heldOrder';

interface Row {
  id: string;
  n: number;
}

const largestFirst = (a: Row, b: Row) => b.n - a.n;
const row = (id: string, n: number): Row => ({ id, n });

function arranger() {
  const order = new HeldOrder<Row>(({ id }) => id);
  return (rows: Row[], nowMs: number, { hold = false, steady = false, by = 'n' } = {}) =>
    order
      .arrange(rows, by, largestFirst, { nowMs, hold, steady })
      .map(({ id }) => id)
      .join('');
}

describe('rows sorted by changing numbers', () => {
  it('stay where they are for five seconds', () => {
    const arrange = arranger();
    expect(arrange([row('a', 1), row('b', 2)], 0)).toBe('ba');
    expect(arrange([row('a', 3), row('b', 2)], 4900)).toBe('ba');
    expect(arrange([row('a', 3), row('b', 2)], 5000)).toBe('ab');
  });

  it('stay for as long as a pointer is over them', () => {
    const arrange = arranger();
    arrange([row('a', 1), row('b', 2)], 0);
    expect(arrange([row('a', 3), row('b', 2)], 60_000, { hold: true })).toBe('ba');
    expect(arrange([row('a', 3), row('b', 2)], 60_001)).toBe('ab');
  });

  it('make room at the end for who comes, and close ranks after who goes', () => {
    const arrange = arranger();
    arrange([row('a', 1), row('b', 2), row('c', 3)], 0);
    expect(arrange([row('a', 1), row('c', 3), row('d', 9)], 1000)).toBe('cad');
  });

  it('are sorted at once when a person asks for another order, and where nothing moves', () => {
    const arrange = arranger();
    arrange([row('a', 1), row('b', 2)], 0);
    expect(arrange([row('a', 3), row('b', 2)], 10, { by: 'other', hold: true })).toBe('ab');
    expect(arrange([row('a', 1), row('b', 2)], 20, { by: 'other', steady: true })).toBe('ba');
  });
});
