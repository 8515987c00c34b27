import { ActionIcon, Tooltip } from '@mantine/core';
import type { Camera } from 'sightwire/api';
import { Link } from '../../base/Link';
import { courseOf } from '../../api/cameras';
import { formatMs, formatRate } from '../../components/format';
import { Icon } from '../../components/Icon';
import { Name } from '../../components/Name';
import { Sparkline } from '../../components/Sparkline';
import {
  Tile,
  TileHead,
  TileMark,
  TileNumber,
  TileNumbers,
  TilePicture,
} from '../../components/Tile';
import type { GridPictures } from '../pictures/gridPictures';
import { brokenShare } from '../../api/course';
import { cameraWords, UNANSWERED } from '../state/streamWords';
import { standing } from './standing';
import { TileCanvas } from './TileCanvas';
import { useTilePicture } from './useTilePicture';
import css from './CameraTile.module.css';

interface Props {
  camera: Camera;
  pictures: GridPictures;
  /** The numbers are old, because the server does not answer. */
  stale: boolean;
  /** Null where it may not be changed. */
  onEdit: ((camera: Camera) => void) | null;
}

/** One camera in the grid: its picture, its state, the numbers that matter. */
export function CameraTile({ camera, pictures, stale, onEdit }: Props) {
  const { id, name, stream } = camera;
  const { canvas, painted, failure, wanted } = useTilePicture(pictures, id);
  const course = courseOf(id);
  const words = stale
    ? UNANSWERED
    : cameraWords(camera, failure, { wanted, broken: brokenShare(course) });
  const hasPicture = painted && (stream !== null || failure === null || stale);
  return (
    <Tile aria-labelledby={`name-${id}`} data-testid={`tile-${id}`}>
      <TilePicture id={id} words={words} painted={hasPicture}>
        <Link href={`/cameras/${id}`} className={css.picture} aria-label={`Open ${name}`}>
          <TileCanvas canvas={canvas} live={words.live} empty={!hasPicture} />
        </Link>
      </TilePicture>
      <TileHead
        id={`name-${id}`}
        beside={
          <>
            {camera.default && <TileMark>default</TileMark>}
            {onEdit !== null && (
              <Tooltip
                label={camera.configured ? 'Defined in sightwire.toml: show the settings' : 'Edit'}
              >
                <ActionIcon onClick={() => onEdit(camera)} aria-label={`Edit ${name}`}>
                  <Icon name="edit" />
                </ActionIcon>
              </Tooltip>
            )}
          </>
        }
      >
        <Link href={`/cameras/${id}`} className={css.name}>
          <Name>{name}</Name>
        </Link>
      </TileHead>
      <Numbers camera={camera} />
      <div className={css.course} title="Frames in, over the last minute">
        <Sparkline values={course.fps} atLeast={10} />
      </div>
    </Tile>
  );
}

/** How fast it is, and what there is to say of whoever watches it; else how long it has been so. */
function Numbers({ camera: { stream } }: { camera: Camera }) {
  const delay = stream?.delay_ms ?? null;
  return (
    <TileNumbers className={css.numbers ?? ''}>
      <TileNumber
        name="Frames in"
        explain="Frames received from the camera per second."
        value={formatRate(stream?.fps ?? null)}
        unit="fps"
      />
      {delay !== null && (
        <TileNumber
          name="Delay p50, p95"
          explain="Time on the server from a frame’s arrival to its delivery to a viewer. Measured while someone watches the stream; these previews do not count."
          value={`${formatMs(delay.p50)}, ${formatMs(delay.p95)}`}
          unit="ms"
        />
      )}
      {delay === null && stream !== null && (
        <TileNumber {...standing(stream)} explain="Since its state last changed." />
      )}
      {stream !== null && stream.viewers > 0 && (
        <TileNumber
          name="Viewers"
          explain="Pages, players and programs watching the stream now."
          value={String(stream.viewers)}
        />
      )}
    </TileNumbers>
  );
}
