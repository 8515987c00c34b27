import { useCallback } from 'react';
import 'uplot/dist/uPlot.min.css';
import { Chart } from './chart';
import type { Props } from './ConfidenceChart';
import { useChart } from './useChart';
import css from './ConfidenceChart.module.css';

/** The lines, on their own frame loop. */
export default function ConfidenceLines({ session, labels, active, threshold }: Props) {
  const make = useCallback((host: HTMLElement) => new Chart(host, labels), [labels]);
  const draw = useCallback(
    (chart: Chart, nowMs: number) => chart.draw(session.trace, threshold, nowMs),
    [session, threshold],
  );
  const host = useChart({ make, draw, active, fps: 30 });

  return (
    <div
      ref={host}
      className={css.chart}
      role="img"
      aria-label="Line chart of each class’s confidence. The bars give the newest values."
    />
  );
}
