/**
 * Calls back `fps()` times a second, in hidden pages, too; late ticks are left out. Returns how to
 * stop that.
 */
export function everyTick(fps: () => number, run: (nowMs: number) => void): () => void {
  const worker = new Worker(new URL('./ticker.worker.ts', import.meta.url), { type: 'module' });
  let intervalMs = 0;
  let lastMs = -Infinity;
  const set = () => {
    if (intervalMs === 1000 / fps()) return;
    intervalMs = 1000 / fps();
    worker.postMessage(intervalMs);
  };
  worker.onmessage = () => {
    set();
    const nowMs = performance.now();
    // A page that was busy finds several ticks at once.
    if (nowMs - lastMs < intervalMs / 2) return;
    lastMs = nowMs;
    run(nowMs);
  };
  set();
  return () => worker.terminate();
}
