import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GridPictures, type News } from './gridPictures';

/** Lets everything happen that needs no time. */
const settle = async () => {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
  await vi.advanceTimersByTimeAsync(0);
};

let page: EventTarget & { hidden: boolean };
/** Answers that are still to come, in the order in which they were asked for. */
let asked: ((sequence: string) => Promise<void>)[];
let heard: News[];
let leave: () => void;

async function show(hidden: boolean): Promise<void> {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  heard = [];
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal('document', page);
  vi.stubGlobal('createImageBitmap', () =>
    Promise.resolve({ width: 640, height: 480, close: () => undefined }),
  );
  vi.stubGlobal(
    'fetch',
    () =>
      new Promise<Response>((resolve) => {
        asked.push(async (sequence) => {
          const headers = { 'x-sightwire-sequence': sequence };
          resolve(new Response(new Blob(['jpeg']), { headers }));
          await settle();
        });
      }),
  );
  const canvas = { width: 4, height: 3, getContext: () => ({ drawImage: () => undefined }) };
  leave = new GridPictures().join('yard', canvas as unknown as HTMLCanvasElement, (news) => {
    heard.push(news);
  });
});

afterEach(() => {
  leave();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('shows no picture that was asked for before the page was hidden', async () => {
  await asked[0]?.('1');
  await vi.waitFor(() => expect(heard).toEqual(['picture']));
  await vi.advanceTimersByTimeAsync(250);
  expect(asked).toHaveLength(2);
  await show(true);
  expect(heard).toEqual(['picture', 'old']);
  await asked[1]?.('2');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(heard).toEqual(['picture', 'old']);
  expect(asked).toHaveLength(2);
  await show(false);
  expect(asked).toHaveLength(3);
  await asked[2]?.('2');
  await vi.waitFor(() => expect(heard).toEqual(['picture', 'old', 'picture']));
});
