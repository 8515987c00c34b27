import { describe, expect, it } from 'vitest';
import { coverCrop } from './crop.js';

describe('coverCrop', () => {
  it('keeps a picture of the right shape whole', () => {
    expect(coverCrop(640, 480, 4 / 3)).toEqual({ x: 0, y: 0, width: 640, height: 480 });
  });

  it('cuts the sides of a wide and the ends of a tall picture evenly', () => {
    expect(coverCrop(1280, 720, 4 / 3)).toEqual({ x: 160, y: 0, width: 960, height: 720 });
    expect(coverCrop(480, 640, 4 / 3)).toEqual({ x: 0, y: 140, width: 480, height: 360 });
  });
});
