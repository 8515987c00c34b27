import { afterEach, describe, expect, it, vi } from 'vitest';
import { openCamera } from './camera.js';

function browser(getUserMedia: ((ask: unknown) => Promise<unknown>) | null, secure = true): void {
  vi.stubGlobal('isSecureContext', secure);
  vi.stubGlobal('location', { origin: 'http://192.168.1.7:8000' });
  vi.stubGlobal('navigator', getUserMedia === null ? {} : { mediaDevices: { getUserMedia } });
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('openCamera', () => {
  it.each([
    ['NotAllowedError', 'camera-denied'],
    ['NotFoundError', 'camera-missing'],
    ['NotReadableError', 'camera-busy'],
    ['OverconstrainedError', 'camera-gone'],
    ['TypeError', 'camera-failed'],
  ])('explains %s', async (name, code) => {
    browser(() => Promise.reject(new DOMException('why', name)));
    const error = await openCamera().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: 'RecognizerError', code, cause: `${name}: why` });
    expect((error as { advice: string }).advice).not.toBe('');
  });

  it('blames the address, not the camera, on an insecure page', async () => {
    browser(null, false);
    await expect(openCamera()).rejects.toMatchObject({
      code: 'camera-insecure',
      cause: 'http://192.168.1.7:8000 is not a secure context',
    });
  });

  it('takes any camera rather than none when the wanted one is not there', async () => {
    const asked: unknown[] = [];
    browser((ask) => {
      asked.push(ask);
      const gone = new DOMException('deviceId', 'OverconstrainedError');
      return asked.length === 1 ? Promise.reject(gone) : Promise.resolve('a stream');
    });
    await expect(openCamera({ deviceId: { exact: 'gone' } })).resolves.toBe('a stream');
    expect(asked[0]).toMatchObject({
      video: { deviceId: { exact: 'gone' }, width: { ideal: 640 } },
    });
    expect(asked[1]).not.toMatchObject({ video: { deviceId: {} } });
  });
});
