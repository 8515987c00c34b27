import { describe, expect, it } from 'vitest';
import { testView } from './testView';
import { breakable, changes, connectionWords, summary, tileWords } from './words';

const words = (part: Parameters<typeof testView>[0], nowMs = 10_000, broken = false) =>
  tileWords(testView(part), nowMs, broken);

describe('a tile in words', () => {
  it('is live only while new pictures come that can be shown', () => {
    expect(words({})).toMatchObject({ word: 'live', live: true, banner: null });
    for (const state of ['waiting', 'stalled', 'frozen', 'ended'] as const) {
      expect(words({ state }).live, state).toBe(false);
      expect(words({ state }).text, state).toMatch(/\.$/);
    }
    expect(words({}, 10_000, true)).toMatchObject({ word: 'damaged frames', live: false });
  });

  it('says how old its picture is', () => {
    expect(words({ state: 'stalled', pictureAtMs: 2500, sinceMs: 5500 })).toMatchObject({
      word: 'stalled 7 s',
      banner: 'This frame is 7 s old',
    });
    expect(words({ state: 'stalled', pictureAtMs: null, sinceMs: 5500 })).toMatchObject({
      word: 'stalled 4 s',
      banner: null,
    });
    expect(words({ state: 'frozen', sinceMs: 0 }, 72_000).word).toBe('frozen 1 min');
  });

  it('says why in the words of the server', () => {
    expect(words({ state: 'ended', reason: 'an administrator ended it' }).text).toBe(
      'An administrator ended it.',
    );
  });

  it('says what keeps a camera from being opened', () => {
    const reason = 'http://10.0.0.6 cannot be reached. Is it switched on?';
    expect(words({ state: 'waiting', kind: 'camera', reason })).toMatchObject({
      word: 'error',
      tone: 'bad',
      text: reason,
    });
    expect(words({ state: 'waiting', kind: 'camera' }).word).toBe('waiting');
  });

  it('has a tone and an icon of its own for each state', () => {
    const states = ['waiting', 'live', 'stalled', 'frozen', 'ended'] as const;
    expect(new Set(states.map((state) => words({ state }).icon)).size).toBe(states.length);
  });
});

describe('the wall in words', () => {
  it('counts the streams by what their tiles say, trouble first', () => {
    const none = new Set<string>();
    expect(summary([testView({})], none)).toBe('1 stream · 1 live');
    expect(summary([testView({}), testView({ id: 'P-2' })], new Set(['P-2']))).toBe(
      '2 streams · 1 with damaged frames · 1 live',
    );
    const failing = testView({ state: 'waiting', kind: 'camera', reason: 'It is off.' });
    const other = (['live', 'ended', 'stalled', 'waiting'] as const).map((state) =>
      testView({ state }),
    );
    expect(summary([...other, failing], none)).toBe(
      '1 camera · 4 streams · 1 error · 1 stalled · 1 waiting · 1 live · 1 ended',
    );
    expect(summary([failing, failing], none)).toBe('2 cameras · 2 errors');
  });

  it('breaks addresses where they have a part', () => {
    expect(breakable('http://10.0.0.6/a/b?c=1 is off.')).toEqual([
      ...['http://10.0.0.6/', 'a/', 'b?', 'c=', '1 is off.'],
    ]);
    expect(breakable('It is off.')).toEqual(['It is off.']);
  });

  it('counts down to the next try', () => {
    const lost = { state: 'waiting', why: 'It was lost', retryAtMs: 12_000, streams: [] } as const;
    expect(connectionWords(lost, 10_100)?.text).toBe('Trying again in 2 s.');
    const picture = { stream: 'a', sequence: 1, capturedAtMs: 0, jpeg: new Uint8Array() };
    const seen = { ...lost, streams: [testView({ picture })] };
    expect(connectionWords(seen, 10_100)?.text).toBe(
      'The frames shown are old. Trying again in 2 s.',
    );
    expect(connectionWords({ ...lost, state: 'connecting', retryAtMs: null }, 0)?.text).toBe(
      'Connecting…',
    );
    expect(connectionWords({ ...lost, state: 'open', why: null }, 0)).toBeNull();
    expect(connectionWords({ ...lost, state: 'connecting', why: null }, 0)).toBeNull();
  });

  it('tells of changes only', () => {
    const before = new Map(Object.entries({ a: 'live', b: 'live' }));
    const now = new Map(Object.entries({ a: 'live', b: 'stalled', c: 'live' }));
    expect(changes(before, now)).toEqual(['b: stalled', 'c: live']);
    expect(changes(now, now)).toEqual([]);
  });
});
