import { RecognizerError } from 'sightwire';
import { describe, expect, it } from 'vitest';
import { problemOf } from './problems';

describe('problemOf', () => {
  it('says what happened and what to do, and offers what works without a camera', () => {
    const error = new RecognizerError('camera-busy', 'It is in use', 'Close it', new Error('why'));
    expect(problemOf(error)).toEqual({
      id: 'camera-busy',
      title: 'It is in use',
      text: 'Close it',
      steps: ['A video file and the generated clip work without a camera.'],
      cause: 'Error: why',
    });
  });

  it('offers no other source where the source was not the trouble', () => {
    expect(problemOf(new RecognizerError('encoder-failed', 'x', 'y')).steps).toEqual([]);
  });
});
