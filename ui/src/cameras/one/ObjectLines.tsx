import { useCallback, useMemo } from 'react';
import 'uplot/dist/uPlot.min.css';
import { useChart } from '../../recognise/view/useChart';
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

const make = (host: HTMLElement) => new ObjectChart(host);

/** The lines, on their own frame loop. */
export default function ObjectLines({ feed, seen, settings, active }: Props) {
  const lines = useMemo(() => seen.filter(({ label }) => shows(settings, label)), [seen, settings]);
  const draw = useCallback(
    (chart: ObjectChart, nowMs: number) => chart.draw(feed.trace, lines, nowMs),
    [feed, lines],
  );
  const host = useChart({ make, draw, active, fps: 10 });

  return (
    <div
      ref={host}
      className={css.chart}
      role="img"
      aria-label="Line chart of the number of objects of each class. The buttons below give the newest numbers."
    />
  );
}
