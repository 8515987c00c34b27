import { describe, expect, it } from 'vitest';
import { testStream } from '../../testing/answers';
import { counters, lossWords, qualityWords } from './counters';

describe('what came from a camera', () => {
  it('is explained only where it is not as it should be', () => {
    expect(counters(testStream()).every(({ note }) => note === null)).toBe(true);
    const poor = counters(testStream({ broken: 3, wrong_lengths: 1200, connects: 4 }));
    const told = poor.filter(({ note }) => note !== null).map(({ name, value }) => [name, value]);
    expect(told).toEqual([
      ['Damaged frames', '3'],
      ['Wrong lengths', '1,200'],
      ['Connections', '4'],
    ]);
  });

  it('has a size only when a picture has come', () => {
    const size = (width: number | null) =>
      counters(testStream({ width })).find(({ name }) => name === 'Size')?.value;
    expect(size(640)).toBe('640 × 480, 1.5 MB per s');
    expect(size(null)).toBe('not yet known');
  });
});

describe('a viewer', () => {
  it('loses nothing, a little or a lot', () => {
    expect(lossWords(0)).toBe('none');
    expect(lossWords(0.4)).toBe('0.4 %');
    expect(lossWords(22.5)).toBe('23 %');
  });

  it('gets the original or a quality, perhaps a lowered one', () => {
    expect(qualityWords('original')).toBe('original');
    expect(qualityWords(85)).toBe('85');
    expect(qualityWords(70)).toBe('70, reduced');
  });
});
