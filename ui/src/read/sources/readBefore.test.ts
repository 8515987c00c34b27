import { describe, expect, it } from 'vitest';
import { testFile } from '../../testing/answers';
import type { Picked } from './pick';
import { ReadBefore } from './readBefore';

const QUERY = { model: 'ppocr-v4', keep: '10' };
const one = (name: string, text = 'x', lastModified = 1): Picked => ({
  name,
  file: new File([text], name, { lastModified }),
});

describe('files of many batches', () => {
  it('are known of the last fifty', () => {
    const before = new ReadBefore();
    const has = (n: number) => before.has(one(`${n}.png`), QUERY, () => true);
    for (let n = 0; n <= 50; n += 1) {
      before.send(`${n}`, [one(`${n}.png`)], QUERY);
      before.learn(`${n}`, [testFile({ name: `${n}.png`, state: 'done' })]);
    }
    expect([has(0), has(1), has(50)]).toEqual([false, true, true]);
    before.learn('0', [testFile({ name: '0.png', state: 'done' })]);
    expect(has(0)).toBe(false);
  });
});

describe('files that come once more', () => {
  const before = new ReadBefore();
  before.send('a', [one('in/1.png'), one('in/2.png')], QUERY);
  before.learn('a', [
    testFile({ name: 'in/1.png', state: 'done' }),
    testFile({ name: 'in/2.png', state: 'failed' }),
  ]);
  const has = (file: Picked, query = QUERY, there = true) => before.has(file, query, () => there);

  it('are known where they were read', () => {
    expect(has(one('in/1.png'))).toBe(true);
    expect(has(one('in/1.png'), { ...QUERY, keep: '5' })).toBe(true);
    expect(has(one('in/2.png'))).toBe(false);
  });

  it('are new where they changed, are to be read another way, or their batch is gone', () => {
    expect(has(one('in/1.png', 'xy'))).toBe(false);
    expect(has(one('in/1.png', 'x', 2))).toBe(false);
    expect(has(one('1.png'))).toBe(false);
    expect(has(one('in/1.png'), { ...QUERY, model: 'other' })).toBe(false);
    expect(has(one('in/1.png'), QUERY, false)).toBe(false);
  });
});
