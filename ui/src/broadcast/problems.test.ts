import { RecognizerError, type StreamerSnapshot } from 'sightwire/relay';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sourceProblem, streamProblem } from './problems';

beforeEach(() => vi.stubGlobal('window', { isSecureContext: true }));
afterEach(() => void vi.unstubAllGlobals());

describe('a source that does not start', () => {
  it('is explained, with what works instead', () => {
    const denied = new RecognizerError('camera-denied', 'Not allowed', 'Allow it.', 'x');
    expect(sourceProblem('camera', denied)).toMatchObject({
      id: 'camera-denied',
      title: 'Not allowed',
      steps: [expect.stringContaining('test pattern')],
    });
    expect(sourceProblem('screen', new DOMException('x', 'NotAllowedError')).id).toBe(
      'screen-denied',
    );
    expect(sourceProblem('screen', new DOMException('x', 'NotSupportedError')).text).toMatch(
      /Most phones cannot/,
    );
    vi.stubGlobal('window', { isSecureContext: false });
    expect(sourceProblem('screen', new DOMException('x', 'NotSupportedError')).text).toMatch(
      /HTTPS/,
    );
  });
});

describe('a stream that the server ended', () => {
  const stream = (change: Partial<StreamerSnapshot>) =>
    streamProblem({
      why: 'Because.',
      cause: 'close code',
      code: null,
      ...change,
    } as StreamerSnapshot);

  it('is a problem only where it is not tried again', () => {
    expect(stream({ state: 'waiting', code: 1013 })).toBeNull();
    expect(stream({ state: 'live' })).toBeNull();
    expect(stream({ state: 'refused', code: 4090 })).toMatchObject({
      id: 'name-taken',
      text: 'Because.',
    });
    expect(stream({ state: 'refused', code: 1008 })?.id).toBe('name-refused');
    expect(stream({ state: 'ended', code: 4410 })?.title).toBe('The stream was ended');
  });
});
