import { ActionIcon, Tooltip } from '@mantine/core';
import type { StreamView } from 'sightwire/relay';
import { memo } from 'react';
import { useCourse } from '../broadcast/useCourse';
import { formatMs, formatRate, UNKNOWN } from '../components/format';
import { Icon } from '../components/Icon';
import { Tile, TileHead, TileMark, TileNumber, TileNumbers, TilePicture } from '../components/Tile';
import type { Painter } from './painter';
import { useScreen } from './useScreen';
import { tileWords } from './words';
import css from './WallTile.module.css';

interface Props {
  view: StreamView;
  name: string;
  painter: Painter<ImageBitmap>;
  /** 0 where it does not matter. */
  nowMs: number;
  isLarge: boolean;
  onToggle: (id: string) => void;
  onRemove: (id: string) => void;
}

/** One stream: its picture, its state, and the numbers that matter to whoever watches. */
export const WallTile = memo(function WallTile(props: Props) {
  const { view, name, painter, nowMs, isLarge, onToggle, onRemove } = props;
  const { id, state } = view;
  const { frame, painted, broken, shape } = useScreen(painter, id);
  const words = tileWords(view, nowMs, broken);
  const isOver = state === 'ended';
  const act = isOver ? onRemove : onToggle;
  const what = isOver ? 'Remove' : isLarge ? 'Make smaller' : 'Enlarge';
  return (
    <Tile
      aria-label={name}
      data-testid={`tile-${id}`}
      data-state={state}
      data-live={words.live || undefined}
      data-large={isLarge || undefined}
    >
      <TilePicture
        id={id}
        words={words}
        painted={painted}
        frame={frame}
        className={css.frame}
        style={isLarge && shape !== null ? { aspectRatio: shape } : undefined}
      >
        <button
          type="button"
          className={css.picture}
          onClick={() => act(id)}
          aria-label={`${what}: ${name}, ${state}`}
          data-tile={id}
        >
          <canvas className={css.canvas} width={4} height={3} data-empty="" />
          <canvas className={css.marks} aria-hidden="true" />
        </button>
      </TilePicture>
      <TileHead
        title={name}
        beside={
          <>
            {view.mode === 'enhanced' && (
              <TileMark title="More of its frames are analysed.">enhanced</TileMark>
            )}
            {view.kind === 'camera' && <TileMark title="A camera of this server.">camera</TileMark>}
            {isOver && (
              <Tooltip label="Remove from the wall now">
                <ActionIcon
                  onClick={() => onRemove(id)}
                  aria-label={`Remove ${name} from the wall`}
                >
                  <Icon name="close" />
                </ActionIcon>
              </Tooltip>
            )}
          </>
        }
      >
        {name}
      </TileHead>
      <Numbers view={view} />
    </Tile>
  );
});

/** Above so many percent somebody should know. */
const MUCH_LOST = 5;

function Numbers({ view }: { view: StreamView }) {
  const { state, fps, delayMs, lostPercent, missed } = view;
  const live = state === 'live';
  const rates = useCourse(live ? fps : null, view);
  const delays = useCourse(live ? delayMs : null, view);
  return (
    <TileNumbers className={css.numbers ?? ''}>
      <TileNumber
        name="Frames"
        explain="Frames received here per second."
        value={live ? formatRate(fps) : UNKNOWN}
        unit="fps"
        course={rates}
        atLeast={10}
      />
      <TileNumber
        name="Delay"
        explain="Time from a frame’s arrival at the server to its arrival here, measured over the last seconds. The server’s clock is known to about a millisecond."
        value={live && delayMs !== null && delayMs < 1 ? '< 1' : formatMs(live ? delayMs : null)}
        unit="ms"
        course={delays}
        atLeast={20}
      />
      <TileNumber
        name="Lost"
        explain={`Frames lost in the last seconds because this page or its network was too slow. Since the page was opened: ${missed}.`}
        value={live ? lostPercent.toFixed(lostPercent < 9.95 ? 1 : 0) : UNKNOWN}
        unit="%"
        warn={live && lostPercent > MUCH_LOST}
      />
    </TileNumbers>
  );
}
