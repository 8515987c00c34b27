import { useComputedColorScheme } from '@mantine/core';
import { useReducedMotion } from '@mantine/hooks';
import { useCallback, useEffect, useRef } from 'react';
import 'uplot/dist/uPlot.min.css';
import { Chart } from './chart';
import type { Props } from './ConfidenceChart';
import { useFrameLoop } from './useFrameLoop';
import css from './ConfidenceChart.module.css';

/** The lines, on their own frame loop. */
export default function ConfidenceLines({ session, labels, active, threshold }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const scheme = useComputedColorScheme();
  // With reduced motion the lines move on once a second instead of gliding.
  const calm = useReducedMotion();

  useEffect(() => {
    if (host.current === null) return;
    const own = new Chart(host.current, labels);
    chart.current = own;
    return () => {
      own.destroy();
      chart.current = null;
    };
    // The scheme is not read here, but the colours that the chart resolves depend on it.
  }, [labels, scheme]);

  const draw = useCallback(
    (nowMs: number) => chart.current?.draw(session.trace, threshold, nowMs),
    // A new chart (other labels, other colours) has to be drawn once even while nothing runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [session, threshold, labels, scheme],
  );
  useFrameLoop(active, calm ? 1 : 30, draw);

  return (
    <div
      ref={host}
      className={css.chart}
      role="img"
      aria-label="Line chart of each class’s confidence. The bars give the newest values."
    />
  );
}
