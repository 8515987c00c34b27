import { useComputedColorScheme } from '@mantine/core';
import { useReducedMotion } from '@mantine/hooks';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import 'uplot/dist/uPlot.min.css';
import { useFrameLoop } from '../../recognise/view/useFrameLoop';
import type { DetectionFeed, SeenClass } from './detectionFeed';
import { ObjectChart } from './objectChart';
import { type Settings, shows } from './settings';
import css from './ObjectsCard.module.css';

interface Props {
  feed: DetectionFeed;
  seen: readonly SeenClass[];
  settings: Settings;
  active: boolean;
}

/** The lines, on their own frame loop. */
export default function ObjectLines({ feed, seen, settings, active }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<ObjectChart | null>(null);
  const scheme = useComputedColorScheme();
  // With reduced motion the lines move on once a second instead of gliding.
  const calm = useReducedMotion();
  const lines = useMemo(() => seen.filter(({ label }) => shows(settings, label)), [seen, settings]);

  useEffect(() => {
    if (host.current === null) return;
    const own = new ObjectChart(host.current);
    chart.current = own;
    return () => {
      own.destroy();
      chart.current = null;
    };
    // The scheme is not read here, but the colours that the chart resolves depend on it.
  }, [scheme]);

  const draw = useCallback(
    (nowMs: number) => chart.current?.draw(feed.trace, lines, nowMs),
    // A new chart has to be drawn once even while nothing runs.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [feed, lines, scheme],
  );
  useFrameLoop(active, calm ? 1 : 10, draw);

  return (
    <div
      ref={host}
      className={css.chart}
      role="img"
      aria-label="Line chart of the number of objects of each class. The buttons below give the newest numbers."
    />
  );
}
