import { useEffect } from 'react';

/** Calls `draw` at most `fps` times a second, on animation frames: never while the page is hidden. */
export function useFrameLoop(active: boolean, fps: number, draw: (nowMs: number) => void): void {
  useEffect(() => {
    if (!active) {
      draw(performance.now());
      return;
    }
    let handle = 0;
    let lastMs = -Infinity;
    // Animation frames come a little early or late: half a frame of slack keeps the rate even.
    const gapMs = 1000 / fps - 8;
    const frame = (nowMs: number) => {
      handle = requestAnimationFrame(frame);
      if (nowMs - lastMs < gapMs) return;
      lastMs = nowMs;
      draw(performance.now());
    };
    handle = requestAnimationFrame(frame);
    return () => cancelAnimationFrame(handle);
  }, [active, fps, draw]);
}
