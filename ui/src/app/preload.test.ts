import { describe, expect, it, vi } from 'vitest';
import { preloadPages } from './preload';

describe('pages that nobody has opened yet', () => {
  const page = () => vi.fn(() => Promise.resolve());
  const refused = () => vi.fn(() => Promise.reject(new Error('401')));

  it('are loaded one after the other', async () => {
    const loading: (() => void)[] = [];
    const slow = vi.fn(() => new Promise<void>((resolve) => loading.push(resolve)));
    const [second, third] = [page(), page()];
    const all = preloadPages([slow, second, third], () => false);
    await Promise.resolve();
    expect(second).not.toHaveBeenCalled();
    for (const loaded of loading) loaded();
    await all;
    for (const load of [slow, second, third]) expect(load).toHaveBeenCalledOnce();
  });

  it('are not asked for once one was refused', async () => {
    const [first, second, third] = [page(), refused(), page()];
    await preloadPages([first, second, third], () => false);
    expect(second).toHaveBeenCalledOnce();
    expect(third).not.toHaveBeenCalled();
  });

  it('are not asked for while the page is left', async () => {
    const [first, second] = [page(), page()];
    await preloadPages([first, second], () => first.mock.calls.length > 0);
    expect(first).toHaveBeenCalledOnce();
    expect(second).not.toHaveBeenCalled();
  });
});
