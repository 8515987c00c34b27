import { describe, expect, it } from 'vitest';
import { pictureName } from './savePicture';

describe('a saved picture', () => {
  it('is named by camera and time, without what file systems refuse', () => {
    expect(pictureName('yard', new Date('2026-11-20T14:03:09.250Z'))).toBe(
      'yard-2026-11-20T14-03-09Z.jpg',
    );
  });
});
