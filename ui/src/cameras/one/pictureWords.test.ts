import { describe, expect, it } from 'vitest';
import { type LiveView, OFF } from '../pictures/livePicture';
import { testStream } from '../../testing/answers';
import { pictureWords } from './pictureWords';

const live = (change: Partial<LiveView> = {}): LiveView => ({
  ...OFF,
  phase: 'playing',
  fps: 20,
  ageMs: 40,
  ...change,
});
const running = testStream();

describe('the large picture in words', () => {
  it('is live while pictures come here', () => {
    expect(pictureWords(running, live(), false)).toMatchObject({ word: 'live', live: true });
  });

  it('is what the camera is where that is the matter', () => {
    const frozen = testStream({ state: 'frozen', since_s: 12 });
    expect(pictureWords(frozen, live(), false).word).toBe('frozen 12 s');
    const dead = testStream({ state: 'starting', reason: 'refused' });
    const failed = live({ phase: 'failed', failure: { status: 502, detail: 'no picture' } });
    expect(pictureWords(dead, failed, false).text).toBe('Refused.');
  });

  it('says when pictures come from the camera but not to this page', () => {
    const late = pictureWords(running, live({ ageMs: 5200 }), false);
    expect(late).toMatchObject({ word: 'delayed 5 s', live: false, tone: 'warn' });
    expect(late.banner).toBe('This frame is 5 s old');
  });

  it('says why the server gives no pictures, even of a live camera', () => {
    const failure = { status: 503, detail: 'Too many analyses' };
    const words = pictureWords(running, live({ phase: 'failed', failure }), false);
    expect(words).toMatchObject({ word: 'waiting', live: false });
    expect(words.text).toMatch(/^Too many analyses\./);
  });

  it('is connecting before the first picture', () => {
    expect(pictureWords(null, live({ phase: 'opening' }), false).word).toBe('connecting');
    expect(pictureWords(running, live({ phase: 'opening' }), false).word).toBe('connecting');
  });

  it('is old when the server is silent', () => {
    const words = pictureWords(running, live({ ageMs: 9000 }), true);
    expect(words).toMatchObject({ word: 'no response', live: false });
    expect(words.banner).toBe('This frame is 9 s old');
  });
});
