import { describe, expect, it } from 'vitest';
import { testOptions } from '../testing/answers';
import type { Polygon } from './viewer/geometry';
import {
  askOptions,
  formatOptions,
  optionsKey,
  optionsOf,
  parseOptions,
  preparation,
  sliderOf,
  USUAL,
  valueAt,
} from './options';

const parse = (text: string) => parseOptions(new URLSearchParams(text));

describe('how pictures are read', () => {
  it('leaves the usual out of an address, and brings the rest back', () => {
    expect(formatOptions(USUAL)).toEqual({});
    const chosen = {
      ...USUAL,
      model: 'other',
      perspective: true,
      deskew: true,
      angle: false,
      unclip: 2,
      maxSide: 960,
      maxCandidates: 40,
      minDetectionSize: 12,
    };
    expect(parse(new URLSearchParams(formatOptions(chosen)).toString())).toEqual(chosen);
  });

  it('takes the usual for what makes no sense', () => {
    expect(parse('threshold=7&unclip=x&deskew=maybe&max_side=1')).toEqual(USUAL);
  });

  it('says everything to the server, so that a reset is one', () => {
    const query = askOptions(USUAL, 'ppocr-v4');
    expect(query).toMatchObject({ model: 'ppocr-v4', deskew: '0', angle: '1', threshold: '0.30' });
    expect(query).toMatchObject({ min_confidence: '0', max_side: '2000', box_threshold: '0.50' });
  });

  it('keeps what an address says beyond the ends of a slider', () => {
    const options = parse('max_candidates=5000&min_detection_size=700');
    expect(options).toMatchObject({ maxCandidates: 5000, minDetectionSize: 700 });
    expect(parse('max_candidates=0&min_detection_size=1001')).toEqual(USUAL);
  });

  it('ends the slider of candidates with all of them', () => {
    const { least, most, step } = sliderOf('maxCandidates');
    expect([least, most, step]).toEqual([10, 1010, 10]);
    expect([10, 1000, 1010].map((place) => valueAt('maxCandidates', place))).toEqual([
      10, 1000, 10_000,
    ]);
    expect(valueAt('minDetectionSize', 100)).toBe(100);
  });

  it('says corners only where a page is straightened', () => {
    const corners: Polygon = [
      [1, 2],
      [30, 2],
      [30, 40],
      [1, 40],
    ];
    const options = { ...USUAL, perspective: true };
    const said = { corners: '1,2,30,2,30,40,1,40' };
    expect(askOptions(options, null, corners)).toMatchObject(said);
    expect(preparation(options, corners)).toEqual({ perspective: '1', ...said });
    expect(preparation(options)).toEqual({ perspective: '1' });
    // Empty: none, whatever the batch has.
    expect(askOptions(USUAL, null, corners)).toHaveProperty('corners', '');
    expect(askOptions(options, null, null)).toHaveProperty('corners', '');
    expect(askOptions(options, null)).not.toHaveProperty('corners');
    expect(preparation(USUAL, corners)).toBeNull();
  });

  it('is another way of reading with other corners', () => {
    const corners: Polygon = [
      [1, 2],
      [30, 2],
      [30, 40],
      [1, 40],
    ];
    const given = optionsOf(testOptions({ perspective: false, corners }));
    expect(given.perspective).toBe(true);
    expect(optionsKey(given, null, corners)).not.toBe(optionsKey(given, null));
    expect(optionsKey(USUAL, null, corners)).toBe(optionsKey(USUAL, null));
  });

  it('is the same for the usual model by name or without', () => {
    const named = optionsOf(testOptions({ model: 'ppocr-v4' }));
    expect(optionsKey(named, 'ppocr-v4')).toBe(optionsKey(USUAL, 'ppocr-v4'));
    expect(optionsKey(optionsOf(testOptions({ deskew: true })), null)).not.toBe(
      optionsKey(USUAL, null),
    );
  });
});
