import { describe, expect, it } from 'vitest';
import { SteadyLabel } from './labels';

describe('SteadyLabel', () => {
  it('shows the first label at once and then only lasting changes', () => {
    const steady = new SteadyLabel(120, 300);
    expect(steady.update('still', 0)).toBe(true);
    expect(steady.update('left', 400)).toBe(false);
    expect(steady.update('still', 440)).toBe(false);
    expect(steady.update('left', 480)).toBe(false);
    expect(steady.update('left', 600)).toBe(true);
    expect(steady.value).toBe('left');
  });

  it('does not change faster than a person reads', () => {
    const steady = new SteadyLabel(0, 300);
    steady.update('left', 0);
    expect(steady.update('right', 100)).toBe(false);
    expect(steady.update('right', 300)).toBe(true);
  });

  it('settles by time alone when no newer label comes', () => {
    const steady = new SteadyLabel(120, 300);
    steady.update('left', 0);
    steady.update('right', 400);
    expect(steady.update(null, 500)).toBe(false);
    expect(steady.update(null, 520)).toBe(true);
  });

  it('flickers not at all at 25 changes a second', () => {
    const steady = new SteadyLabel(120, 300);
    let changes = 0;
    for (let n = 0; n < 250; n += 1) {
      if (steady.update(n % 2 === 0 ? 'left' : 'right', n * 40)) changes += 1;
    }
    expect(changes).toBe(1);
  });
});
