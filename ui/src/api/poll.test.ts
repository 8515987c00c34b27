import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Poll } from './poll';

let page: EventTarget & { hidden: boolean };
let asked: number;
let answer: () => Response;

const nothing = () => undefined;

async function show(hidden: boolean): Promise<void> {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
  await vi.advanceTimersByTimeAsync(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal('document', page);
  asked = 0;
  answer = () => Response.json({ n: asked });
  vi.stubGlobal('fetch', () => {
    asked += 1;
    return Promise.resolve(answer());
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('asking again and again', () => {
  it('goes on for as long as somebody looks, at the pace of the most impatient', async () => {
    const poll = new Poll<{ n: number }>('/x');
    const leave = poll.watch(3000, nothing);
    const leaveToo = poll.watch(1000, nothing);
    await vi.advanceTimersByTimeAsync(3500);
    // One at each arrival, then one a second.
    expect(asked).toBe(5);
    leaveToo();
    leave();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(5);
  });

  it('rests while the page is hidden and asks at once when it is seen again', async () => {
    const leave = new Poll('/x').watch(1000, nothing);
    await vi.advanceTimersByTimeAsync(0);
    await show(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(1);
    await show(false);
    expect(asked).toBe(2);
    leave();
  });

  it('says after four seconds that the server is silent, and takes the answer of a busy one all the same', async () => {
    let answered: (response: Response) => void = nothing;
    vi.stubGlobal('fetch', () => new Promise<Response>((resolve) => (answered = resolve)));
    const poll = new Poll<{ n: number }>('/x');
    const changed = vi.fn();
    const leave = poll.watch(1000, changed);
    await vi.advanceTimersByTimeAsync(3900);
    expect(poll.view().failure).toBeNull();
    await vi.advanceTimersByTimeAsync(200);
    expect(poll.view().failure).toMatchObject({ status: null });
    expect(changed).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(10_000);
    answered(Response.json({ n: 7 }));
    await vi.advanceTimersByTimeAsync(0);
    expect(poll.view()).toMatchObject({ answer: { n: 7 }, failure: null });
    leave();
  });

  it('keeps the last answer beside the failure, and forgets the failure with the next one', async () => {
    const poll = new Poll<{ n: number }>('/x');
    const leave = poll.watch(1000, nothing);
    await vi.advanceTimersByTimeAsync(0);
    answer = () => Response.json({ detail: 'There is no such thing.' }, { status: 404 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(poll.view().answer).toEqual({ n: 1 });
    expect(poll.view().failure).toMatchObject({ status: 404, detail: 'There is no such thing.' });
    answer = () => Response.json({ n: asked });
    await vi.advanceTimersByTimeAsync(1000);
    expect(poll.view()).toMatchObject({ answer: { n: 3 }, failure: null });
    leave();
  });
});
