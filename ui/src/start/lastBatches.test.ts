import { describe, expect, it } from 'vitest';
import type { SharedJob } from 'sightwire/api';
import { testJob } from '../testing/answers';
import { lastBatches } from './lastBatches';

const NOW_S = 10_000;

const sharedJob = (change: Partial<SharedJob> = {}): SharedJob => ({
  id: 'a',
  name: '/mnt/scans',
  created: NOW_S - 7200,
  state: 'running',
  command: false,
  files: 250_000,
  all_found: true,
  done: 120_400,
  failed: 12,
  reading: 93,
  ...change,
});

const done = (id: string, created: number) =>
  testJob({ id, created, state: 'done', done: 3, waiting: 0, left_s: 0 });

const keys = (...of: Parameters<typeof lastBatches>) => lastBatches(...of).map(({ key }) => key);

const one = (change: Partial<SharedJob>) =>
  lastBatches({ jobs: [], shared: [sharedJob(change)], nowS: NOW_S }, 1)[0];

describe('the batches that were read last', () => {
  it('are those of the server and of workers in one list, the newest first', () => {
    const jobs = [done('new', 9900), done('old', 9000)];
    const shared = [
      sharedJob({ id: 'old', created: 9500, state: 'done' }),
      sharedJob({ id: 'older', created: 8000, state: 'stopped' }),
    ];
    expect(keys({ jobs, shared, nowS: NOW_S }, 3)).toEqual([
      'server-new',
      'workers-old',
      'server-old',
    ]);
    expect(keys({ jobs: [], shared: [], nowS: NOW_S }, 3)).toEqual([]);
  });

  it('leave out one that has ended rather than one that runs', () => {
    const jobs = [done('c', 9900), done('b', 9800), done('a', 9700)];
    const shared = [sharedJob({ id: 'long', created: 100 })];
    expect(keys({ jobs, shared, nowS: NOW_S }, 3)).toEqual([
      'server-c',
      'server-b',
      'workers-long',
    ]);
    const four = [4, 3, 2, 1].map((n) => sharedJob({ id: String(n), created: n }));
    expect(keys({ jobs, shared: four, nowS: NOW_S }, 3)).toEqual([
      'workers-4',
      'workers-3',
      'workers-2',
    ]);
  });

  it('say how far they are while they run, and lead to their page where there is one', () => {
    const jobs = [testJob({ id: 'a/b', created: NOW_S - 5 }), done('c', NOW_S - 300)];
    expect(lastBatches({ jobs, shared: [sharedJob()], nowS: NOW_S }, 3)).toMatchObject([
      { name: null, text: '1 of 3 files, just now', href: '/read?job=a%2Fb' },
      { name: null, text: '3 files, 5 min ago', href: '/read?job=c' },
      { name: '/mnt/scans', text: '120,505 of 250,000 files, 2 h ago', href: null },
    ]);
  });

  it('say how they stand', () => {
    const notes = ['no worker is there'];
    const standing = (change: Partial<SharedJob>) => one(change)?.standing;
    expect(standing({})).toMatchObject({ tone: 'busy', word: 'reading' });
    expect(standing({ notes })).toMatchObject({ tone: 'busy', word: 'reading' });
    expect(standing({ notes, reading: 0 })).toMatchObject({ tone: 'warn', word: 'waiting' });
    expect(standing({ state: 'stopped' })).toMatchObject({ tone: 'off', word: 'stopped' });
    const ended = { state: 'done', files: 2000, done: 2000, reading: 0 } as const;
    expect(standing({ ...ended, failed: 0 })).toMatchObject({ tone: 'ok', word: 'done' });
    expect(standing({ ...ended, failed: 1200 })).toMatchObject({
      tone: 'warn',
      word: '1,200 failed',
    });
    expect(standing({ ...ended, failed: 2000 })).toMatchObject({ tone: 'bad', word: 'failed' });
  });
});
