import { describe, expect, it } from 'vitest';
import { decide, NONE } from './labels.js';

const MODEL = { labels: ['still', 'left', 'right'], arming: false };

describe('decide', () => {
  it('keeps the server’s word while there is no threshold of one’s own', () => {
    expect(decide({ label: 'left', score: 0.6 }, [0.2, 0.6, 0.2], MODEL, null)).toEqual({
      label: 'left',
      score: 0.6,
    });
  });

  it('shows more below the server’s threshold and less above it', () => {
    const none = { label: NONE, score: 0.4 };
    expect(decide(none, [0.3, 0.4, 0.3], MODEL, 0.35)).toEqual({ label: 'left', score: 0.4 });
    const left = { label: 'left', score: 0.6 };
    expect(decide(left, [0.2, 0.6, 0.2], MODEL, 0.7)).toEqual({ label: NONE, score: 0.6 });
  });

  it('leaves unsaid what was not meant, whatever its score', () => {
    const armed = { ...MODEL, arming: true };
    const none = { label: NONE, score: 0.9 };
    expect(decide(none, [0.05, 0.9, 0.05], armed, 0.6)).toEqual(none);
    const left = { label: 'left', score: 0.9 };
    expect(decide(left, [0.05, 0.9, 0.05], armed, 0.6)).toEqual(left);
    expect(decide(left, [0.05, 0.9, 0.05], armed, 0.95).label).toBe(NONE);
  });

  it('says nothing where nothing has a score', () => {
    expect(decide({ label: NONE, score: 0 }, [0, 0, 0], MODEL, 0).label).toBe(NONE);
  });

  it('can only hide when the server sends no probabilities', () => {
    expect(decide({ label: 'left', score: 0.6 }, null, MODEL, 0.7).label).toBe(NONE);
    expect(decide({ label: NONE, score: 0.4 }, null, MODEL, 0.3).label).toBe(NONE);
  });
});
