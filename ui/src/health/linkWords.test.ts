import { describe, expect, it } from 'vitest';
import type { LiveView } from '../api/live';
import { NO_COURSES } from '../api/courses';
import { linkWords } from './linkWords';
import { liveData } from '../testing/answers';

const NOW_MS = 100_000;

function words(change: Partial<LiveView>, answers = false) {
  const view: LiveView = {
    data: liveData({}),
    atMs: NOW_MS - 12_000,
    link: 'lost',
    loss: 'stopped',
    retryAtMs: NOW_MS + 2500,
    courses: NO_COURSES,
    ...change,
  };
  return linkWords(view, NOW_MS, answers);
}

describe('the state of the live connection', () => {
  it('says how old the numbers are and what happens next', () => {
    expect(words({})).toMatchObject({
      tone: 'bad',
      word: '12 s old',
      title: 'The server was stopped',
      text: 'Next attempt in 3 s. The data shown is 12 s old.',
    });
    expect(words({ retryAtMs: null }).text).toContain('Trying again now.');
  });

  it('has nothing to say while all is well', () => {
    expect(words({ link: 'open', loss: null })).toMatchObject({ word: 'live', title: null });
    expect(words({ link: 'connecting', loss: null })).toMatchObject({ tone: 'busy', title: null });
  });

  it('does not speak of numbers that never came', () => {
    const { word, text } = words({ data: null, loss: 'unreachable' });
    expect(word).toBe('no connection');
    expect(text).not.toContain('old');
  });

  it('suspects a proxy where the server answers all the same', () => {
    expect(words({ loss: 'unreachable' }, true).text).toContain('proxy');
    expect(words({ loss: 'stopped' }, true).text).not.toContain('proxy');
  });
});
