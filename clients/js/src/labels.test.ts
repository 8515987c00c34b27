import { describe, expect, it } from 'vitest';
import { decide, NONE } from './labels.js';

const LABELS = ['still', 'left', 'right'];

describe('decide', () => {
  it('keeps the server’s word while there is no threshold of one’s own', () => {
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
