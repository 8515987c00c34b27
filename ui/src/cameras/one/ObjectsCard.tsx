import { UnstyledButton, useComputedColorScheme } from '@mantine/core';
import { useReducedMotion } from '@mantine/hooks';
import { useCallback, useEffect, useMemo, useRef } from 'react';
import 'uplot/dist/uPlot.min.css';
import { Icon } from '../../components/Icon';
import { ToolButton } from '../../components/ToolButton';
import { useFrameLoop } from '../../recognise/view/useFrameLoop';
import type { DetectionFeed, FeedView, SeenClass } from './detectionFeed';
import { drawnColour } from './drawnColour';
import { ObjectChart } from './objectChart';
import { countByLabel } from './objectTrace';
import { type Settings, shows, toggleClass } from './settings';
import css from './ObjectsCard.module.css';

interface Props {
  feed: DetectionFeed;
  view: FeedView;
  settings: Settings;
  onClasses: (classes: Settings['classes']) => void;
}

/** How many objects of each class there were, and which classes are shown. */
export function ObjectsCard({ feed, view, settings, onClasses }: Props) {
  const { classes } = settings;
  // Chosen ones stay offered, even if none of them has been seen yet.
  const unseen = (classes ?? []).filter((label) => !view.seen.some((one) => one.label === label));
  const offered = [...view.seen, ...unseen.map((label) => ({ label, index: null }))];
  const counts = countByLabel(view.objects);
  const off = settings.view === 'plain';
  return (
    <section className={`card ${css.card}`} aria-labelledby="objects">
      <div className={css.head}>
        <h2 id="objects" className="caption">
          Objects over the last 2 minutes
        </h2>
        <ToolButton
          icon="close"
          disabled={classes === null}
          onClick={() => onClasses(null)}
          data-testid="all-classes"
        >
          All classes
        </ToolButton>
      </div>
      <Chart feed={feed} seen={view.seen} settings={settings} active={!off} />
      <div className={css.chips} role="group" aria-label="Classes shown">
        {offered.map(({ label, index }) => {
          const pressed = classes?.includes(label) === true;
          return (
            <UnstyledButton
              key={label}
              className={css.chip}
              aria-pressed={pressed}
              data-off={!shows(settings, label) || undefined}
              onClick={() => onClasses(toggleClass(settings, label))}
              data-testid={`class-${label}`}
            >
              <span
                className={css.dot}
                style={{ background: index === null ? 'var(--class-neutral)' : drawnColour(index) }}
              />
              {label}
              <span className={`number ${css.count}`}>{counts.get(label) ?? 0}</span>
              {pressed && <Icon name="check" size={14} />}
            </UnstyledButton>
          );
        })}
        {offered.length === 0 && <p className={css.none}>{hint(view, off)}</p>}
      </div>
    </section>
  );
}

function hint({ phase }: FeedView, off: boolean): string {
  if (off) return 'Detection is off in this view.';
  if (phase === 'broken')
    return 'No results: the server is not sending any. Retrying automatically.';
  return 'No objects detected yet. Classes appear here as they are detected.';
}

interface ChartProps {
  feed: DetectionFeed;
  seen: readonly SeenClass[];
  settings: Settings;
  active: boolean;
}

function Chart({ feed, seen, settings, active }: ChartProps) {
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
