import { describe, expect, it } from 'vitest';
import { decide, NONE, SteadyLabel } from './labels';

const LABELS = ['still', 'left', 'right'];

describe('decide', () => {
  it('keeps the server’s word while the viewer has no threshold of their own', () => {
    expect(decide({ label: 'left', score: 0.6 }, [0.2, 0.6, 0.2], LABELS, null)).toEqual({
      label: 'left',
      score: 0.6,
    });
  });

  it('shows more below the server’s threshold and less above it', () => {
    const none = { label: NONE, score: 0.4 };
    expect(decide(none, [0.3, 0.4, 0.3], LABELS, 0.35)).toEqual({ label: 'left', score: 0.4 });
    const left = { label: 'left', score: 0.6 };
    expect(decide(left, [0.2, 0.6, 0.2], LABELS, 0.7)).toEqual({ label: NONE, score: 0.6 });
  });

  it('can only hide when the server sends no probabilities', () => {
    expect(decide({ label: 'left', score: 0.6 }, null, LABELS, 0.7).label).toBe(NONE);
    expect(decide({ label: NONE, score: 0.4 }, null, LABELS, 0.3).label).toBe(NONE);
  });
});

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
