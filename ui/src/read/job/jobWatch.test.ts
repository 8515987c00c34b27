import type { Job, JobFile } from 'sightwire/api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RequestError } from '../../api/http';
import { testFile, testJob } from '../../testing/answers';
import { type Events, JobWatch, type Needs } from './jobWatch';

type Heard = (event: MessageEvent<string>) => void;

class FakeEvents implements Events {
  closed = false;
  private readonly heard = new Map<string, Heard>();

  constructor(readonly path: string) {}

  addEventListener = (type: string, heard: Heard): void => {
    this.heard.set(type, heard);
  };

  close = (): void => {
    this.closed = true;
  };

  say(type: string, data: unknown = null): void {
    this.heard.get(type)?.({ data: JSON.stringify(data) } as MessageEvent<string>);
  }
}

const row = (index: number, state: JobFile['state']): JobFile =>
  testFile({ index, name: `${index}.png`, state, picture: true });

let opened: FakeEvents[] = [];
let answers: Job | RequestError = testJob();
let rows: JobFile[] = [];
let asked = 0;
const needs: Needs = {
  events: (path) => {
    const events = new FakeEvents(path);
    opened.push(events);
    return events;
  },
  job: () => {
    asked += 1;
    return answers instanceof Error ? Promise.reject(answers) : Promise.resolve(answers);
  },
  rows: () => Promise.resolve({ total: rows.length, files: rows }),
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('document', Object.assign(new EventTarget(), { hidden: false }));
  opened = [];
  asked = 0;
  answers = testJob();
  rows = [row(0, 'done'), row(1, 'waiting'), row(2, 'waiting')];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (ms = 1000) => vi.advanceTimersByTimeAsync(ms);
const states = (watch: JobWatch) => watch.view().rows.map(({ state }) => state);

describe('a job that is watched', () => {
  it('is said to be silent when a busy server is late, and what it had stays until the answer comes', async () => {
    let late: Promise<Job> | null = null;
    let answer: (job: Job) => void = () => undefined;
    const slow: Needs = { ...needs, job: (id) => late ?? needs.job(id) };
    const watch = new JobWatch('a', slow);
    watch.watch(() => undefined);
    await settle();
    late = new Promise((resolve) => (answer = resolve));
    watch.retryNow();
    await settle(3900);
    expect(watch.view().phase).toBe('there');
    await settle(200);
    expect(watch.view().phase).toBe('silent');
    expect(states(watch)).toEqual(['done', 'waiting', 'waiting']);
    await settle(15_000);
    answer(testJob());
    await settle();
    expect(watch.view().phase).toBe('there');
  });

  it('is listed once, then told of file by file', async () => {
    const watch = new JobWatch('a', needs);
    watch.watch(() => undefined);
    await settle();
    expect(watch.view().phase).toBe('there');
    expect(states(watch)).toEqual(['done', 'waiting', 'waiting']);
    expect(opened.map(({ path }) => path)).toEqual(['/api/v1/jobs/a/events?after=1']);
    opened[0]?.say('file', row(2, 'failed'));
    opened[0]?.say('job', testJob({ done: 1, failed: 1 }));
    await settle();
    expect(states(watch)).toEqual(['done', 'waiting', 'failed']);
    expect(watch.view().job?.failed).toBe(1);
    expect(asked).toBe(1);
  });

  it('is shown a few times a second, however fast the files come', async () => {
    const watch = new JobWatch('a', needs);
    const changed = vi.fn();
    watch.watch(changed);
    await settle();
    changed.mockClear();
    for (let n = 0; n < 500; n += 1) opened[0]?.say('file', row(1, 'done'));
    await settle(150);
    expect(changed).not.toHaveBeenCalled();
    await settle(100);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it('is at rest when it has ended: no connection is left', async () => {
    const watch = new JobWatch('a', needs);
    watch.watch(() => undefined);
    await settle();
    answers = testJob({ state: 'done', done: 3 });
    rows = rows.map(({ index }) => row(index, 'done'));
    opened[0]?.say('end', answers);
    await settle();
    expect(opened).toHaveLength(1);
    expect(opened[0]?.closed).toBe(true);
    expect(states(watch)).toEqual(['done', 'done', 'done']);
  });

  it('begins anew after a loss, and says that the server is silent', async () => {
    const watch = new JobWatch('a', needs);
    watch.watch(() => undefined);
    await settle();
    answers = new RequestError('no answer');
    opened[0]?.say('error');
    await settle();
    expect(watch.view().phase).toBe('silent');
    expect(states(watch)).toHaveLength(3);
    answers = testJob();
    await settle(4000);
    expect(watch.view().phase).toBe('there');
    expect(opened).toHaveLength(2);
  });

  it('is gone when the server does not know it, and is not asked for again', async () => {
    answers = new RequestError('no such job', 404, 'No such job.');
    const watch = new JobWatch('a', needs);
    watch.watch(() => undefined);
    await settle(20_000);
    expect(watch.view().phase).toBe('gone');
    expect(asked).toBe(1);
  });

  it('costs nothing while the page is hidden or nobody looks', async () => {
    const watch = new JobWatch('a', needs);
    const leave = watch.watch(() => undefined);
    await settle();
    Object.assign(document, { hidden: true });
    document.dispatchEvent(new Event('visibilitychange'));
    expect(opened[0]?.closed).toBe(true);
    Object.assign(document, { hidden: false });
    document.dispatchEvent(new Event('visibilitychange'));
    await settle();
    expect(opened).toHaveLength(2);
    leave();
    expect(opened[1]?.closed).toBe(true);
    await settle(20_000);
    expect(opened).toHaveLength(2);
  });
});
