import { describe, expect, it } from 'vitest';
import { SteadyLabel } from './labels';

function told(label: string, score = 0.9) {
  return { label, score };
}

describe('SteadyLabel', () => {
  it('shows the first label at once and then only lasting changes', () => {
    const steady = new SteadyLabel(120, 300);
    expect(steady.update(told('still'), 0)).toBe(true);
    expect(steady.update(told('left'), 400)).toBe(false);
    expect(steady.update(told('still'), 440)).toBe(false);
    expect(steady.update(told('left'), 480)).toBe(false);
    expect(steady.update(told('left'), 600)).toBe(true);
    expect(steady.value).toBe('left');
  });

  it('does not change faster than a person reads', () => {
    const steady = new SteadyLabel(0, 300);
    steady.update(told('left'), 0);
    expect(steady.update(told('right'), 100)).toBe(false);
    expect(steady.update(told('right'), 300)).toBe(true);
  });

  it('settles by time alone when no newer label comes', () => {
    const steady = new SteadyLabel(120, 300);
    steady.update(told('left'), 0);
    steady.update(told('right'), 400);
    expect(steady.update(null, 500)).toBe(false);
    expect(steady.update(null, 520)).toBe(true);
  });

  it('flickers not at all at 25 changes a second', () => {
    const steady = new SteadyLabel(120, 300);
    let changes = 0;
    for (let n = 0; n < 250; n += 1) {
      if (steady.update(told(n % 2 === 0 ? 'left' : 'right'), n * 40)) changes += 1;
    }
    expect(changes).toBe(1);
  });

  it('has the score of its own newest result, never that of another moment', () => {
    const steady = new SteadyLabel(120, 300);
    steady.update(told('still', 0.8), 0);
    steady.update(told('still', 0.7), 40);
    steady.update(told('pull', 0.91), 80);
    expect([steady.value, steady.score]).toEqual(['still', 0.7]);
    steady.update(told('pull', 0.93), 400);
    expect([steady.value, steady.score]).toEqual(['pull', 0.93]);
    steady.reset();
    expect([steady.value, steady.score]).toEqual([null, null]);
  });

  it('lets go of a label that has not come for long, though no other one lasts', () => {
    const steady = new SteadyLabel(120, 300, 800);
    steady.update(told('still'), 0);
    const others = ['push', 'up', 'pull'];
    const changed = Array.from({ length: 25 }, (_, n) =>
      steady.update(told(others[n % 3] ?? ''), 40 * (n + 1)),
    );
    expect(changed.indexOf(true)).toBe(19);
    expect(steady.value).not.toBe('still');
  });
});
