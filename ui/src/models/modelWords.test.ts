import { describe, expect, it } from 'vitest';
import { RequestError } from '../api/http';
import { testModel } from '../testing/answers';
import { command, details, facts, isUsable, refusal, standing } from './modelWords';

const GESTURES = testModel();
const SIGNS = testModel({
  name: 'wlasl20',
  active: false,
  available: false,
  clip: null,
  recognizer: true,
  size_bytes: 0,
  needs: 'pull',
});

describe('an entry of the list', () => {
  it('tells models apart in a few facts, and leaves out what is not known', () => {
    expect(facts(GESTURES)).toEqual(['2 labels', '10 frames', '1.8 MB']);
    expect(facts({ ...SIGNS, labels: ['book'] })).toEqual(['1 label']);
    expect(facts({ ...SIGNS, labels: null })).toEqual([]);
    expect(Object.fromEntries(details(GESTURES))).toMatchObject({
      Window: '10 frames of 224 × 224',
      Precision: '32-bit float',
      Licence: 'MIT OR Apache-2.0',
    });
  });

  it('says in a word whether it is used, could be, or what is missing', () => {
    expect(standing(GESTURES).word).toBe('in use');
    expect(standing({ ...GESTURES, active: false }).word).toBe('ready');
    expect(standing(SIGNS).word).toBe('not downloaded');
    expect(standing({ ...SIGNS, needs: 'import' }).word).toBe('not imported');
    expect(standing({ ...SIGNS, needs: null }).word).toBe('files missing');
    expect(isUsable(GESTURES)).toBe(true);
    expect(isUsable(SIGNS)).toBe(false);
    expect(isUsable({ ...SIGNS, needs: null })).toBe(false);
  });

  it('names the exact command where one is needed', () => {
    expect(command(GESTURES)).toBeNull();
    expect(command(SIGNS)).toBe('sightwire models pull wlasl20');
    expect(command({ ...SIGNS, needs: 'import' })).toBe('sightwire models pull wlasl20');
  });
});

describe('a refusal', () => {
  it('says why in the server’s own words, and that the old model stays', () => {
    const words = refusal(
      new RequestError('POST …: 422 …', 422, 'head.onnx has 5 outputs, not 8.'),
    );
    expect(words.title).toBe('The server cannot use this model');
    expect(words.text).toBe('head.onnx has 5 outputs, not 8. The previous model stays in use.');
    expect(words.cause).toBe('POST …: 422 …');
  });

  it('has words of its own where the server has none', () => {
    for (const status of [403, 404, 409, 422, 500, null]) {
      const words = refusal(new RequestError('cause', status));
      expect(words.title).not.toBe('');
      expect(words.text).not.toBe('');
    }
    expect(refusal(new RequestError('x', 403, 'Only from 127.0.0.1.')).text).toBe(
      'Only from 127.0.0.1.',
    );
  });
});
