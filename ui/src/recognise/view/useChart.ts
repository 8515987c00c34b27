import { useComputedColorScheme } from '@mantine/core';
import { useReducedMotion } from '@mantine/hooks';
import { type RefObject, useCallback, useEffect, useRef } from 'react';
import { useFrameLoop } from './useFrameLoop';

interface Options<Chart> {
  /** Makes the chart; another function makes another chart. */
  make: (host: HTMLElement) => Chart;
  /** Draws it as of now; another function draws at once. */
  draw: (chart: Chart, nowMs: number) => void;
  /** Whether it moves. */
  active: boolean;
  /** How many times a second it moves; once with reduced motion. */
  fps: number;
}

/** A chart in an element, on its own frame loop, in the colours of the scheme. */
export function useChart<Chart extends { destroy: () => void }>({
  make,
  draw,
  active,
  fps,
}: Options<Chart>): RefObject<HTMLDivElement | null> {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const scheme = useComputedColorScheme();
  // With reduced motion the lines move on once a second instead of gliding.
  const calm = useReducedMotion();

  useEffect(() => {
    if (host.current === null) return;
    const own = make(host.current);
    chart.current = own;
    return () => {
      own.destroy();
      chart.current = null;
    };
    // The scheme is not read here, but the colours that a chart resolves depend on it.
  }, [make, scheme]);

  const paint = useCallback(
    (nowMs: number) => {
      if (chart.current !== null) draw(chart.current, nowMs);
    },
    // A new chart has to be drawn once even while nothing runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [draw, make, scheme],
  );
  useFrameLoop(active, calm ? 1 : fps, paint);
  return host;
}
