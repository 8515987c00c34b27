import { ActionIcon, Tooltip } from '@mantine/core';
import type { Camera } from 'sightwire/api';
import { Link } from '../../app/Link';
import { courseOf } from '../../api/cameras';
import { formatMs, formatRate, UNKNOWN } from '../../components/format';
import { Icon } from '../../components/Icon';
import { Sparkline } from '../../components/Sparkline';
import { StateBadge } from '../../components/StateBadge';
import type { GridPictures } from '../pictures/gridPictures';
import { brokenShare, type Course } from '../state/course';
import { cameraWords } from '../state/streamWords';
import { useTilePicture } from './useTilePicture';
import css from './Tile.module.css';

interface Props {
  camera: Camera;
  pictures: GridPictures;
  /** The numbers are old, because the server does not answer. */
  stale: boolean;
  onEdit: (camera: Camera) => void;
}

/** One camera in the grid: its picture, its state, the three numbers that matter. */
export function Tile({ camera, pictures, stale, onEdit }: Props) {
  const { id, name, stream } = camera;
  const { canvas, painted, failure, wanted } = useTilePicture(pictures, id);
  const course = courseOf(id);
  const words = cameraWords(camera, failure, { wanted, broken: brokenShare(course) });
  const { live, banner, text } = words;
  const hasPicture = painted && (stream !== null || failure === null);
  return (
    <article
      className={`card ${css.tile}`}
      aria-labelledby={`name-${id}`}
      data-testid={`tile-${id}`}
    >
      <div className={css.frame}>
        <Link href={`/cameras/${id}`} className={css.picture} aria-label={`Open ${name}`}>
          <canvas
            ref={canvas}
            className={css.canvas}
            data-live={(live && !stale) || undefined}
            data-empty={!hasPicture || undefined}
            width={4}
            height={3}
          />
        </Link>
        <span className={css.badge}>
          <StateBadge
            tone={words.tone}
            icon={words.icon}
            word={words.word}
            data-testid={`state-${id}`}
          />
        </span>
        {(banner ?? text) !== null && (
          <p className={css.note} data-empty={!hasPicture || undefined} data-testid={`note-${id}`}>
            {hasPicture && banner !== null && <strong>{banner}. </strong>}
            {text}
          </p>
        )}
      </div>
      <div className={css.head}>
        <h2 id={`name-${id}`} className={css.name}>
          <Link href={`/cameras/${id}`}>{name}</Link>
        </h2>
        {camera.default && <span className={css.mark}>default</span>}
        <Tooltip
          label={camera.configured ? 'Defined in sightwire.toml: show the settings' : 'Edit'}
        >
          <ActionIcon onClick={() => onEdit(camera)} aria-label={`Edit ${name}`}>
            <Icon name="edit" />
          </ActionIcon>
        </Tooltip>
      </div>
      <Numbers camera={camera} course={course} />
    </article>
  );
}

function Numbers({ camera: { stream }, course }: { camera: Camera; course: Course }) {
  const delay = stream?.delay_ms ?? null;
  return (
    <dl className={css.numbers}>
      <Number
        name="Frames in"
        explain="Frames received from the camera per second."
        value={formatRate(stream?.fps ?? null)}
        unit="fps"
        values={course.fps}
        atLeast={10}
      />
      <Number
        name="Delay p50, p95"
        explain="Time on the server from a frame’s arrival to its delivery to a viewer. Measured while someone watches the stream; these previews do not count."
        value={delay === null ? UNKNOWN : `${formatMs(delay.p50)}, ${formatMs(delay.p95)}`}
        unit="ms"
        values={course.delay}
        atLeast={5}
      />
      <Number
        name="Viewers"
        explain="Pages, players and programs watching the stream now."
        value={stream === null ? UNKNOWN : String(stream.viewers)}
      />
    </dl>
  );
}

interface NumberProps {
  name: string;
  explain: string;
  value: string;
  unit?: string;
  values?: readonly number[];
  atLeast?: number;
}

function Number({ name, explain, value, unit, values, atLeast = 1 }: NumberProps) {
  return (
    <div className={css.number} title={explain}>
      <dt>{name}</dt>
      <dd className="number">
        <span data-unknown={value === UNKNOWN || undefined}>{value}</span>
        {unit !== undefined && <span className={css.unit}>{unit}</span>}
      </dd>
      {values !== undefined && (
        <dd className={css.spark} aria-hidden="true">
          <Sparkline values={values} atLeast={atLeast} />
        </dd>
      )}
    </div>
  );
}
