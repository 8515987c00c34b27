import { useEffect, useState } from 'react';
import type { Camera, Stream } from 'sightwire/api';
import { Link } from '../base/Link';
import { GridPictures } from '../cameras/pictures/gridPictures';
import { TileCanvas } from '../cameras/grid/TileCanvas';
import { useTilePicture } from '../cameras/grid/useTilePicture';
import {
  cameraWords,
  shortCause,
  streamWords,
  type StreamWords,
  UNANSWERED,
} from '../cameras/state/streamWords';
import { HeldOrder } from '../components/heldOrder';
import { Name } from '../components/Name';
import { StateBadge, type Tone } from '../components/StateBadge';
import css from './LiveNow.module.css';
import { nowOrder } from './nowOrder';

/** As many as are seen at a glance; the wall shows all. */
export const MOST_SHOWN = 8;
/** A glance is enough here: pictures change so often, and all of them together. */
const PACE = { fps: 2, together: 8 };

interface Props {
  cameras: readonly Camera[];
  /** How many more of them may be read. */
  freePlaces: number;
  /** Those that are sent. */
  streams: readonly Stream[];
  /** The server does not answer: what is shown is old. */
  stale: boolean;
  /** When the server answered last. */
  atMs: number;
}

/** A camera or a stream. */
interface Shown {
  id: string;
  name: string;
  href: string;
  tone: Tone;
  words: (failure: Parameters<typeof cameraWords>[1], wanted: boolean) => StreamWords;
}

/** What runs now, as it looks now. */
export function LiveNow({ cameras, freePlaces, streams, stale, atMs }: Props) {
  const [pictures] = useState(() => new GridPictures(PACE));
  const [order] = useState(() => new HeldOrder<Shown>(({ id }) => id));
  const [hold, setHold] = useState(false);
  useEffect(() => {
    const open = cameras.filter(({ stream }) => stream !== null);
    pictures.places.update(
      [...streams, ...open].map(({ id }) => id),
      freePlaces,
    );
  }, [pictures, cameras, streams, freePlaces]);
  const sent = streams.map<Shown>((stream) => ({
    id: stream.id,
    name: stream.name,
    href: `/wall?one=${encodeURIComponent(stream.id)}`,
    tone: streamWords(stream).tone,
    words: () => streamWords(stream),
  }));
  const own = cameras.map<Shown>((camera) => ({
    id: camera.id,
    name: camera.name,
    href: `/cameras/${camera.id}`,
    tone: cameraWords(camera, null).tone,
    words: (failure, wanted) => cameraWords(camera, failure, { wanted }),
  }));
  const sorted = nowOrder(own, sent);
  const ids = sorted.map(({ id }) => id);
  // A tile that changes its state does not change its place at once, and none does under a pointer. Before that all are new.
  const [held, setHeld] = useState('');
  const set = ids.toSorted().join(' ');
  if (!hold && held !== set) setHeld(set);
  const all = order.arrange(
    sorted,
    hold ? held : set,
    (a, b) => ids.indexOf(a.id) - ids.indexOf(b.id),
    { nowMs: atMs, hold, steady: false },
  );
  const more = all.length - MOST_SHOWN;
  return (
    <section aria-labelledby="live-now">
      <div className={css.head}>
        <h2 id="live-now" className={css.title}>
          Now
        </h2>
        <Link href="/wall" className={css.wall}>
          {more > 0 ? `${more} more on the Wall` : 'Open the Wall'}
        </Link>
      </div>
      <ul
        className={css.grid}
        data-count={Math.min(all.length, MOST_SHOWN)}
        onPointerEnter={() => setHold(true)}
        onPointerLeave={() => setHold(false)}
        onFocus={() => setHold(true)}
        onBlur={() => setHold(false)}
      >
        {all.slice(0, MOST_SHOWN).map(({ id, name, href, words }) => (
          <li key={id}>
            <Now {...{ id, name, href, words, pictures, stale }} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface NowProps extends Omit<Shown, 'tone'> {
  pictures: GridPictures;
  stale: boolean;
}

function Now({ id, name, href, words: wordsFor, pictures, stale }: NowProps) {
  const { canvas, painted, failure, wanted } = useTilePicture(pictures, id);
  const words = stale ? UNANSWERED : wordsFor(failure, wanted);
  const shown = painted && (failure === null || stale);
  return (
    <Link href={href} className={css.tile} data-testid={`now-${id}`}>
      <span className={css.frame}>
        <TileCanvas canvas={canvas} live={words.live} empty={!shown} />
        {!shown && words.text !== null && (
          <span className={css.note}>{shortCause(words.text)}</span>
        )}
      </span>
      <span className={css.caption}>
        <StateBadge tone={words.tone} icon={words.icon} word={words.word} />
        <span className={css.name}>
          <Name>{name}</Name>
        </span>
      </span>
    </Link>
  );
}
