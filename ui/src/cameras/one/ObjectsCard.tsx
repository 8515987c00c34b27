import { UnstyledButton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { Icon } from '../../components/Icon';
import { ToolButton } from '../../components/ToolButton';
import type { DetectionFeed, FeedView } from './detectionFeed';
import { drawnColour } from './drawnColour';
import { countByLabel } from './objectTrace';
import { type Settings, shows, toggleClass } from './settings';
import css from './ObjectsCard.module.css';

/** What draws charts is loaded after the page has shown. */
const ObjectLines = lazy(() => import('./ObjectLines'));

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
      <Suspense fallback={<div className={css.chart} />}>
        <ObjectLines feed={feed} seen={view.seen} settings={settings} active={!off} />
      </Suspense>
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
