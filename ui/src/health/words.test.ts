import { describe, expect, it } from 'vitest';
import { liveViewer, relayStream } from '../testing/answers';
import {
  count,
  kindOfStream,
  kindOfViewer,
  needsCare,
  qualityOf,
  watched,
  wordsOfStream,
  wordsOfViewer,
} from './words';

describe('the state of a stream', () => {
  it.each([
    ['running', 'ok', 'live'],
    ['starting', 'busy', 'waiting'],
    ['stalled', 'warn', 'stalled 7 s'],
    ['frozen', 'warn', 'frozen 7 s'],
    ['ended', 'off', 'ended'],
  ] as const)('%s is told as %s, “%s”', (state, tone, word) => {
    expect(wordsOfStream(relayStream({ state, since_s: 7 }))).toMatchObject({ tone, word });
  });

  it('has the server’s reason as a sentence', () => {
    const stalled = relayStream({ state: 'stalled', reason: 'no frame for 7 s' });
    expect(wordsOfStream(stalled).text).toBe('No frame for 7 s.');
  });

  it('gives advice on cameras to cameras only', () => {
    const frozen = { state: 'frozen', since_s: 7 } as const;
    expect(wordsOfStream(relayStream({ ...frozen, kind: 'camera' })).text).toContain('Switch it');
    expect(wordsOfStream(relayStream(frozen)).text).not.toContain('Switch it');
  });
});

describe('the state of a viewer', () => {
  it.each([
    [{}, 'ok', 'keeps up'],
    [{ lost_percent: 0.4 }, 'ok', 'keeps up'],
    [{ lost_percent: 12 }, 'warn', 'loses frames'],
    [{ lost_percent: 100 }, 'bad', 'receives nothing'],
    [{ fps: 0 }, 'off', 'no new frames'],
    [{ quality: 85 }, 'ok', 'keeps up'],
    [{ quality: 70 }, 'warn', 'smaller frames'],
  ] as const)('with %j is %s, “%s”', (change, tone, word) => {
    const words = wordsOfViewer(liveViewer(change));
    expect(words).toMatchObject({ tone, word });
    expect(needsCare(words)).toBe(tone === 'warn' || tone === 'bad');
  });
});

describe('what stands beneath a name', () => {
  it('says where a stream comes from and how', () => {
    const text = kindOfStream(relayStream({ mode: 'enhanced', protocol: 'text' }));
    expect(text).toBe('relay · enhanced · as text · from 127.0.0.1:5000');
    expect(kindOfStream(relayStream({ kind: 'camera' }))).toBe('camera');
  });

  it('names the process that has it, where that is another one', () => {
    const there = { process: 'b' };
    expect(kindOfStream(relayStream(there))).toBe(
      'relay · normal · on process b · from 127.0.0.1:5000',
    );
    expect(kindOfStream(relayStream({ ...there, kind: 'camera' }))).toBe(
      'camera · read by process b',
    );
  });

  it('names what a viewer watches, and how many more', () => {
    expect(watched([])).toBe('nothing yet');
    expect(watched([], true)).toBe('nothing any more');
    expect(watched(['a', 'b'])).toBe('a, b');
    expect(watched(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
  });

  it('copes with kinds that are newer than the page', () => {
    expect(kindOfViewer('relay_binary')).toBe('WebSocket');
    expect(kindOfViewer('webrtc')).toBe('webrtc');
    expect(qualityOf('original')).toBe('original');
    expect(qualityOf(70)).toBe('JPEG 70');
  });

  it('counts', () => {
    expect([count(1, 'viewer'), count(2, 'viewer'), count(1200, 'viewer')]).toEqual([
      '1 viewer',
      '2 viewers',
      '1,200 viewers',
    ]);
  });
});
