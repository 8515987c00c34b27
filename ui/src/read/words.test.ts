import type { Job } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { testJob } from '../testing/answers';
import { asSentence, jobFacts, jobName, jobNews, jobStanding } from './words';

const JOB = testJob({
  files: 1200,
  done: 500,
  failed: 2,
  waiting: 698,
  regions: 12_345,
  mean_confidence: 0.987,
  ms: 25_000,
  files_per_s: 20.4,
  left_s: 34.2,
});

describe('a job in words', () => {
  it('says how far it is and how long it will take', () => {
    expect(jobFacts(JOB)).toEqual([
      '502 of 1,200 files',
      '2 failed',
      '12,345 lines',
      '98.7 % confidence',
      '20 per second',
      '34 s left',
    ]);
  });

  it('says what came of it', () => {
    const done: Job = { ...JOB, state: 'done', done: 1198, waiting: 0, left_s: null };
    expect(jobFacts(done)).toContain('1,198 read');
    expect(jobStanding(done).word).toBe('2 failed');
    expect(jobStanding({ ...done, failed: 1200, done: 0 }).tone).toBe('bad');
    expect(jobStanding({ ...done, failed: 0 }).word).toBe('done');
    expect(jobName(done, 1030)).toBe('1,200 files, just now');
    expect(jobName(done, 1000 + 7200)).toBe('1,200 files, 2 h ago');
  });

  it('is announced when it begins and ends, not in between', () => {
    expect(jobNews(null, JOB)).toBe('Reading 1,200 files');
    expect(jobNews(JOB, { ...JOB, done: 600 })).toBeNull();
    expect(jobNews(JOB, { ...JOB, state: 'done', done: 1198 })).toBe(
      'Done: 1,198 of 1,200 files read, 2 failed',
    );
    expect(jobNews(JOB, { ...JOB, state: 'cancelled' })).toMatch(/^Cancelled/);
  });
});

describe('a reason', () => {
  it('is a sentence', () => {
    expect(asSentence('the file is empty')).toBe('The file is empty.');
    expect(asSentence('Send it again.')).toBe('Send it again.');
  });
});
