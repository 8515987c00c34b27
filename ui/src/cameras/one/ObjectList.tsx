import type { Detection } from 'sightwire/api';
import { formatPercent, UNKNOWN } from '../../components/format';
import { drawnColour } from './drawnColour';
import { inOrder } from './objectOrder';
import { objectWords } from './objectWords';
import { type Settings, shows } from './settings';
import type { FeedView } from './detectionFeed';
import css from './ObjectList.module.css';

/** More than these are a crowd, not a list. */
const MOST = 50;

interface Props {
  view: FeedView;
  settings: Settings;
  /** New pictures come; else this is what was in the last one. */
  live: boolean;
  hasFrame: boolean;
}

/** What is before the camera now. */
export function ObjectList({ view, settings, live, hasFrame }: Props) {
  const objects = inOrder(
    view.objects.filter(({ label }) => shows(settings, label)),
    view.seen.map(({ label }) => label),
  );
  const more = objects.length - MOST;
  const tracked = settings.view === 'tracking';
  const detects = settings.view !== 'plain';
  const words = objectWords({ count: objects.length, detects, live, hasFrame });
  return (
    <section className={`card ${css.card}`} aria-labelledby="now" data-old={words.old || undefined}>
      <h2 id="now" className="caption">
        {words.title}
        <span className={`number ${css.total}`} data-testid="object-count">
          {words.count ?? UNKNOWN}
        </span>
      </h2>
      <ul className={css.list} tabIndex={0} aria-label="Objects in view now">
        {objects.slice(0, MOST).map((object, n) => (
          <Row
            key={tracked && object.track !== null ? `#${object.track}` : n}
            object={object}
            tracked={tracked}
            // Boxes of tracks have the colours of the tracks, others those of the classes.
            colour={drawnColour(tracked ? (object.track ?? object.class) : object.class)}
          />
        ))}
        {more > 0 && <li className={css.soft}>and {more} more</li>}
        {objects.length === 0 && <li className={css.soft}>{words.none}</li>}
      </ul>
    </section>
  );
}

interface RowProps {
  object: Detection;
  colour: string;
  tracked: boolean;
}

function Row({ object, colour, tracked }: RowProps) {
  const { label, track, confidence, box } = object;
  const [left, top, right, bottom] = box;
  return (
    <li className={`number ${css.row}`}>
      <span className={css.dot} style={{ background: colour }} />
      <span className={css.label}>{label}</span>
      {tracked && track !== null && <span className={css.soft}>#{track}</span>}
      <span className={css.soft}>
        {Math.round(right - left)} × {Math.round(bottom - top)}
      </span>
      <span className={css.share}>{formatPercent(confidence)} %</span>
    </li>
  );
}
