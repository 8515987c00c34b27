import type { ClusterProcess, ClusterStatus } from 'sightwire/api';
import { describe, expect, it } from 'vitest';
import { flow, heard, wordsOfCapacity, wordsOfCluster, wordsOfProcess } from './processWords';

const process = (more: Partial<ClusterProcess> = {}): ClusterProcess => ({
  cameras: 0,
  capacity: null,
  draining: false,
  heard_s: 0.4,
  is_self: false,
  name: 'b',
  reason: null,
  streams: 3,
  url: 'http://b:8000',
  version: '0.1.0',
  ...more,
});

const cluster = (more: Partial<ClusterStatus> = {}): ClusterStatus => ({
  name: 'a',
  processes: [],
  pulled_bytes_per_s: 0,
  pulls: 0,
  reason: null,
  redis: '10.0.0.9:6379',
  since_s: 12,
  state: 'connected',
  streams_elsewhere: 0,
  streams_here: 1,
  url: 'http://a:8000',
  when_down: 'accept',
  ...more,
});

describe('how this process stands with the others', () => {
  it.each([
    ['joining', 'busy', 'joining', 'Redis has not answered yet.'],
    ['connected', 'ok', 'connected', null],
  ] as const)('%s is told as %s, “%s”', (state, tone, word, text) => {
    expect(wordsOfCluster(cluster({ state }))).toMatchObject({ tone, word, text });
  });

  it('says what a Redis that is away means for streams', () => {
    const away = cluster({ state: 'away', reason: 'nothing listens there' });
    expect(wordsOfCluster(away)).toMatchObject({ tone: 'bad', word: 'away 12 s' });
    expect(wordsOfCluster(away).text).toMatch(
      /^Redis is away: nothing listens there\. Streams that are live go on\. New ones are accepted;/,
    );
    expect(wordsOfCluster({ ...away, when_down: 'refuse' }).text).toMatch(
      /New ones are refused until this is over\.$/,
    );
  });

  it('says why it may not take part', () => {
    const refused = cluster({ state: 'refused', reason: 'the others have another secret' });
    expect(wordsOfCluster(refused)).toMatchObject({ tone: 'bad', word: 'refused' });
    expect(wordsOfCluster(refused).text).toContain(
      'This process is not one of them: the others have another secret.',
    );
  });
});

describe('how another process is', () => {
  it.each([
    [{}, 'ok', 'connected'],
    [{ reason: 'it does not answer' }, 'warn', 'unreachable'],
    [{ reason: 'nothing is heard of it', heard_s: 12 }, 'bad', 'silent'],
  ])('%o is told as %s, “%s”', (more, tone, word) => {
    expect(wordsOfProcess(process(more), cluster())).toMatchObject({ tone, word });
  });

  it('says what is wrong with this one', () => {
    const self = process({ is_self: true, reason: 'its keys may not be those of the others' });
    expect(wordsOfProcess(self, cluster())).toMatchObject({
      tone: 'warn',
      word: 'connected',
      text: 'Its keys may not be those of the others.',
    });
  });

  it('is not known without Redis, but for this one', () => {
    const away = cluster({ state: 'away' });
    expect(wordsOfProcess(process(), away).word).toBe('not known');
    expect(wordsOfProcess(process({ is_self: true }), away).word).toBe('away 12 s');
  });
});

it('what flows between processes is told in one line', () => {
  expect(flow(cluster())).toBe('1 stream here · none elsewhere');
  expect(flow(cluster({ streams_here: 2, streams_elsewhere: 3 }))).toBe(
    '2 streams here · 3 elsewhere, none of them watched here',
  );
  expect(flow(cluster({ streams_elsewhere: 3, pulls: 1, pulled_bytes_per_s: 2e6 }))).toBe(
    '1 stream here · 3 elsewhere, 1 of them watched here, 2.0 MB/s',
  );
});

it('a heartbeat that came in time is no number that runs', () => {
  expect([heard(0.1), heard(2.9), heard(7), heard(null)]).toEqual([
    'just now',
    'just now',
    '7 s ago',
    '–',
  ]);
});

it('what models can do is a rate, and where it was not measured that is said', () => {
  expect([wordsOfCapacity(62.5), wordsOfCapacity(1234.5)]).toEqual([
    { text: '62.5 fps', below: null, why: null },
    { text: '1,235 fps', below: null, why: null },
  ]);
  const unknown = wordsOfCapacity(null);
  expect(unknown).toMatchObject({ text: '–', below: 'not measured' });
  expect(unknown.why).toContain('No model has analysed enough frames there yet.');
});
