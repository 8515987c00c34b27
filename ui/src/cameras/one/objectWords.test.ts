import { describe, expect, it } from 'vitest';
import { objectWords } from './objectWords';

const seen = { count: 0, detects: true, live: true, hasFrame: true };

describe('the list of objects', () => {
  it('tells what is in view, and what was', () => {
    expect(objectWords({ ...seen, count: 2 })).toMatchObject({ title: 'In view now', count: 2 });
    expect(objectWords({ ...seen, live: false })).toMatchObject({
      title: 'In the last frame',
      count: 0,
      none: 'No objects detected.',
      old: true,
    });
  });

  it('speaks of no frame that never came', () => {
    const words = objectWords({ ...seen, live: false, hasFrame: false });
    expect(words).toEqual({ title: 'In view now', count: null, none: 'No frame yet.', old: false });
  });

  it('counts nothing where nothing is looked for', () => {
    const words = objectWords({ ...seen, detects: false });
    expect(words).toMatchObject({ count: null, none: 'Detection is off.' });
  });
});
