import { describe, expect, it } from 'vitest';
import { testStream } from '../../testing/answers';
import { cameraWords, isInTrouble, shortCause, streamWords } from './streamWords';

describe('a stream in words', () => {
  it('is live only while new pictures come', () => {
    expect(streamWords(testStream())).toMatchObject({ word: 'live', live: true, banner: null });
    for (const state of ['starting', 'stalled', 'frozen', 'ended'] as const) {
      expect(streamWords(testStream({ state })).live, state).toBe(false);
    }
  });

  it('says how old a picture is that is not live', () => {
    const stalled = streamWords(
      testStream({ state: 'stalled', since_s: 4, last_picture_age_s: 7.9, reason: 'Nothing came' }),
    );
    expect(stalled).toMatchObject({ word: 'stalled 7 s', banner: 'This frame is 7 s old' });
    expect(stalled.text).toBe('Nothing came.');
    const frozen = streamWords(testStream({ state: 'frozen', since_s: 72, last_picture_age_s: 0 }));
    expect(frozen).toMatchObject({ word: 'frozen 1 min', banner: 'The same frame for 1 min' });
    expect(frozen.text).toContain('Switch it off and on');
  });

  it('tells a slow camera from a live one', () => {
    const slow = streamWords(testStream({ slow: { fps: 2, usual_fps: 20 } }));
    expect(slow).toMatchObject({ word: 'slow', tone: 'warn', live: true });
    expect(slow.text).toContain('2.0 fps instead of the usual 20.0');
  });

  it('says when many of the pictures are broken, though it is live', () => {
    expect(streamWords(testStream(), 0.001).word).toBe('live');
    const broken = streamWords(testStream(), 0.25);
    expect(broken).toMatchObject({ word: 'damaged frames', tone: 'warn', live: true });
    expect(broken.text).toMatch(/^25 % of its frames/);
  });

  it('tells connecting from failing', () => {
    const starting = testStream({ state: 'starting', reason: null });
    expect(streamWords(starting)).toMatchObject({ word: 'connecting', tone: 'busy' });
    const refused = streamWords({
      ...starting,
      reason: 'http://10.0.0.6 cannot be reached: refused. Is it switched on?',
    });
    expect(refused).toMatchObject({ word: 'error', tone: 'bad' });
    expect(refused.text).toBe('http://10.0.0.6 cannot be reached: refused. Is it switched on?');
    expect(streamWords({ ...starting, reason: 'it broke' }).text).toBe('It broke.');
    const numbered = 'it refused (os error 111). Is it switched on?';
    expect(streamWords({ ...starting, reason: numbered }).text).toBe(
      'It refused. Is it switched on?',
    );
  });

  it('is in trouble where somebody should look after it', () => {
    expect(isInTrouble(null)).toBe(false);
    expect(isInTrouble(testStream())).toBe(false);
    expect(isInTrouble(testStream({ state: 'frozen' }))).toBe(true);
    expect(isInTrouble(testStream({ slow: { fps: 2, usual_fps: 20 } }))).toBe(true);
  });
});

describe('a camera that is not open', () => {
  const closed = { stream: null };

  it('is connecting until something else is known', () => {
    expect(cameraWords(closed, null).word).toBe('connecting');
    expect(cameraWords(closed, null, { wanted: false }).word).toBe('idle');
  });

  it('waits where all places are taken', () => {
    const words = cameraWords(closed, { status: 503, detail: 'Too many active streams' });
    expect(words).toMatchObject({ word: 'waiting', tone: 'warn', live: false });
    expect(words.text).toMatch(/^Too many active streams\. It connects as soon as/);
  });

  it('says why there is no picture', () => {
    const words = cameraWords(closed, { status: 502, detail: 'It answers with a web page' });
    expect(words).toMatchObject({
      word: 'error',
      tone: 'bad',
      text: 'It answers with a web page.',
    });
  });

  it('is what its stream is as soon as there is one', () => {
    const failure = { status: 502, detail: 'old news' };
    expect(cameraWords({ stream: testStream() }, failure).word).toBe('live');
  });

  it('has the cause alone for a small tile', () => {
    const why = 'http://10.0.0.6:9/stream cannot be reached: Connection refused. Is it on?';
    expect(shortCause(why)).toBe('Cannot be reached: Connection refused.');
    expect(shortCause('Its sender sends no frames.')).toBe('Its sender sends no frames.');
    expect(shortCause('rtsp://a/b')).toBe('rtsp://a/b.');
  });
});
